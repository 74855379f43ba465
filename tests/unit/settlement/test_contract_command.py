"""``vane contract``: exit codes and what is printed."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from typer.testing import CliRunner

from pipeline.commands import contract
from pipeline.errors import InputError
from pipeline.settings import PROJECT_ROOT
from tests.contracts import EVERY_KIND

RUN = CliRunner()


@pytest.fixture
def config(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The project's configuration, a copy, with a contract of every kind."""
    folder = tmp_path / "config"
    shutil.copytree(PROJECT_ROOT / "config", folder)
    (folder / "contracts" / "acme.yaml").write_text(EVERY_KIND)
    monkeypatch.setenv("VANE_CONFIG", str(folder))
    return folder


def test_the_shipped_contracts_have_no_problem(config: Path) -> None:
    done = RUN.invoke(contract.app, ["check"])
    assert done.exit_code == 0
    assert done.output.count("no problem") == 4


def test_all_problems_of_all_files_are_printed(config: Path) -> None:
    acme = config / "contracts" / "acme.yaml"
    acme.write_text(EVERY_KIND.replace('"6.80"', "6.80"))
    (config / "calendars.yaml").write_text("calendars: 1\n")
    (config / "figures").mkdir()
    done = RUN.invoke(contract.app, ["check"])
    assert done.exit_code == 1
    assert "calendars.yaml:1: calendars: expected a list, got 1" in done.output
    assert "acme.yaml:23: clauses[1].terms[0].unit_price: expected text" in done.output
    assert done.output.count("no problem") == 3


def test_a_file_that_is_named_is_checked_alone(config: Path) -> None:
    done = RUN.invoke(contract.app, ["check", str(config / "contracts" / "bank.yaml")])
    assert (done.exit_code, done.output.count("no problem")) == (0, 1)


def test_a_contract_is_explained(config: Path) -> None:
    done = RUN.invoke(contract.app, ["explain", "acme", "--on", "2025-11-01"])
    assert done.exit_code == 0
    assert "acme, Customer service 2025: on 2025-11-01, in CNY" in done.output
    assert "3.1  Answered calls (per call)\n    Of programme retail.\n" in done.output
    before = RUN.invoke(contract.app, ["explain", "acme", "--on", "1999-01-01"])
    assert "no clause is in force" in before.output


def test_what_changes_is_printed_and_is_the_exit_code(config: Path) -> None:
    days = ["--on", "2025-11-01", "--and-on", "2025-11-11"]
    done = RUN.invoke(contract.app, ["diff", "acme", *days])
    assert done.exit_code == 1
    assert done.output.splitlines() == [
        "3.1  Answered calls: changes",
        "    - price: 6.80 CNY a call.",
        "    + price: 7.20 CNY a call.",
    ]
    same = RUN.invoke(contract.app, ["diff", "acme", "acme"])
    assert (same.exit_code, same.output) == (0, "nothing changes\n")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["explain", "nobody"], r"expected a client with a contract \(acme, bank, .*'nobody'"),
        (["explain", "acme", "--on", "11.11."], "expected a day as YYYY-MM-DD, got '11.11.'"),
        (["diff", "acme"], "expected two contracts, or --on and --and-on of one"),
    ],
)
def test_what_cannot_be_asked_is_refused(config: Path, arguments: list[str], message: str) -> None:
    with pytest.raises(InputError, match=message):
        RUN.invoke(contract.app, arguments, catch_exceptions=False)
