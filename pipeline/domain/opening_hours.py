"""When a queue is open, by the wall clock of its contract's zone.

Asked of an instant, not laid out as spans of instants: so an hour that summer time repeats is open
both times, and one that it skips never comes up. SQL asks the same of the same local milliseconds.
"""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Final
from zoneinfo import ZoneInfo

DAYS: Final = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
MINUTES_A_DAY: Final = 1440

Spans = tuple[tuple[int, int], ...]
"""Half-open spans of one day, in minutes since midnight; ascending, none touches the next."""


@dataclass(frozen=True, slots=True)
class OpeningHours:
    """Weekly hours, Monday first, and dates on which it stays closed."""

    weekly: tuple[Spans, ...]
    closed_on: frozenset[date] = frozenset()

    def __post_init__(self) -> None:
        """Refuse hours that are no half-open, ascending spans of seven days."""
        if len(self.weekly) != len(DAYS):
            msg = f"expected hours of {len(DAYS)} days, got {len(self.weekly)}"
            raise ValueError(msg)
        for name, spans in zip(DAYS, self.weekly, strict=True):
            edges = [edge for span in spans for edge in span]
            if any(a >= b for a, b in itertools.pairwise(edges)) or not all(
                0 <= edge <= MINUTES_A_DAY for edge in edges
            ):
                shown = ", ".join(f"{clock(a)}-{clock(b)}" for a, b in spans)
                msg = f"{name}: expected ascending spans such as 08:00-12:00, got {shown}"
                raise ValueError(msg)

    def is_open(self, at_ms: int, zone: str) -> bool:
        """Say whether an instant (epoch milliseconds) lies in the hours of a zone."""
        local = datetime.fromtimestamp(at_ms // 1000, UTC).astimezone(ZoneInfo(zone))
        if local.date() in self.closed_on:
            return False
        minute = local.hour * 60 + local.minute
        return any(start <= minute < end for start, end in self.weekly[local.weekday()])

    def plain(self) -> dict[str, list[str]]:
        """Return the hours as the configuration writes them; days without hours are left out."""
        week = zip(DAYS, self.weekly, strict=True)
        found = {name: [f"{clock(a)}-{clock(b)}" for a, b in spans] for name, spans in week}
        found["closed_on"] = sorted(day.isoformat() for day in self.closed_on)
        return {name: listed for name, listed in found.items() if listed}


def parse_span(text: str) -> tuple[int, int]:
    """Read ``HH:MM-HH:MM`` (24:00 is the day's end); raise ValueError with what was expected."""
    start, dash, end = text.partition("-")
    try:
        span = _minutes(start), _minutes(end)
    except ValueError as error:
        msg = f"expected hours such as 08:00-20:00, got {text!r}"
        raise ValueError(msg) from error
    if not dash or span[0] >= span[1]:
        msg = f"expected hours that end after they begin, such as 08:00-20:00, got {text!r}"
        raise ValueError(msg)
    return span


def _minutes(text: str) -> int:
    hours, colon, minutes = text.strip().partition(":")
    found = int(hours) * 60 + int(minutes)
    if not colon or not 0 <= int(minutes) < 60 or not 0 <= found <= MINUTES_A_DAY:  # noqa: PLR2004 - minutes an hour
        msg = f"no time of day: {text!r}"
        raise ValueError(msg)
    return found


def clock(minute: int) -> str:
    """Return a minute of the day as ``HH:MM``."""
    return f"{minute // 60:02d}:{minute % 60:02d}"
