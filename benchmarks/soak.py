"""One worker under a steady load for long: does its memory stay flat, and is every number right?

    make bench-soak              (or: python -m benchmarks.soak --rate 10000 --minutes 30)

Event time runs eight times as fast, so that a leg, kept for two hours after its last event, goes
after fifteen minutes. Memory is sampled every ten seconds; its slope is the least-squares line over
the last third. At the end every pane that a reader holds is compared with one fold of all records.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import time
from pathlib import Path
from typing import Final

from pipeline import kernel

kernel.use("auto")  # before anything imports the domain

from benchmarks import measure  # noqa: E402
from benchmarks.oracle import differences  # noqa: E402

SAMPLE_S: Final = 10
SHOWN: Final = 15
SPEED: Final = "8"


def main() -> None:
    """Run for so long and print memory, CPU, lag and differences."""
    parser = argparse.ArgumentParser(description=str(__doc__).splitlines()[0])
    parser.add_argument("--rate", type=int, default=10_000, help="events per second")
    parser.add_argument("--minutes", type=float, default=30)
    options = parser.parse_args()
    say = sys.stdout.write
    say(f"{measure.machine()}\n")
    with measure.bench("bench.") as b, measure.worker(b.env) as process:
        while not (measure.status(b.env) or {}).get("partitions"):
            time.sleep(0.1)
        seconds = int(options.minutes * 60)
        arguments = (b.bootstrap, b.topic("acd.events"), str(options.rate), str(seconds), SPEED)
        command = [sys.executable, "-m", "benchmarks.calls_now", *arguments]
        cpu, begun = measure.cpu_seconds(process.pid), time.monotonic()
        samples: list[tuple[float, float, float]] = []
        with subprocess.Popen(command, env=b.env, stdout=subprocess.PIPE) as load:
            while load.poll() is None:
                time.sleep(SAMPLE_S)
                at = (time.monotonic() - begun) / 60
                samples.append((at, resident_mb(process.pid), lag_s(b)))
            sent = int(load.communicate()[0])
        share = (measure.cpu_seconds(process.pid) - cpu) / (time.monotonic() - begun)
        while measure.folded(b.env) < sent:
            time.sleep(0.5)
        rows = samples[:: max(1, len(samples) // SHOWN)]
        for at, mb, lag in rows:
            say(f"{at:6.1f} min {mb:8.1f} MB {lag:7.2f} s behind\n")
        kept = [(at, mb) for at, mb, _ in samples if at > options.minutes * 2 / 3]
        lags = sorted(lag for _, _, lag in samples)
        say(
            f"{sent:,} events, {share:.0%} of a core; memory {slope(kept) * 60:+.1f} MB/h over the "
            f"last third; behind at most {lags[-1]:.2f} s, median {lags[len(lags) // 2]:.2f} s\n"
        )
        process.terminate()
        process.wait(60)
        panes, found = differences(b)
        say(f"{panes:,} panes, {found} differences\n")


def resident_mb(pid: int) -> float:
    """Return the resident memory of a process, MB."""
    pages = int(Path(f"/proc/{pid}/statm").read_text().split()[1])
    return pages * 4096 / 1e6


def lag_s(b: measure.Bench) -> float:
    """Return the age of the oldest record not folded, over all partitions."""
    return max(measure.gauges(b.env, "vane_lag_seconds"), default=0.0)


def slope(points: list[tuple[float, float]]) -> float:
    """Return the least-squares slope of (x, y)."""
    n = len(points)
    x_mean, y_mean = sum(x for x, _ in points) / n, sum(y for _, y in points) / n
    squares = sum((x - x_mean) ** 2 for x, _ in points)
    return sum((x - x_mean) * (y - y_mean) for x, y in points) / squares


if __name__ == "__main__":
    main()
