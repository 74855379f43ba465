"""What is expected of the rest of a queue's day: calls, handle time, agents, and by whose word.

A forecast goes before the recent profile of the same weekday, and today's own volume and handle
time correct both. Whatever is taken for granted is added to ``notes``, in words.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from itertools import pairwise
from typing import Final

from pipeline.domain.business_time import midnight_ms
from pipeline.domain.intervals import Grain, Grid
from pipeline.domain.kpi import average_handle_time_ms
from pipeline.domain.target import ServiceTarget
from pipeline.errors import InputError
from pipeline.lake.queue_day import ForecastRow, Quarter, QueueData, QueueKey
from pipeline.offline.profile import WEEKS, profile_of
from pipeline.staffing.day import DaySlot, cut
from pipeline.staffing.redials import NO_REDIALS, Redials

_DAY: Final = timedelta(days=1)
LEAST_CALLS: Final = 50
"""With fewer, today says too little of volume or handle time."""
PROFILE: Final = "profile"
FORECAST: Final = "forecast"


class NoForecastError(InputError):
    """Nobody has said how many calls are to come."""


class NoStaffingError(InputError):
    """Nobody has said how many agents there are."""


class NoHandleTimeError(InputError):
    """Nobody has said how long a call takes."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Stated:
    """What somebody says of the queue; None where he leaves it to the data.

    ``offered`` and ``in_time`` are denominator and numerator of the contract's formula today.
    ``volume`` multiplies the forecast of the rest.
    """

    offered: int | None = None
    in_time: int | None = None
    agents: float | None = None
    waiting: int | None = None
    handle_s: float | None = None
    patience_s: float | None = None
    redials: Redials = NO_REDIALS
    volume: float | None = None
    forecast: Sequence[ForecastRow] | None = None


def expected_day(
    key: QueueKey,
    day: date,
    zone: str,
    data: QueueData,
    stated: Stated,
    notes: list[str],
) -> tuple[list[ForecastRow], str]:
    """Return what was expected of the day: the forecast, else the same weekday's recent profile."""
    opens, closes = midnight_ms(day, zone), midnight_ms(day + _DAY, zone)
    rows = list(stated.forecast) if stated.forecast else data.forecasts(key, opens, closes)
    rows = [row for row in rows if opens <= row.start_ms < closes]
    if rows:
        notes.append(
            "the rest of the day by the forecast file"
            if stated.forecast
            else "the rest of the day by the landed forecast"
        )
        return rows, FORECAST
    found = profile_of(key, day, zone, data, at_ms=opens)
    if not found:
        msg = (
            f"{key}: no forecast of {day} is landed or given, and no {day:%A} of the {WEEKS} weeks "
            "before is known; say --forecast FILE (docs/formats/facts.md)"
        )
        raise NoForecastError(msg)
    days = found[0]
    notes.append(
        f"no forecast of {day}: the rest of the day is taken to go like "
        f"the last {days} {day:%A}{'s' if days > 1 else ''}"
    )
    return found[1], PROFILE


def open_part(
    target: ServiceTarget, rows: Sequence[ForecastRow], opens: int, closes: int
) -> list[ForecastRow]:
    """Return what of the rows lies in the contract's opening hours, calls by length."""
    hours = target.rules.opening_hours
    if hours is None:
        return list(rows)
    found = []
    for span in hours.open_spans(opens, closes, target.zone):
        for row in rows:
            start, end = max(row.start_ms, span.start_ms), min(row.end_ms, span.end_ms)
            if start < end:
                share = (end - start) / (row.end_ms - row.start_ms)
                found.append(replace(row, start_ms=start, end_ms=end, calls=row.calls * share))
    return found


def volume_of(
    today: Sequence[Quarter],
    expected: Sequence[ForecastRow],
    opens: int,
    until_ms: int,
    stated: Stated,
    notes: list[str],
) -> float:
    """Return how many times as many calls come as expected, by those up to an instant."""
    if stated.volume is not None:
        notes.append(f"the rest's volume is {stated.volume:g} times as expected, as stated")
        return stated.volume
    came: float = sum(quarter.counts["offered"] for quarter in today)
    if stated.offered is not None:
        came = stated.offered
    was_expected = sum(
        row.calls * _share_before(row, until_ms) for row in expected if row.start_ms >= opens
    )
    if was_expected < LEAST_CALLS or came == 0:
        notes.append("the rest's volume as expected: too little has come to say otherwise")
        return 1.0
    notes.append(
        f"the rest's volume is {came / was_expected:.2f} times as expected: {came:,.0f} calls have "
        f"come where {was_expected:,.0f} were expected"
    )
    return came / was_expected


def _share_before(row: ForecastRow, at_ms: int) -> float:
    return max(0, min(row.end_ms, at_ms) - row.start_ms) / (row.end_ms - row.start_ms)


def handle_time_s(
    today: Sequence[Quarter],
    expected: Sequence[ForecastRow],
    at_ms: int,
    stated: Stated,
    notes: list[str],
) -> float | None:
    """Return today's handle time in seconds; None if the forecast's own holds."""
    if stated.handle_s is not None:
        if not 1 <= stated.handle_s <= 86_400:  # noqa: PLR2004 - a day
            msg = f"--aht: expected 1 to 86400 seconds, got {stated.handle_s:g}"
            raise InputError(msg)
        notes.append(f"AHT {stated.handle_s:g} s, as stated")
        return stated.handle_s
    names = ("handled", "talk_ms", "hold_ms", "acw_ms")
    counts = {name: sum(quarter.counts[name] for quarter in today) for name in names}
    mean_ms = average_handle_time_ms(counts)
    if mean_ms and counts["handled"] >= LEAST_CALLS:
        notes.append(f"AHT {mean_ms / 1000:.0f} s, of today's {counts['handled']:,} handled calls")
        return mean_ms / 1000
    if any(row.aht_ms for row in expected if row.end_ms > at_ms):
        notes.append("AHT by the forecast: too few calls of today are handled to say")
        return None
    msg = "--aht: expected the handle time in seconds: too few calls of today, none in the forecast"
    raise NoHandleTimeError(msg)


def slots_of(  # noqa: PLR0913, PLR0917 - as it is asked
    expected: Sequence[ForecastRow],
    at_ms: int,
    closes: int,
    volume: float,
    handle_s: float | None,
    planned_now: float | None,
    stated: Stated,
    notes: list[str],
) -> list[DaySlot]:
    """Return what is left of the day, with the agents there are by plan, or by what is stated."""
    shown_up = _shown_up(planned_now, stated, notes)
    found = []
    known_s = handle_s
    for row in expected:
        known_s = handle_s or (row.aht_ms / 1000 if row.aht_ms else known_s)
        if row.end_ms <= at_ms or row.start_ms >= closes:
            continue
        agents = stated.agents
        if row.agents is not None and (agents is None or planned_now):
            agents = row.agents * shown_up
        if agents is None:
            msg = "--agents: expected how many are on the queue: the forecast does not say"
            raise NoStaffingError(msg)
        if known_s is None:
            msg = "--aht: expected the handle time in seconds: the forecast does not say"
            raise NoHandleTimeError(msg)
        found.append(
            DaySlot(
                start_ms=row.start_ms,
                end_ms=min(row.end_ms, closes),
                calls=row.calls * volume,
                handle_s=known_s,
                agents=agents,
            )
        )
    for one, other in pairwise(found):
        if one.end_ms > other.start_ms:
            at = Grid("UTC", Grain.DAY).label_at(other.start_ms)
            msg = f"forecast: intervals overlap at {at}; expected one after the other"
            raise InputError(msg)
    return [slot for slot in cut(found, [at_ms]) if slot.start_ms >= at_ms]


def _shown_up(planned_now: float | None, stated: Stated, notes: list[str]) -> float:
    """Return how many agents there are now for each one planned."""
    if stated.agents is None:
        notes.append("agents as planned in the forecast")
        return 1.0
    if not planned_now:
        notes.append(f"agents: {stated.agents:g} from now on, as stated")
        return 1.0
    notes.append(
        f"agents: {stated.agents:g} of {planned_now:g} planned are there now; the rest of the "
        f"plan is taken {stated.agents / planned_now:.2f} times"
    )
    return stated.agents / planned_now
