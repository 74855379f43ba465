"""How many agents a forecast needs, half hour by half hour, and the shifts that provide them.

Erlang C (no abandonment): a little pessimistic, as planners are. Knows no calls, only forecasts.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import exp
from typing import Final

from pipeline.simulator.profile import HALF_HOUR_MS

LONGEST_SHIFT_MS: Final = 8 * 3_600_000
POOL_PER_SEAT: Final = 1.4
"""Agents employed per agent present, so that nobody works every day."""


def service_level(agents: int, load: float, handle_s: float, threshold_s: float) -> float:
    """Return the Erlang C share of calls answered within the threshold.

    Args:
        agents: agents present.
        load: calls per second times ``handle_s``, in erlangs.
        handle_s: mean handling time, seconds.
        threshold_s: the wait that still counts as within, seconds.
    """
    if agents <= load:
        return 0.0
    blocking = 1.0
    for n in range(1, agents + 1):
        blocking = load * blocking / (n + load * blocking)
    waits = agents * blocking / (agents - load * (1 - blocking))
    return 1 - waits * exp(-(agents - load) * threshold_s / handle_s)


def agents_needed(calls: float, handle_s: float, threshold_s: float, goal: float) -> float:
    """Return the agents that meet the goal in a half hour, interpolated between whole agents."""
    load = calls / (HALF_HOUR_MS / 1000) * handle_s
    agents = int(load)
    below = service_level(agents, load, handle_s, threshold_s)
    while True:
        above = service_level(agents + 1, load, handle_s, threshold_s)
        if above >= goal:
            return agents + (goal - below) / (above - below)
        agents, below = agents + 1, above


def seats(needs: list[float]) -> list[int]:
    """Round needs to whole agents, at least one, carrying the remainder to the next half hour."""
    rounded = []
    carried = 0.0
    for need in needs:
        present = max(1, round(need + carried))
        carried = max(-1.0, min(1.0, carried + need - present))
        rounded.append(present)
    return rounded


@dataclass(frozen=True, slots=True)
class Shift:
    """One agent's presence on one day; epoch milliseconds."""

    agent: str
    starts_ms: int
    ends_ms: int


def shifts(present: list[int], opens_ms: int, prefix: str, day: int) -> list[Shift]:
    """Turn seats per half hour from opening time on into shifts: first come, first to leave.

    ``day`` rotates the pool of agents, so that each works about five days of seven.
    """
    starts: list[int] = []
    spans: list[tuple[int, int]] = []
    for i, seat_count in enumerate([*present, 0]):
        now = opens_ms + i * HALF_HOUR_MS
        leaving = [at for at in starts if now - at >= LONGEST_SHIFT_MS]
        leaving += starts[len(leaving) : len(starts) - seat_count]
        spans += [(at, now) for at in leaving]
        starts = starts[len(leaving) :]
        starts += [now] * (seat_count - len(starts))
    spans.sort()
    pool = max(len(spans), int(max(present) * POOL_PER_SEAT) + 1)
    first = day * max(1, pool - len(spans))
    return [Shift(f"{prefix}-{(first + i) % pool + 1:02d}", *span) for i, span in enumerate(spans)]
