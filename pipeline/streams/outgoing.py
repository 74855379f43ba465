"""What a fold's outbox looks like on the wire: one function per output topic.

Upserts carry the whole vector of a pane and ``revision``, the input offset up to which it is
true: a reader keeps the record with the highest revision per key. Rejected, late and
quarantined records keep their original bytes; headers in the style of Kafka Connect say where
they came from and why.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

import msgspec
from faust.types import TP

from pipeline.codec.provenance import DLQ_ATTEMPT, REDRIVE_ATTEMPT
from pipeline.domain import kpi
from pipeline.domain.alert import Alert
from pipeline.domain.fold import PartitionFold
from pipeline.domain.outbox import Outbox
from pipeline.domain.queue_state import QueueState
from pipeline.streams.publisher import Headers, Outgoing
from pipeline.streams.record import Record, Records

APP: Final = "vane-worker"

KPI_TOPICS: Final = tuple(f"kpi.{name}" for name in kpi.KPI_FIELDS)
_json = msgspec.json.Encoder()


def _counts(name: str) -> type[msgspec.Struct]:
    """Return what a record of a KPI says of a pane; a sparse field that is 0 is left out."""
    fields, always = kpi.KPI_FIELDS[name], kpi.ALWAYS_WRITTEN[name]
    return msgspec.defstruct(
        "Counts",
        [
            *((field, int) for field in ("pane_start_ms", "revision", *fields[:always])),
            *((field, int, 0) for field in fields[always:]),
        ],
        omit_defaults=True,
        gc=False,
    )


_COUNTS: Final = tuple(_counts(name) for name in kpi.KPI_FIELDS)


class PaneTemplates:
    """The beginnings of a queue's keys and values, which stay the same."""

    def __init__(self, partition: int, config_hash: str) -> None:
        """Prepare for one input partition and one configuration."""
        self._fixed = {"partition": partition, "config_hash": config_hash}
        self._cache: dict[QueueState, tuple[bytes, bytes]] = {}

    def of(self, queue: QueueState) -> tuple[bytes, bytes]:
        """Return how keys and values begin; pane and counts follow."""
        found = self._cache.get(queue)
        if found is None:
            names = {"v": 1, "client": queue.client, "site": queue.site, "queue": queue.queue}
            head = _json.encode(names | self._fixed)[:-1] + b","
            found = self._cache[queue] = (f"{queue.key}/".encode(), head)
        return found


def pane_upserts(
    outbox: Outbox, revision: int, templates: PaneTemplates
) -> tuple[list[Outgoing], ...]:
    """Return the upserts of each KPI topic, in the order of ``KPI_TOPICS``."""
    out: tuple[list[Outgoing], ...] = ([], [], [])
    encode = _json.encode
    for (queue, index, pane), counts in outbox.panes.items():
        key, head = templates.of(queue)
        value = head + encode(_COUNTS[index](pane, revision, *counts))[1:]
        out[index].append((b"%b%d" % (key, pane), value, []))
    return out


def progress(fold: PartitionFold, partition: int, config_hash: str) -> Outgoing:
    """Return the record that says how far the partition is folded and how every record ended."""
    c = fold.counters
    value = {
        "v": 1,
        "partition": partition,
        "first_offset": fold.first_offset,
        "next_offset": fold.next_offset,
        "watermark_ms": fold.watermark.ms,
        "accepted": c.accepted,
        "duplicate": c.duplicate,
        "late": c.late,
        "rejected": c.rejected,
        "quarantined": c.quarantined,
        "config_hash": config_hash,
    }
    return str(partition).encode(), _json.encode(value), []


def alert_record(alert: Alert, *, revision: int, partition: int) -> Outgoing:
    """Return the record of an alert transition."""
    said = {k: v for k, v in msgspec.to_builtins(alert).items() if v is not None}
    value = {"v": 1, **said, "revision": revision, "partition": partition}
    key = f"{alert.client}/{alert.site}/{alert.queue or alert.programme or ''}/{alert.rule}"
    return key.encode(), _json.encode(value), []


def rejected_records(outbox: Outbox, records: Records, source: TP) -> Iterator[Outgoing]:
    """Yield the dead letters: original key and bytes, and why."""
    by_offset = _by_offset(records)
    for offset, rejected in outbox.rejected:
        record = by_offset[offset]
        headers = _origin(source, record, "decode", rejected.reason, rejected.message)
        yield record.key, record.value or b"", headers


def quarantined_records(outbox: Outbox, records: Records, source: TP) -> Iterator[Outgoing]:
    """Yield the records whose clock was ahead: original key and bytes, and both stamps."""
    by_offset = _by_offset(records)
    for offset, event in outbox.quarantined:
        record = by_offset[offset]
        ahead = event.occurred_at_ms - record.timestamp
        message = (
            f"occurred_at_ms {event.occurred_at_ms} is {ahead} ms ahead of the broker's append "
            f"time {record.timestamp}; check the clock of source {event.source!r}"
        )
        yield (
            record.key,
            record.value or b"",
            _origin(source, record, "admit", "clock_ahead", message),
        )


def late_records(outbox: Outbox, records: Records, source: TP) -> Iterator[Outgoing]:
    """Yield the events that were not admitted to the live numbers, and why."""
    by_offset = _by_offset(records)
    for late in outbox.late:
        record = by_offset[late.offset]
        message = f"occurred_at_ms {late.event.occurred_at_ms} of source {late.event.source!r}"
        headers = _origin(source, record, "admit", late.reason, message)
        yield record.key, record.value or b"", headers


def _by_offset(records: Records) -> dict[int, Record]:
    return {record.offset: record for record in records}


def _origin(source: TP, record: Record, stage: str, reason: str, message: str) -> Headers:
    connect = "__connect.errors."
    pairs = {
        f"{connect}topic": source.topic,
        f"{connect}partition": str(source.partition),
        f"{connect}offset": str(record.offset),
        f"{connect}stage": stage,
        f"{connect}exception.class.name": reason,
        f"{connect}exception.message": message,
        "dlq.reason": reason,
        "dlq.app": APP,
    }
    headers = [(name, value.encode()) for name, value in pairs.items()]
    # How often a person has sent it again goes along, so that this has an end.
    attempts = [(DLQ_ATTEMPT, value) for name, value in record.headers if name == REDRIVE_ATTEMPT]
    return headers + attempts[:1]
