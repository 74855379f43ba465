"""Sends what a fold gives rise to: record batches built whole, acknowledged before a snapshot.

``AIOKafkaProducer.send`` costs more than the fold itself, so records of one topic and partition
are put into one batch here. Outputs go to the partition that their input came from: every
output topic has as many partitions as the input.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from typing import Final

import structlog
from aiokafka import AIOKafkaProducer
from aiokafka.producer.message_accumulator import BatchBuilder

from pipeline.broker.security import PLAINTEXT, Security
from pipeline.errors import TerminalError

log = structlog.get_logger(__name__)

Headers = list[tuple[str, bytes]]
Outgoing = tuple[bytes | None, bytes, Headers]
"""(key, value, headers)."""

BATCH_BYTES: Final = 512 * 1024
REQUEST_BYTES: Final = 32 * 1024 * 1024
IN_FLIGHT: Final = 32


class Publisher:
    """An idempotent producer of whole batches with bounded work in flight."""

    def __init__(self, bootstrap: str, security: Security = PLAINTEXT) -> None:
        """Prepare for a cluster; ``start`` connects."""
        self._bootstrap = bootstrap
        self._security = security
        self._producer: AIOKafkaProducer | None = None
        self._pending: dict[int, set[asyncio.Future[object]]] = {}
        self._partitions: dict[str, int] = {}

    async def start(self) -> None:
        """Connect."""
        self._producer = AIOKafkaProducer(
            bootstrap_servers=self._bootstrap,
            enable_idempotence=True,
            acks="all",
            linger_ms=0,
            max_batch_size=BATCH_BYTES,
            max_request_size=REQUEST_BYTES,
            request_timeout_ms=30_000,
            **self._security.client_arguments(),
        )
        await self._producer.start()

    async def stop(self) -> None:
        """Wait for everything in flight and disconnect."""
        if self._producer is not None:
            await self._producer.stop()
            self._producer = None

    async def publish(self, topic: str, partition: int, records: Iterable[Outgoing]) -> None:
        """Send records in order; waits only while too much of the partition is in flight."""
        producer = self._started()
        target = partition % await self._partition_count(topic)
        batch = producer.create_batch()
        for key, value, headers in records:
            if batch.append(timestamp=None, key=key, value=value, headers=headers) is None:
                await self._send(batch, topic, partition, target)
                batch = producer.create_batch()
                if batch.append(timestamp=None, key=key, value=value, headers=headers) is None:
                    await self._send_alone(topic, partition, target, (key, value, headers))
        if batch.record_count():
            await self._send(batch, topic, partition, target)

    async def flush(self, partition: int) -> None:
        """Wait until everything published for an input partition is acknowledged.

        Raises:
            KafkaError: a batch could not be delivered.
        """
        pending = self._pending.pop(partition, set())
        if pending:
            await asyncio.gather(*pending)

    async def _send(self, batch: BatchBuilder, topic: str, partition: int, target: int) -> None:
        batch.close()
        future = await self._started().send_batch(batch, topic, partition=target)
        await self._track(partition, future)

    async def _send_alone(self, topic: str, partition: int, target: int, record: Outgoing) -> None:
        key, value, headers = record
        future = await self._started().send(
            topic, key=key, value=value, headers=headers, partition=target
        )
        await self._track(partition, future)

    async def _track(self, partition: int, future: asyncio.Future[object]) -> None:
        pending = self._pending.setdefault(partition, set())
        for done in [f for f in pending if f.done()]:
            pending.remove(done)
            done.result()
        pending.add(future)
        if len(pending) > IN_FLIGHT:
            await asyncio.wait(pending, return_when=asyncio.FIRST_COMPLETED)

    async def _partition_count(self, topic: str) -> int:
        count = self._partitions.get(topic)
        if count is None:
            found = await self._started().partitions_for(topic)
            if not found:
                msg = f"topic {topic} does not exist; run: vane topics apply"
                raise TerminalError(msg)
            count = self._partitions[topic] = len(found)
        return count

    def _started(self) -> AIOKafkaProducer:
        if self._producer is None:
            msg = "publisher used before start or after stop"
            raise AssertionError(msg)
        return self._producer
