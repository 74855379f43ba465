"""From a record's append to its KPI upsert being readable, at a steady rate on a real broker.

    make bench-latency            (or: python -m benchmarks.latency --rate 2000 --seconds 30)

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
from typing import Any

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition
from aiokafka.structs import ConsumerRecord

from benchmarks import measure

WARM_UP_S = 5


def main() -> None:
    """Run at the rate and print percentiles."""
    parser = argparse.ArgumentParser(description=str(__doc__).splitlines()[0])
    parser.add_argument("--rate", type=int, default=2000, help="events per second")
    parser.add_argument("--seconds", type=int, default=30)
    options = parser.parse_args()
    print(measure.machine())
    with measure.bench("bench.") as b:
        folder = b.home / "sim"
        b.vane("simulate", "--scenario", "double11", "--month", "2025-11", "--seed", "1",
               "--scale", "1", "--out", str(folder))  # fmt: skip
        lines = (folder / "acd.events.ndjson").read_bytes().splitlines()
        with measure.worker(b.env) as process:
            while not (measure.status(b.env) or {}).get("partitions"):
                time.sleep(0.1)
            cpu, started = measure.cpu_seconds(process.pid), time.perf_counter()
            latencies = asyncio.run(run(b, lines, options.rate, options.seconds))
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


async def run(b: measure.Bench, lines: list[bytes], rate: int, seconds: int) -> list[float]:
    """Produce at the rate; return the latency of each event after the warm-up, milliseconds."""
    appended: dict[tuple[int, int], int] = {}
    seen: list[tuple[int, int, float]] = []
    done = asyncio.Event()
    readers = [
        asyncio.create_task(read(b, "acd.events", note_append(appended), done)),
        asyncio.create_task(read(b, "kpi.progress", note_progress(seen), done)),
    ]
    await asyncio.sleep(2)
    begun = time.time()
    await produce(b, lines, rate, seconds)
    await asyncio.sleep(3)
    done.set()
    await asyncio.gather(*readers)
    latencies = []
    reached: dict[int, int] = {}
    for partition, next_offset, at in seen:
        for offset in range(reached.get(partition, 0), next_offset):
            stamp = appended.get((partition, offset))
            if stamp is not None and stamp > (begun + WARM_UP_S) * 1000:
                latencies.append(at * 1000 - stamp)
        reached[partition] = max(reached.get(partition, 0), next_offset)
    return latencies


async def produce(b: measure.Bench, lines: list[bytes], rate: int, seconds: int) -> None:
    """Send lines in order, evenly spread in steps of 10 ms."""
    producer = AIOKafkaProducer(bootstrap_servers=b.bootstrap, linger_ms=0)
    await producer.start()
    step = max(1, rate // 100)
    started, sent = time.perf_counter(), 0
    while sent < min(rate * seconds, len(lines)):
        for line in lines[sent : sent + step]:
            event = json.loads(line)
            key = event["client"] + (f"/{event['site']}" if event.get("site") else "")
            await producer.send(b.topic("acd.events"), line, key=key.encode())
        sent += step
        ahead = sent / rate - (time.perf_counter() - started)
        if ahead > 0:
            await asyncio.sleep(ahead)
    await producer.stop()


def note_append(appended: dict[tuple[int, int], int]) -> Any:  # noqa: ANN401 - a callback
    """Return a callback that notes when the broker appended each input record."""

    def note(record: ConsumerRecord[bytes, bytes]) -> None:
        appended[record.partition, record.offset] = record.timestamp

    return note


def note_progress(seen: list[tuple[int, int, float]]) -> Any:  # noqa: ANN401 - a callback
    """Return a callback that notes when each offset was covered."""

    def note(record: ConsumerRecord[bytes, bytes]) -> None:
        value = json.loads(record.value or b"{}")
        seen.append((value["partition"], value["next_offset"], time.time()))

    return note


async def read(b: measure.Bench, topic: str, note: Any, done: asyncio.Event) -> None:  # noqa: ANN401
    """Hand each new record to ``note`` until told to stop."""
    consumer = AIOKafkaConsumer(
        bootstrap_servers=b.bootstrap, auto_offset_reset="earliest", fetch_max_wait_ms=50
    )
    await consumer.start()
    consumer.assign([TopicPartition(b.topic(topic), p) for p in range(4)])
    while not done.is_set():
        for records in (await consumer.getmany(timeout_ms=50)).values():
            for record in records:
                note(record)
    await consumer.stop()


if __name__ == "__main__":
    main()
