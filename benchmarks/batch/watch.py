"""Runs a command and watches it: time, CPU, memory of its whole process tree, disk it takes."""

from __future__ import annotations

import contextlib
import os
import subprocess
import tempfile
import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from benchmarks.streaming import tree

STEP_S: Final = 0.05
DISK_STEPS: Final = 20
"""So many looks at memory for one at the disk, which takes longer."""
TOLD: Final = 20
"""Lines of a failed command's output that are shown."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Watched:
    """What a command took; memory is resident, MB of 10^6 bytes, all its processes together."""

    seconds: float
    cpu_s: float
    peak_mb: float
    disk_mb: float
    """The most that lay in the watched folder at a time."""
    out: str
    """What it wrote to its standard output."""


def watch(
    command: Sequence[str | Path], *, env: Mapping[str, str], folder: Path | None = None
) -> Watched:
    """Run a command to its end.

    Raises:
        RuntimeError: its exit code is not 0; holds the last lines that it wrote.
    """
    cpu, peak, disk = [0.0], [0.0], [0.0]
    with tempfile.TemporaryFile("w+") as out, tempfile.TemporaryFile("w+") as errors:
        started = time.monotonic()
        process = subprocess.Popen(command, env=env, stdout=out, stderr=errors)
        ended = threading.Event()
        watcher = threading.Thread(
            target=_look, args=(process.pid, folder, ended, cpu, peak, disk), daemon=True
        )
        watcher.start()
        _, status, usage = os.wait4(process.pid, 0)
        seconds = time.monotonic() - started
        process.returncode = os.waitstatus_to_exitcode(status)
        ended.set()
        watcher.join()
        for file in (out, errors):
            file.seek(0)
        if process.returncode:
            lines = [*out.read().splitlines(), *errors.read().splitlines()][-TOLD:]
            msg = f"{command}: exit code {process.returncode}:\n" + "\n".join(lines)
            raise RuntimeError(msg)
        return Watched(
            seconds=seconds,
            # a child that was not waited for, as Spark's JVM, is only seen while it runs
            cpu_s=max(cpu[0], usage.ru_utime + usage.ru_stime),
            peak_mb=max(peak[0], usage.ru_maxrss * 1024 / 1e6),
            disk_mb=disk[0],
            out=out.read(),
        )


def size_mb(folder: Path) -> float:
    """Return what the files below a folder hold, MB; files may go while it counts."""
    total = 0
    for path in folder.rglob("*"):
        with contextlib.suppress(FileNotFoundError):
            total += path.stat().st_size
    return total / 1e6


def _look(
    root: int,
    folder: Path | None,
    ended: threading.Event,
    cpu: list[float],
    peak: list[float],
    disk: list[float],
) -> None:
    steps = 0
    while not ended.wait(STEP_S):
        seen = tree.measure(root)
        cpu[0], peak[0] = max(cpu[0], seen[0]), max(peak[0], seen[1])
        if folder is not None and steps % DISK_STEPS == 0:
            disk[0] = max(disk[0], size_mb(folder))
        steps += 1
