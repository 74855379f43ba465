"""What a topic's records look like as rows: columns, their types, and how bytes become a row.

One ``Shape`` per landed topic. Columns are the wire's own fields plus four of the log:
``_partition``, ``_offset``, ``_appended_at_ms`` (broker's clock) and ``_ingested_at_ms``
(lander's clock). Knows neither Kafka clients nor files.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import partial
from operator import attrgetter
from typing import Any, Final, Protocol

import msgspec
import pyarrow as pa

from pipeline.codec.decode import decode_agent_state, decode_call_event
from pipeline.codec.fact_fields import RULES, TOPICS
from pipeline.codec.fact_record import decode_fact
from pipeline.codec.judge import judge_call_record
from pipeline.codec.rules import Flag, OneOf, Text, Texts, Whole
from pipeline.domain.events import Rejected
from pipeline.domain.fact import FactKind
from pipeline.domain.kpi import ALWAYS_WRITTEN, KPI_FIELDS

CALL_EVENTS: Final = "acd.events"
AGENT_STATES: Final = "acd.agent-states"
LATE: Final = "acd.late"
PROGRESS: Final = "kpi.progress"
ALERTS: Final = "kpi.alerts"

_ORIGIN: Final = "__connect.errors."
_INTS: Final = {
    "v": pa.int16(),
    "leg": pa.int32(),
    "hold_seq": pa.int32(),
    "partition": pa.int32(),
    "_partition": pa.int32(),
    "origin_partition": pa.int32(),
}
LOG_COLUMNS: Final = ("_partition", "_offset", "_appended_at_ms", "_ingested_at_ms")


class Record(Protocol):
    """A consumed record, as far as landing needs it."""

    @property
    def offset(self) -> int:
        """Return its place in the partition."""

    @property
    def timestamp(self) -> int:
        """Return when the broker appended it, epoch milliseconds."""

    @property
    def key(self) -> bytes | None:
        """Return its key."""

    @property
    def value(self) -> bytes | None:
        """Return its bytes."""

    @property
    def headers(self) -> Sequence[tuple[str, bytes]]:
        """Return its headers."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Shape:
    """How one topic lands.

    ``instant`` names the column whose UTC day is the file's ``event_date`` (``_appended_at_ms``
    where a record has no instant of its own).
    """

    topic: str
    text: tuple[str, ...]
    numbers: tuple[str, ...]
    instant: str
    decode: Callable[[Record], Any]
    has_clock: bool = False
    flags: tuple[str, ...] = ()
    lists: tuple[str, ...] = ()

    @property
    def schema(self) -> pa.Schema:
        """Return the explicit schema of a landed file."""
        fields = [pa.field(name, pa.string()) for name in self.text]
        fields += [pa.field(name, pa.bool_()) for name in self.flags]
        fields += [pa.field(name, pa.list_(pa.string())) for name in self.lists]
        fields += [pa.field(n, _INTS.get(n, pa.int64())) for n in (*self.numbers, *LOG_COLUMNS)]
        return pa.schema(fields)

    def table(self, rows: Sequence[tuple[Record, Any]], partition: int, now_ms: int) -> pa.Table:
        """Return decoded records as a table of this shape."""
        schema = self.schema
        records = [record for record, _ in rows]
        values = [value for _, value in rows]
        log = {
            "_partition": [partition] * len(rows),
            "_offset": [record.offset for record in records],
            "_appended_at_ms": [record.timestamp for record in records],
            "_ingested_at_ms": [now_ms] * len(rows),
        }
        arrays = []
        for field in schema:
            column = log[field.name] if field.name in log else _column(values, field.name)
            arrays.append(pa.array(column, field.type))
        return pa.Table.from_arrays(arrays, schema=schema)


def _column(values: Iterable[Any], name: str) -> list[Any]:
    column = list(map(attrgetter(name), values))
    if name in {"type", "state", "transfer_kind"}:
        return [None if v is None else v._value_ for v in column]
    return column


class _Late(msgspec.Struct):
    """A late event's origin beside its own fields."""

    event: Any
    origin_partition: int
    origin_offset: int
    late_reason: str

    def __getattr__(self, name: str) -> Any:  # noqa: ANN401 - stands for any field of the event
        return getattr(self.event, name)


def _call(record: Record) -> Any:  # noqa: ANN401
    return judge_call_record(record.key, record.value)


def _agent_state(record: Record) -> Any:  # noqa: ANN401
    return decode_agent_state(record.value or b"")


def _late(record: Record) -> Any:  # noqa: ANN401
    event = decode_call_event(record.value or b"")
    if isinstance(event, Rejected):
        return event
    headers = dict(record.headers)
    try:
        partition = int(headers[_ORIGIN + "partition"])
        offset = int(headers[_ORIGIN + "offset"])
    except (KeyError, ValueError):
        message = f"expected headers {_ORIGIN}partition and .offset, got {sorted(headers)}"
        return Rejected(reason="no_origin", message=message, raw=record.value or b"")
    return _Late(
        event, partition, offset, headers.get("dlq.reason", b"").decode("utf-8", "replace")
    )


def _upsert(
    name: str, text: tuple[str, ...], numbers: tuple[str, ...], sparse: tuple[str, ...]
) -> Callable[[Record], Any]:
    kinds = [(field, str, "") for field in text] + [(field, int, 0) for field in numbers]
    fields: list[Any] = [(field, kind) for field, kind, _ in kinds if field not in sparse]
    fields += [found for found in kinds if found[0] in sparse]
    decoder = msgspec.json.Decoder(msgspec.defstruct(name, fields, gc=False))

    def decode(record: Record) -> Any:  # noqa: ANN401
        raw = record.value or b""
        try:
            return decoder.decode(raw)
        except ValueError as error:
            return Rejected(reason="not_an_upsert", message=str(error), raw=raw)

    return decode


_CALL_TEXT: Final = (
    *("event_id", "type", "client", "site", "queue", "contact_id", "source", "source_position"),
    *("agent", "reason", "transfer_kind", "transfer_target", "customer_ref"),
)
_CALL_NUMBERS: Final = ("v", "occurred_at_ms", "leg", "hold_seq")
_STATE_TEXT: Final = (
    *("event_id", "state", "client", "site", "agent", "source", "source_position", "reason"),
)
_QUEUE: Final = ("client", "site", "queue")
_WIDER: Final = ("scope", "programme")


def _events() -> list[Shape]:
    return [
        Shape(
            topic=CALL_EVENTS,
            text=_CALL_TEXT,
            numbers=_CALL_NUMBERS,
            instant="occurred_at_ms",
            decode=_call,
            has_clock=True,
        ),
        Shape(
            topic=AGENT_STATES,
            text=_STATE_TEXT,
            numbers=("v", "occurred_at_ms"),
            instant="occurred_at_ms",
            decode=_agent_state,
            has_clock=True,
        ),
        Shape(
            topic=LATE,
            text=(*_CALL_TEXT, "late_reason"),
            numbers=(*_CALL_NUMBERS, "origin_partition", "origin_offset"),
            instant="occurred_at_ms",
            decode=_late,
        ),
    ]


def _upserts() -> list[Shape]:
    sparse = {f"kpi.{name}": fields[ALWAYS_WRITTEN[name] :] for name, fields in KPI_FIELDS.items()}
    sparse[ALERTS] = _WIDER
    shapes: list[tuple[str, tuple[str, ...], tuple[str, ...], str]] = [
        (
            f"kpi.{kpi}",
            (*_QUEUE, "config_hash"),
            ("partition", "pane_start_ms", "revision", *fields),
            "pane_start_ms",
        )
        for kpi, fields in KPI_FIELDS.items()
    ]
    counters = ("accepted", "duplicate", "late", "rejected", "quarantined")
    shapes.append(
        (
            PROGRESS,
            ("config_hash",),
            ("partition", "first_offset", "next_offset", "watermark_ms", *counters),
            "_appended_at_ms",
        )
    )
    shapes.append(
        (
            ALERTS,
            (
                *("alert_id", "status", "rule", "rule_version", "severity", "runbook"),
                *(*_QUEUE, *_WIDER),
            ),
            ("at_ms", "window_ms", "offered", "answered_within", "goal_permille"),
            "at_ms",
        )
    )
    return [
        Shape(
            topic=topic,
            text=text,
            numbers=numbers,
            instant=instant,
            decode=_upsert(
                topic.replace(".", "_").replace("-", "_"), text, numbers, sparse.get(topic, ())
            ),
        )
        for topic, text, numbers, instant in shapes
    ]


def _fact(kind: FactKind, record: Record) -> Any:  # noqa: ANN401
    return decode_fact(kind, record.value or b"")


def _facts() -> list[Shape]:
    def of(kind: FactKind, *rules: type) -> tuple[str, ...]:
        return tuple(name for name, rule in RULES[kind].items() if isinstance(rule, rules))

    return [
        Shape(
            topic=topic,
            text=of(kind, Text, OneOf),
            numbers=("v", *of(kind, Whole)),
            flags=of(kind, Flag),
            lists=of(kind, Texts),
            # a file is issued on one day and speaks of many
            instant="as_of_ms",
            decode=partial(_fact, kind),
        )
        for kind, topic in TOPICS.items()
    ]


SHAPES: Final[dict[str, Shape]] = {
    shape.topic: shape for shape in (*_events(), *_upserts(), *_facts())
}
