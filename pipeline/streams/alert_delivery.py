"""Reads ``kpi.alerts`` for one sink and has each alert delivered, once per id across restarts.

The topic is the outbox: each sink has a consumer group of its own, and commits an offset when its
receiver has taken the alerts before it. So a receiver that is down gets them later, and no other
one, nor the fold, waits for it.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import structlog
from aiokafka import AIOKafkaConsumer, ConsumerRebalanceListener, ConsumerRecord, TopicPartition
from aiokafka.errors import CommitFailedError, IllegalStateError

from pipeline.alerting.deliver import Deliverer
from pipeline.alerting.record import read_alert
from pipeline.alerting.sink import AlertRecord, StandingSink
from pipeline.broker.security import PLAINTEXT, Security

log = structlog.get_logger(__name__)

LOOK_BACK: Final = 1000
"""Alerts before the committed offset whose ids are taken as delivered. A worker that restarts
repeats at most the alerts since its last snapshot, which are far fewer."""

NEW_SINK_S: Final = 3600
"""How old an alert may be that a sink without any progress is told: not all of a month, but what
was said while somebody set it up."""

WAITS_S: Final = 5.0
"""For the receiver of an alert under way, at a stop or when a partition goes to another worker. One
that answers later gets that alert again."""

POLL_MS: Final = 1000
NEVER_MS: Final = 2**31 - 1
"""A receiver may be waited for as long as it takes; that this worker lives, its heartbeat says."""


class _Delivery:
    """A delivery under way, and the way to ask for it back."""

    def __init__(self) -> None:
        self.task: asyncio.Task[None] | None = None
        self.asked_back = asyncio.Event()

    async def give_back(self) -> None:
        """Have no further attempt made; wait for one that is under way, and for its commit."""
        self.asked_back.set()
        if self.task is not None:
            await asyncio.wait([self.task], timeout=WAITS_S)


class _Partitions(ConsumerRebalanceListener):
    """What this worker knows of its partitions of alerts, and the delivery under way."""

    def __init__(self, deliverer: Deliverer) -> None:
        self.known: set[TopicPartition] = set()
        """Those whose newest alerts have been looked at since they were assigned: another worker
        may deliver alerts of a partition that went away and came back."""
        self.dealt = 0
        """How often partitions were dealt, or taken: what was read before may not be ours now."""
        self.delivery = _Delivery()
        self._deliverer = deliverer

    async def on_partitions_revoked(self, _revoked: Collection[TopicPartition]) -> None:
        """Let the delivery come to its end and its commit before another worker takes over."""
        await self.delivery.give_back()
        self._leave()

    async def on_partitions_assigned(self, _assigned: Collection[TopicPartition]) -> None:
        self._leave()

    def _leave(self) -> None:
        # Rebalances are eager: all partitions go, and those that come back are looked at anew.
        self.known.clear()
        self.dealt += 1
        self._deliverer.forget()


async def run(
    bootstrap: str,
    topic: str,
    group: str,
    deliverer: Deliverer,
    security: Security = PLAINTEXT,
) -> None:
    """Deliver until cancelled; commits an offset only after its alert was dealt with.

    Cancelled amid a delivery, or asked for its partitions, it waits up to ``WAITS_S`` for the
    answer and commits it: the next worker does not repeat what this one has delivered.

    A commit that fails because the partition is another worker's by now (this one was frozen, or
    its receiver slow) is no failure: the new owner goes on from the last commit.
    """
    consumer = AIOKafkaConsumer(
        bootstrap_servers=bootstrap,
        group_id=group,
        enable_auto_commit=False,
        auto_offset_reset="earliest",
        session_timeout_ms=10_000,
        max_poll_interval_ms=NEVER_MS,
        **security.client_arguments(),
    )
    partitions = _Partitions(deliverer)
    consumer.subscribe([topic], listener=partitions)
    await consumer.start()
    telling = asyncio.create_task(deliverer.keep_telling())
    whole = isinstance(deliverer.sink, StandingSink)
    try:
        while not telling.done() or telling.exception() is None:
            found = await consumer.getmany(timeout_ms=POLL_MS, max_records=deliverer.sink.batch)
            dealt = partitions.dealt
            for tp in consumer.assignment() - partitions.known:
                begin = await _begin(bootstrap, tp, consumer, security, whole=whole)
                if partitions.dealt != dealt:
                    break
                partitions.known.add(tp)
                take_over(deliverer, begin.before)
                if begin.is_new:
                    consumer.seek(tp, begin.offset)
                    found.pop(tp, None)
                    await _commit(consumer, {tp: begin.offset})
            # What was read before partitions were dealt anew may be another worker's by now; if it
            # is not, it is read again.
            if found and partitions.dealt == dealt:
                delivery = partitions.delivery = _Delivery()
                delivery.task = asyncio.create_task(
                    _deal_with(found, consumer, deliverer, delivery.asked_back)
                )
                await _finish(delivery)
        telling.result()
    finally:
        telling.cancel()
        await asyncio.wait([telling])
        await consumer.stop()


async def _finish(delivery: _Delivery) -> None:
    """Await it; if cancelled meanwhile, give it a moment to come to its end first."""
    task = delivery.task
    assert task is not None  # noqa: S101 - set by the caller
    try:
        await asyncio.shield(task)
    except asyncio.CancelledError:
        await delivery.give_back()
        task.cancel()
        raise


async def _deal_with(
    found: Mapping[TopicPartition, Sequence[ConsumerRecord]],
    consumer: AIOKafkaConsumer,
    deliverer: Deliverer,
    asked_back: asyncio.Event,
) -> None:
    read = {tp: [(record, _read([record])) for record in records] for tp, records in found.items()}
    alerts = [alert for pairs in read.values() for _, one in pairs for alert, _ in one]
    dealt = not alerts or await deliverer.deliver(alerts, asked_back)
    ends = {}
    for tp, pairs in read.items():
        for record, one in pairs:
            # Of a batch that was refused whole some may have been taken, one by one.
            if not (dealt or all(deliverer.has_dealt_with(alert) for alert, _ in one)):
                break
            ends[tp] = record.offset + 1
    if ends:
        await _commit(consumer, ends)


async def _commit(consumer: AIOKafkaConsumer, offsets: Mapping[TopicPartition, int]) -> None:
    try:
        await consumer.commit(offsets)
    except (CommitFailedError, IllegalStateError) as error:
        log.warning("partition of alerts went to another worker", error=str(error)[:80])


def _read(records: Sequence[ConsumerRecord]) -> list[tuple[AlertRecord, float]]:
    """Return the alerts among the records, each with when it was appended, epoch s."""
    alerts = []
    for record in records:
        try:
            alerts.append((read_alert(record.value), record.timestamp / 1000))
        except ValueError as error:
            where = {"partition": record.partition, "offset": record.offset}
            log.warning("not an alert", error=str(error), **where)
    return alerts


@dataclass(frozen=True, slots=True)
class _Begin:
    """Where a partition is begun at, and the alerts before that."""

    offset: int
    is_new: bool
    """No worker has ever got anywhere on it for this sink."""
    before: Sequence[tuple[AlertRecord, float]]


async def _begin(
    bootstrap: str,
    tp: TopicPartition,
    consumer: AIOKafkaConsumer,
    security: Security,
    *,
    whole: bool,
) -> _Begin:
    offset = await consumer.committed(tp)
    is_new = offset is None
    if offset is None:
        since_ms = int(time.time() - NEW_SINK_S) * 1000
        first = (await consumer.offsets_for_times({tp: since_ms}))[tp]
        offset = first.offset if first else (await consumer.end_offsets([tp]))[tp]
    return _Begin(offset, is_new, await _before(bootstrap, tp, offset, security, whole=whole))


def take_over(deliverer: Deliverer, before: Sequence[tuple[AlertRecord, float]]) -> None:
    """Take a partition over: what was told of late, and what fires, as the log of alerts has it."""
    deliverer.remember(str(alert["alert_id"]) for alert, _ in before[-LOOK_BACK:])
    if isinstance(deliverer.sink, StandingSink):
        # A worker that was frozen may have said again, since, what is over.
        first: dict[str, tuple[AlertRecord, float]] = {}
        for alert, appended_s in before:
            first.setdefault(str(alert["alert_id"]), (alert, appended_s))
        deliverer.sink.restore(list(first.values()))
        deliverer.tell_soon()


async def _before(
    bootstrap: str, tp: TopicPartition, offset: int, security: Security, *, whole: bool
) -> list[tuple[AlertRecord, float]]:
    """Return the alerts before an offset: the newest, or as far as the log goes back."""
    consumer = AIOKafkaConsumer(
        bootstrap_servers=bootstrap,
        enable_auto_commit=False,
        auto_offset_reset="earliest",
        **security.client_arguments(),
    )
    await consumer.start()
    alerts: list[tuple[AlertRecord, float]] = []
    try:
        consumer.assign([tp])
        begin = (await consumer.beginning_offsets([tp]))[tp]
        consumer.seek(tp, begin if whole else max(begin, offset - LOOK_BACK))
        while await consumer.position(tp) < offset:
            found = (await consumer.getmany(tp, timeout_ms=1000)).get(tp, [])
            alerts += _read([record for record in found if record.offset < offset])
    finally:
        await consumer.stop()
    return alerts
