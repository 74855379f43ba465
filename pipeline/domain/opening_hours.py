"""When a queue is open, by the wall clock of its contract's zone.

Asked of an instant: so an hour that summer time repeats is open both times, and one that it skips
never comes up. SQL asks the same of the same local milliseconds; ``open_spans`` lays the answer out
as spans of instants, for what has to be clipped to it. A date decides for itself from midnight to
midnight: hours over midnight are the evening of one day and the morning of the next, and where
the next is closed or has hours of its own, so is its morning.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Final
from zoneinfo import ZoneInfo

from pipeline.domain.business_time import offsets
from pipeline.domain.intervals import MINUTE_MS, Interval

DAYS: Final = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
MINUTES_A_DAY: Final = 1440
_DAY_MS: Final = MINUTES_A_DAY * MINUTE_MS
_EPOCH: Final = date(1970, 1, 1)

Spans = tuple[tuple[int, int], ...]
"""Half-open spans of one day, in minutes since midnight; ascending, none touches the next."""


@dataclass(frozen=True, slots=True)
class OpeningHours:
    """Weekly hours, Monday first, dates on which it stays closed, and dates with other hours.

    Special dates without hours are kept among those closed, and those with the hours of their
    weekday not at all: the same hours are equal, and have one hash, however they were written.
    """

    weekly: tuple[Spans, ...]
    closed_on: frozenset[date] = frozenset()
    special: tuple[tuple[date, Spans], ...] = ()

    def __post_init__(self) -> None:
        """Refuse hours that are no half-open, ascending spans of seven days; keep the rest once."""
        if len(self.weekly) != len(DAYS):
            msg = f"expected hours of {len(DAYS)} days, got {len(self.weekly)}"
            raise ValueError(msg)
        dated = [(day.isoformat(), spans) for day, spans in self.special]
        for name, spans in (*zip(DAYS, self.weekly, strict=True), *dated):
            _check(name, spans)
        dates = [day for day, _ in self.special]
        if dates != sorted(set(dates) - self.closed_on):
            msg = "special: expected ascending dates that are not in closed_on, got "
            raise ValueError(msg + ", ".join(name for name, _ in dated))
        without = (day for day, spans in self.special if not spans)
        other = (
            pair for pair in self.special if pair[1] not in {(), self.weekly[pair[0].weekday()]}
        )
        object.__setattr__(self, "closed_on", self.closed_on.union(without))
        object.__setattr__(self, "special", tuple(other))

    def is_open(self, at_ms: int, zone: str) -> bool:
        """Say whether an instant (epoch milliseconds) lies in the hours of a zone."""
        local = datetime.fromtimestamp(at_ms // 1000, UTC).astimezone(ZoneInfo(zone))
        minute = local.hour * 60 + local.minute
        return any(start <= minute < end for start, end in self.on(local.date()))

    def on(self, day: date) -> Spans:
        """Return the hours of a date."""
        if day in self.closed_on:
            return ()
        for other, spans in self.special:
            if other == day:
                return spans
        return self.weekly[day.weekday()]

    def open_spans(self, from_ms: int, to_ms: int, zone: str) -> Iterator[Interval]:
        """Yield when it is open within ``[from_ms, to_ms)``, in order; none touches the next."""
        last: Interval | None = None
        for found in self._pieces(from_ms, to_ms, zone):
            if last is None or last.end_ms != found.start_ms:
                if last is not None:
                    yield last
                last = found
            else:
                last = Interval(last.start_ms, found.end_ms)
        if last is not None:
            yield last

    def _pieces(self, from_ms: int, to_ms: int, zone: str) -> Iterator[Interval]:
        """Yield the same, cut at midnights and where the clock changes."""
        for start, end, offset in offsets(zone, from_ms, to_ms):
            for number in range((start + offset) // _DAY_MS, -(-(end + offset) // _DAY_MS)):
                midnight = number * _DAY_MS - offset
                for opens, closes in self.on(_EPOCH + timedelta(days=number)):
                    open_ = Interval(midnight + opens * MINUTE_MS, midnight + closes * MINUTE_MS)
                    if (piece := open_.clipped(start, end)) is not None:
                        yield piece

    def plain(self) -> dict[str, list[str]]:
        """Return the hours as the configuration writes them; days without hours are left out."""
        found = {name: written(spans) for name, spans in zip(DAYS, self.weekly, strict=True)}
        found["closed_on"] = sorted(day.isoformat() for day in self.closed_on)
        found["special"] = [
            f"{day.isoformat()} {' '.join(written(spans))}".strip() for day, spans in self.special
        ]
        return {name: listed for name, listed in found.items() if listed}


def _check(name: str, spans: Spans) -> None:
    """Refuse spans of a day that are not half-open and ascending, or that touch."""
    edges = [edge for span in spans for edge in span]
    if any(a >= b for a, b in itertools.pairwise(edges)) or not all(
        0 <= edge <= MINUTES_A_DAY for edge in edges
    ):
        msg = f"{name}: expected ascending spans such as 08:00-12:00, got "
        raise ValueError(msg + ", ".join(written(spans)))


def read_hours(plain: Mapping[str, Sequence[str]]) -> OpeningHours:
    """Return the opening hours that ``OpeningHours.plain`` was made of; raise ValueError if none.

    What a later version wrote beside the days is refused: without it the hours would be others.
    """
    if unknown := sorted(plain.keys() - {*DAYS, "closed_on", "special"}):
        msg = f"opening hours with {unknown} are not known here"
        raise ValueError(msg)
    weekly = tuple(tuple(map(parse_span, plain.get(name, ()))) for name in DAYS)
    closed = frozenset(map(date.fromisoformat, plain.get("closed_on", ())))
    special = [text.partition(" ") for text in plain.get("special", ())]
    return OpeningHours(
        weekly,
        closed,
        tuple(
            (date.fromisoformat(day), tuple(map(parse_span, listed.split())))
            for day, _, listed in special
        ),
    )


def over_midnight(weekly: Sequence[Sequence[tuple[int, int]]]) -> tuple[Spans, ...]:
    """Return weekly hours cut at midnight: 22:00-06:00 is that evening and the next morning.

    A span that ends at or before its start goes on over midnight; Sunday's goes on on Monday. Spans
    of a day come out in order, those that meet at midnight's cut as one.
    """
    days: list[list[tuple[int, int]]] = [[] for _ in DAYS]
    mornings: list[list[tuple[int, int]]] = [[] for _ in DAYS]
    for number, spans in enumerate(weekly):
        for start, end in spans:
            if start < end:
                days[number].append((start, end))
                continue
            days[number].append((start, MINUTES_A_DAY))
            if end:
                mornings[(number + 1) % len(DAYS)].append((0, end))
    return tuple(_joined(morning, day) for morning, day in zip(mornings, days, strict=True))


def _joined(morning: list[tuple[int, int]], day: list[tuple[int, int]]) -> Spans:
    """Put the end of last night before a day's own spans; one span if they meet."""
    if len(morning) == 1 and day and morning[0][1] == day[0][0]:
        return ((0, day[0][1]), *day[1:])
    return (*morning, *day)


def written(spans: Spans) -> list[str]:
    """Return spans as the configuration writes them."""
    return [f"{clock(start)}-{clock(end)}" for start, end in spans]


def parse_span(text: str) -> tuple[int, int]:
    """Read ``HH:MM-HH:MM`` (24:00 is the day's end); raise ValueError with what was expected."""
    span = parse_hours(text)
    if span[0] >= span[1]:
        msg = f"expected hours that end after they begin, such as 08:00-20:00, got {text!r}"
        raise ValueError(msg)
    return span


def parse_hours(text: str) -> tuple[int, int]:
    """Read the same, but for hours that may end on the next day: ``22:00-06:00``."""
    start, dash, end = text.partition("-")
    try:
        span = _minutes(start), _minutes(end)
    except ValueError as error:
        msg = f"expected hours such as 08:00-20:00, got {text!r}"
        raise ValueError(msg) from error
    if not dash or span[0] == span[1] or span[0] == MINUTES_A_DAY:
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
