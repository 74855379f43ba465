"""Intervals of the business calendar: half-open in UTC, cut and labelled by the clock of a zone.

An interval is a pair of instants; its zone only says where the cuts lie and how to name it. So a
day of 23 or 25 hours is as good as any other, and the half hour that begins at 01:30 twice in an
autumn night is two intervals that differ in their offset. Intervals of a grain follow one another
without gap or overlap, whatever the zone does; that is the law the tests hold them to.

Knows of no events and no KPIs; opening hours are ``opening_hours``' business.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from enum import StrEnum
from typing import Final
from zoneinfo import ZoneInfo

from pipeline.domain.business_time import midnight_ms, offset_ms, transition_ms
from pipeline.errors import InputError

MINUTE_MS: Final = 60_000
_DAY: Final = timedelta(days=1)


class Grain(StrEnum):
    """How long an interval is by the clock on the wall; a week begins on Monday."""

    QUARTER_HOUR = "15min"
    HALF_HOUR = "30min"
    HOUR = "hour"
    DAY = "day"
    WEEK = "week"
    MONTH = "month"


CLOCK_MS: Final = {
    Grain.QUARTER_HOUR: 15 * MINUTE_MS,
    Grain.HALF_HOUR: 30 * MINUTE_MS,
    Grain.HOUR: 60 * MINUTE_MS,
}
"""Length of the grains that divide a day; the others are as long as the calendar says."""

_GRAINS: Final = {
    **{str(grain): grain for grain in Grain},
    "15m": Grain.QUARTER_HOUR,
    "30m": Grain.HALF_HOUR,
    "60m": Grain.HOUR,
    "60min": Grain.HOUR,
    "1h": Grain.HOUR,
    "1d": Grain.DAY,
    "1w": Grain.WEEK,
    "1mo": Grain.MONTH,
}


_NO_ZONES: Final = {"Factory", "localtime", "posix", "posixrules", "right"}
"""Files among a machine's zones that name no place: its own clock, or clocks with leap seconds."""


@dataclass(frozen=True, slots=True, order=True)
class Interval:
    """``[start_ms, end_ms)``, epoch milliseconds."""

    start_ms: int
    end_ms: int

    @property
    def length_ms(self) -> int:
        """Return how long it lasts, really: an autumn Sunday has 25 hours."""
        return self.end_ms - self.start_ms

    def holds(self, at_ms: int) -> bool:
        """Say whether an instant lies in it."""
        return self.start_ms <= at_ms < self.end_ms

    def overlap_ms(self, start_ms: int, end_ms: int) -> int:
        """Return how much of a span ``[start_ms, end_ms)`` lies in it, at least 0."""
        return max(0, min(self.end_ms, end_ms) - max(self.start_ms, start_ms))

    def clipped(self, start_ms: int, end_ms: int) -> Interval | None:
        """Return what it has in common with a span, or None."""
        start, end = max(self.start_ms, start_ms), min(self.end_ms, end_ms)
        return Interval(start, end) if start < end else None


class Grid:
    """The intervals of one grain in one zone, all of them, computed when asked for.

    Keeps the interval it found last, since events come in rough order of time.
    """

    __slots__ = ("_info", "_last", "grain", "zone")

    def __init__(self, zone: str, grain: Grain) -> None:
        """Lay intervals out by the clock of a zone; raise InputError if there is none such."""
        self.zone: Final = zone
        self.grain: Final = grain
        self._info: Final = known_zone(zone)
        self._last = Interval(0, 0)

    def at(self, at_ms: int) -> Interval:
        """Return the interval that holds an instant."""
        if not self._last.holds(at_ms):
            self._last = self._clock(at_ms) if self.grain in CLOCK_MS else self._dates(at_ms)
        return self._last

    def covering(self, from_ms: int, to_ms: int) -> Iterator[Interval]:
        """Yield, in order and whole, every interval that ``[from_ms, to_ms)`` touches."""
        at = from_ms
        while at < to_ms:
            found = self.at(at)
            yield found
            at = found.end_ms

    def tiles(self, from_ms: int, to_ms: int) -> Iterator[Interval]:
        """Yield the same, the first and the last cut off at the range: they add up to it."""
        for found in self.covering(from_ms, to_ms):
            yield Interval(max(found.start_ms, from_ms), min(found.end_ms, to_ms))

    def local(self, at_ms: int) -> datetime:
        """Return an instant by the zone's clock, to the millisecond."""
        return _utc(at_ms).astimezone(self._info)

    def label(self, interval: Interval) -> str:
        """Return an interval's local start with its offset: ``2025-10-26T01:30:00+01:00``."""
        return self.label_at(interval.start_ms)

    def label_at(self, at_ms: int) -> str:
        """Return an instant by the zone's clock with its offset."""
        return self.local(at_ms).isoformat()

    def _clock(self, at_ms: int) -> Interval:
        """Floor the clock on the wall; an interval never goes on over a change of the clock.

        So an interval is shorter than its grain where the clock jumps by less than that: an hour
        of Lord Howe Island on the days on which its summer time moves the clock by half an hour.
        """
        length, offset = CLOCK_MS[self.grain], offset_ms(self._info, at_ms)
        start = (at_ms + offset) // length * length - offset
        end = start + length
        if offset_ms(self._info, start) != offset:
            start = transition_ms(self._info, start, at_ms)
        if offset_ms(self._info, end - 1) != offset:
            end = transition_ms(self._info, at_ms, end - 1)
        return Interval(start, end)

    def _dates(self, at_ms: int) -> Interval:
        day = self.local(at_ms).date()
        # Where the clock goes back over midnight, the date does too, but the new day goes on.
        if at_ms >= midnight_ms(day + _DAY, self.zone):
            day += _DAY
        first, after = _first_days(day, self.grain)
        return Interval(midnight_ms(first, self.zone), midnight_ms(after, self.zone))


def _first_days(day: date, grain: Grain) -> tuple[date, date]:
    """Return the first days of a day's own and of the next day, week or month."""
    if grain is Grain.DAY:
        return day, day + _DAY
    if grain is Grain.WEEK:
        monday = day - day.weekday() * _DAY
        return monday, monday + 7 * _DAY
    return day.replace(day=1), date(day.year + day.month // 12, day.month % 12 + 1, 1)


def parse_grain(text: str) -> Grain:
    """Read a grain: ``15min``, ``30min``, ``hour``, ``day``, ``week``, ``month``, or ``1h`` etc."""
    if text not in _GRAINS:
        msg = f"interval: expected one of {', '.join(_GRAINS)}, got {text!r}"
        raise InputError(msg)
    return _GRAINS[text]


def known_zone(name: str) -> ZoneInfo:
    """Return an IANA zone; raise InputError with the name if there is none such."""
    msg = f"timezone: expected an IANA zone such as Europe/Warsaw, got {name!r}"
    if name.partition("/")[0] in _NO_ZONES:
        raise InputError(msg)
    try:
        return ZoneInfo(name)
    except (KeyError, ValueError, OSError) as error:  # OSError: a folder of zones, as "Asia"
        raise InputError(msg) from error


def _utc(at_ms: int) -> datetime:
    # Not fromtimestamp(at / 1000): a quotient of floats may fall on the wrong side.
    return datetime.fromtimestamp(at_ms // 1000, UTC) + timedelta(milliseconds=at_ms % 1000)
