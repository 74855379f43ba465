"""Puts a log onto a topic: all at once, or evenly at a rate."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Sequence
from typing import Final, Literal

from aiokafka import AIOKafkaProducer
from kafka.admin import NewTopic

from benchmarks.streaming.log import PARTITIONS, Event
from pipeline.broker.admin import admin

Form = Literal["vane", "peer"]
_STEPS_PER_SECOND: Final = 100

# A new topic has no leader for an instant; the client tries again by itself.
logging.getLogger("aiokafka").setLevel(logging.CRITICAL)


def create_topics(bootstrap: str, *names: str) -> None:
    """Create topics that keep everything; the broker stamps what is appended."""
    config = {"retention.ms": "-1", "message.timestamp.type": "LogAppendTime"}
    with admin(bootstrap) as client:
        client.create_topics(
            [NewTopic(name, PARTITIONS, 1, topic_configs=config) for name in names]
        )


def send(
    bootstrap: str, topic: str, events: Sequence[Event], form: Form, *, rate: float | None = None
) -> list[int]:
    """Send events in order, evenly at a rate per second if given; return append times, epoch ms."""
    return asyncio.run(_send(bootstrap, topic, events, form, rate))


async def _send(
    bootstrap: str, topic: str, events: Sequence[Event], form: Form, rate: float | None
) -> list[int]:
    linger = 20 if rate is None else 0
    producer = AIOKafkaProducer(
        bootstrap_servers=bootstrap, linger_ms=linger, max_batch_size=262_144
    )
    await producer.start()
    step = max(1, round(rate / _STEPS_PER_SECOND)) if rate else 1000
    began = time.perf_counter()
    sent = []
    for first in range(0, len(events), step):
        for event in events[first : first + step]:
            # By its contract acd.events is laid out by its key alone.
            key, value, partition = (
                (event.domain, event.vane, None)
                if form == "vane"
                else (event.queue, event.peer, event.partition)
            )
            sent.append(await producer.send(topic, value, key=key.encode(), partition=partition))
        if rate:
            ahead = (first + step) / rate - (time.perf_counter() - began)
            if ahead > 0:
                await asyncio.sleep(ahead)
    acknowledged = [await future for future in sent]
    await producer.stop()
    return [record.timestamp for record in acknowledged]
