"""Throughput of one worker against the raw consume rate.

    make bench-stream            (or: python -m benchmarks.stream --workers 2)

Both read the same topic of the same real broker in one run, one after the other. Quote the
ratios; absolute figures depend on the machine.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import subprocess
import sys
import time
import zlib
from pathlib import Path

from benchmarks import measure
from benchmarks.calls_now import CLIENTS

RAW = """
import asyncio, sys, time
from aiokafka import AIOKafkaConsumer
async def main(bootstrap, topic):
    c = AIOKafkaConsumer(topic, bootstrap_servers=bootstrap, auto_offset_reset="earliest",
                         enable_auto_commit=False, max_partition_fetch_bytes=1024 * 1024)
    await c.start()
    ends = await c.end_offsets(c.assignment())
    total, n, started = sum(ends.values()), 0, None
    while n < total:
        for records in (await c.getmany(timeout_ms=1000, max_records=8000)).values():
            if started is None:
                started = time.perf_counter(), time.process_time()
                first = len(records)
            n += len(records)
    wall, cpu = time.perf_counter() - started[0], time.process_time() - started[1]
    print("RESULT", n - first, f"{wall:.3f} {cpu:.3f}")
    await c.stop()
import uvloop
uvloop.install()
asyncio.run(main(*sys.argv[1:]))
"""


def main() -> None:
    """Run both and print a table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--scale", type=float, default=5.4, help="of the simulated 双11 day")
    parser.add_argument("--workers", type=int, default=1, help="also so many at once")
    options = parser.parse_args()
    sys.stdout.write(f"{measure.machine()}\n")
    for workers in sorted({1, options.workers}):
        compare(options.scale, workers)


def compare(scale: float, workers: int) -> None:
    """Print a table of raw consume and so many workers, on a broker of their own."""
    with measure.bench("bench.") as b:
        folder = b.home / "sim"
        b.vane("simulate", "--scenario", "double11", "--month", "2025-11", "--seed", "1",
               "--scale", str(scale), "--out", str(folder))  # fmt: skip
        total = deal(folder / "acd.events.ndjson", folder / "dealt.ndjson")
        b.vane("ingest", "--format", "canonical", str(folder / "dealt.ndjson"))
        raw_command = ["-c", RAW, b.bootstrap, b.topic("acd.events")]
        sys.stdout.write(f"\n{total:,} events on 4 partitions\n")
        sys.stdout.write(f"{'':32}{'events/s':>12}{'us CPU/event':>14}{'events/CPU-s':>14}\n")
        raw = _row("raw aiokafka consume", _child(b, raw_command))
        name = "Vane, full engine" + (f", {workers} workers" if workers > 1 else "")
        engine = _row(name, _engine(b, total, workers))
        again = _row("raw aiokafka consume, again", _child(b, raw_command))
    limit = (raw[1] + again[1]) / 2 / raw[0]
    rate = engine[0] / engine[1]
    sys.stdout.write(f"engine = {rate * limit:.0%} of the raw consume rate\n")


def deal(simulated: Path, dealt: Path) -> int:
    """Deal contacts to a client for each partition, so that all are alike; return the events."""
    total = 0
    with simulated.open("rb") as lines, dealt.open("wb") as out:
        for total, line in enumerate(lines, 1):  # noqa: B007 - counted
            event = json.loads(line)
            domain = CLIENTS[zlib.crc32(event["contact_id"].encode()) % len(CLIENTS)]
            event["client"], _, event["site"] = domain.decode().partition("/")
            out.write(json.dumps(event, separators=(",", ":")).encode() + b"\n")
    return total


Run = tuple[int, float, float]
"""(events, wall seconds, CPU seconds)."""


def _row(name: str, run: Run) -> Run:
    n, wall, cpu = run
    line = f"{name:32}{n / wall:12,.0f}{cpu / n * 1e6:14.2f}{n / cpu:14,.0f}\n"
    sys.stdout.write(line)
    sys.stdout.flush()
    return run


def _child(b: measure.Bench, arguments: list[str]) -> Run:
    done = subprocess.run(
        [sys.executable, *arguments], env=b.env, check=False, capture_output=True, text=True
    )
    line = next((x for x in done.stdout.splitlines() if x.startswith("RESULT")), None)
    if line is None:
        msg = f"no result from {arguments[0]}:\n{done.stdout[-2000:]}\n{done.stderr[-2000:]}"
        raise SystemExit(msg)
    _, n, wall, cpu = line.split()
    return int(n), float(wall), float(cpu)


def _engine(b: measure.Bench, total: int, workers: int) -> Run:
    """Time workers from where all of them fold to where all is folded."""
    ports = range(int(b.env["VANE_WEB_PORT"]), int(b.env["VANE_WEB_PORT"]) + workers)
    environments = [b.env | {"VANE_WEB_PORT": str(port)} for port in ports]
    with contextlib.ExitStack() as stack:
        started = [stack.enter_context(measure.worker(env)) for env in environments]

        def folded() -> list[int]:
            return [measure.folded(env) for env in environments]

        while not all(folded()):
            time.sleep(0.02)
        first, wall = sum(folded()), time.perf_counter()
        cpu = sum(measure.cpu_seconds(process.pid) for process in started)
        while (done := sum(folded())) < total:
            time.sleep(0.1)
        spent = sum(measure.cpu_seconds(process.pid) for process in started) - cpu
        return done - first, time.perf_counter() - wall, spent


if __name__ == "__main__":
    main()
