"""Lines of queue_log per second of ``vane kpi``: by queue and by agent, CPU time and peak memory.

    python -m benchmarks.queue_log [--lines 2000000] [--dirty]

Simulated days of one floor, repeated with later times and other call ids until there are enough
lines. The command runs as people call it, start-up included; what its start-up alone costs is told
beside it. ``--dirty`` puts a blank line, a backslash and a broken line into every chunk, so that
nothing is read in columns: the slow path.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from benchmarks.measure import machine
from pipeline.settings import PROJECT_ROOT
from pipeline.simulator.floor import simulate_day
from pipeline.simulator.plan import Order, Scenario
from pipeline.simulator.queue_log import queue_log_lines

DAYS = 5
SCALE = 17.0
DAY_S = 86_400
DIRTY_EVERY = 5_000


class Run(NamedTuple):
    """One run of the command."""

    seconds: float
    cpu_s: float
    peak_mb: float
    rows: int
    said: str


def simulated_days() -> list[str]:
    """Return the lines of one floor's first days, in order of time."""
    order = Order(
        scenario=Scenario.NORMAL_MONTH, seed=1, year=2025, month=11, scale=SCALE, days=DAYS
    )
    lines: list[str] = []
    for day in order.dates():
        plan = order.plans(day)[0]
        lines += queue_log_lines(plan, simulate_day(plan))
    return lines


def repeated(lines: list[str], wanted: int, *, dirty: bool) -> Iterator[str]:
    """Yield lines until there are ``wanted``, each repetition some days later, as other calls."""
    parts = [(int(epoch), rest) for epoch, _, rest in (line.partition("|") for line in lines)]
    written = 0
    turn = 0
    while written < wanted:
        shift = turn * DAYS * DAY_S
        for epoch, rest in parts[: wanted - written]:
            call, _, more = rest.partition("|")
            name = call if call == "NONE" else f"{int(call[:10]) + shift}{call[10:]}"
            yield f"{epoch + shift}|{name}|{more}"
            written += 1
            if dirty and written % DIRTY_EVERY == 0:
                yield ""
                yield f"{epoch + shift}|x|q|A\\|B|PAUSE|10\\|1"
                yield f"{epoch + shift}|x"
        turn += 1


def run(path: Path, by: str) -> Run:
    """Run the command over a log; its output is kept from the results."""
    command = [sys.executable, "-m", "pipeline", "kpi", str(path), "--by", by, "--json"]
    env = os.environ | {"PYTHONPATH": str(PROJECT_ROOT)}
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    started = time.monotonic()
    with tempfile.TemporaryFile() as out:
        done = subprocess.run(command, env=env, stdout=out, stderr=subprocess.PIPE, check=True)
        elapsed = time.monotonic() - started
        out.seek(0)
        rows = sum(chunk.count(b"\n") for chunk in iter(lambda: out.read(1 << 20), b"")) - 2
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    # Of all children so far the largest; the smaller runs come first.
    return Run(elapsed, cpu, after.ru_maxrss / 1024, rows, done.stderr.decode().splitlines()[0])


def main() -> None:
    """Print lines per second of wall and CPU time, and peak memory."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--lines", type=int, default=2_000_000)
    parser.add_argument("--dirty", action="store_true")
    arguments = parser.parse_args()
    print(machine())
    with tempfile.TemporaryDirectory(prefix="vane-bench-") as folder:
        path, small = Path(folder) / "queue_log", Path(folder) / "small"
        lines = simulated_days()
        small.write_text("\n".join(lines[:5_000]) + "\n")
        count = 0
        with path.open("w") as file:
            for line in repeated(lines, arguments.lines, dirty=arguments.dirty):
                file.write(line + "\n")
                count += 1
        start_up = run(small, "queue")
        print(f"start-up: {start_up.cpu_s:.1f} CPU-s, {start_up.peak_mb:.0f} MB")
        results = {}
        for by in ("queue", "agent"):
            found = run(path, by)
            net = found.cpu_s - start_up.cpu_s
            results[by] = round(count / net)
            print(
                f"by {by}: {count:,} lines in {found.seconds:.1f} s ({count / found.seconds:,.0f} "
                f"lines/s), {found.cpu_s:.1f} CPU-s ({count / found.cpu_s:,.0f} lines/CPU-s, "
                f"{count / net:,.0f} without start-up), peak {found.peak_mb:.0f} MB, "
                f"{found.rows:,} rows; {found.said}"
            )
        print(json.dumps({"lines_per_cpu_s": results}))


if __name__ == "__main__":
    main()
