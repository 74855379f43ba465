"""From a record's append to its KPI upsert being readable, at a steady rate on a real broker.

    make bench-latency            (or: python -m benchmarks.latency --rate 2000 --seconds 40)

The clock starts at the broker's append time of the input record (LogAppendTime) and stops when
a consumer holds the ``kpi.progress`` record that covers its offset, which the worker sends after
the upserts of the same chunk: so the figure is an upper bound. Producer, broker, worker and
reader share the machine.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import sys
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Final

from aiokafka import AIOKafkaConsumer, TopicPartition

from benchmarks import measure

WARM_UP_S: Final = 10
EVENTS_PER_SCALE: Final = 100_000
PARTITIONS: Final = 4


def main() -> None:
    """Run at the rate and print percentiles."""
    parser = argparse.ArgumentParser(description=str(__doc__).splitlines()[0])
    parser.add_argument("--rate", type=int, default=2000, help="events per second")
    parser.add_argument("--seconds", type=int, default=40)
    options = parser.parse_args()
    print(measure.machine())
    with measure.bench("bench.") as b:
        folder = b.home / "sim"
        scale = max(1.0, options.rate * options.seconds / EVENTS_PER_SCALE)
        b.vane("simulate", "--scenario", "double11", "--month", "2025-11", "--seed", "1",
               "--scale", str(scale), "--out", str(folder))  # fmt: skip
        file = folder / "acd.events.ndjson"
        with measure.worker(b.env) as process:
            while not (measure.status(b.env) or {}).get("partitions"):
                time.sleep(0.1)
            cpu, started = measure.cpu_seconds(process.pid), time.perf_counter()
            latencies = asyncio.run(run(b, file, options.rate, options.seconds))
            wall = time.perf_counter() - started
            share = (measure.cpu_seconds(process.pid) - cpu) / wall
            idle = idle_share(process.pid)
    latencies.sort()
    at = {p: latencies[min(len(latencies) - 1, int(len(latencies) * p))] for p in (0.5, 0.95, 0.99)}
    sys.stdout.write(
        f"{len(latencies):,} events at {options.rate:,}/s: p50 {at[0.5]:.1f} ms, "
        f"p95 {at[0.95]:.1f} ms, p99 {at[0.99]:.1f} ms, max {latencies[-1]:.1f} ms; "
        f"worker CPU {share:.0%} of a core, idle {idle:.1%}\n"
    )


def idle_share(pid: int) -> float:
    """Return the worker's CPU share while nothing comes in."""
    time.sleep(3)
    cpu = measure.cpu_seconds(pid)
    time.sleep(10)
    return (measure.cpu_seconds(pid) - cpu) / 10


async def run(b: measure.Bench, file: Path, rate: int, seconds: int) -> list[float]:
    """Send at the rate; return the latency of each event after the warm-up, milliseconds."""
    seen: list[tuple[int, int, float]] = []
    done = asyncio.Event()
    reader = asyncio.create_task(read_progress(b, seen, done))
    await asyncio.sleep(2)
    arguments = (b.bootstrap, b.topic("acd.events"), str(file), str(rate), str(seconds))
    sender = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "benchmarks.paced", *arguments, env=b.env
    )
    await sender.wait()
    await asyncio.sleep(3)
    done.set()
    await reader
    appended = await append_times(b)
    since = min(appended.values()) + WARM_UP_S * 1000
    latencies = []
    reached: dict[int, int] = {}
    for partition, next_offset, at in seen:
        for offset in range(reached.get(partition, 0), next_offset):
            stamp = appended[partition, offset]
            if stamp > since:
                latencies.append(at * 1000 - stamp)
        reached[partition] = max(reached.get(partition, 0), next_offset)
    return latencies


async def read_progress(
    b: measure.Bench, seen: list[tuple[int, int, float]], done: asyncio.Event
) -> None:
    """Note when each offset was covered: (partition, next offset, epoch s)."""
    async with reading(b, "kpi.progress") as consumer:
        while not done.is_set():
            for records in (await consumer.getmany(timeout_ms=50)).values():
                now = time.time()
                for record in records:
                    value = json.loads(record.value or b"{}")
                    seen.append((value["partition"], value["next_offset"], now))


async def append_times(b: measure.Bench) -> dict[tuple[int, int], int]:
    """Return when the broker appended each input record, epoch ms, by partition and offset."""
    found: dict[tuple[int, int], int] = {}
    async with reading(b, "acd.events") as consumer:
        ends = await consumer.end_offsets(consumer.assignment())
        while any([await consumer.position(tp) < end for tp, end in ends.items()]):
            for records in (await consumer.getmany(timeout_ms=500)).values():
                found.update(((r.partition, r.offset), r.timestamp) for r in records)
    return found


@asynccontextmanager
async def reading(b: measure.Bench, topic: str) -> AsyncIterator[AIOKafkaConsumer]:
    """Yield a consumer of all partitions of a topic, from their beginning."""
    consumer = AIOKafkaConsumer(
        bootstrap_servers=b.bootstrap, auto_offset_reset="earliest", fetch_max_wait_ms=50
    )
    await consumer.start()
    consumer.assign([TopicPartition(b.topic(topic), p) for p in range(PARTITIONS)])
    try:
        yield consumer
    finally:
        await consumer.stop()


if __name__ == "__main__":
    main()
