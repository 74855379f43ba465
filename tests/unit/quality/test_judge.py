"""The judge's process: the gate's own verdicts; it ends with its caller, and its end is told."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from pipeline.errors import TerminalError
from pipeline.quality import gate, judge
from pipeline.quality.rules import Rule, Suite

SUITE = Suite(
    "gate", (Rule("lost", "critical", "rows lost"), Rule("odd", "warning", "odd rows", most=10))
)
CALLER = """
import time
from pipeline.quality import judge
judge.summon()
print(judge._summoned[0].pid, flush=True)
time.sleep(600)
"""


@pytest.mark.parametrize("metrics", [{"lost": 0, "odd": 10}, {"lost": 3, "odd": 11}, {"odd": None}])
def test_it_judges_as_the_gate_does(metrics: dict[str, int | None]) -> None:
    assert judge.judge(SUITE, metrics) == gate.judge(SUITE, metrics)


def test_one_process_judges_all() -> None:
    judge.judge(SUITE, {"lost": 0, "odd": 0})
    before = judge._summoned[0].pid
    judge.summon()
    assert judge.judge(SUITE, {"lost": 1, "odd": 0}).critical
    assert judge._summoned[0].pid == before


def test_a_judge_that_dies_is_no_verdict_and_the_next_one_judges() -> None:
    judge.summon()
    os.kill(judge._summoned[0].pid, signal.SIGSTOP)
    os.kill(judge._summoned[0].pid, signal.SIGKILL)
    with pytest.raises(TerminalError, match=r"gate on gate was not judged.* ended with -9"):
        judge.judge(SUITE, {"lost": 0, "odd": 0})
    assert judge.judge(SUITE, {"lost": 0, "odd": 0}).violations == ()


def is_running(pid: int) -> bool:
    """Nobody may be there to reap an orphan, so one that is only not reaped has ended."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


def test_it_ends_with_a_caller_that_was_killed() -> None:
    with subprocess.Popen([sys.executable, "-c", CALLER], stdout=subprocess.PIPE) as caller:
        assert caller.stdout is not None
        pid = int(caller.stdout.readline())
        assert is_running(pid)
        caller.kill()
    deadline = time.monotonic() + 120  # it sees to it when it has imported
    while is_running(pid) and time.monotonic() < deadline:
        time.sleep(0.1)
    assert not is_running(pid)
