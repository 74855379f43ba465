"""Months of several sizes, landed to published: time, CPU, peak memory, disk, and where time goes.

    make bench-curve EVENTS="1 10 50"       (or: python -m benchmarks.batch.curve --events 1 10)

Sizes are millions of call events; agents' states come on top, some half as many. A million are
simulated, the larger months are copies of them as further clients (``landed.py``).
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

from benchmarks.batch import landed, parts
from benchmarks.batch.watch import Watched, size_mb, watch
from benchmarks.measure import machine
from pipeline.lake import warehouse
from pipeline.lake.shape import AGENT_STATES, CALL_EVENTS
from pipeline.settings import PROJECT_ROOT

SMALL = 0.01
"""Scale of a month that is closed beforehand."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Point:
    """One size of month; sizes on disk in MB."""

    events: int
    states: int
    legs: int
    landed_mb: float
    published_mb: float
    watched: Watched
    parts: dict[str, float]


HEAD = (
    "call events", "agents' states", "legs", "seconds", "µs an event", "CPU s", "peak MB",
    "landed MB", "build MB", "published MB", *parts.PARTS, "start and end",
)  # fmt: skip


def main() -> None:
    """Measure each size and print a table of Markdown."""
    options = argparse.ArgumentParser(description=str(__doc__).splitlines()[0])
    options.add_argument("--events", type=int, nargs="+", default=[1, 10], help="millions")
    options.add_argument("--memory", default=warehouse.MEMORY_LIMIT, help="DuckDB's memory limit")
    options.add_argument("--home", type=Path, help="folder to keep; a temporary one by default")
    chosen = options.parse_args()
    with tempfile.TemporaryDirectory(prefix="vane-bench-") as scratch:
        home = (chosen.home or Path(scratch)).resolve()
        base = landed.simulate(home / "base", 1e6 / landed.EVENTS_PER_SCALE)
        landed.simulate(home / "small", SMALL)
        measure(home / "small", chosen.memory)  # so that dbt has parsed, as in any later month
        print(f"{machine()}; DuckDB's memory limit {chosen.memory}", flush=True)
        print(f"| {' | '.join(HEAD)} |\n|{'---|' * len(HEAD)}", flush=True)
        for millions in chosen.events:
            where = home / f"{millions}"
            shutil.rmtree(where, ignore_errors=True)
            started = time.monotonic()
            landed.multiply(base, where / "landing", millions)
            took = time.monotonic() - started
            sys.stderr.write(f"landed {millions} M in {took:.0f} s; closing\n")
            print(_row(measure(where, chosen.memory)), flush=True)
            shutil.rmtree(where)


def measure(home: Path, memory: str) -> Point:
    """Close the month landed below ``home``."""
    root = home / "landing"
    command = [sys.executable, "-m", "benchmarks.batch.parts", "--month", landed.MONTH]
    env = os.environ | {"VANE_HOME": str(home), "PYTHONPATH": str(PROJECT_ROOT)}
    watched = watch([*command, "--memory", memory], env=env, folder=home / "build")
    told = json.loads(watched.out.splitlines()[-1])
    return Point(
        events=landed.rows(root, CALL_EVENTS),
        states=landed.rows(root, AGENT_STATES),
        legs=told["rows"]["fct_leg_facts"],
        landed_mb=size_mb(root),
        published_mb=size_mb(home / "published"),
        watched=watched,
        parts=told["parts"],
    )


def _row(point: Point) -> str:
    watched = point.watched
    whole = watched.seconds
    shares = [point.parts.get(name, 0.0) for name in parts.PARTS]
    cells = [
        *(f"{count:,}" for count in (point.events, point.states, point.legs)),
        f"{whole:,.1f}",
        f"{whole / point.events * 1e6:.1f}",
        f"{watched.cpu_s:,.1f}",
        f"{watched.peak_mb:,.0f}",
        *(f"{mb:,.0f}" for mb in (point.landed_mb, watched.disk_mb, point.published_mb)),
        *(f"{s:,.1f} s, {s / whole:.0%}" for s in (*shares, whole - sum(shares))),
    ]
    return f"| {' | '.join(cells)} |"


if __name__ == "__main__":
    main()
