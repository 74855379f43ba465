r"""Rows of a database's ``queue_log`` table, exported as CSV, as the records that files hold.

Columns are found by name, in any order: ``time``, ``callid``, ``queuename`` (or ``queue``),
``agent``, ``event`` (or ``verb``), and ``data1`` … ``data5`` or one ``data``; ``id`` and others are
passed over. Times are local text with microseconds, text with an offset, or epoch seconds. Of an
adaptive table the last column holds what is left over, with bars in it.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Final, NamedTuple
from zoneinfo import ZoneInfo

from pipeline.codec.local_time import parse_instant
from pipeline.codec.queue_log_fields import (
    ARGUMENTS,
    UnusableError,
    check_verb,
    epoch_ms,
    split_line,
)

_NAMES: Final = {
    "time": ("time", "created", "eventdate", "datetime"),
    "callid": ("callid", "call_id", "uniqueid"),
    "queuename": ("queuename", "queue"),
    "agent": ("agent",),
    "event": ("event", "verb"),
}
_DATA: Final = ("data1", "data2", "data3", "data4", "data5")
_EPOCH: Final = re.compile(r"\d{9,12}(\.\d+)?")
_OFFSET: Final = re.compile(r"([Zz]|[+-]\d{2}(:?\d{2})?)\s*$")
AMBIGUOUS: Final = "time_shown_twice"
MISSING: Final = "time_never_shown"


class Header(NamedTuple):
    """Where the columns are; ``data`` are the places of the arguments, in order."""

    time: int
    callid: int
    queuename: int
    agent: int
    event: int
    data: tuple[int, ...]
    width: int
    delimiter: str


class Read(NamedTuple):
    """A row as a record: its time, its fields, and the code of what is odd about its time."""

    at_ms: int
    fields: list[str]
    anomaly: str | None


def read_header(line: str) -> Header | None:
    """Return where the columns are, or None if the line is no header of such a table."""
    for delimiter in (",", ";", "\t"):
        names = [name.strip().lower() for name in next(csv.reader([line], delimiter=delimiter), [])]
        places = {
            name: next((names.index(word) for word in words if word in names), None)
            for name, words in _NAMES.items()
        }
        if any(place is None for place in places.values()):
            continue
        data = tuple(names.index(name) for name in _DATA if name in names)
        if not data and "data" in names:
            data = (names.index("data"),)
        found = {name: place for name, place in places.items() if place is not None}
        return Header(**found, data=data, width=len(names), delimiter=delimiter)
    return None


def read_row(text: str, header: Header, zone: ZoneInfo | None) -> Read:
    """Return a row as a record.

    Raises:
        NoEventError: it is of a verb that says nothing that is counted.
        UnusableError: it cannot be read; the text says what was expected.
    """
    try:
        cells = next(csv.reader([text], delimiter=header.delimiter, strict=True), [])
    except csv.Error as error:
        raise UnusableError("bad_csv", f"expected a row of CSV: {error}") from error
    if len(cells) != header.width:
        msg = f"expected {header.width} columns as in the header, got {len(cells)}"
        raise UnusableError("missing_fields" if len(cells) < header.width else "extra_fields", msg)
    check_verb(cells[header.event])
    at, anomaly = _time(cells[header.time], zone)
    arguments = _arguments([cells[place] for place in header.data], cells[header.event])
    fields = [
        *(str(at // 1000), cells[header.callid], cells[header.queuename], cells[header.agent]),
        *(cells[header.event], *arguments),
    ]
    return Read(at, fields, anomaly)


def _time(text: str, zone: ZoneInfo | None) -> tuple[int, str | None]:
    text = text.strip()
    has_offset = _OFFSET.search(text) is not None and ":" in text
    try:
        if _EPOCH.fullmatch(text):
            return epoch_ms(text), None
        at = parse_instant(text, zone or ZoneInfo("UTC"))
    except ValueError as error:
        raise UnusableError("bad_time", f"time: {error}") from error
    if has_offset:
        return at, None
    if zone is None:
        msg = f"time {text!r} has no zone; expected one, or to be told whose clock it is by"
        raise UnusableError("no_zone", msg)
    return at, _oddity(at, text, zone)


def _oddity(at_ms: int, text: str, zone: ZoneInfo) -> str | None:
    """Return whether a local time is one that the clock shows twice, or never."""
    local = (datetime(1970, 1, 1, tzinfo=UTC) + timedelta(milliseconds=at_ms)).astimezone(zone)
    if local.replace(fold=0).utcoffset() == local.replace(fold=1).utcoffset():
        return None if _shows(local, text) else MISSING
    return AMBIGUOUS


def _shows(local: datetime, text: str) -> bool:
    """Say whether a clock that shows ``local`` shows what the text says."""
    found = re.search(r"[Tt ]\s*(\d{1,3}):(\d{1,3})", text)
    return found is None or (int(found[1]), int(found[2])) == (local.hour, local.minute)


def _arguments(data: Sequence[str], verb: str) -> list[str]:
    """Return the arguments of a row; empty ones at its end are none, as far as may be left out."""
    found = split_line(data[0]) if len(data) == 1 else [cell.replace("\\|", "|") for cell in data]
    least = ARGUMENTS.get(verb, (0, 0))[0]
    while len(found) > least and not found[-1]:
        found.pop()
    found += [""] * (least - len(found))
    if verb == "ATTENDEDTRANSFER" and len(data) > 1 and "|" in found[-1]:
        found[-1:] = found[-1].split("|")
    return found
