"""What a quarter of a million live legs cost a worker: memory, and how long a snapshot holds it up.

    make bench-legs             (or: python -m benchmarks.live_legs --legs 250000)

Calls of some minutes come evenly over the two hours for which a leg is kept; the folds of four
partitions are filled with their events, then snapshotted by the worker's engine to a real broker
while a task of the same event loop looks at the clock every millisecond.
"""

from __future__ import annotations

import argparse
import asyncio
import gc
import heapq
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import uvloop
from faust.types import TP

from pipeline import kernel

FOLD = kernel.use("auto")

# The domain is imported by these, so they come after.
from benchmarks import measure  # noqa: E402
from pipeline.config_files import load_alert_rules, load_targets  # noqa: E402
from pipeline.domain.events import CallEvent, EventType, customer_ref, event_id  # noqa: E402
from pipeline.domain.fold import Record  # noqa: E402
from pipeline.domain.watermark import GRACE_MS  # noqa: E402
from pipeline.settings import load_settings  # noqa: E402
from pipeline.streams.engine import Engine  # noqa: E402
from pipeline.streams.outgoing import PaneTemplates  # noqa: E402
from pipeline.streams.part import Part  # noqa: E402

PARTITIONS = 4
LOG_MS = 4 * 3_600_000
"""Event time of the log before it is looked at, ms: twice the time a leg is kept."""

START_MS = 1_762_740_000_000


def main() -> None:
    """Fill, snapshot and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--legs", type=int, default=250_000)
    options = parser.parse_args()
    sys.stdout.write(f"{measure.machine()}\nfold: {FOLD}\n")
    with measure.bench("bench.") as b:
        uvloop.install()
        asyncio.run(_measure(b, options.legs // PARTITIONS))


async def _measure(b: measure.Bench, legs: int) -> None:

    gc.disable()  # as a worker does (streams/garbage.py)
    config = load_settings().config_dir
    engine = Engine(
        bootstrap=b.bootstrap,
        topic=b.topic,
        targets=load_targets(config / "queues.yaml"),
        rules=load_alert_rules(config / "alerts.yaml"),
    )
    before = _resident_mb()
    events, cpu = 0, time.process_time()
    for number in range(PARTITIONS):
        fold = engine.basis.new_fold(0)
        for chunk in _log(number, legs):
            fold.fold(chunk)
            fold.take_outbox()
            events += len(chunk)
        templates = PaneTemplates(number, engine.basis.config_hash)
        engine.parts[number] = Part(TP(engine.input_topic, number), fold, 1, templates, 0)
    cpu = time.process_time() - cpu
    gc.collect()
    folds = [part.fold for part in engine.parts.values()]
    live, hot = sum(f.live_legs for f in folds), sum(len(f.legs) for f in folds)
    closed = sum(len(f.closed.newer) + len(f.closed.older) for f in folds)
    sys.stdout.write(
        f"{live:,} live legs ({hot:,} of them not packed), {closed:,} let go and remembered:"
        f" {_resident_mb() - before:,.0f} MB\n"
        f"{events:,} events made and folded at {cpu / events * 1e6:.2f} us CPU\n"
    )
    await engine.publisher.start()
    ticker = asyncio.create_task(_longest_gap())
    started, cpu = time.perf_counter(), time.process_time()
    await engine.snapshot_all()
    wall, cpu = time.perf_counter() - started, time.process_time() - cpu
    ticker.cancel()
    gaps = await ticker
    sys.stdout.write(
        f"{PARTITIONS} snapshots: {wall:.2f} s, {cpu:.2f} s CPU;"
        f" event loop held up {max(gaps) * 1000:.1f} ms at most,"
        f" {sum(g > 0.01 for g in gaps)} times over 10 ms\n"
    )
    await engine.stop()


async def _longest_gap() -> list[float]:
    gaps: list[float] = []
    try:
        while True:
            at = time.perf_counter()
            await asyncio.sleep(0.001)
            gaps.append(time.perf_counter() - at - 0.001)
    except asyncio.CancelledError:
        return gaps


def _log(partition: int, legs: int) -> Iterator[list[Record]]:
    """Yield chunks of a log in which, at its end, ``legs`` legs are younger than the grace."""
    step = GRACE_MS / legs
    kinds = (
        (EventType.QUEUED, 0, None),
        (EventType.OFFERED, 4_000, "agent"),
        (EventType.ANSWERED, 9_000, "agent"),
        (EventType.ENDED, 200_000, None),
        (EventType.WRAPUP_ENDED, 230_000, None),
    )
    calls = range(int(LOG_MS / step))
    in_order = heapq.merge(
        *(
            ((int(START_MS + n * step) + after, n, i) for n in calls)
            for i, (_, after, _) in enumerate(kinds)
        )
    )
    chunk: list[Record] = []
    for offset, (at, n, i) in enumerate(in_order):
        kind, _, agent = kinds[i]
        contact = f"{1_762_740_000 + n}.{partition}{n % 7919:05d}"
        event = CallEvent(
            v=1,
            event_id=event_id("bench", f"{contact}/{i}"),
            type=kind,
            occurred_at_ms=at,
            client="acme",
            site="",
            queue=f"service-{n % 10}",
            contact_id=contact,
            leg=1,
            source="bench",
            source_position=str(offset),
            agent=None if agent is None else f"agent-{n % 300}",
            customer_ref=customer_ref(b"bench", f"00{n}1") if i == 0 else None,
        )
        chunk.append((offset, at + 50, event))
        if len(chunk) == 2000:
            yield chunk
            chunk = []
    yield chunk


def _resident_mb() -> float:
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith("VmRSS"):
            return int(line.split()[1]) / 1024
    raise AssertionError


if __name__ == "__main__":
    main()
