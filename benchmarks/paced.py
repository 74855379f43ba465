"""Sends a file of events to ``acd.events`` at a steady rate, a batch per partition every 10 ms.

    python -m benchmarks.paced BOOTSTRAP TOPIC FILE RATE SECONDS

A process of its own, and batches made by hand: what measures latency must not wait for the sender.
"""

from __future__ import annotations

import asyncio
import json
import sys
import time
from collections import defaultdict
from pathlib import Path
from typing import Final

from aiokafka import AIOKafkaProducer

from pipeline.ingest.produce import partition_of

STEP_S: Final = 0.01
PARTITIONS: Final = 4

Keyed = tuple[bytes, bytes]
"""Key and value."""


def main() -> None:
    """Read the file, then send."""
    bootstrap, topic, file, rate, seconds = sys.argv[1:]
    events = [keyed(line) for line in Path(file).read_bytes().splitlines()]
    asyncio.run(send(bootstrap, topic, events[: int(rate) * int(seconds)], int(rate)))


def keyed(line: bytes) -> Keyed:
    """Return an event with the key it is sent under."""
    event = json.loads(line)
    site = event.get("site")
    return (f"{event['client']}/{site}" if site else event["client"]).encode(), line


async def send(bootstrap: str, topic: str, events: list[Keyed], rate: int) -> None:
    """Send events in order, evenly."""
    producer = AIOKafkaProducer(bootstrap_servers=bootstrap, acks=1, max_batch_size=1 << 20)
    await producer.start()
    step = max(1, round(rate * STEP_S))
    began = time.perf_counter()
    for first in range(0, len(events), step):
        by_partition: dict[int, list[Keyed]] = defaultdict(list)
        for event in events[first : first + step]:
            by_partition[partition_of(event[0], PARTITIONS)].append(event)
        for partition, found in by_partition.items():
            batch = producer.create_batch()
            for key, value in found:
                batch.append(key=key, value=value, timestamp=None)
            batch.close()
            await producer.send_batch(batch, topic, partition=partition)
        ahead = (first + step) / rate - (time.perf_counter() - began)
        await asyncio.sleep(max(0.0, ahead))
    await producer.stop()


if __name__ == "__main__":
    main()
