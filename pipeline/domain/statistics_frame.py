"""What statistics are asked for: which rows count, and into which intervals they fall.

A row is an instant with numbers. A selection says which instants count, by the clock and the
calendar of its zone; frames are the intervals that the answer lists, the whole range last. What
the intervals of an answer are differs between systems; that is a ``Dialect``.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from pipeline.domain.business_time import HOUR_MS
from pipeline.domain.intervals import MINUTE_MS, Grain, Grid, Interval

ALL_DAYS: Final = frozenset(range(1, 8))
"""Days of the week, Monday is 1."""

_STEPPED: Final = frozenset({Grain.HOUR, Grain.DAY, Grain.MONTH})


@dataclass(frozen=True, slots=True, kw_only=True)
class Dialect:
    """How a system cuts a range into intervals and what it takes day hours to mean.

    ``aligned``: intervals follow the clock, the first and last cut off at the range; else they are
    counted on from the range's start. ``closing_hour_counts``: rows of the hour that day hours end
    in still count, and only intervals that begin and end within day hours are listed, as in
    wazo-call-logd; else day hours are half-open, to the minute, and every interval is listed that
    has a minute of them, so that intervals add up to the whole. ``hourly_months``: the longest
    range that is cut into hours.
    """

    name: str
    grains: frozenset[Grain]
    aligned: bool
    closing_hour_counts: bool
    hourly_months: int | None


VANE: Final = Dialect(
    name="vane",
    grains=frozenset(Grain),
    aligned=True,
    closing_hour_counts=False,
    hourly_months=None,
)
WAZO: Final = Dialect(
    name="wazo",
    grains=_STEPPED,
    aligned=False,
    closing_hour_counts=True,
    hourly_months=1,
)
DIALECTS: Final = {dialect.name: dialect for dialect in (VANE, WAZO)}


@dataclass(frozen=True, slots=True)
class DayHours:
    """``[start, end)`` in minutes since midnight."""

    start: int
    end: int

    def has(self, minute: int) -> bool:
        """Say whether a minute of the day lies within."""
        return self.start <= minute < self.end

    def touch(self, minute: int, length: int) -> bool:
        """Say whether any of ``length`` minutes from a minute of the day on lies within."""
        return minute < self.end and self.start < minute + length


@dataclass(frozen=True, slots=True, kw_only=True)
class Selection:
    """Which rows count: from an instant, before another, within hours and days of a zone."""

    zone: str
    from_ms: int
    until_ms: int
    day_hours: DayHours | None = None
    week_days: frozenset[int] = ALL_DAYS

    def whole(self) -> Interval:
        """Return the range."""
        return Interval(self.from_ms, self.until_ms)

    def takes(self, local: datetime) -> bool:
        """Say whether a time by the zone's clock lies within the days and hours."""
        if local.isoweekday() not in self.week_days:
            return False
        return self.day_hours is None or self.day_hours.has(minute_of_day(local))


class Frames:
    """The intervals of an answer and the rows' way into them; the whole range comes last."""

    __slots__ = ("_clock", "_selection", "_starts", "listed")

    def __init__(self, selection: Selection, grain: Grain | None, dialect: Dialect) -> None:
        """Cut a selection's range into intervals of a grain, or leave it whole."""
        self._selection: Final = selection
        self._clock: Final = Grid(selection.zone, Grain.DAY)
        cut = () if grain is None else _cut(selection, grain, dialect)
        listed = [found for found in cut if self._is_listed(found, grain, dialect)]
        self._starts: Final = [found.start_ms for found in listed]
        self.listed: Final[Sequence[Interval]] = (*listed, selection.whole())

    def of(self, at_ms: int) -> list[int]:
        """Return the places in ``listed`` at which a row counts; none if it is not selected."""
        if not self.listed[-1].holds(at_ms) or not self._selection.takes(self._clock.local(at_ms)):
            return []
        place = bisect_right(self._starts, at_ms) - 1
        whole = len(self._starts)
        return [place, whole] if place >= 0 and self.listed[place].holds(at_ms) else [whole]

    def _is_listed(self, found: Interval, grain: Grain | None, dialect: Dialect) -> bool:
        start, hours = self._clock.local(found.start_ms), self._selection.day_hours
        if grain in {Grain.WEEK, Grain.MONTH}:
            return True
        if start.isoweekday() not in self._selection.week_days:
            return False
        if hours is None or grain is Grain.DAY:
            return True
        if dialect.closing_hour_counts:
            end = self._clock.local(found.end_ms)
            return hours.has(minute_of_day(start)) and hours.has(minute_of_day(end))
        return hours.touch(minute_of_day(start), -(-found.length_ms // MINUTE_MS))


def _cut(selection: Selection, grain: Grain, dialect: Dialect) -> Iterator[Interval]:
    grid = Grid(selection.zone, grain)
    if dialect.aligned:
        yield from grid.tiles(selection.from_ms, selection.until_ms)
        return
    start = selection.from_ms
    while start < selection.until_ms:
        end = min(_step(grid, start), selection.until_ms)
        yield Interval(start, end)
        start = end


def _step(grid: Grid, at_ms: int) -> int:
    """Return an instant one hour, day or month on; days and months by the clock on the wall."""
    if grid.grain is Grain.HOUR:
        return at_ms + HOUR_MS
    local = grid.local(at_ms)
    return _instant(local + timedelta(days=1) if grid.grain is Grain.DAY else month_on(local))


def month_on(local: datetime) -> datetime:
    """Return the same day and time a month on, or the month's last day if it has no such."""
    first = local.replace(day=1) + timedelta(days=31)
    last = (first.replace(day=1) + timedelta(days=31)).replace(day=1) - timedelta(days=1)
    return first.replace(day=min(local.day, last.day), fold=0)


def _instant(local: datetime) -> int:
    return round(local.timestamp() * 1000)


def minute_of_day(local: datetime) -> int:
    """Return the minute since midnight that a clock shows."""
    return local.hour * 60 + local.minute
