"""Who and what is behind each cause: agents, queues, faults, hours, each with its amount.

Amounts are in the unit of their cause's figure and above 0 for the worse. Call events carry no
intent, so handle time is told by agent and by what it was spent on.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Mapping, Sequence
from typing import Final

from pipeline.domain.intervals import Grain, Grid
from pipeline.domain.outcome import handling
from pipeline.lake.queue_day import Quarter
from pipeline.lake.window_log import WindowLeg
from pipeline.offline.crew_time import CrewTime
from pipeline.offline.faults import Fault
from pipeline.staffing.attribution import Amount
from pipeline.staffing.cause import Interval

UNSCHEDULED: Final = "(not scheduled)"
_PHASES: Final = {"talk_ms": "talk", "hold_ms": "hold", "acw_ms": "after-call work"}


def by_agent(
    crew: CrewTime, intervals: Sequence[Interval], clear_s: Sequence[float]
) -> list[Amount]:
    """Return the hours each agent was scheduled and not ready, and what was not scheduled."""
    agents = crew.scheduled.keys() | crew.ready.keys()
    none = [0.0] * len(intervals)
    hours = {
        agent: (sum(crew.scheduled.get(agent, none)) - sum(crew.ready.get(agent, none))) / 3600
        for agent in agents
    }
    planned_s = sum(
        i.planned.agents * clear for i, clear in zip(intervals, clear_s, strict=True) if i.planned
    )
    scheduled_s = sum(sum(row) for row in crew.scheduled.values())
    found = [Amount("agent", agent, lost) for agent, lost in sorted(hours.items())]
    return [*found, Amount("agent", UNSCHEDULED, (planned_s - scheduled_s) / 3600)]


def by_handler(
    legs: Iterable[WindowLeg], window: tuple[int, int], intervals: Sequence[Interval]
) -> list[Amount]:
    """Return by agent the hours that calls completed in the window took beyond plan."""
    starts = [interval.start_ms for interval in intervals]
    hours: dict[str, float] = {}
    for leg in legs:
        spent = handling(leg.facts)
        if spent is None or leg.facts.answered is None:
            continue
        if not window[0] <= spent.completed_at < window[1]:
            continue
        planned = intervals[bisect_right(starts, spent.completed_at) - 1].planned
        if planned is not None:
            agent = leg.facts.answered[1]
            took_s = (spent.talk_ms + spent.hold_ms + spent.acw_ms) / 1000
            hours[agent] = hours.get(agent, 0.0) + (took_s - planned.handle_s) / 3600
    return [Amount("agent", agent, beyond) for agent, beyond in sorted(hours.items())]


def by_phase(quarters: Iterable[Quarter], usual: Mapping[str, int]) -> list[Amount]:
    """Return the seconds a call took beyond the weeks before, by what they were spent on."""
    now: dict[str, int] = {}
    for quarter in quarters:
        for name in ("handled", *_PHASES):
            now[name] = now.get(name, 0) + quarter.counts[name]
    if not now.get("handled") or not usual.get("handled"):
        return []
    return [
        Amount("phase", word, (now[n] / now["handled"] - usual[n] / usual["handled"]) / 1000)
        for n, word in _PHASES.items()
    ]


def by_fault(faults: Iterable[Fault]) -> list[Amount]:
    """Return the minutes each fault lasted."""
    return [Amount("incident", f.name, (f.end_ms - f.start_ms) / 60_000) for f in faults]


def by_hour(intervals: Iterable[Interval], zone: str) -> list[Amount]:
    """Return by local hour the fresh calls that came beyond plan."""
    hours: dict[str, float] = {}
    grid = Grid(zone, Grain.DAY)
    for interval in intervals:
        if interval.planned is not None:
            hour = f"{grid.local(interval.start_ms):%d %b %H:00}"
            beyond = interval.actual.fresh - interval.planned.fresh
            hours[hour] = hours.get(hour, 0.0) + beyond
    return [Amount("hour", hour, calls) for hour, calls in hours.items()]
