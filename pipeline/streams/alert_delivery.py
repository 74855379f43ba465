"""Reads ``kpi.alerts`` and hands each alert to the deliverer, once per id across restarts."""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Coroutine
from typing import Any, Final

import msgspec
import structlog
from aiokafka import AIOKafkaConsumer, ConsumerRebalanceListener, ConsumerRecord, TopicPartition
from aiokafka.errors import CommitFailedError, IllegalStateError

from pipeline.alerting.deliver import Deliverer
from pipeline.broker.security import PLAINTEXT, Security

log = structlog.get_logger(__name__)

LOOK_BACK: Final = 1000
"""Alerts before the committed offset whose ids are taken as delivered. A worker that restarts
repeats at most the alerts since its last snapshot, which are far fewer."""

STOP_WAITS_S: Final = 5.0
"""For the receiver of an alert under way. One that answers later gets that alert again."""

_json: Final = msgspec.json.Decoder()


class _Known(ConsumerRebalanceListener):
    """Partitions whose newest alerts have been looked at since they were assigned.

    Another worker may deliver alerts of a partition that went away and came back.
    """

    def __init__(self) -> None:
        self.partitions: set[TopicPartition] = set()

    async def on_partitions_revoked(self, revoked: Collection[TopicPartition]) -> None:
        self.partitions.difference_update(revoked)

    async def on_partitions_assigned(self, assigned: Collection[TopicPartition]) -> None:
        self.partitions.difference_update(assigned)


async def run(
    bootstrap: str,
    topic: str,
    group: str,
    deliverer: Deliverer,
    security: Security = PLAINTEXT,
) -> None:
    """Deliver until cancelled; commits an offset only after its alert was dealt with.

    Cancelled amid a delivery, it waits up to ``STOP_WAITS_S`` for the answer and commits it: the
    next worker does not repeat what a clean stop has delivered.

    A commit that fails because the partition is another worker's by now (this one was frozen, or
    its receiver slow) is no failure: the new owner goes on from the last commit.
    """
    consumer = AIOKafkaConsumer(
        bootstrap_servers=bootstrap,
        group_id=group,
        enable_auto_commit=False,
        auto_offset_reset="earliest",
        session_timeout_ms=10_000,
        **security.client_arguments(),
    )
    known = _Known()
    consumer.subscribe([topic], listener=known)
    await consumer.start()
    try:
        async for record in consumer:
            tp = TopicPartition(record.topic, record.partition)
            if tp not in known.partitions:
                deliverer.remember(await _ids_before(bootstrap, tp, record.offset, security))
                known.partitions.add(tp)
            await _finish(_deal_with(record, tp, consumer, deliverer))
    finally:
        await consumer.stop()


async def _finish(work: Coroutine[Any, Any, None]) -> None:
    """Await it; if cancelled meanwhile, give it a moment to come to its end first."""
    task = asyncio.create_task(work)
    try:
        await asyncio.shield(task)
    except asyncio.CancelledError:
        await asyncio.wait([task], timeout=STOP_WAITS_S)
        task.cancel()
        raise


async def _deal_with(
    record: ConsumerRecord, tp: TopicPartition, consumer: AIOKafkaConsumer, deliverer: Deliverer
) -> None:
    try:
        await deliverer.deliver(_json.decode(record.value or b""))
    except (msgspec.DecodeError, KeyError) as error:
        where = {"partition": tp.partition, "offset": record.offset}
        log.warning("not an alert", error=str(error), **where)
    try:
        await consumer.commit({tp: record.offset + 1})
    except (CommitFailedError, IllegalStateError) as error:
        log.warning("partition of alerts went to another worker", error=str(error)[:80])


async def _ids_before(
    bootstrap: str, tp: TopicPartition, offset: int, security: Security
) -> list[str]:
    consumer = AIOKafkaConsumer(
        bootstrap_servers=bootstrap,
        enable_auto_commit=False,
        auto_offset_reset="earliest",
        **security.client_arguments(),
    )
    await consumer.start()
    ids: list[str] = []
    try:
        consumer.assign([tp])
        begin = (await consumer.beginning_offsets([tp]))[tp]
        consumer.seek(tp, max(begin, offset - LOOK_BACK))
        while await consumer.position(tp) < offset:
            found = (await consumer.getmany(tp, timeout_ms=1000)).get(tp, [])
            ids += [
                str(_json.decode(record.value).get("alert_id"))
                for record in found
                if record.offset < offset and record.value is not None
            ]
    finally:
        await consumer.stop()
    return ids
