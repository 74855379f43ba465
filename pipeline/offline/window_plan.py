"""What was planned of a window, quarter hour by quarter hour: calls, handle time, agents."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from itertools import pairwise
from typing import Final, NamedTuple

from pipeline.domain.business_time import midnight_ms
from pipeline.domain.intervals import Grain, Grid
from pipeline.domain.kpi import average_handle_time_ms
from pipeline.domain.target import ServiceTarget
from pipeline.errors import InputError
from pipeline.lake.queue_day import QUARTER_MS, ForecastRow, QueueData, QueueKey
from pipeline.offline.expectation import open_part
from pipeline.offline.profile import profile_of

_DAY: Final = timedelta(days=1)
Span = tuple[int, int]


@dataclass(frozen=True, slots=True, kw_only=True)
class StatedPlan:
    """What somebody says of a window; None where he leaves it to the data.

    ``agents``: the mean that was on the phones. ``planned_agents``: the mean that was to be.
    ``rework``: the planned share of calls that earlier calls make, 0..1.
    """

    forecast: Sequence[ForecastRow] | None = None
    agents: float | None = None
    planned_agents: float | None = None
    patience_s: float | None = None
    rework: float | None = None


class Planned(NamedTuple):
    """What was planned of a quarter hour: calls, seconds, agents on the phones."""

    calls: float
    handle_s: float
    agents: float


def quarters_of(from_ms: int, to_ms: int) -> list[Span]:
    """Return a window cut at quarter hours."""
    edges = [from_ms, *range(from_ms - from_ms % QUARTER_MS + QUARTER_MS, to_ms, QUARTER_MS), to_ms]
    return list(pairwise(edges))


def plan_of(  # noqa: PLR0913 - as it is asked
    key: QueueKey,
    bounds: Sequence[Span],
    *,
    target: ServiceTarget,
    data: QueueData,
    stated: StatedPlan,
    scheduled_s: Sequence[float],
    usual: Mapping[str, int],
    notes: list[str],
) -> list[Planned | None]:
    """Return the plan of each quarter hour; None where nothing was planned.

    Args:
        key: whose plan.
        bounds: the quarter hours.
        target: the terms in force, for the opening hours.
        data: landed forecasts and published months.
        stated: what is stated.
        scheduled_s: agents' seconds by the schedule in each quarter hour.
        usual: counts of the weeks before, for a handle time that no forecast gives.
        notes: what is taken for granted is added.

    Raises:
        InputError: calls, handle time or agents were planned by nobody.
    """
    rows = _rows(key, bounds, target, data, stated, notes)
    usual_s = (average_handle_time_ms(usual) or 0.0) / 1000 if usual else 0.0
    use_schedule = stated.planned_agents is None and any(row.agents is None for row in rows)
    if stated.planned_agents is not None:
        notes.append(f"planned agents: {stated.planned_agents:g}, as stated")
    elif use_schedule:
        if not any(scheduled_s):
            msg = (
                "--planned-agents: expected how many were planned: neither the forecast nor a "
                "landed schedule of the queue's agents says"
            )
            raise InputError(msg)
        notes.append("planned agents by the landed schedule of the queue's agents")
    else:
        notes.append("planned agents by the forecast")
    if any(row.aht_ms is None for row in rows):
        if not usual_s:
            msg = (
                f"{key}: expected a planned handle time: the plan has none and the weeks before "
                "are not known; say it in the forecast (aht_s)"
            )
            raise InputError(msg)
        notes.append(f"planned AHT {usual_s:.0f} s, of the weeks before")
    return [
        _quarter(span, rows, stated, scheduled if use_schedule else None, usual_s)
        for span, scheduled in zip(bounds, scheduled_s, strict=True)
    ]


def _rows(
    key: QueueKey,
    bounds: Sequence[Span],
    target: ServiceTarget,
    data: QueueData,
    stated: StatedPlan,
    notes: list[str],
) -> list[ForecastRow]:
    """Return the planned calls of the window's days: a forecast, else the weekday's profile."""
    found: list[ForecastRow] = []
    grid = Grid(target.zone, Grain.DAY)
    day, last = grid.local(bounds[0][0]).date(), grid.local(bounds[-1][1] - 1).date()
    said: dict[str, None] = {}
    while day <= last:
        opens, closes = midnight_ms(day, target.zone), midnight_ms(day + _DAY, target.zone)
        if stated.forecast is not None:
            rows = [row for row in stated.forecast if opens <= row.start_ms < closes]
        else:
            rows = data.forecasts(key, opens, closes)
        if rows:
            said["the forecast file" if stated.forecast is not None else "the landed forecast"] = (
                None
            )
        elif (profile := profile_of(key, day, target.zone, data, at_ms=opens)) is not None:
            rows = profile[1]
            said[
                f"the mean of the last {profile[0]} same weekdays of {day}, for want of a forecast"
            ] = None
        found += open_part(target, rows, opens, closes)
        day += _DAY
    if not found:
        msg = (
            f"{key}: expected a plan to compare with: no forecast of the window is landed or "
            "given, and no same weekday of the weeks before is known; say --forecast FILE "
            "(docs/formats/facts.md)"
        )
        raise InputError(msg)
    notes.append(f"planned calls by {', '.join(said)}")
    return found


def _quarter(
    span: Span,
    rows: Sequence[ForecastRow],
    stated: StatedPlan,
    scheduled_s: float | None,
    usual_s: float,
) -> Planned | None:
    """Return what rows plan for a span, calls by length; None if none of them touches it."""
    shares = [(row, max(0, min(row.end_ms, span[1]) - max(row.start_ms, span[0]))) for row in rows]
    shares = [(row, overlap) for row, overlap in shares if overlap]
    if not shares:
        return None
    length = span[1] - span[0]
    calls = sum(row.calls * overlap / (row.end_ms - row.start_ms) for row, overlap in shares)
    worked = sum(
        row.calls * overlap / (row.end_ms - row.start_ms) * _aht_s(row, usual_s)
        for row, overlap in shares
    )
    if stated.planned_agents is not None:
        agents = stated.planned_agents
    elif scheduled_s is not None:
        agents = scheduled_s * 1000 / length
    else:
        agents = sum((row.agents or 0.0) * overlap for row, overlap in shares) / length
    handle_s = worked / calls if calls else _aht_s(shares[0][0], usual_s)
    return Planned(calls, handle_s, agents)


def _aht_s(row: ForecastRow, usual_s: float) -> float:
    return usual_s if row.aht_ms is None else row.aht_ms / 1000
