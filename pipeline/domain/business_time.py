"""Business months and days in contract zones, as integer bounds: the one calendar there is.

All arithmetic of months, days and summer time is done here, once, by Python's zone database;
SQL receives epoch milliseconds and compares integers.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Final
from zoneinfo import ZoneInfo

from pipeline.errors import InputError

HOUR_MS: Final = 3_600_000
_STEP_MS: Final = 12 * HOUR_MS
"""No zone has changed its offset twice within less."""
_MILLISECOND: Final = timedelta(milliseconds=1)
_FORM: Final = re.compile(r"(\d{4})-(0[1-9]|1[0-2])")


@dataclass(frozen=True, slots=True)
class Month:
    """One calendar month; what instants it spans depends on the zone."""

    year: int
    month: int

    def __str__(self) -> str:
        """Return ``YYYY-MM``."""
        return f"{self.year:04d}-{self.month:02d}"

    @property
    def first_day(self) -> date:
        """Return the first day."""
        return date(self.year, self.month, 1)

    @property
    def next_first_day(self) -> date:
        """Return the first day of the next month."""
        return date(self.year + self.month // 12, self.month % 12 + 1, 1)

    def bounds(self, zone: str) -> tuple[int, int]:
        """Return the half-open bounds in a zone, epoch milliseconds."""
        return midnight_ms(self.first_day, zone), midnight_ms(self.next_first_day, zone)

    def days(self, zone: str) -> Iterator[tuple[date, int, int]]:
        """Yield each business day with its half-open bounds; a DST day has 23 or 25 hours."""
        day = self.first_day
        while day < self.next_first_day:
            after = day + timedelta(days=1)
            yield day, midnight_ms(day, zone), midnight_ms(after, zone)
            day = after

    def event_dates(self, margin_days: int) -> set[str]:
        """Return the UTC days that can hold events of the month's legs, margin included."""
        day = self.first_day - timedelta(days=margin_days)
        end = self.next_first_day + timedelta(days=margin_days)
        return {(day + timedelta(days=i)).isoformat() for i in range((end - day).days)}


def parse_month(text: str) -> Month:
    """Read ``YYYY-MM``; raise InputError with the value and what was expected."""
    found = _FORM.fullmatch(text)
    if found is None or not 1970 <= int(found[1]) < 9999:  # noqa: PLR2004 - epoch to 9998
        msg = f"expected a month as YYYY-MM from 1970-01 on, got {text!r}"
        raise InputError(msg)
    return Month(int(found[1]), int(found[2]))


def midnight_ms(day: date, zone: str) -> int:
    """Return local midnight of a day, epoch milliseconds."""
    return round(datetime.combine(day, time(), tzinfo=ZoneInfo(zone)).timestamp() * 1000)


def offsets(zone: str, from_ms: int, to_ms: int) -> Iterator[tuple[int, int, int]]:
    """Yield (from, to, offset ms) of the zone's UTC offsets between two instants, half-open.

    Nothing is yielded of an empty span.
    """
    if from_ms >= to_ms:
        return
    info = ZoneInfo(zone)
    start, current = from_ms, offset_ms(info, from_ms)
    known = from_ms  # the last instant that is known to have the current offset
    while known < to_ms - 1:
        at = min(known + _STEP_MS, to_ms - 1)
        if (offset := offset_ms(info, at)) != current:
            changed = transition_ms(info, known, at)
            yield start, changed, current
            start, current = changed, offset
        known = at
    yield start, to_ms, current


def transition_ms(info: ZoneInfo, before_ms: int, after_ms: int) -> int:
    """Return the first instant with a new offset between two whose offsets differ."""
    low, high, old = before_ms, after_ms, offset_ms(info, before_ms)
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (middle, high) if offset_ms(info, middle) == old else (low, middle)
    return high


def offset_ms(info: ZoneInfo, at_ms: int) -> int:
    """Return a zone's UTC offset at an instant, milliseconds; they may be odd before 1972."""
    # Offsets change at whole seconds.
    offset = datetime.fromtimestamp(at_ms // 1000, UTC).astimezone(info).utcoffset()
    return 0 if offset is None else offset // _MILLISECOND
