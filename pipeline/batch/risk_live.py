"""Scores contacts as they happen: ``acd.events`` and ``ref.complaints`` in, ``kpi.risk`` out.

It keeps no state of its own. A start folds the landed events of the last days (as far back as a
window of repeat calls reaches) and all landed complaint cases, then goes on in the log where what
was landed ends, and tells of what lies at or beyond the offsets that were committed to its group.
Offsets are committed when the scores they led to are acknowledged: a crash at any point has some
scores told again, and the newest record of a contact is what all records read say of it. Without
landed files the log alone is read, as far back as it goes (7 days, where a window reaches further).
"""

from __future__ import annotations

import asyncio
import fcntl
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path
from typing import Any, Final

import duckdb
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition
from aiokafka.errors import KafkaError

from pipeline.broker.knock import failure
from pipeline.broker.log import Log, describe
from pipeline.codec.fact_record import decode_fact
from pipeline.codec.judge import judge_call_record
from pipeline.codec.risk_record import encode_risk
from pipeline.config_files import Targets, load_targets
from pipeline.config_wind_vane import load_wind_vane
from pipeline.domain.complaint import Complaint
from pipeline.domain.events import CallEvent, EventType, Rejected
from pipeline.domain.fact import FactKind
from pipeline.domain.risk_fold import KEEP_MS, RiskFold
from pipeline.domain.target import TargetHistory
from pipeline.domain.watermark import is_clock_ahead
from pipeline.errors import BrokerUnavailable, InputError, StateLost, TerminalError
from pipeline.lake import manifest
from pipeline.lake.export import rows_of
from pipeline.settings import Settings

EVENTS: Final = "acd.events"
CASES: Final = "ref.complaints"
RISK: Final = "kpi.risk"
GROUP: Final = "vane-wind-vane"
_POLL_MS: Final = 500
_MOST: Final = 5_000
_DAY_MS: Final = 86_400_000


@dataclass(slots=True)
class Told:
    """How every record read ended, and how many scores were told."""

    events: int = 0
    cases: int = 0
    rejected: int = 0
    quarantined: int = 0
    late: int = 0
    landed: int = 0
    scores: int = 0


@contextmanager
def one_at_a_time(home: Path) -> Iterator[None]:
    """Let one process tell of risks: of two, an older score could be told after a newer.

    Raises:
        TerminalError: another one does.
    """
    home.mkdir(parents=True, exist_ok=True)
    with (home / ".wind-vane.lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            msg = f"{lock.name}: another vane wind-vane follow is at work; run one per deployment"
            raise TerminalError(msg) from error
        yield


def tell(settings: Settings, told: Told, *, until_end: bool, anew: bool = False) -> None:
    """Tell of scores; with ``until_end`` up to where the log ends now, else until interrupted.

    ``anew`` tells of all that is read, whatever was told before: after other weights.

    Raises:
        InputError: a topic is missing.
        StateLost: the log no longer continues what was landed.
        BrokerUnavailable: no broker answered, or it stopped answering.
    """
    names = {settings.topic(name): name for name in (EVENTS, CASES, RISK)}
    logs = describe(settings.bootstrap, names, settings.security)
    if absent := sorted(set(names.values()) - {log.topic for log in logs}):
        msg = f"expected topics {absent} on the broker; create them with: vane topics apply"
        raise InputError(msg)
    targets = load_targets(settings.config_dir / "queues.yaml")
    vane = load_wind_vane(settings.config_dir / "wind_vane.yaml")
    days = targets.longest_repeat_days
    fold = RiskFold(_remembering(targets), vane.history, longest_window_ms=days * _DAY_MS)
    sources = {TopicPartition(log.name, log.partition): log for log in logs if log.topic != RISK}
    starts = {tp: _landed_up_to(settings, log) for tp, log in sources.items()}
    try:
        asyncio.run(
            _run(settings, fold, days, sources, starts, told, until_end=until_end, anew=anew)
        )
    except KafkaError as error:
        denied = failure(settings.bootstrap, error)
        if denied is not None:
            raise denied from error
        msg = f"Kafka at {settings.bootstrap} stopped answering: {error!r}; running again is safe"
        raise BrokerUnavailable(msg) from error


def _remembering(targets: Targets) -> Any:  # noqa: ANN401 - a function of three names
    known: dict[tuple[str, str, str], TargetHistory] = {}

    def history(*queue: str) -> TargetHistory:
        client, site, name = queue
        found = known.get((client, site, name))
        if found is None:
            found = known[client, site, name] = targets.history(client, site, name)
        return found

    return history


def _landed_up_to(settings: Settings, log: Log) -> int:
    """Return the offset from which on the log is read."""
    batches = manifest.read_partition(settings.landing, log.topic, log.partition)
    if not batches:
        return log.start
    due = batches[-1].last + 1
    if batches[-1].topic_id != log.topic_id or not log.start <= due <= log.end:
        msg = (
            f"{log.topic} partition {log.partition}: landed up to offset {due - 1} of topic id "
            f"{batches[-1].topic_id}, the log holds {log.start} to {log.end - 1} of {log.topic_id}"
        )
        raise StateLost(msg)
    return due


async def _run(  # noqa: PLR0913 - what a run is made of
    settings: Settings,
    fold: RiskFold,
    repeat_days: int,
    sources: dict[TopicPartition, Log],
    starts: dict[TopicPartition, int],
    told: Told,
    *,
    until_end: bool,
    anew: bool,
) -> None:
    consumer = AIOKafkaConsumer(
        bootstrap_servers=settings.bootstrap,
        group_id=settings.topic(GROUP),
        enable_auto_commit=False,
        auto_offset_reset="none",
        **settings.security.client_arguments(),
    )
    producer = AIOKafkaProducer(
        bootstrap_servers=settings.bootstrap,
        acks="all",
        enable_idempotence=True,
        linger_ms=5,
        **settings.security.client_arguments(),
    )
    try:
        await producer.start()
        await consumer.start()
        consumer.assign(list(sources))
        tells_from = {tp: 0 if anew else await consumer.committed(tp) or 0 for tp in sources}
        for record, log, offset in _landed(settings, repeat_days, sources):
            tp = TopicPartition(log.name, log.partition)
            told.landed += 1
            _take(fold, record, tells=offset >= tells_from[tp])
            if told.landed % _MOST == 0:
                await _send(producer, settings, fold, told)
        for tp, start in starts.items():
            consumer.seek(tp, start)
        positions = dict(starts)
        while True:
            # What was read is told before its offsets are committed, never after.
            await _send(producer, settings, fold, told)
            await consumer.commit(positions)
            if until_end and all(positions[tp] >= log.end for tp, log in sources.items()):
                return
            fetched = await consumer.getmany(timeout_ms=_POLL_MS, max_records=_MOST)
            for tp, records in fetched.items():
                for row in records:
                    found = _read(sources[tp], row, told)
                    if found is not None:
                        _take(fold, found, tells=row.offset >= tells_from[tp])
            for tp in sources:
                positions[tp] = await consumer.position(tp)
            told.late = fold.late
    finally:
        await consumer.stop()
        await producer.stop()


def _take(fold: RiskFold, record: CallEvent | Complaint, *, tells: bool) -> None:
    if isinstance(record, Complaint):
        fold.take_case(record, tells=tells)
    else:
        fold.take(record, tells=tells)


def _read(log: Log, row: Any, told: Told) -> CallEvent | Complaint | None:  # noqa: ANN401 - a record
    """Return what a record of the log says, by the rules of the lander; else count it."""
    found: Any
    if log.topic == CASES:
        found = decode_fact(FactKind.COMPLAINTS, row.value or b"")
    else:
        found = judge_call_record(row.key, row.value)
    if isinstance(found, Rejected):
        told.rejected += 1
        return None
    if log.topic == CASES:
        told.cases += 1
        return found if isinstance(found, Complaint) else None
    if is_clock_ahead(found.occurred_at_ms, row.timestamp):
        told.quarantined += 1
        return None
    told.events += 1
    return found  # type: ignore[no-any-return]


async def _send(producer: AIOKafkaProducer, settings: Settings, fold: RiskFold, told: Told) -> None:
    topic, waiting = settings.topic(RISK), []
    for risk in fold.changed():
        key, value = encode_risk(risk)
        waiting.append(await producer.send(topic, value, key=key))
    await producer.flush()
    for sent in waiting:
        await sent
    told.scores += len(waiting)


def _landed(
    settings: Settings, repeat_days: int, sources: dict[TopicPartition, Log]
) -> Iterator[tuple[CallEvent | Complaint, Log, int]]:
    """Yield what is landed, cases first, then the events of the last days in order of time."""
    logs = {(log.topic, log.partition): log for log in sources.values()}
    for topic in (CASES, EVENTS):
        batches = manifest.read_batches(settings.landing, topic)
        files = list(manifest.files(batches))
        if topic == EVENTS and files:
            newest = max(file.event_date for file in files)
            days = repeat_days + KEEP_MS // _DAY_MS + 1
            oldest = (date.fromisoformat(newest) - timedelta(days=days)).isoformat()
            files = [file for file in files if file.event_date >= oldest]
        if not files:
            continue
        paths = [str(settings.landing / file.path) for file in files]
        order = "occurred_at_ms" if topic == EVENTS else "_partition, _offset"
        cursor = duckdb.connect().execute(
            f"select * from read_parquet(?, hive_partitioning = false) order by {order}", [paths]
        )
        names = [column[0] for column in cursor.description or ()]
        for values in rows_of(cursor):
            row = dict(zip(names, values, strict=True))
            log = logs[topic, row["_partition"]]
            offset = row["_offset"]
            said = {name: value for name, value in row.items() if not name.startswith("_")}
            if topic == CASES:
                yield Complaint(**said), log, offset
            else:
                yield CallEvent(**said | {"type": EventType(said["type"])}), log, offset
