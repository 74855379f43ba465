"""Reads instants and lengths of time as people, APIs and PostgreSQL write them.

An instant is ISO 8601 with date and time of day, a space for the ``T`` or leading zeros more or
less accepted. Without an offset it is by the clock of a zone; of a time that a clock shows twice
the first is meant, and one that it skips is as long after midnight as it says.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta, timezone, tzinfo
from typing import Final

_INSTANT: Final = re.compile(
    r"\s*(\d{4})-(\d{1,2})-(\d{1,2})[Tt ]\s*(\d{1,3}):(\d{1,3})(?::(\d{1,3})(?:[.,](\d{1,9}))?)?"
    r"\s*([Zz]|[+-]\d{2}(?::?\d{2})?)?\s*"
)
_LENGTH: Final = re.compile(
    r"\s*(?:(\d+) days?,? ?)?(?:(\d+):([0-5]?\d)(?::([0-5]?\d)(?:\.(\d{1,6}))?)?)?\s*"
)
_LONGEST_OFFSET: Final = timedelta(hours=24)


def parse_instant(text: str, zone: tzinfo) -> int:
    """Return epoch milliseconds; raise ValueError saying what was expected."""
    found = _INSTANT.fullmatch(text)
    problem = f"expected a date and time such as 2020-10-06T13:00:00+00:00, got {text!r}"
    if found is None:
        raise ValueError(problem)
    year, month, day, hour, minute = (int(part) for part in found.groups()[:5])
    fraction = (found[7] or "").ljust(6, "0")[:6]
    try:
        local = datetime(  # noqa: DTZ001 - the zone comes next
            year, month, day, hour, minute, int(found[6] or 0), int(fraction)
        )
        at = local.replace(tzinfo=zone if found[8] is None else _offset(found[8]))
        since = at.astimezone(UTC) - datetime(1970, 1, 1, tzinfo=UTC)
    except (ValueError, OverflowError) as error:
        raise ValueError(problem) from error
    return since // timedelta(milliseconds=1)


def _offset(text: str) -> timezone:
    if text in {"Z", "z"}:
        return UTC
    digits = text[1:].replace(":", "").ljust(4, "0")
    length = timedelta(hours=int(digits[:2]), minutes=int(digits[2:]))
    if length >= _LONGEST_OFFSET:
        msg = f"no offset: {text!r}"
        raise ValueError(msg)
    return timezone(length if text[0] == "+" else -length)


def parse_length(value: object) -> int:
    """Return milliseconds of ``HH:MM:SS``, ``1 day, 02:00:00``, or a number of seconds."""
    if isinstance(value, int) and not isinstance(value, bool) and value >= 0:
        return value * 1000
    found = _LENGTH.fullmatch(value) if isinstance(value, str) else None
    if found is None or not any(found.groups()):
        msg = f"expected a length such as 00:55:00, or whole seconds from 0 on, got {value!r}"
        raise ValueError(msg)
    days, hours, minutes, seconds = (int(part or 0) for part in found.groups()[:4])
    whole = ((days * 24 + hours) * 60 + minutes) * 60 + seconds
    return whole * 1000 + int((found[5] or "0").ljust(6, "0")[:3])
