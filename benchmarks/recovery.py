"""How soon a worker has caught up after a kill, and how long numbers stand still at a rebalance.

    make bench-recovery          (or: python -m benchmarks.recovery --rate 5000 --backlog 30)

A worker under a steady load is killed (SIGKILL); after ``backlog`` seconds another is started. It
has caught up when what it has not folded is less than a second of input. Then a second worker
joins, leaves by SIGTERM, joins again and is killed: the pause is the longest time between two
progress records of a partition around each.
"""

from __future__ import annotations

import argparse
import asyncio
import itertools
import json
import subprocess
import sys
import threading
import time
from collections import defaultdict
from collections.abc import Callable
from typing import Final

from aiokafka import AIOKafkaConsumer, TopicPartition

from benchmarks import measure

WARM_UP_S: Final = 10
AROUND_S: Final = 25
"""How long a rebalance is looked at: longer than a session timeout and a start."""
PARTITIONS: Final = 4

Moved = dict[int, list[float]]
"""Of each partition, when its progress moved; by the monotonic clock."""


def main() -> None:
    """Run both and print them."""
    parser = argparse.ArgumentParser(description=str(__doc__).splitlines()[0])
    parser.add_argument("--rate", type=int, default=5_000, help="events per second")
    parser.add_argument("--backlog", type=int, default=30, help="seconds until the next start")
    parser.add_argument("--times", type=int, default=3)
    options = parser.parse_args()
    sys.stdout.write(f"{measure.machine()}\n")
    with measure.bench("bench.") as b:
        seconds = options.times * (WARM_UP_S + options.backlog + 30) + 6 * AROUND_S
        arguments = (b.bootstrap, b.topic("acd.events"), str(options.rate), str(seconds), "1")
        load = subprocess.Popen(
            [sys.executable, "-m", "benchmarks.calls_now", *arguments],
            env=b.env,
            stdout=subprocess.DEVNULL,
        )
        try:
            for _ in range(options.times):
                recover(b, options.rate, options.backlog)
            pauses(b)
        finally:
            load.kill()


def start(b: measure.Bench, port: int) -> subprocess.Popen[bytes]:
    """Start a worker with its status page on a port."""
    command = [sys.executable, "-m", "pipeline", "worker", "--loglevel", "warning"]
    env = b.env | {"VANE_WEB_PORT": str(port)}
    quiet = subprocess.DEVNULL
    return subprocess.Popen(command, env=env, stdout=quiet, stderr=quiet)


def recover(b: measure.Bench, rate: int, backlog: int) -> None:
    """Kill a worker, wait, start another, and print how soon it is there."""
    port = int(b.env["VANE_WEB_PORT"])
    process = start(b, port)
    wait(lambda: caught_up(b, rate))
    time.sleep(WARM_UP_S)
    process.kill()
    process.wait()
    time.sleep(backlog)
    behind = log_end(b) - measured_before_kill(b)
    begun = time.monotonic()
    process = start(b, port)
    wait(lambda: measure.folded(b.env) > 0)
    first = time.monotonic() - begun
    wait(lambda: caught_up(b, rate))
    all_of_it = time.monotonic() - begun
    sys.stdout.write(
        f"{backlog} s of backlog at {rate:,}/s ({behind:,} records): folding after {first:.1f} s, "
        f"caught up {all_of_it:.1f} s after the start\n"
    )
    process.terminate()
    process.wait(60)


def measured_before_kill(b: measure.Bench) -> int:
    """Return how far the newest progress records go, over all partitions."""
    return sum(asyncio.run(newest(b)).values())


def caught_up(b: measure.Bench, rate: int) -> bool:
    """Say whether less than a second of input is not folded."""
    return measure.folded(b.env) > log_end(b) - rate


def log_end(b: measure.Bench) -> int:
    """Return the records in the input."""
    return asyncio.run(_log_end(b))


async def _log_end(b: measure.Bench) -> int:
    consumer = AIOKafkaConsumer(bootstrap_servers=b.bootstrap)
    await consumer.start()
    tps = [TopicPartition(b.topic("acd.events"), p) for p in range(PARTITIONS)]
    ends = await consumer.end_offsets(tps)
    await consumer.stop()
    return sum(ends.values())


async def newest(b: measure.Bench) -> dict[int, int]:
    """Return the next offset that each partition's newest progress record names."""
    consumer = AIOKafkaConsumer(bootstrap_servers=b.bootstrap, auto_offset_reset="earliest")
    await consumer.start()
    tps = [TopicPartition(b.topic("kpi.progress"), p) for p in range(PARTITIONS)]
    consumer.assign(tps)
    ends = await consumer.end_offsets(tps)
    found: dict[int, int] = {}
    for tp, end in ends.items():
        consumer.seek(tp, max(0, end - 1))
    while any([await consumer.position(tp) < end for tp, end in ends.items()]):
        for records in (await consumer.getmany(timeout_ms=500)).values():
            for record in records:
                value = json.loads(record.value)
                found[value["partition"]] = value["next_offset"]
    await consumer.stop()
    return found


def wait(what: Callable[[], bool]) -> None:
    """Wait until something holds."""
    deadline = time.monotonic() + 120
    while not what():
        if time.monotonic() > deadline:
            msg = "not within 120 s"
            raise TimeoutError(msg)
        time.sleep(0.05)


def pauses(b: measure.Bench) -> None:
    """Print how long partitions stood still as a second worker came and went."""
    moved: Moved = defaultdict(list)
    over = threading.Event()
    reader = threading.Thread(target=lambda: asyncio.run(watch(b, moved, over)))
    reader.start()
    one = start(b, 16_066)
    time.sleep(AROUND_S)
    two = start_after(b, moved, "a second worker joins")
    end_after(moved, "it leaves (SIGTERM)", two.terminate)
    two = start_after(b, moved, "it joins again")
    end_after(moved, "it is killed (SIGKILL)", two.kill)
    over.set()
    reader.join()
    one.terminate()
    one.wait(60)


def start_after(b: measure.Bench, moved: Moved, name: str) -> subprocess.Popen[bytes]:
    """Start a second worker and print the pause around it."""
    begun = time.monotonic()
    found = start(b, 16_067)
    tell(moved, name, begun)
    return found


def end_after(moved: Moved, name: str, end: Callable[[], None]) -> None:
    """End the second worker and print the pause around it."""
    begun = time.monotonic()
    end()
    tell(moved, name, begun)


def tell(moved: Moved, name: str, begun: float) -> None:
    """Wait until it is over, and print for how long no partition moved."""
    time.sleep(AROUND_S)
    still = sorted(longest(moved[p], begun, time.monotonic()) for p in range(PARTITIONS))
    sys.stdout.write(
        f"{name:24} no progress for at most {still[-1]:.1f} s, "
        f"of {PARTITIONS} partitions the least {still[0]:.1f} s\n"
    )


def longest(times: list[float], begun: float, ended: float) -> float:
    """Return the longest time between two of these instants, or the ends."""
    inside = [begun, *(t for t in times if begun < t < ended), ended]
    return max(b - a for a, b in itertools.pairwise(inside))


async def watch(b: measure.Bench, moved: Moved, over: threading.Event) -> None:
    """Note when each partition's progress moved."""
    consumer = AIOKafkaConsumer(bootstrap_servers=b.bootstrap, fetch_max_wait_ms=50)
    await consumer.start()
    consumer.assign([TopicPartition(b.topic("kpi.progress"), p) for p in range(PARTITIONS)])
    while not over.is_set():
        for records in (await consumer.getmany(timeout_ms=50)).values():
            for record in records:
                moved[json.loads(record.value)["partition"]].append(time.monotonic())
    await consumer.stop()


if __name__ == "__main__":
    main()
