"""The compiled domain: built from this source, used when current, and under the same laws."""

from __future__ import annotations

import importlib.util
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner

from pipeline import kernel
from pipeline.cli import app
from pipeline.errors import ConfigError
from pipeline.settings import PROJECT_ROOT

LAWS = ("tests/property/domain/test_fold.py", "tests/unit/domain/test_fold.py")


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


def test_a_mark_that_cannot_be_read_is_no_mark(tmp_path: Path) -> None:
    (tmp_path / "source.blake2b").write_bytes(b"\xff\xfe")
    assert not kernel.is_current(tmp_path)
    (tmp_path / "file").touch()
    assert not kernel.is_current(tmp_path / "file")


def test_a_build_of_which_a_part_is_gone_is_not_current(built: Path, tmp_path: Path) -> None:
    copy = tmp_path / "vane_kernel"
    shutil.copytree(built, copy)
    assert kernel.is_current(copy)
    for part in [*copy.glob("*.so"), *copy.glob("domain/*.so")]:
        aside = part.rename(part.with_suffix(".aside"))
        assert not kernel.is_current(copy), part
        aside.rename(part)
    assert kernel.is_current(copy)


def test_another_python_system_or_source_has_another_fingerprint(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    package = tmp_path / "pipeline"
    shutil.copytree(kernel._PACKAGE / "domain", package / "domain")
    for name in kernel._BESIDE:
        shutil.copy(kernel._PACKAGE / name, package / name)
    seen = {kernel.fingerprint(package)}
    assert seen == {kernel.fingerprint()}
    with (package / "errors.py").open("a") as source:
        source.write("# changed\n")
    seen.add(kernel.fingerprint(package))
    (package / "domain" / "leg.py").rename(package / "domain" / "legs.py")
    seen.add(kernel.fingerprint(package))
    for owner, name, value in (
        (sys, "version", "3.99"),
        (kernel, "_SUFFIX", ".cpython-311-aarch64-linux-musl.so"),
        (kernel, "_SETUP", "opt_level='0'"),
        (kernel, "MODULES", ("kpi",)),
    ):
        monkeypatch.setattr(owner, name, value)
        seen.add(kernel.fingerprint(package))
    assert len(seen) == 7


def test_modules_that_do_not_load_are_left_aside_or_refused(built: Path, tmp_path: Path) -> None:
    copy = tmp_path / "vane_kernel"
    shutil.copytree(built, copy)
    (library,) = copy.glob("*.so")
    library.write_bytes(b"of another C library")
    code = (
        "import sys, pathlib; from pipeline import kernel; place = pathlib.Path(sys.argv[1]);"
        "print(kernel.use('auto', place)); import pipeline.domain.fold as f; print(f.__file__);"
        "sys.modules.pop('pipeline.domain.fold'); [sys.modules.pop(m) for m in list(sys.modules)"
        " if m.startswith('pipeline.domain.')]; kernel.use('compiled', place)"
    )
    done = run_python(code, str(copy))
    said, file = done.stdout.splitlines()
    assert (said, file[-3:]) == ("python", ".py")
    assert "VANE_KERNEL: expected built modules that load, got: " in done.stderr


def test_status_says_what_is_there_by_its_exit_code_too(
    built: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = CliRunner().invoke(app, ["kernel", "status"])
    assert (found.exit_code, found.output) == (0, f"compiled: {built}\n")
    monkeypatch.setattr(kernel, "folder", lambda: tmp_path)
    missing = CliRunner().invoke(app, ["kernel", "status"])
    assert (missing.exit_code, missing.output) == (
        1,
        f"python: nothing built of this source in {tmp_path}\n",
    )
    copy = tmp_path / "vane_kernel"
    shutil.copytree(built, copy)
    next(copy.glob("*.so")).write_bytes(b"of another C library")
    code = (
        "import sys, pathlib; from pipeline import cli, kernel;"
        "kernel.folder = lambda: pathlib.Path(sys.argv[1]); cli.main(['kernel', 'status'])"
    )
    spoilt = run_python(code, str(copy))
    assert spoilt.returncode == 1
    assert spoilt.stdout.startswith(f"python: what is built in {copy} does not load: ")


BUILD = """
import pathlib, sys
from pipeline import kernel
kernel.MODULES = ("kpi",)
print(*kernel.build(pathlib.Path(sys.argv[1])), sep="\\n")
"""


def test_of_two_builds_at_once_one_compiles_and_both_end_well(built: Path, tmp_path: Path) -> None:
    place = tmp_path / "vane_kernel"
    (tmp_path / ".vane_kernel.new" / "domain").mkdir(parents=True)  # of one that was killed
    place.mkdir()
    (place / "stale").touch()
    builds = [
        subprocess.Popen(
            [sys.executable, "-c", BUILD, str(place)],
            cwd=PROJECT_ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        )
        for _ in range(2)
    ]  # fmt: skip
    said = [build.communicate() for build in builds]
    assert [build.returncode for build in builds] == [0, 0], said
    assert sorted(out.count("compiling 1 modules") for out, _ in said) == [0, 1]
    assert all(f"the compiled domain is ready: {place}" in out for out, _ in said)
    assert {p.name for p in tmp_path.iterdir()} == {"vane_kernel", ".vane_kernel.lock"}
    assert not (place / "stale").exists()
    code = BUILD.partition("print")[0] + "print(kernel.use('compiled', pathlib.Path(sys.argv[1])))"
    assert run_python(code, str(place)).stdout == "compiled\n"


def test_a_folder_that_cannot_be_written_is_named_and_no_failure_where_optional(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").touch()
    place = tmp_path / "file" / "vane_kernel"
    with pytest.raises(ConfigError, match="compiled domain: expected a folder that can be written"):
        list(kernel.build(place))
    monkeypatch.setattr(kernel, "folder", lambda: place)
    done = CliRunner().invoke(app, ["kernel", "build", "--optional"])
    assert done.exit_code == 0
    assert "the fold stays plain Python: compiled domain: expected a folder" in done.output


def test_a_missing_compiler_package_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda _name: None)
    with pytest.raises(ConfigError, match="expected the package mypy, which has the compiler"):
        list(kernel.build(tmp_path / "vane_kernel"))


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
