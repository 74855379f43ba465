"""Kinds of days: weekends, holidays, holidays by law, and weekend days that are worked (调休)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Final

WEEKEND: Final = "weekend"
HOLIDAY: Final = "holiday"
STATUTORY: Final = "statutory"


@dataclass(frozen=True, slots=True, kw_only=True)
class Year:
    """What a year's notice says; ``statutory`` are among ``holidays``."""

    source: str
    holidays: frozenset[date]
    statutory: frozenset[date]
    workdays: frozenset[date]


@dataclass(frozen=True, slots=True, kw_only=True)
class Calendar:
    """A calendar; ``weekend`` has days of the week, Monday is 0."""

    name: str
    title: str
    weekend: frozenset[int]
    years: Mapping[int, Year]

    def kinds(self, day: date) -> frozenset[str]:
        """Return what a day is: a holiday by law is a holiday, too; a holiday is no weekend.

        Raises:
            KeyError: the calendar does not know the day's year.
        """
        year = self.years[day.year]
        if day in year.holidays:
            return frozenset({HOLIDAY, STATUTORY} if day in year.statutory else {HOLIDAY})
        is_off = day.weekday() in self.weekend and day not in year.workdays
        return frozenset({WEEKEND}) if is_off else frozenset()


def days_of(first: date, last: date) -> Iterator[date]:
    """Yield the days from one to another, both included."""
    day = first
    while day <= last:
        yield day
        day += timedelta(days=1)
