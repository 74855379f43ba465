"""Reads ``kpi.alerts`` and hands each alert to the deliverer, once per id across restarts."""

from __future__ import annotations

from typing import Final

import msgspec
import structlog
from aiokafka import AIOKafkaConsumer, TopicPartition

from pipeline.alerting.deliver import Deliverer

log = structlog.get_logger(__name__)

LOOK_BACK: Final = 1000
"""Alerts before the committed offset whose ids are taken as delivered. A worker that restarts
repeats at most the alerts since its last snapshot, which are far fewer."""

_json: Final = msgspec.json.Decoder()


async def run(bootstrap: str, topic: str, group: str, deliverer: Deliverer) -> None:
    """Deliver until cancelled; commits an offset only after its alert was dealt with."""
    consumer = AIOKafkaConsumer(
        topic,
        bootstrap_servers=bootstrap,
        group_id=group,
        enable_auto_commit=False,
        auto_offset_reset="earliest",
        session_timeout_ms=10_000,
    )
    await consumer.start()
    known: set[TopicPartition] = set()
    try:
        async for record in consumer:
            tp = TopicPartition(record.topic, record.partition)
            if tp not in known:
                deliverer.remember(await _ids_before(bootstrap, tp, record.offset))
                known.add(tp)
            try:
                await deliverer.deliver(_json.decode(record.value or b""))
            except (msgspec.DecodeError, KeyError) as error:
                where = {"partition": tp.partition, "offset": record.offset}
                log.warning("not an alert", error=str(error), **where)
            await consumer.commit({tp: record.offset + 1})
    finally:
        await consumer.stop()


async def _ids_before(bootstrap: str, tp: TopicPartition, offset: int) -> list[str]:
    consumer = AIOKafkaConsumer(
        bootstrap_servers=bootstrap, enable_auto_commit=False, auto_offset_reset="earliest"
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
