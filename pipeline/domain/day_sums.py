"""What a queue keeps of a contract day once its panes are forgotten, and what it expects by that.

Panes live some three hours; a day's service level so far, a month's, and what is usual on a
weekday need more. All are integers and add up exactly: a day is the sum of its forgotten panes and
of those still there, whenever which of them were forgotten.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any, Final, NamedTuple
from zoneinfo import ZoneInfo

HALF_HOUR_MS: Final = 30 * 60_000
HALF_HOURS: Final = 48
KEPT_DAYS: Final = 35
"""A month, and four weeks for each weekday."""
WEEKS: Final = 4
WEEK: Final = 7
UNLIKE: Final = 2
"""By which factor the calls of a day may differ from the middle day's."""


@dataclass(slots=True)
class DaySum:
    """Sums over one contract day: parts of service level, handling, offered per half hour."""

    counted: int = 0
    good: int = 0
    handled: int = 0
    handle_ms: int = 0
    offered: list[int] = field(default_factory=lambda: [0] * HALF_HOURS)


class Day(NamedTuple):
    """Where an instant lies in the calendar of a zone.

    ``half_hour`` counts from midnight by the wall clock; ``into_ms`` is how far into it.
    """

    ordinal: int
    day_of_month: int
    half_hour: int
    into_ms: int


@lru_cache(maxsize=1 << 14)
def day_of(at_ms: int, zone: str) -> Day:
    """Return the local day of an instant; queues ask for the same pane starts."""
    local = datetime.fromtimestamp(at_ms // 1000, UTC).astimezone(ZoneInfo(zone))
    seconds = (local.hour * 60 + local.minute) * 60 + local.second
    half_hour, into_s = divmod(seconds, HALF_HOUR_MS // 1000)
    return Day(local.toordinal(), local.day, half_hour, into_s * 1000 + at_ms % 1000)


def expected_milli(days: dict[int, DaySum], from_ms: int, to_ms: int, zone: str) -> int | None:
    """Return the calls usually offered in ``[from_ms, to_ms)``, thousandths; None: not known.

    The mean of the same half hours of the same weekday in the last four weeks, of the usual ones
    of these days; half hours that the span covers in part count by that part.
    """
    total, at = 0, from_ms
    while at < to_ms:
        day = day_of(at, zone)
        until = min(to_ms, at + HALF_HOUR_MS - day.into_ms)
        known = usual_days(days, day.ordinal)
        if not known:
            return None
        calls = sum(found.offered[day.half_hour] for found in known)
        total += 1000 * calls * (until - at) // (len(known) * HALF_HOUR_MS)
        at = until
    return total


def usual_handling(days: dict[int, DaySum], at_ms: int, zone: str) -> tuple[int, int]:
    """Return calls handled and their time (ms) on this weekday in the last four weeks."""
    known = usual_days(days, day_of(at_ms, zone).ordinal)
    return sum(d.handled for d in known), sum(d.handle_ms for d in known)


def usual_days(days: dict[int, DaySum], ordinal: int) -> list[DaySum]:
    """Return the same weekdays before a day, without those that were nothing like the middle one.

    A day is left out that had more than ``UNLIKE`` times the calls of the middle day, or that many
    times fewer: a sale, a holiday, a feed that began at noon. Of an even number the lesser of the
    two in the middle is taken, because a sale has more calls than anybody expects.
    """
    known = same_weekday(days, ordinal)
    if len(known) < 2:  # noqa: PLR2004 - one day is all that is known
        return known
    totals = [sum(day.offered) for day in known]
    middle = sorted(totals)[(len(totals) - 1) // 2]
    return [
        day
        for day, calls in zip(known, totals, strict=True)
        if calls <= UNLIKE * middle and middle <= UNLIKE * calls
    ]


def same_weekday(days: dict[int, DaySum], ordinal: int) -> list[DaySum]:
    """Return what is known of the four same weekdays before a day."""
    found = (days.get(ordinal - WEEK * weeks) for weeks in range(1, WEEKS + 1))
    return [day for day in found if day is not None]


def prune(days: dict[int, DaySum]) -> None:
    """Let go of days that nothing asks for any more."""
    if days:
        oldest = max(days) - KEPT_DAYS
        for ordinal in [known for known in days if known < oldest]:
            del days[ordinal]


def day_row(ordinal: int, found: DaySum) -> list[int]:
    """Return a day as a row of a snapshot."""
    return [
        ordinal, found.counted, found.good, found.handled, found.handle_ms, *found.offered,
    ]  # fmt: skip


def day_sum_of(row: list[Any]) -> tuple[int, DaySum]:
    """Return the day that a row was made of."""
    ordinal, counted, good, handled, handle_ms, *offered = row
    return ordinal, DaySum(counted, good, handled, handle_ms, offered)
