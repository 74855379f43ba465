"""One worker under a steady load for long: does its memory stay flat, and is every number right?

    make bench-soak              (or: python -m benchmarks.soak --rate 10000 --minutes 30)

Event time runs 96 times as fast, so that all that the worker keeps comes and goes: a leg two hours
after its last event (75 s here), its fingerprint with its generation, twelve hours later (7.5 min).
Memory, sampled every ten seconds, rises and falls with those generations, so what is compared is
its mean over the last 7.5 minutes with that over the 7.5 before. At the end every pane that a
reader holds is compared with one fold of all records.
"""

from __future__ import annotations

import argparse
import math
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from pipeline import kernel

kernel.use("auto")  # before anything imports the domain

from benchmarks import measure  # noqa: E402
from benchmarks.oracle import differences  # noqa: E402
from pipeline.domain.closed_legs import REMEMBERED_MS  # noqa: E402

SAMPLE_S: Final = 10
SHOWN: Final = 15
SPEED: Final = 96
CYCLE_MIN: Final = REMEMBERED_MS / 60_000 / SPEED


@dataclass(frozen=True)
class Sample:
    """Minutes since the start, resident MB, legs held and remembered, age of what is not folded."""

    at: float
    mb: float
    live: float
    remembered: float
    lag_s: float


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
        arguments = (
            b.bootstrap,
            b.topic("acd.events"),
            str(options.rate),
            str(seconds),
            str(SPEED),
        )
        command = [sys.executable, "-m", "benchmarks.calls_now", *arguments]
        cpu, begun = measure.cpu_seconds(process.pid), time.monotonic()
        samples: list[Sample] = []
        with subprocess.Popen(command, env=b.env, stdout=subprocess.PIPE) as load:
            while load.poll() is None:
                time.sleep(SAMPLE_S)
                at = (time.monotonic() - begun) / 60
                samples.append(sample(b, process.pid, at))
                is_alive(process)
            sent = int(load.communicate()[0])
        took = time.monotonic() - begun
        share = (measure.cpu_seconds(process.pid) - cpu) / (time.monotonic() - begun)
        while measure.folded(b.env) < sent:
            is_alive(process)
            time.sleep(0.5)
        rows = samples[:: max(1, len(samples) // SHOWN)]
        for row in rows:
            say(
                f"{row.at:6.1f} min {row.mb:8.1f} MB {row.live:10,.0f} legs "
                f"{row.remembered:12,.0f} remembered {row.lag_s:7.2f} s behind\n"
            )
        lags = sorted(row.lag_s for row in samples)
        last, before = (mean_mb(samples, at - CYCLE_MIN * n) for n in (1, 2))
        say(
            f"{sent:,} events, {sent / took:,.0f}/s, {share:.0%} of a core; "
            f"memory {before:.1f} MB, then {last:.1f} MB: "
            f"{(last - before) * 60 / CYCLE_MIN:+.1f} MB/h; "
            f"behind at most {lags[-1]:.2f} s, median {lags[len(lags) // 2]:.2f} s\n"
        )
        process.terminate()
        process.wait(60)
        panes, found = differences(b)
        say(f"{panes:,} panes, {found} differences\n")


def is_alive(process: subprocess.Popen[bytes]) -> None:
    """Exit unless the worker is running."""
    if process.poll() is not None:
        msg = f"the worker has ended with {process.returncode}"
        raise SystemExit(msg)


def resident_mb(pid: int) -> float:
    """Return the resident memory of a process, MB."""
    pages = int(Path(f"/proc/{pid}/statm").read_text().split()[1])
    return pages * 4096 / 1e6


def sample(b: measure.Bench, pid: int, at: float) -> Sample:
    """Return what the worker holds now."""
    return Sample(
        at,
        resident_mb(pid),
        sum(measure.gauges(b.env, "vane_live_legs")),
        sum(measure.gauges(b.env, "vane_remembered_legs")),
        max(measure.gauges(b.env, "vane_lag_seconds"), default=0.0),
    )


def mean_mb(samples: list[Sample], since: float) -> float:
    """Return the mean memory of the cycle that begins at a minute; NaN if nothing was sampled."""
    found = [row.mb for row in samples if since <= row.at < since + CYCLE_MIN]
    return sum(found) / len(found) if found else math.nan


if __name__ == "__main__":
    main()
