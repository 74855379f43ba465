"""Writes calls as they happen, at a steady rate, so that legs come and go.

    python -m benchmarks.calls_now BOOTSTRAP TOPIC RATE SECONDS SPEED

With a speed of 96 event time runs 96 times as fast, and reaches the present at the end.

A call is queued, offered, answered, ended and wrapped up within ``LASTS_S``; one in eight is
abandoned, one in a hundred of its events sent twice. Prints how many events were sent.
"""

from __future__ import annotations

import asyncio
import heapq
import itertools
import sys
import time
from collections import defaultdict
from typing import Final

from aiokafka import AIOKafkaProducer

STEP_S: Final = 0.02
LASTS_S: Final = 95
QUEUES: Final = 25
ANSWERED: Final = (
    *(("queued", 0), ("offered", 4), ("answered", 6), ("ended", 80)),
    ("wrapup_ended", LASTS_S),
)
ABANDONED: Final = (("queued", 0), ("abandoned", 25))
EVENTS_A_CALL: Final = (7 * len(ANSWERED) + len(ABANDONED)) / 8
CLIENTS: Final = (b"acme/sh", b"meridian/sh", b"harbour", b"meridian/cd")
"""One for each partition."""

Due = tuple[float, int, str]
"""(when, call, type)."""


def main() -> None:
    """Send, and say how much."""
    bootstrap, topic, rate, seconds, speed = sys.argv[1:]
    sent = asyncio.run(send(bootstrap, topic, int(rate), int(seconds), float(speed)))
    print(sent)


async def send(bootstrap: str, topic: str, rate: int, seconds: int, speed: float) -> int:
    """Send at the rate; return how many events were sent."""
    producer = AIOKafkaProducer(bootstrap_servers=bootstrap, acks=1, max_batch_size=1 << 20)
    await producer.start()
    due: list[Due] = []
    calls, sent, owed = itertools.count(), 0, 0.0
    begun = time.time()
    now = begun
    while now < begun + seconds:
        event_now = begun + (now - begun - seconds) * speed + seconds
        owed += rate / EVENTS_A_CALL * STEP_S
        while owed >= 1:
            owed -= 1
            begin(due, next(calls), event_now)
        by_partition: dict[int, list[bytes]] = defaultdict(list)
        while due and due[0][0] <= event_now:
            at, call, kind = heapq.heappop(due)
            by_partition[call % len(CLIENTS)].append(event(at, call, kind))
            if call % 100 == 0:
                by_partition[call % len(CLIENTS)].append(event(at, call, kind))
        for partition, values in by_partition.items():
            batch = producer.create_batch()
            for value in values:
                batch.append(key=CLIENTS[partition], value=value, timestamp=None)
            batch.close()
            await producer.send_batch(batch, topic, partition=partition)
            sent += len(values)
        now += STEP_S
        await asyncio.sleep(max(0.0, now - time.time()))
    await producer.stop()
    return sent


def begin(due: list[Due], call: int, now: float) -> None:
    """Put a call's events where they are due."""
    for kind, after in ABANDONED if call % 8 == 0 else ANSWERED:
        heapq.heappush(due, (now + after, call, kind))


def event(at: float, call: int, kind: str) -> bytes:
    """Return the bytes of an event."""
    client, _, site = CLIENTS[call % len(CLIENTS)].partition(b"/")
    agent = b',"agent":"a%d"' % (call % 400) if kind in {"offered", "answered"} else b""
    place = b',"site":"%b"' % site if site else b""
    return (
        b'{"v":1,"event_id":"%032x","type":"%b","occurred_at_ms":%d,"client":"%b","queue":"q%d",'
        b'"contact_id":"c%d","leg":1,"source":"bench","source_position":"%d"%b%b}'
    ) % (
        call * 10 + len(kind),
        kind.encode(),
        int(at * 1000),
        client,
        call // len(CLIENTS) % QUEUES,
        call,
        call,
        agent,
        place,
    )


if __name__ == "__main__":
    main()
