"""Messages to Kafka in whole batches: acknowledged by all replicas, idempotent, in order.

Batches are filled here, one per partition, because handing over single records costs the client
five times as much. The partition of a key is the one every Kafka client would choose.
"""

from __future__ import annotations

import asyncio
import time
from collections import deque
from collections.abc import AsyncIterator, Iterable, Mapping
from typing import Final

from aiokafka import AIOKafkaProducer
from aiokafka.errors import KafkaError, MessageSizeTooLargeError
from aiokafka.partitioner import murmur2
from aiokafka.producer.message_accumulator import BatchBuilder

from pipeline.broker.knock import failure, knock
from pipeline.broker.security import PLAINTEXT, Security
from pipeline.errors import BrokerUnavailable, InputError
from pipeline.ingest.framed import MOST_BYTES
from pipeline.ingest.message import Message
from pipeline.ingest.tally import Tally

BATCH_BYTES: Final = 262_144
_MOST_KEYS_KNOWN: Final = 10_000
_PULSES_PER_S: Final = 20
"""With a rate, so often per second what is due is sent."""

Pieces = AsyncIterator[Iterable[Message] | None]
"""Messages as they come; None: nothing more for now, so what is held is to be sent."""


def partition_of(key: bytes, partitions: int) -> int:
    """Return the partition of a key as Kafka's default partitioner has it."""
    return int(murmur2(key) & 0x7FFFFFFF) % partitions


async def produce(
    pieces: Pieces,
    tally: Tally,
    *,
    bootstrap: str,
    topics: set[str],
    rate: int | None,
    security: Security = PLAINTEXT,
) -> None:
    """Send all messages and wait until each is acknowledged.

    Args:
        pieces: what to send; drawn as fast as the broker takes it.
        tally: counts the records sent per topic.
        bootstrap: ``host:port`` of a broker.
        topics: every topic that may occur; they must exist.
        rate: messages per second at most, or None for as fast as possible.
        security: how the cluster lets us in.

    Raises:
        BrokerUnavailable: no broker answered, or it stopped answering.
        AccessDenied: it does not let us in, or not write there.
        InputError: a topic does not exist.
    """
    await knock(bootstrap, security)
    producer = AIOKafkaProducer(
        bootstrap_servers=bootstrap,
        acks="all",
        enable_idempotence=True,
        max_batch_size=BATCH_BYTES,
        **security.client_arguments(),
    )
    try:
        await producer.start()
        partitions = await _partition_counts(producer, topics)
        batches = _Batches(producer, partitions, tally)
        await _send_all(batches, pieces, rate)
        await batches.finish()
    except MessageSizeTooLargeError as error:
        msg = (
            f"expected topics that take records of {MOST_BYTES} bytes; raise max.message.bytes as "
            "vane topics apply --check shows"
        )
        raise InputError(msg) from error
    except KafkaError as error:
        denied = failure(bootstrap, error)
        if denied is not None:
            raise denied from error
        msg = f"Kafka at {bootstrap} did not take the records: {error!r}; running again is safe"
        raise BrokerUnavailable(msg) from error
    finally:
        await producer.stop()


async def _partition_counts(producer: AIOKafkaProducer, topics: set[str]) -> dict[str, int]:
    cluster = await producer.client.fetch_all_metadata()
    counts = {}
    for topic in sorted(topics):
        known = cluster.partitions_for_topic(topic)
        if not known:
            msg = (
                f"expected the topic {topic!r} to exist; create all topics with: vane topics apply"
            )
            raise InputError(msg)
        counts[topic] = len(known)
    return counts


async def _send_all(batches: _Batches, pieces: Pieces, rate: int | None) -> None:
    per_pulse = 0 if rate is None else max(1, rate // _PULSES_PER_S)
    started, sent = time.monotonic(), 0
    async for piece in pieces:
        if piece is None:
            await batches.send_open()
            continue
        for message in piece:
            if not batches.add(message):
                await batches.send_full(message)
            if rate is None:
                continue
            sent += 1
            if sent % per_pulse == 0:
                await batches.send_open()
                await asyncio.sleep(max(0.0, started + sent / rate - time.monotonic()))


async def count(pieces: Pieces) -> None:
    """Draw all messages and send none: a dry run."""
    async for piece in pieces:
        deque(piece or (), maxlen=0)


class _Batches:
    """The batches being filled, one per topic and partition, and those on their way."""

    def __init__(
        self, producer: AIOKafkaProducer, partitions: Mapping[str, int], tally: Tally
    ) -> None:
        self._producer = producer
        self._partitions = partitions
        self._tally = tally
        self._open: dict[tuple[str, int], BatchBuilder] = {}
        self._places: dict[tuple[str, bytes], tuple[str, int]] = {}
        self._on_their_way: set[asyncio.Future[object]] = set()

    def add(self, message: Message) -> bool:
        """Put a message into its batch, or say that the batch is full."""
        place = self._place(message)
        batch = self._open.get(place)
        if batch is None:
            batch = self._open[place] = self._producer.create_batch()
        if (
            batch.append(
                key=message.key, value=message.value, timestamp=None, headers=message.headers
            )
            is None
        ):
            return False
        self._tally.records[message.topic] += 1
        return True

    async def send_full(self, message: Message) -> None:
        """Send the batch a message did not fit into, and put it into a fresh one."""
        place = self._place(message)
        await self._send(place, self._open.pop(place))
        if not self.add(message):
            raise AssertionError(message.topic)

    async def send_open(self) -> None:
        """Send all batches as they are."""
        for place in list(self._open):
            await self._send(place, self._open.pop(place))

    async def finish(self) -> None:
        """Send what is left and wait until all is acknowledged."""
        await self.send_open()
        while self._on_their_way:
            await self._collect(asyncio.FIRST_COMPLETED)

    def _place(self, message: Message) -> tuple[str, int]:
        place = self._places.get((message.topic, message.key))
        if place is None:
            if len(self._places) >= _MOST_KEYS_KNOWN:
                self._places.clear()
            partition = partition_of(message.key, self._partitions[message.topic])
            place = self._places[message.topic, message.key] = (message.topic, partition)
        return place

    async def _send(self, place: tuple[str, int], batch: BatchBuilder) -> None:
        topic, partition = place
        self._on_their_way.add(await self._producer.send_batch(batch, topic, partition=partition))
        for future in [future for future in self._on_their_way if future.done()]:
            self._on_their_way.remove(future)
            future.result()

    async def _collect(self, when: str) -> None:
        done, self._on_their_way = await asyncio.wait(self._on_their_way, return_when=when)
        for future in done:
            future.result()
