"""``vane reconcile``: the word ``live`` may be left out; a client's file is ``client``."""

from __future__ import annotations

from pathlib import Path

import pytest
from typer.testing import CliRunner

from pipeline.commands import reconcile
from pipeline.errors import ConfigError, InputError

RUN = CliRunner()


@pytest.mark.parametrize("words", [[], ["live"]])
def test_a_month_alone_is_that_of_the_live_side(
    words: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("VANE_HOME", str(tmp_path))
    done = RUN.invoke(reconcile.app, [*words, "--month", "2025-13"])
    assert isinstance(done.exception, InputError)
    assert "YYYY-MM" in str(done.exception)
    done = RUN.invoke(reconcile.app, [*words, "--month", "2025-11"])
    assert isinstance(done.exception, InputError)
    assert "expected landed call events" in str(done.exception)


def test_help_lists_the_commands_and_each_has_examples() -> None:
    done = RUN.invoke(reconcile.app, ["--help"])
    assert done.exit_code == 0
    for name in reconcile.COMMANDS:
        assert any(line.split()[:1] == [name] for line in done.stdout.splitlines()), name
        shown = RUN.invoke(reconcile.app, [name, "--help"])
        assert (shown.exit_code, "Examples:" in shown.stdout) == (0, True)


def test_a_client_without_a_contract(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VANE_HOME", str(tmp_path / "home"))
    mapping = tmp_path / "m.yaml"
    mapping.write_text(
        "client: nobody\ngrain: leg\ncolumns: {source_id: id, queue: q, queued_at: t}\n"
    )
    options = ["client", "x.csv", "--mapping", str(mapping), "--month", "2025-11"]
    done = RUN.invoke(reconcile.app, options)
    assert isinstance(done.exception, ConfigError)
    assert "client: expected one with a contract (bank, harbour, meridian)" in str(done.exception)
    mapping.write_text(mapping.read_text().replace("nobody", "harbour"))
    done = RUN.invoke(reconcile.app, options)
    assert isinstance(done.exception, InputError)
    assert "publish a month first" in str(done.exception)
    assert not list((tmp_path / "home").iterdir())
