"""Reads ``kpi.alerts`` into the store, exactly once: offsets are rows beside what they led to.

No consumer group is used; the store's rows say where to go on. Of two that read at once, one finds
its offsets moved and stops.
"""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.errors import KafkaError
from sqlalchemy import Engine, select, update

from pipeline.broker.knock import failure
from pipeline.broker.log import Log, describe
from pipeline.desk.alert_intake import Word, take
from pipeline.desk.store import reading, writing
from pipeline.desk.tables import log_offsets
from pipeline.errors import BrokerUnavailable, InputError, StateLost, TerminalError
from pipeline.settings import Settings

ALERTS: Final = "kpi.alerts"
ABSENT: Final = "absent"
COUNTS: Final = (*Word, ABSENT)
_MOST: Final = 1_000
_POLL_MS: Final = 500
_STALLED_S: Final = 60.0

Report = Callable[[int, int], None]
"""Told how many offsets were read, and how many there are to read."""


def follow(
    settings: Settings,
    store: Engine,
    *,
    once: bool,
    skip_gap: bool = False,
    counts: Counter[str],
    report: Report,
) -> None:
    """Read alerts; with ``once`` up to where the log ends now, else until interrupted.

    Args:
        settings: where the broker is.
        store: of this release's schema.
        once: stop at the end.
        skip_gap: go on where the log begins, though offsets before it were never read.
        counts: what became of each offset is added here as it is committed.
        report: progress.

    Raises:
        InputError: the topic is missing.
        StateLost: the log no longer holds what comes next, or the topic was made anew.
        BrokerUnavailable: no broker answered, or it stopped answering.
        StoreUnavailable: the store's database does not answer.
        TerminalError: another one reads into this store.
    """
    name = settings.topic(ALERTS)
    logs = describe(settings.bootstrap, {name: ALERTS}, settings.security)
    if not logs:
        msg = f"expected topic {name} on the broker; create it with: vane topics apply"
        raise InputError(msg)
    starts = _starts(store, logs, skip_gap=skip_gap)
    if once and all(starts[TopicPartition(log.name, log.partition)] >= log.end for log in logs):
        return
    try:
        asyncio.run(_run(settings, store, logs, starts, counts, report, once=once))
    except KafkaError as error:
        denied = failure(settings.bootstrap, error)
        if denied is not None:
            raise denied from error
        msg = f"Kafka at {settings.bootstrap} stopped answering: {error!r}; running again is safe"
        raise BrokerUnavailable(msg) from error


def _starts(store: Engine, logs: Sequence[Log], *, skip_gap: bool) -> dict[TopicPartition, int]:
    """Return where to go on in each partition; one that is new begins with the log."""
    with reading(store) as con:
        known = {
            row.partition: row
            for row in con.execute(select(log_offsets).where(log_offsets.c.topic == logs[0].name))
        }
    problems = [found for log in logs if (found := _gap(log, known.get(log.partition)))]
    if problems and not skip_gap:
        msg = f"{'; '.join(problems)}; --skip-gap goes on where the log begins"
        raise StateLost(msg)
    starts = {}
    for log in logs:
        row = known.get(log.partition)
        place = TopicPartition(log.name, log.partition)
        if row is not None and _gap(log, row) is None:
            starts[place] = row.next_offset
        else:
            starts[place] = log.start
            _begin(store, log, is_known=row is not None)
    return starts


def _gap(log: Log, row: Any) -> str | None:  # noqa: ANN401 - a row
    """Say what is missing between what was read and what the log holds."""
    where = f"{log.name} partition {log.partition}"
    if row is None:
        return None
    if row.topic_id != log.topic_id:
        return f"{where}: the topic was made anew (id {log.topic_id}, read so far {row.topic_id})"
    if log.start > row.next_offset:
        return f"{where}: offsets {row.next_offset} to {log.start - 1} are gone from the log unread"
    if log.end < row.next_offset:
        return f"{where}: read up to offset {row.next_offset - 1}, but the log ends at {log.end}"
    return None


def _begin(store: Engine, log: Log, *, is_known: bool) -> None:
    """Note that a partition is read from the log's start on, its counts from zero."""
    row = {"topic_id": log.topic_id, "first_offset": log.start, "next_offset": log.start}
    row |= dict.fromkeys(COUNTS, 0)
    place = {"topic": log.name, "partition": log.partition}
    with writing(store) as trail:
        if is_known:
            trail.con.execute(update(log_offsets).filter_by(**place).values(row))
        else:
            trail.con.execute(log_offsets.insert(), place | row)


async def _run(
    settings: Settings,
    store: Engine,
    logs: Sequence[Log],
    starts: Mapping[TopicPartition, int],
    counts: Counter[str],
    report: Report,
    *,
    once: bool,
) -> None:
    stops = {TopicPartition(log.name, log.partition): log.end for log in logs}
    total = sum(max(0, stop - starts[tp]) for tp, stop in stops.items())
    consumer = AIOKafkaConsumer(
        bootstrap_servers=settings.bootstrap,
        enable_auto_commit=False,
        auto_offset_reset="none",
        **settings.security.client_arguments(),
    )
    try:
        await consumer.start()
        consumer.assign(list(stops))
        nexts = dict(starts)
        for tp, offset in starts.items():
            consumer.seek(tp, offset)
        report(0, total)
        heard_s = time.monotonic()
        while not (once and all(nexts[tp] >= stop for tp, stop in stops.items())):
            fetched = await consumer.getmany(timeout_ms=_POLL_MS, max_records=_MOST)
            ends = {tp: await consumer.position(tp) for tp in stops}
            if any(ends[tp] > nexts[tp] for tp in stops):
                heard_s = time.monotonic()
                _commit(store, fetched, nexts, ends, counts)
                report(sum(nexts[tp] - starts[tp] for tp in stops), total)
            elif once and time.monotonic() - heard_s > _STALLED_S:
                msg = f"no records for {_STALLED_S:.0f} s though the log goes on"
                raise BrokerUnavailable(msg)
    finally:
        await consumer.stop()


def _commit(
    store: Engine,
    fetched: Mapping[TopicPartition, Sequence[Any]],
    nexts: dict[TopicPartition, int],
    ends: Mapping[TopicPartition, int],
    counts: Counter[str],
) -> None:
    """Take in what was fetched, and move the offsets, in one transaction."""
    now_ms = time.time_ns() // 1_000_000
    became: Counter[str] = Counter()
    with writing(store) as trail:
        for tp, end in ends.items():
            records = fetched.get(tp, ())
            here: Counter[str] = Counter(
                take(trail, record.value, now_ms=now_ms) for record in records
            )
            here[ABSENT] = end - nexts[tp] - len(records)
            moved = trail.con.execute(
                update(log_offsets)
                .filter_by(topic=tp.topic, partition=tp.partition, next_offset=nexts[tp])
                .values({n: log_offsets.c[n] + here[n] for n in COUNTS} | {"next_offset": end})
            )
            if moved.rowcount != 1:
                msg = f"{tp.topic}: another vane desk follow reads into this store; run one"
                raise TerminalError(msg)
            became += here
    nexts.update(ends)
    counts.update(became)
