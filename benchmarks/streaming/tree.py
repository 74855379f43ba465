"""CPU and memory of a process and all its descendants, from /proc; and the end of all of them."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
from collections import defaultdict
from pathlib import Path
from typing import Final

TICKS: Final = os.sysconf("SC_CLK_TCK")
PAGE: Final = os.sysconf("SC_PAGE_SIZE")


def measure(root: int) -> tuple[float, float]:
    """Return (user + system CPU seconds, resident MB) of a process tree; (0, 0) if it is gone.

    A descendant's time counts on after its end if its parent waited for it.
    """
    stats = [stat for _, stat in _members(root)]
    return sum(cpu for cpu, _ in stats), sum(rss for _, rss in stats)


def kill(process: subprocess.Popen[bytes]) -> None:
    """Kill -9 a process and its descendants; wait for it."""
    for pid, _ in _members(process.pid):
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
    process.wait(30)


def _members(root: int) -> list[tuple[int, tuple[float, float]]]:
    children: dict[int, list[int]] = defaultdict(list)
    stats: dict[int, tuple[float, float]] = {}
    for path in Path("/proc").glob("[0-9]*/stat"):
        with contextlib.suppress(OSError):  # ended meanwhile
            fields = path.read_text().rpartition(")")[2].split()
            pid = int(path.parent.name)
            children[int(fields[1])].append(pid)
            cpu = sum(int(x) for x in fields[11:15]) / TICKS
            stats[pid] = cpu, int(fields[21]) * PAGE / 1e6
    found = []
    todo = [root]
    while todo:
        pid = todo.pop()
        if pid in stats:
            found.append((pid, stats[pid]))
        todo.extend(children[pid])
    return found
