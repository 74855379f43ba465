"""The command line: every command is there, and errors are for people."""

from __future__ import annotations

import importlib
import os
import pkgutil
import subprocess
import sys
from pathlib import Path

import pytest
import typer

from pipeline import __version__, cli, commands
from pipeline.settings import PROJECT_ROOT


def vane(*arguments: str, **env: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "pipeline", *arguments],
        capture_output=True,
        text=True,
        check=False,
        env=os.environ | {"PYTHONPATH": str(PROJECT_ROOT), "COLUMNS": "100", **env},
    )


@pytest.mark.parametrize("option", ["--help", "-h"])
def test_help_lists_every_command_and_what_it_does(option: str) -> None:
    done = vane(option)
    assert (done.returncode, done.stderr) == (0, "")
    for name in cli.COMMANDS:
        assert any(line.split()[:1] == [name] for line in done.stdout.splitlines()), name
    assert "Start with: vane demo" in done.stdout


def test_help_loads_no_command() -> None:
    """So that a worker's image can do without the batch packages."""
    program = (
        "import sys\nfrom pipeline import cli\n"
        "try:\n    cli.main(['--help'])\nexcept SystemExit:\n    pass\n"
        "print([m for m in sys.modules if m.startswith('pipeline.commands.')"
        " or m in ('faust', 'duckdb', 'polars')])"
    )
    done = subprocess.run(
        [sys.executable, "-c", program],
        capture_output=True,
        text=True,
        check=True,
        cwd=PROJECT_ROOT,
    )
    assert done.stdout.splitlines()[-1] == "[]"


@pytest.mark.parametrize("name", cli.COMMANDS)
def test_every_command_has_a_module_with_help_of_its_own(name: str) -> None:
    module = importlib.import_module(cli.module_of(name))
    command = typer.main.get_command(module.app)
    assert command.help or getattr(command, "commands", None)


def test_every_module_with_an_app_is_a_command() -> None:
    found = {
        info.name
        for info in pkgutil.iter_modules(commands.__path__)
        if "app = typer.Typer(" in (Path(commands.__path__[0]) / f"{info.name}.py").read_text()
    }
    assert found == {cli.module_of(name).rpartition(".")[2] for name in cli.COMMANDS}


def test_an_error_raised_on_purpose_is_printed_without_a_traceback(tmp_path: Path) -> None:
    done = vane("land", VANE_CONFIG=str(tmp_path / "nowhere"))
    assert done.returncode == 1
    assert done.stdout == ""
    assert done.stderr.startswith("vane: environment variable VANE_CONFIG: expected a folder")
    assert len(done.stderr.splitlines()) == 1


def test_a_bug_is_not_hidden(monkeypatch: pytest.MonkeyPatch) -> None:
    def fails(**_: object) -> None:
        raise AssertionError("a bug")

    monkeypatch.setattr(cli, "app", fails)
    with pytest.raises(AssertionError, match="a bug"):
        cli.main([])


@pytest.mark.parametrize("arguments", [["fly"], ["--fly"], ["land", "--fly"]])
def test_what_is_not_a_command_or_option_is_named(arguments: list[str]) -> None:
    done = vane(*arguments)
    assert done.returncode == 2
    assert arguments[-1] in done.stderr
    assert "Traceback" not in done.stderr


def test_the_version_is_the_packages() -> None:
    done = vane("--version")
    assert (done.returncode, done.stdout) == (0, f"vane {__version__}\n")
