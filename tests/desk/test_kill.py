"""``kill -9`` at any moment: what was done is there once, what was under way is not there."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from sqlalchemy import Engine

from pipeline.desk.perform import perform
from pipeline.desk.verify import verify
from pipeline.settings import PROJECT_ROOT
from tests.desk.records import FIRST, a_command, a_word, tell
from tests.desk.test_perform import history, record


@contextmanager
def dying(url: str, how: str) -> Iterator[subprocess.Popen[str]]:
    """Run the process; it is killed at the latest when the block ends."""
    process = subprocess.Popen(
        [sys.executable, "-m", "tests.desk.dying", url, how],
        stdout=subprocess.PIPE,
        text=True,
        cwd=PROJECT_ROOT,
        env=os.environ | {"PYTHONPATH": str(PROJECT_ROOT)},
    )
    with process:
        try:
            yield process
        finally:
            process.kill()


@pytest.mark.parametrize("after", [1, 7, 40])
def test_killed_amid_many_moves_nothing_is_lost_or_doubled(
    store: Engine, url: str, after: int
) -> None:
    tell(store, a_word(1))
    with dying(url, "busy") as process:
        assert process.stdout is not None
        for number in range(after):
            assert process.stdout.readline() == f"{number}\n"
        process.kill()
        said = len(process.stdout.readlines()) + after
    done = len(history(store, "alert", FIRST)) - 1
    assert said <= done <= said + 1  # one may be done and not yet said
    # Who was killed tries all of it again, under the same keys, and goes on.
    for number in range(done + 3):
        given = {"comment": f"number {number}"}
        perform(store, a_command("alert", FIRST, "comment", key=str(number), given=given))
    assert [entry.key for entry in history(store, "alert", FIRST)[1:]] == list(
        map(str, range(done + 3))
    )
    assert verify(store, None, lambda _read, _total: None).problems == []


def test_killed_before_the_commit_it_never_was_and_the_next_does_not_wait_for_it(
    store: Engine, url: str
) -> None:
    tell(store, a_word(1))
    with dying(url, "midway") as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "midway\n"
        process.kill()
    assert record(store, "alert", FIRST)["state"] == "open"
    done = perform(store, a_command("alert", FIRST, "acknowledge"))
    assert (done.is_repeated, done.record["version"]) == (False, 2)
    assert verify(store, None, lambda _read, _total: None).problems == []
