"""Reads what a cell of CSV, or a value of JSON, says: an instant, a number, a flag, a word, a list.

Strict: what is not exactly understood raises ``ValueError`` saying what was expected. Numbers stay
exact (decimal, times a whole factor); nothing passes through a float.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal
from typing import Final, NamedTuple
from zoneinfo import ZoneInfo

from pipeline.codec.local_time import parse_instant

AMBIGUOUS: Final = "ambiguous_local_time"
"""A clock showed this time twice; the first is taken."""
SKIPPED: Final = "skipped_local_time"
"""A clock never showed this time; it is taken by the offset from before the gap."""

_NUMBER: Final = re.compile(r"-?\d{1,15}(\.\d{1,9})?")
_DAY: Final = re.compile(r"\d{4}-\d{2}-\d{2}")
_TRUE: Final = frozenset({"true", "yes", "y", "1"})
_FALSE: Final = frozenset({"false", "no", "n", "0"})
_LIST_ENDS: Final = re.compile(r"[;|]")
_OTHER_ZONE: Final = timezone(timedelta(hours=1))
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)


class Instant(NamedTuple):
    """Epoch milliseconds UTC, and what was odd about the local time, if anything."""

    at_ms: int
    oddity: str | None = None


class NoZoneError(ValueError):
    """A local time, and nobody said of which zone."""


def read_text(value: object) -> str:
    """Return a text; a whole number of JSON is an identifier written without quotes."""
    if isinstance(value, int) and not isinstance(value, bool):
        return str(value)
    if not isinstance(value, str):
        msg = f"expected text, got {value!r}"
        raise ValueError(msg)  # noqa: TRY004 - a bad value of a file, like any other
    return value


def read_word(value: object) -> str:
    """Return a word in lower case, with underscores for spaces and hyphens."""
    return re.sub(r"[\s-]+", "_", read_text(value).strip().lower())


def read_number(value: object, factor: int = 1) -> int:
    """Return a decimal number times a factor, which must come out whole."""
    found: Decimal | None = None
    if isinstance(value, str) and _NUMBER.fullmatch(value):
        found = Decimal(value)
    elif isinstance(value, int | float) and not isinstance(value, bool):
        found = Decimal(repr(value))
    if found is None or not found.is_finite():
        msg = f"expected a number such as {'12.5' if factor > 1 else '12'}, got {value!r}"
        raise ValueError(msg)
    scaled = found * factor
    if scaled != scaled.to_integral_value():
        steps = f"steps of 1/{factor}" if factor > 1 else "a whole number"
        msg = f"expected {steps}, got {value!r}"
        raise ValueError(msg)
    return int(scaled)


def read_flag(value: object) -> bool:
    """Return what true or false, yes or no, 1 or 0 says."""
    word = str(value).lower() if isinstance(value, bool | str | int) else ""
    if word in _TRUE or word in _FALSE:
        return word in _TRUE
    msg = f"expected true or false, got {value!r}"
    raise ValueError(msg)


def read_list(value: object) -> tuple[str, ...]:
    """Return the different names of a list, sorted; in a text they stand between ; or |."""
    items = _LIST_ENDS.split(value) if isinstance(value, str) else value
    if not isinstance(items, list):
        msg = f"expected a list, or names between semicolons, got {value!r}"
        raise ValueError(msg)  # noqa: TRY004 - a bad value of a file, like any other
    return tuple(sorted({name for item in items if (name := read_text(item).strip())}))


def read_instant(value: object, zone: ZoneInfo | None, *, is_day_enough: bool = False) -> Instant:
    """Return an instant of ISO 8601: with an offset, or by the clock of the zone.

    A day alone, where it is enough, is its midnight. A time that the clock shows twice is the
    first of them, one that it skips is placed by the offset before the gap; both are told.

    Raises:
        NoZoneError: a local time without a zone.
        ValueError: no instant.
    """
    text = read_text(value)
    if is_day_enough and _DAY.fullmatch(text.strip()):
        text = f"{text.strip()}T00:00:00"
    # With an offset of its own, a time is the same instant whatever zone it is read in.
    as_utc = parse_instant(text, UTC)
    if as_utc == parse_instant(text, _OTHER_ZONE):
        return Instant(as_utc)
    if zone is None:
        msg = f"expected a time with an offset such as +01:00, or --timezone, got {text!r}"
        raise NoZoneError(msg)
    local = (_EPOCH + timedelta(milliseconds=as_utc)).replace(tzinfo=zone)
    first, second = local.utcoffset(), local.replace(fold=1).utcoffset()
    # fold=0 is the earlier of two, and the offset before a gap (PEP 495).
    at_ms = (local - _EPOCH) // timedelta(milliseconds=1)
    if first == second or first is None or second is None:
        return Instant(at_ms)
    return Instant(at_ms, AMBIGUOUS if first > second else SKIPPED)


_ISSUED: Final = re.compile(
    r"(?<!\d)(20\d\d)-?(0[1-9]|1[0-2])-?(0[1-9]|[12]\d|3[01])"
    r"(?:[T_]([01]\d|2[0-3])[:.]?([0-5]\d)(?:[:.]?([0-5]\d))?Z?(?![\d-]))?(?!\d)"
)


def issued_at_ms(name: str, zone: ZoneInfo | None) -> int | None:
    """Return when a file was issued by the date and time in its name, or None if it has none.

    ``plan-2025-11-04.csv``, ``plan_20251104T0730.csv``: by the clock of the zone (UTC without
    one, or with a ``Z``), a day alone is its midnight. Two dates are taken for a period that the
    file is about. A file's own time of change is not asked, because copying the file changes it.
    """
    found = list(_ISSUED.finditer(name))
    if len(found) != 1:
        return None
    year, month, day, hour, minute, second = (int(part or 0) for part in found[0].groups())
    clock = UTC if zone is None or found[0][0].endswith("Z") else zone
    try:
        at = datetime(year, month, day, hour, minute, second, tzinfo=clock)
    except ValueError:  # 30 February
        return None
    return (at - _EPOCH) // timedelta(milliseconds=1)
