"""A table of calls, one leg a row, to leg events: for systems that have no adapter of their own.

The format is ours and documented in ``docs/formats/csv-calls.md``: RFC 4180 with a header, columns
by name in any order, separated by commas, semicolons or tabs. Lines are fed one by one, and a
quoted value may go on over several. A later header (files one after the other) starts afresh.
"""

from __future__ import annotations

import csv
import hashlib
import hmac
from collections import Counter
from collections.abc import Iterator
from typing import Final

from pipeline.codec.adapter import Origin
from pipeline.codec.json_document import Part, UnusableError
from pipeline.codec.leg_sheet import UNKNOWN, LegSheet, caller_ref, outside
from pipeline.codec.timestamp import Clock
from pipeline.domain.events import (
    BEFORE_QUEUE,
    AgentStateEvent,
    CallEvent,
    EventType,
    Rejected,
    TransferKind,
)

REQUIRED: Final = ("contact_id", "queue")
INSTANTS: Final = (
    *("queued_at", "offered_at", "no_answer_at", "answered_at", "ended_at", "abandoned_at"),
    *("flowed_out_at", "callback_at", "refused_at", "transferred_at", "dialed_at", "connected_at"),
)
COLUMNS: Final = frozenset(
    {
        *REQUIRED,
        *INSTANTS,
        *("leg", "reason", "agent", "hold_s", "acw_s", "caller"),
        *("transfer_kind", "transfer_target", "connected_to", "ended_by"),
    }
)
_KINDS: Final = {
    "dialed_at": EventType.DIALED,
    "connected_at": EventType.CONNECTED,
    "queued_at": EventType.QUEUED,
    "offered_at": EventType.OFFERED,
    "no_answer_at": EventType.RING_NO_ANSWER,
    "abandoned_at": EventType.ABANDONED,
    "flowed_out_at": EventType.FLOWED_OUT,
    "callback_at": EventType.CALLBACK_REQUESTED,
    "refused_at": EventType.REFUSED,
}
_COLUMN_OF: Final = {kind: name for name, kind in _KINDS.items()}
SEPARATORS: Final = ",;\t"
MOST_LINES: Final = 100
"""Lines that one quoted value may go on over."""
MOST_BYTES: Final = 1 << 17
_LEAST_DIGITS: Final = 6
_MOST_LEGS: Final = 2**31 - 1
_CONNECTED_TO: Final = frozenset({"human", "machine", "unknown"})


class CsvCallsAdapter:
    """Turns rows of a table of calls into leg events."""

    def __init__(self, origin: Origin) -> None:
        """Begin before the header."""
        self._origin = origin
        self.skipped: Counter[str] = Counter()
        self.anomalies: Counter[str] = Counter()
        self._clock = Clock(origin.zone, self.anomalies)
        self._separator = ","
        self._columns: list[str] = []
        self._missing = "header"
        self._begun: list[bytes] = []

    def feed(self, record: bytes) -> Iterator[CallEvent | AgentStateEvent | Rejected]:
        """Take one line without its end; never raises."""
        lines = [*self._begun, record]
        try:
            return iter(self._line(lines))
        except UnusableError as error:
            self._begun = []
            raw = b"\n".join(lines)
            return iter([Rejected(reason=error.reason, message=str(error), raw=raw)])

    def finish(self) -> Iterator[Rejected]:
        """Reject what a quote that nobody closed has swallowed."""
        if self._begun:
            self.skipped["continued_line"] -= 1  # the last line stands for the row
            message = "expected a closing quote, got the end of the input"
            yield Rejected(reason="open_quote", message=message, raw=b"\n".join(self._begun))

    def _line(self, lines: list[bytes]) -> list[CallEvent]:
        raw = b"\n".join(lines)
        if len(raw) > MOST_BYTES:
            raise UnusableError("too_large", f"expected a row of at most {MOST_BYTES} bytes")
        if not raw.strip():
            self.skipped["blank"] += 1
            return []
        if raw.count(b'"') % 2 and self._is_open(raw):
            if len(lines) >= MOST_LINES:
                raise UnusableError("open_quote", f"expected a closing quote in {MOST_LINES} lines")
            self._begun = lines
            self.skipped["continued_line"] += 1
            return []
        # The lines before were counted when they came; this one stands for the whole row.
        self._begun = []
        try:
            return self._row(raw.decode("utf-8-sig").removesuffix("\r"))
        except UnicodeDecodeError as error:
            raise UnusableError("not_utf8", f"expected text in UTF-8: {error}") from error

    def _is_open(self, raw: bytes) -> bool:
        """Say whether a quoted value goes on; a lone quote within a bare value opens none."""
        text = raw.decode(errors="replace")
        for separator in self._separator if self._columns else SEPARATORS:
            try:
                _cells(text, separator)
            except UnusableError as error:
                if error.reason == "open_quote":
                    return True
        return False

    def _row(self, text: str) -> list[CallEvent]:
        header = _header(text)
        if header is not None:
            self._take_header(*header)
            return []
        if self._missing:
            message = f"{self._missing}: expected a header with this column before the rows"
            raise UnusableError("missing_column", message)
        cells = _cells(text, self._separator)
        if len(cells) != len(self._columns):
            message = f"expected {len(self._columns)} columns, got {len(cells)}"
            raise UnusableError("column_count", message)
        fields = dict(zip(self._columns, (cell.strip() or None for cell in cells), strict=True))
        return list(self._leg(Part(fields, self._clock)))

    def _take_header(self, separator: str, columns: list[str]) -> None:
        self._separator, self._columns = separator, columns
        repeated = [name for name, count in Counter(columns).items() if count > 1 and name]
        absent = [name for name in REQUIRED if name not in columns]
        if not set(INSTANTS) & set(columns):
            absent.append("queued_at")
        self._missing = absent[0] if absent else ""
        if repeated:
            self._missing = repeated[0]
            message = f"{repeated[0]}: expected each column once"
            raise UnusableError("repeated_column", message)
        for name in columns:
            if name not in COLUMNS:
                self.anomalies[f"unknown_column:{name[:40]}"] += 1
        if absent:
            message = f"{absent[0]}: expected a column of this name, got {', '.join(columns)[:200]}"
            raise UnusableError("missing_column", message)
        self.skipped["header"] += 1

    def _leg(self, row: Part) -> Iterator[CallEvent]:
        at = {name: found for name in INSTANTS if (found := row.instant(name)) is not None}
        if not at:
            message = f"expected a time in one of {', '.join(INSTANTS)}, got none"
            raise UnusableError("no_instant", message)
        sheet, customer = self._sheet(row)
        for name, kind in _KINDS.items():
            if name in at:
                yield self._event(row, sheet, kind, at, customer)
        yield from self._handled(row, sheet, at)
        transfer = self._transfer(row)
        if transfer is not None:
            left = at.get("transferred_at") or at.get("ended_at")
            if left is None:
                raise UnusableError("no_instant", "transferred_at: expected a time, got nothing")
            yield sheet.event(EventType.TRANSFERRED, left, transfer=transfer)

    def _event(
        self,
        row: Part,
        sheet: LegSheet,
        kind: EventType,
        at: dict[str, int],
        customer: str | None,
    ) -> CallEvent:
        """Return one of the events that have a column of their own and stand by themselves."""
        reason, agent = row.text("reason") or None, None
        if kind in {EventType.OFFERED, EventType.RING_NO_ANSWER}:
            reason, agent = None, self._agent(row)
        elif kind in {EventType.QUEUED, EventType.DIALED, EventType.CALLBACK_REQUESTED}:
            reason = None
        elif kind is EventType.CONNECTED:
            reason = row.text("connected_to").lower() or UNKNOWN
            if reason not in _CONNECTED_TO:
                raise row.fault("connected_to", "bad_value", "human, machine or unknown")
        elif kind is EventType.ABANDONED and not {"queued_at", "dialed_at"} & at.keys():
            reason = BEFORE_QUEUE
        elif kind in {EventType.FLOWED_OUT, EventType.REFUSED} and reason is None:
            self.anomalies["no_reason"] += 1
            reason = UNKNOWN
        column = _COLUMN_OF[kind]
        return sheet.event(kind, at[column], agent=agent, reason=reason, customer=customer)

    def _handled(self, row: Part, sheet: LegSheet, at: dict[str, int]) -> Iterator[CallEvent]:
        answered, ended = at.get("answered_at"), at.get("ended_at")
        hold, acw = row.length_ms("hold_s"), row.length_ms("acw_s")
        if answered is not None:
            agent = self._agent(row)
            if "offered_at" not in at:
                yield sheet.event(EventType.OFFERED, answered, agent=agent)
            yield sheet.event(EventType.ANSWERED, answered, agent=agent)
        if ended is None:
            if hold or acw:
                raise UnusableError(
                    "no_instant", "ended_at: expected a time beside hold and wrap-up"
                )
            return
        if answered is not None and ended < answered:
            self.anomalies["time_backwards"] += 1
        yield sheet.event(EventType.ENDED, ended, reason=row.text("ended_by") or None)
        if hold:
            # The table has the sum of the holds, not when they were: they are told as one, last.
            if answered is not None and hold > ended - answered:
                self.anomalies["hold_longer_than_call"] += 1
            yield sheet.event(EventType.HOLD_STARTED, max(1, ended - hold), hold_seq=1)
            yield sheet.event(EventType.HOLD_ENDED, ended, hold_seq=1)
        if acw is not None:
            yield sheet.event(EventType.WRAPUP_STARTED, ended)
            yield sheet.event(EventType.WRAPUP_ENDED, ended + acw)

    def _sheet(self, row: Part) -> tuple[LegSheet, str | None]:
        contact, caller = row.required("contact_id"), row.text("caller")
        number = row.text("leg") or "1"
        if not (number.isascii() and number.isdigit() and 1 <= int(number[:11]) <= _MOST_LEGS):
            raise row.fault("leg", "bad_value", "a whole number from 1 on")
        digits = "".join(c for c in caller if c.isdigit())
        if len(digits) >= _LEAST_DIGITS and digits in "".join(c for c in contact if c.isdigit()):
            self.anomalies["contact_id_holds_number"] += 1
            key = self._origin.customer_key
            contact = hmac.new(key, contact.encode(), hashlib.sha256).hexdigest()[:24]
        sheet = LegSheet(
            origin=self._origin,
            contact_id=contact,
            leg=int(number),
            queue=self._origin.names.queue(row.required("queue")),
            native=f"{contact}/{int(number)}",
        )
        return sheet, caller_ref(self._origin, caller)

    def _agent(self, row: Part) -> str:
        agent = row.text("agent")
        if not agent:
            self.anomalies["no_agent_named"] += 1
        return self._origin.names.agent(agent) if agent else UNKNOWN

    def _transfer(self, row: Part) -> tuple[TransferKind, str] | None:
        kind, target = row.text("transfer_kind").lower(), row.text("transfer_target")
        if not kind and not target and row.get("transferred_at") is None:
            return None
        if kind not in {"", *TransferKind}:
            raise row.fault("transfer_kind", "bad_value", "blind or attended")
        front, colon, rest = target.partition(":")
        if front not in {"queue", "agent"} or not colon:
            # A bare number, or one marked as external, is somebody's number.
            address = rest if front == "external" else target
            hidden = outside(self._origin, address)
            target = target if hidden == outside(self._origin, "") and target else hidden
        return TransferKind(kind or TransferKind.BLIND), target


def _header(text: str) -> tuple[str, list[str]] | None:
    """Return separator and columns if a row is a header: it names the contact's and another."""
    if "contact_id" not in text.lower():
        return None
    for separator in SEPARATORS:
        try:
            columns = [cell.strip().lower() for cell in _cells(text, separator)]
        except UnusableError:
            continue
        if "contact_id" in columns and len(COLUMNS & set(columns)) > 1:
            return separator, columns
    return None


def _cells(text: str, separator: str) -> list[str]:
    try:
        (row,) = csv.reader([text], delimiter=separator, strict=True)
    except (csv.Error, ValueError) as error:
        if "end of data" in str(error):
            raise UnusableError("open_quote", "expected a closing quote") from error
        raise UnusableError("bad_quoting", f"expected quotes as in RFC 4180: {error}") from error
    return row
