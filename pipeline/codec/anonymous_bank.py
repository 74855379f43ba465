"""Calls of the "Anonymous Bank" (Technion, 1999) to canonical events, row by row.

The file has one call per line, 17 tab-separated columns, ordered by telephone line and so not by
time. Where its clock readings disagree by a second or two, the recorded *durations* are believed:
``docs/formats/anonymous-bank.md`` has the rules and what they lead to.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Final, NamedTuple
from zoneinfo import ZoneInfo

from pipeline.codec.adapter import Origin
from pipeline.domain.events import (
    BEFORE_QUEUE,
    SCHEMA_VERSION,
    CallEvent,
    EventType,
    Rejected,
    customer_ref,
    event_id,
)

ZONE: Final = ZoneInfo("Asia/Jerusalem")
HEADER: Final = b"vru+line\t"
COLUMNS: Final = (
    *("vru+line", "call_id", "customer_id", "priority", "type", "date"),
    *("vru_entry", "vru_exit", "vru_time", "q_start", "q_exit", "q_time"),
    *("outcome", "ser_start", "ser_exit", "ser_time", "server"),
)
NO_SERVER: Final = "NO_SERVER"
UNKNOWN_AGENT: Final = "unknown"

HANG_WITH_SERVICE: Final = "hang_with_service"
NEGATIVE_VRU_TIME: Final = "negative_vru_time"
NO_AGENT_NAMED: Final = "no_agent_named"

_HALF_DAY_S: Final = 43_200
_CENTURY: Final = 1900


class Converted(NamedTuple):
    """The events of one row, in order of time, and what is odd about it."""

    events: list[CallEvent]
    anomalies: tuple[str, ...]


class _Row(NamedTuple):
    contact: str
    customer: str
    queue: str
    outcome: str
    vru_exit_ms: int
    vru_time_s: int
    queued_ms: int
    wait_s: int
    service_s: int
    server: str


class _BadRowError(ValueError):
    """A row cannot be read; the message names column, value and expectation."""


class AnonymousBankAdapter:
    """Reads one file: its events come at the end, in order of time, because the file is not.

    They are held in memory until then.
    """

    def __init__(self, origin: Origin) -> None:
        """Begin a file."""
        self.skipped: Counter[str] = Counter()
        self.anomalies: Counter[str] = Counter()
        self._origin = origin
        self._lines = 0
        self._events: list[CallEvent] = []

    def feed(self, record: bytes) -> tuple[Rejected, ...]:
        """Take a line; what is wrong with it is said at once."""
        self._lines += 1
        if self._lines == 1 and record.startswith(HEADER):
            self.skipped["header"] += 1
        elif not record.strip():
            self.skipped["blank line"] += 1
        else:
            converted = convert(record, self._origin)
            if isinstance(converted, Rejected):
                return (converted,)
            self.anomalies.update(converted.anomalies)
            self._events += converted.events
        return ()

    def finish(self) -> list[CallEvent]:
        """Return the events of all lines, in order of time."""
        return sorted(self._events, key=lambda event: event.occurred_at_ms)


def convert(line: bytes, origin: Origin) -> Converted | Rejected:
    """Convert one line (without its end) to events, or say why it has none.

    Reasons: ``phantom`` for the calls the source itself declares void, ``bad_row`` for a line
    that cannot be read. Never raises.
    """
    try:
        row = _read(line)
    except _BadRowError as error:
        return Rejected(reason="bad_row", message=str(error), raw=line)
    if row.outcome == "PHANTOM":
        return Rejected(
            reason="phantom",
            message=f"outcome: expected AGENT or HANG, got 'PHANTOM' (call {row.contact})",
            raw=line,
        )
    anomalies = [NEGATIVE_VRU_TIME] if row.vru_time_s < 0 else []
    if row.outcome == "AGENT":
        if row.server == NO_SERVER:
            anomalies.append(NO_AGENT_NAMED)
        return Converted(_answered(row, origin), tuple(anomalies))
    if row.service_s > 0:
        anomalies.append(HANG_WITH_SERVICE)
    return Converted(_hung_up(row, origin), tuple(anomalies))


def _answered(row: _Row, origin: Origin) -> list[CallEvent]:
    agent = UNKNOWN_AGENT if row.server == NO_SERVER else row.server
    queued_ms = row.queued_ms if row.wait_s > 0 else row.vru_exit_ms
    answered_ms = queued_ms + row.wait_s * 1000
    offered = _event(row, origin, EventType.OFFERED, answered_ms)
    answered = _event(row, origin, EventType.ANSWERED, answered_ms)
    return [
        _with_customer(_event(row, origin, EventType.QUEUED, queued_ms), row, origin),
        replace(offered, agent=agent),
        replace(answered, agent=agent),
        _event(row, origin, EventType.ENDED, answered_ms + row.service_s * 1000),
    ]


def _hung_up(row: _Row, origin: Origin) -> list[CallEvent]:
    if row.wait_s == 0:
        left = _event(row, origin, EventType.ABANDONED, row.vru_exit_ms)
        return [_with_customer(replace(left, reason=BEFORE_QUEUE), row, origin)]
    left_ms = row.queued_ms + row.wait_s * 1000
    return [
        _with_customer(_event(row, origin, EventType.QUEUED, row.queued_ms), row, origin),
        _event(row, origin, EventType.ABANDONED, left_ms),
    ]


def _event(row: _Row, origin: Origin, kind: EventType, at_ms: int) -> CallEvent:
    position = f"{row.contact}/{kind}"
    return CallEvent(
        v=SCHEMA_VERSION,
        event_id=event_id(origin.source, position),
        type=kind,
        occurred_at_ms=at_ms,
        client=origin.client,
        queue=row.queue,
        contact_id=row.contact,
        leg=1,
        source=origin.source,
        source_position=position,
        site=origin.site,
    )


def _with_customer(event: CallEvent, row: _Row, origin: Origin) -> CallEvent:
    return replace(event, customer_ref=customer_ref(origin.customer_key, row.customer))


def _read(line: bytes) -> _Row:
    try:
        values = [value.strip() for value in line.decode().split("\t")]
    except UnicodeDecodeError as error:
        msg = f"expected text in UTF-8: {error}"
        raise _BadRowError(msg) from error
    if len(values) != len(COLUMNS):
        msg = f"expected {len(COLUMNS)} tab-separated columns, got {len(values)}"
        raise _BadRowError(msg)
    row = dict(zip(COLUMNS, values, strict=True))
    for name in ("vru+line", "call_id", "type", "server"):
        if not row[name]:
            msg = f"{name}: expected a value, got nothing"
            raise _BadRowError(msg)
    if row["outcome"] not in ("AGENT", "HANG", "PHANTOM"):
        msg = f"outcome: expected AGENT, HANG or PHANTOM, got {row['outcome']!r}"
        raise _BadRowError(msg)
    day = _day(row["date"])
    entry_s = _clock(row, "vru_entry")
    return _Row(
        contact=f"{row['vru+line']}-{row['call_id']}",
        customer=row["customer_id"],
        queue=row["type"],
        outcome=row["outcome"],
        vru_exit_ms=_instant(day, entry_s, _clock(row, "vru_exit")),
        vru_time_s=_whole(row, "vru_time", least=-_HALF_DAY_S),
        queued_ms=_instant(day, entry_s, _clock(row, "q_start")),
        wait_s=_whole(row, "q_time", least=0),
        service_s=_whole(row, "ser_time", least=0),
        server=row["server"],
    )


def _day(text: str) -> datetime:
    if len(text) == len("yymmdd") and text.isascii() and text.isdigit():
        try:
            return datetime(_CENTURY + int(text[:2]), int(text[2:4]), int(text[4:]), tzinfo=ZONE)
        except ValueError:
            pass
    msg = f"date: expected a day as yymmdd, got {text!r}"
    raise _BadRowError(msg)


def _clock(row: dict[str, str], name: str) -> int:
    parts = row[name].split(":")
    if len(parts) == 3 and all(part.isascii() and part.isdigit() for part in parts):  # noqa: PLR2004
        hours, minutes, seconds = (int(part) for part in parts)
        if hours < 24 and minutes < 60 and seconds < 60:  # noqa: PLR2004 - a clock's
            return hours * 3600 + minutes * 60 + seconds
    msg = f"{name}: expected a time as h:mm:ss, got {row[name]!r}"
    raise _BadRowError(msg)


def _whole(row: dict[str, str], name: str, *, least: int) -> int:
    text = row[name]
    digits = text.removeprefix("-")
    if digits.isascii() and digits.isdigit() and len(digits) < 10 and int(text) >= least:  # noqa: PLR2004
        return int(text)
    msg = f"{name}: expected whole seconds from {least} on, got {text!r}"
    raise _BadRowError(msg)


def _instant(day: datetime, entry_s: int, clock_s: int) -> int:
    """Return epoch milliseconds of a clock reading; half a day before entry is past midnight."""
    if entry_s - clock_s > _HALF_DAY_S:
        clock_s += 86_400
    # Wall-clock arithmetic: the sum is a reading of the bank's clock, then placed on the time line.
    return int((day + timedelta(seconds=clock_s)).timestamp()) * 1000
