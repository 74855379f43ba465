"""A skipped test is a failure in CI, except where its real data cannot be there."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]
TESTS = """
import pytest
def test_runs(): pass
def test_real(): pytest.skip("no ../shared/realdata beside the repository")
"""
NO_BROKER = "def test_live(): pytest.skip('no broker today')\n"


def verdict(checkout: Path, tests: str) -> tuple[int, list[str]]:
    """Run tests, judge the report pytest makes of them; return exit code and complaints."""
    script, report = checkout / ".ci" / "skips.py", checkout / "report.xml"
    script.parent.mkdir(parents=True)
    script.write_text((ROOT / ".ci" / "skips.py").read_text())
    (checkout / "test_it.py").write_text(tests)
    command = [sys.executable, "-m", "pytest", "-q", "-c", "/dev/null", f"--junitxml={report}"]
    bare = os.environ | {"PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"}
    subprocess.run([*command, "."], cwd=checkout, env=bare, check=True, capture_output=True)
    done = subprocess.run(
        [sys.executable, str(script), str(report)], capture_output=True, text=True, check=False
    )
    return done.returncode, done.stderr.splitlines()


@pytest.fixture
def with_data(tmp_path: Path) -> Path:
    """A checkout that has the real data beside it."""
    (tmp_path / "shared" / "realdata").mkdir(parents=True)
    return tmp_path / "checkout"


@pytest.fixture
def without_data(tmp_path: Path) -> Path:
    """A checkout that has not."""
    return tmp_path / "checkout"


def test_ci_runs_every_test_once_and_looks_at_every_report() -> None:
    asked = ["make", "--dry-run", "check", "COVERAGE_FLAGS=--one", "PYTEST_FLAGS=--other"]
    bare = {name: value for name, value in os.environ.items() if "MAKE" not in name}
    said = subprocess.run(
        asked, cwd=ROOT, env=bare, capture_output=True, text=True, check=True
    ).stdout
    runs = [line.split("-m pytest ")[1] for line in said.splitlines() if "-m pytest " in line]
    domain = ["tests/unit/domain", "tests/property/domain"]
    apart = ["tests/bi"]  # has an environment of its own: make test-bi
    two_at_a_time = "-n 2 --dist loadfile"
    assert runs == [
        f"-q --one {' '.join(domain)}",
        f"{two_at_a_time} --other --ignore={' --ignore='.join([*domain, *apart])}",
    ]
    script = (ROOT / ".ci" / "run").read_text()
    for flags, report in (("COVERAGE_FLAGS", "domain"), ("PYTEST_FLAGS", "rest")):
        assert f'{flags}="--junitxml=$reports/{report}.xml"' in script
    assert (
        'for report in domain rest; do .venv/bin/python .ci/skips.py "$reports/$report.xml"'
        in script
    )


def test_a_test_of_absent_real_data_may_be_skipped(without_data: Path) -> None:
    assert verdict(without_data, TESTS) == (0, [])


def test_any_other_skip_is_named_and_fails(without_data: Path) -> None:
    expected = "unexpected skip: test_it::test_live: no broker today"
    assert verdict(without_data, TESTS + NO_BROKER) == (1, [expected])


def test_a_test_of_real_data_that_is_there_must_run(with_data: Path) -> None:
    code, complaints = verdict(with_data, TESTS)
    assert code == 1
    assert complaints[0].startswith("unexpected skip: test_it::test_real: no ../shared/realdata")
