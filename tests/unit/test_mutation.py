"""Mutation testing can still do its work: the copy that it mutates has all that the tests need."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from tests.mutation import TESTS, copy_project


def test_the_copy_that_is_mutated_has_all_that_the_domain_s_tests_need(tmp_path: Path) -> None:
    copy_project(tmp_path)
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "--collect-only", "-q", *TESTS],
        capture_output=True,
        text=True,
        check=False,
        cwd=tmp_path,
        env={"PYTHONPATH": str(tmp_path)},
    )
    assert done.returncode == 0, done.stdout[-2000:]
