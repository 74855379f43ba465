"""Programs of Debian packages: without apt-get tests say that they are skipped, and CI fails."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from tests import postgres, programs

ROOT = Path(__file__).parents[3]


def test_without_apt_get_it_is_said_what_is_left_out_and_nothing_fails(tmp_path: Path) -> None:
    bash = tmp_path / "bin" / "bash"
    bash.parent.mkdir()
    bash.symlink_to("/bin/bash")
    done = subprocess.run(
        [bash, "requirements/debian.sh", "requirements/debian.txt", str(tmp_path / "unpacked")],
        cwd=ROOT,
        env={"PATH": str(bash.parent)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, (tmp_path / "unpacked").exists()) == (0, False)
    named = "Alertmanager, Prometheus, PostgreSQL and LibreOffice"
    assert f"no apt-get here; tests of {named} will be skipped" in done.stderr


def test_a_test_of_a_program_that_is_not_there_is_skipped_and_says_how_to_get_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(programs, "UNPACKED", Path("/nowhere"))
    monkeypatch.setenv("PATH", "")
    with pytest.raises(pytest.skip.Exception, match="no amtool: run `make programs`"):
        programs.program("amtool")


def test_a_test_on_a_server_that_is_not_there_is_skipped_too(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(postgres, "ROOTS", (tmp_path,))
    with pytest.raises(pytest.skip.Exception, match="no PostgreSQL: run `make programs`"):
        postgres.programs()


def test_alertmanager_without_its_templates_is_skipped_too(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "prometheus-alertmanager").touch(mode=0o755)
    monkeypatch.setattr(programs, "UNPACKED", tmp_path)
    monkeypatch.setattr(programs, "TEMPLATES", tmp_path / "none")
    with pytest.raises(pytest.skip.Exception, match=r"no templates in .*none: run `make programs`"):
        programs.alertmanager_program()


def test_make_test_takes_the_programs_first() -> None:
    bare = {name: value for name, value in os.environ.items() if "MAKE" not in name}
    asked = ["make", "--dry-run", "--always-make", "rest"]
    said = subprocess.run(asked, cwd=ROOT, env=bare, capture_output=True, text=True, check=True)
    lines = said.stdout.splitlines()
    fetched = next(n for n, line in enumerate(lines) if line.startswith("requirements/debian.sh"))
    tested = next(n for n, line in enumerate(lines) if "-m pytest" in line)
    assert fetched < tested
