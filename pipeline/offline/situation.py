"""How a queue stands at an instant, put together from what is known, with every assumption said.

What somebody states on the command line goes before what is landed; what is landed before what is
published; what nobody knows is a default that is named, or an error that says how to state it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Final

from pipeline.config_files import Targets
from pipeline.domain.business_time import midnight_ms
from pipeline.domain.definition import KpiDefinition
from pipeline.domain.intervals import Grain, Grid
from pipeline.domain.target import ServiceTarget
from pipeline.errors import InputError
from pipeline.lake.queue_day import Quarter, QueueData, QueueKey
from pipeline.offline.expectation import (
    LEAST_CALLS,
    Stated,
    expected_day,
    handle_time_s,
    open_part,
    slots_of,
    volume_of,
)
from pipeline.offline.profile import profile_of
from pipeline.staffing import patience as patience_of
from pipeline.staffing.day import DaySlot, Rest
from pipeline.staffing.outlook import Expected, Outlook, look_ahead
from pipeline.staffing.patience import Patience
from pipeline.staffing.service import goal_of

_DAY: Final = timedelta(days=1)
_ALL_PERMILLE: Final = 1000
LATE_MS: Final = 900_000
"""How far behind counts may be without a word."""
RECENT_MS: Final = 1_800_000
"""How far back "at this rate" looks."""


class DayIsOverError(InputError):
    """No calls are expected any more."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Situation:
    """A queue at an instant: the rest of its day for the plan, outlooks for day and month."""

    key: QueueKey
    at_ms: int
    zone: str
    target: ServiceTarget
    rest: Rest
    agents_now: float
    day: Outlook
    month: Outlook | None
    volume: float
    patience: Patience
    expected_from: str
    notes: list[str] = field(default_factory=list)

    @property
    def definition(self) -> KpiDefinition:
        """Return the definition that the goal is by."""
        return self.target.rules


def _day_is_over(key: QueueKey, whence: str) -> DayIsOverError:
    msg = f"{key}: expected calls after the instant asked for, the {whence} has none that day"
    return DayIsOverError(msg)


def read_situation(
    key: QueueKey, at_ms: int, *, targets: Targets, data: QueueData, stated: Stated
) -> Situation:
    """Return how a queue stands.

    Raises:
        InputError: something is needed that nobody has said; the message says how to.
    """
    target = targets.history(*key).at(at_ms)
    zone = targets.zone(*key)
    local = Grid(zone, Grain.DAY).local(at_ms).date()
    opens, closes = midnight_ms(local, zone), midnight_ms(local + _DAY, zone)
    notes: list[str] = []
    today = data.quarters(key, opens, at_ms)
    good, counted = _so_far(target.rules, today, stated, data, notes)
    expected, whence = expected_day(key, local, zone, data, stated, notes)
    if not any(row.end_ms > at_ms for row in open_part(target, expected, opens, closes)):
        raise _day_is_over(key, whence)
    handle_s = handle_time_s(today, expected, at_ms, stated, notes)
    until_ms = at_ms if stated.offered is not None else data.known_until_ms(at_ms)
    if at_ms - until_ms > LATE_MS:
        minutes = (at_ms - until_ms) // 60_000
        notes.append(
            f"counts end {minutes} min before: what came since is in none of these figures"
        )
    volume = volume_of(today, expected, opens, until_ms, stated, notes)
    patience = patience_for(key, data, stated.patience_s, notes)
    expected = open_part(target, expected, opens, closes)
    planned_now = next((r.agents for r in expected if r.start_ms <= at_ms < r.end_ms), None)
    slots = slots_of(expected, at_ms, closes, volume, handle_s, planned_now, stated, notes)
    if not slots:
        raise _day_is_over(key, whence)
    if target.goal_permille >= _ALL_PERMILLE:
        msg = f"{key}: a goal of 100 % cannot be planned for, one miss loses it"
        raise InputError(msg)
    agents_now = slots[0].agents
    in_system = None if stated.waiting is None else round(agents_now) + stated.waiting
    if stated.waiting == 0:
        in_system = round(min(agents_now, slots[0].calls / slots[0].length_s * slots[0].handle_s))
    rest = Rest(
        goal=goal_of(target),
        good=good,
        counted=counted,
        slots=tuple(slots),
        patience_s=patience.mean_s,
        redials=stated.redials,
        in_system=in_system,
    )
    rate, seen = _rate(target.rules, today, at_ms, good, counted)
    day = look_ahead(
        goal=rest.goal.share,
        good=good,
        counted=counted,
        expected=[Expected(s.start_ms, s.end_ms, s.calls) for s in slots],
        rate=rate,
        seen=seen,
    )
    return Situation(
        key=key,
        at_ms=at_ms,
        zone=zone,
        target=target,
        rest=rest,
        agents_now=agents_now,
        day=day,
        month=_month(key, at_ms, local, zone, target, data, slots),
        volume=volume,
        patience=patience,
        expected_from=whence,
        notes=notes,
    )


def _so_far(
    rules: KpiDefinition,
    today: Sequence[Quarter],
    stated: Stated,
    data: QueueData,
    notes: list[str],
) -> tuple[float, float]:
    if (stated.offered is None) != (stated.in_time is None):
        msg = "--offered and --in-time: expected both or neither"
        raise InputError(msg)
    if stated.offered is not None and stated.in_time is not None:
        if not 0 <= stated.in_time <= stated.offered:
            msg = (
                f"--in-time: expected 0 to the {stated.offered} of --offered, got {stated.in_time}"
            )
            raise InputError(msg)
        notes.append("calls so far as stated")
        return stated.in_time, stated.offered
    good, counted = counted_parts(rules, today)
    notes.append(f"calls so far from {data.source}")
    if not today:
        notes.append("no calls of today are known; say --offered and --in-time if there were any")
    if not rules.is_live:
        notes.append(
            f"definition {rules.name!r} counts otherwise than the live side does: legs from queue "
            "entry stand in for it"
        )
    return good, counted


def counted_parts(rules: KpiDefinition, quarters: Sequence[Quarter]) -> tuple[int, int]:
    """Return numerator and denominator of a definition's service level over some quarters."""
    good = counted = 0
    for quarter in quarters:
        parts = rules.service_level_parts({"flowed_out_within": 0} | quarter.counts)
        good, counted = good + parts.numerator, counted + parts.denominator
    return good, counted


def patience_for(
    key: QueueKey, data: QueueData, stated_s: float | None, notes: list[str]
) -> Patience:
    """Return the patience of a queue's callers: stated, else estimated, else the default.

    Raises:
        InputError: what is stated is no patience.
    """
    if stated_s is not None:
        try:
            found = patience_of.given(stated_s)
        except ValueError as error:
            msg = f"--{error}"
            raise InputError(msg) from error
    else:
        waits = data.waits(key)
        found = patience_of.estimate(waited_s=waits.waited_ms / 1000, abandoned=waits.abandoned)
    notes.append(found.words)
    return found


def _rate(
    rules: KpiDefinition, today: Sequence[Quarter], at_ms: int, good: float, counted: float
) -> tuple[float | None, float]:
    """Return the level of the last half hour and its calls; of all so far, where it had too few."""
    recent = [q for q in today if q.start_ms + q.length_ms > at_ms - RECENT_MS]
    recently_good, seen = counted_parts(rules, recent)
    if seen >= LEAST_CALLS:
        return recently_good / seen, seen
    return (good / counted if counted else None), counted


def _month(
    key: QueueKey,
    at_ms: int,
    day: date,
    zone: str,
    target: ServiceTarget,
    data: QueueData,
    slots: Sequence[DaySlot],
) -> Outlook | None:
    """Return how the contract's month stands at the rate of the month so far; None if unknown."""
    first = day.replace(day=1)
    after = date(day.year + day.month // 12, day.month % 12 + 1, 1)
    so_far = data.quarters(key, midnight_ms(first, zone), at_ms)
    good, counted = counted_parts(target.rules, so_far)
    if not counted:
        return None
    expected = [Expected(s.start_ms, s.end_ms, s.calls) for s in slots]
    coming = day + _DAY
    while coming < after:
        opens, closes = midnight_ms(coming, zone), midnight_ms(coming + _DAY, zone)
        rows = data.forecasts(key, opens, closes)
        if not rows:
            profile = profile_of(key, coming, zone, data, at_ms=at_ms)
            rows = profile[1] if profile else []
        rows = open_part(target, rows, opens, closes)
        expected += [Expected(row.start_ms, row.end_ms, row.calls) for row in rows]
        coming += _DAY
    return look_ahead(
        goal=target.goal_permille / 1000,
        good=good,
        counted=counted,
        expected=expected,
        rate=good / counted,
        seen=counted,
    )
