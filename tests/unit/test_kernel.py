"""The compiled domain: built from this source, used when current, and under the same laws."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from pipeline import kernel
from pipeline.errors import ConfigError
from pipeline.settings import PROJECT_ROOT

LAWS = ("tests/property/test_fold.py", "tests/unit/domain/test_fold.py")


@pytest.fixture(scope="module")
def built() -> Path:
    """The modules as ``make setup`` built them."""
    if not kernel.is_current():
        pytest.skip("no compiled domain of this source: make kernel says why")
    return kernel.folder()


def run_python(code: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", code, *arguments],
        cwd=PROJECT_ROOT, capture_output=True, text=True, check=False,
    )  # fmt: skip


def test_the_laws_of_the_fold_hold_for_the_compiled_domain(built: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", *LAWS],
        cwd=PROJECT_ROOT, env=os.environ | {"VANE_TEST_KERNEL": "compiled"},
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout[-3000:]
    assert " passed" in done.stdout


def test_every_module_listed_runs_compiled_when_asked_for(built: Path) -> None:
    code = (
        "import sys, importlib; from pipeline import kernel; print(kernel.use('compiled'));"
        "print(*(importlib.import_module('pipeline.domain.' + m).__file__ for m in kernel.MODULES))"
    )
    said, files = run_python(code).stdout.splitlines()
    assert said == "compiled"
    assert len(files.split()) == len(kernel.MODULES)
    assert all(file.startswith(str(built)) and file.endswith(".so") for file in files.split())


def test_modules_of_another_source_are_left_aside_or_refused(tmp_path: Path) -> None:
    (tmp_path / "source.blake2b").write_text("0" * 32)
    assert not kernel.is_current(tmp_path)
    assert kernel.use("auto", tmp_path) == "python"
    with pytest.raises(ConfigError, match="expected built modules of this source, found none"):
        kernel.use("compiled", tmp_path)


def test_an_unknown_choice_names_the_valid_ones() -> None:
    with pytest.raises(ConfigError, match="expected one of auto, compiled, python, got 'fast'"):
        kernel.use("fast")


def test_a_choice_that_comes_too_late_is_a_bug(built: Path) -> None:
    code = "import pipeline.domain.leg; from pipeline import kernel; kernel.use('compiled')"
    assert "too late for the compiled domain: leg imported already" in run_python(code).stderr


def test_a_compiler_that_fails_leaves_what_was_there_and_says_why(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    place = tmp_path / "vane_kernel"
    place.mkdir()
    (place / "kept").touch()
    monkeypatch.setattr(kernel, "MODULES", ("no_such_module",))
    with pytest.raises(ConfigError, match="the compiler said"):
        list(kernel.build(place))
    assert (place / "kept").exists()
