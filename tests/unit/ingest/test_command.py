"""``vane ingest`` on the command line, without a broker."""

from __future__ import annotations

from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from pipeline.commands.ingest import app
from pipeline.errors import BrokerUnavailable, InputError

RUN = CliRunner()
ROW = (
    b"AA0101\t2\t0\t0\tPS\t990101\t9:00:00\t9:00:10\t-10\t9:00:10\t9:00:20\t10\t"
    b"AGENT\t9:00:20\t9:01:00\t40\tANN\n"
)


@pytest.fixture
def bank(tmp_path: Path) -> Path:
    """Write a tiny file of the bank, one row of it bad."""
    file = tmp_path / "bank.txt"
    file.write_bytes(ROW + b"rubbish\n")
    return file


def run(*arguments: object) -> Result:
    """Run the command."""
    return RUN.invoke(app, [str(argument) for argument in arguments])


def test_help_shows_examples_and_says_that_repeating_is_safe() -> None:
    result = run("--help")
    assert result.exit_code == 0
    assert "vane ingest --format canonical sim/month" in result.output
    assert "Running it again is safe" in result.output


def test_a_dry_run_counts_and_sends_nothing(bank: Path) -> None:
    result = run("--format", "anonymous-bank", "--client", "bank", "--dry-run", bank)
    assert result.exit_code == 0, result.output
    assert "nothing was sent" in result.output
    words = result.output.replace("│", " ").split("\n")
    counts = {" ".join(w.split()[:-1]): w.split()[-1] for w in words if w.split()[-1:]}
    assert counts["read"] == "2"
    assert counts["taken"] == "1"
    assert counts["rejected: bad_row"] == "1"
    assert counts["taken, but odd: negative_vru_time"] == "1"
    assert "acknowledged" not in result.output


@pytest.mark.parametrize("key", ["", "secret"])
def test_a_key_that_everybody_knows_is_warned_of(
    bank: Path, key: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("VANE_CUSTOMER_KEY", key)
    result = run("--format", "anonymous-bank", "--client", "bank", "--dry-run", bank)
    assert ("VANE_CUSTOMER_KEY is not set" in result.output) is (not key)


def test_a_bank_needs_a_client(bank: Path) -> None:
    result = run("--format", "anonymous-bank", bank)
    assert result.exit_code == 2
    assert "--client bank" in result.output


@pytest.mark.parametrize("option", [("--client", "acme"), ("--site", "north")])
def test_canonical_rows_name_their_client_and_site_themselves(
    option: tuple[str, str], bank: Path
) -> None:
    result = run("--format", "canonical", *option, bank)
    assert result.exit_code == 2
    assert "canonical rows name them" in result.output


def test_a_missing_path_is_named(tmp_path: Path) -> None:
    result = run("--format", "canonical", tmp_path / "gone")
    assert isinstance(result.exception, InputError)
    assert "gone: expected a file or folder, found nothing" in str(result.exception)


def test_an_empty_folder_is_refused(tmp_path: Path) -> None:
    result = run("--format", "anonymous-bank", "--client", "bank", tmp_path)
    assert isinstance(result.exception, InputError)
    assert "expected files, found an empty folder" in str(result.exception)


def test_an_absent_broker_is_named_with_what_to_do(
    bank: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("VANE_BOOTSTRAP", "127.0.0.1:1")
    result = run("--format", "anonymous-bank", "--client", "bank", bank)
    assert isinstance(result.exception, BrokerUnavailable)
    assert "127.0.0.1:1" in str(result.exception)
    assert "vane kafka start" in str(result.exception)
