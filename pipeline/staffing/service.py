"""A steady state in the words of a contract: service level and abandon rate by its definition.

The formulas are the domain's own, over counts; shares become counts of a billion calls, so there
is no second place that decides what a service level is. What a model of queue entry to answer does
not know (flow-outs, callbacks, clocks other than the queue's) counts as none.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from math import ceil
from typing import Final

from pipeline.domain.definition import KpiDefinition
from pipeline.domain.kpi import SERVICE_LEVEL_FIELDS, Counts, ratio
from pipeline.domain.target import ServiceTarget
from pipeline.staffing.erlang import Fate, Traffic, steady

_CALLS: Final = 1_000_000_000
_MOST_AGENTS: Final = 1_000_000.0
_EXACT: Final = 1e-6
"""How closely a fraction of an agent is found."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Goal:
    """What has to be reached: a share (0..1) by a definition, within a threshold (seconds)."""

    share: float
    threshold_s: float
    short_abandon_s: float
    definition: KpiDefinition

    def __post_init__(self) -> None:
        """Refuse a goal that nobody can be held to."""
        if not 0 < self.share < 1:
            msg = f"goal: expected more than 0 and less than 100 %, got {100 * self.share:g}"
            raise ValueError(msg)
        if self.threshold_s < 0:
            msg = f"threshold_s: expected 0 or more seconds, got {self.threshold_s}"
            raise ValueError(msg)


def goal_of(target: ServiceTarget) -> Goal:
    """Return the goal that dated terms of a queue set."""
    return Goal(
        share=target.goal_permille / 1000,
        threshold_s=target.threshold_ms / 1000,
        short_abandon_s=target.short_abandon_ms / 1000,
        definition=target.rules,
    )


def counts_of(fate: Fate) -> Counts:
    """Return the counts of a billion calls that end so."""
    answered = round(_CALLS * fate.answered)
    counts = dict.fromkeys(SERVICE_LEVEL_FIELDS, 0)
    counts |= {
        "offered": _CALLS,
        "answered": answered,
        "answered_within": min(answered, round(_CALLS * fate.answered_within)),
        "abandoned": _CALLS - answered,
        "abandoned_within": round(_CALLS * fate.abandoned_within),
        "abandoned_short": round(_CALLS * fate.abandoned_short),
    }
    return counts


def parts_per_call(goal: Goal, fate: Fate) -> tuple[float, float]:
    """Return what one offered call adds to numerator and denominator of the service level."""
    parts = goal.definition.service_level_parts(counts_of(fate))
    return parts.numerator / _CALLS, parts.denominator / _CALLS


def service_level(goal: Goal, fate: Fate) -> float | None:
    """Return the service level by the goal's definition; None where nothing is counted."""
    return ratio(*goal.definition.service_level_parts(counts_of(fate)))


def abandon_rate(goal: Goal, fate: Fate) -> float | None:
    """Return the abandon rate by the goal's definition; None where nothing is counted."""
    return ratio(*goal.definition.abandon_parts(counts_of(fate)))


@lru_cache(maxsize=65_536)
def fate_of(goal: Goal, traffic: Traffic, agents: float) -> Fate:
    """Return how calls end in the steady state with so many agents."""
    return steady(traffic, agents).fate(goal.threshold_s, goal.short_abandon_s)


@lru_cache(maxsize=4096)
def agents_needed(goal: Goal, traffic: Traffic, *, most_occupancy: float = 1.0) -> float:
    """Return the fewest agents (a real number) that meet the goal and keep occupancy in bounds.

    Raises:
        ValueError: the goal cannot be met by any number of agents, or the bound is none.
    """
    if not 0 < most_occupancy <= 1:
        msg = f"most_occupancy: expected more than 0 and at most 100 %, got {100 * most_occupancy}"
        raise ValueError(msg)

    def meets(agents: float) -> bool:
        level = service_level(goal, fate_of(goal, traffic, agents))
        return level is not None and level >= goal.share

    def is_bearable(agents: float) -> bool:
        occupancy = steady(traffic, agents).occupancy
        return occupancy is not None and occupancy <= most_occupancy

    if traffic.rate_per_s == 0:
        return 0.0
    found = _least(meets, max(1.0, traffic.load))
    if most_occupancy < 1 and not is_bearable(found):
        found = _least(is_bearable, max(1.0, traffic.load / most_occupancy))
    return found


def _least(is_enough: Callable[[float], bool], guess: float) -> float:
    low, high = 0.0, guess
    while not is_enough(high):
        low, high = high, 2 * high
        if high > _MOST_AGENTS:
            msg = f"no number of agents up to {_MOST_AGENTS:,.0f} meets the goal"
            raise ValueError(msg)
    while high - low > _EXACT * high:
        middle = (low + high) / 2
        low, high = (low, middle) if is_enough(middle) else (middle, high)
    return high


def whole_agents(agents: float) -> int:
    """Return the whole people that so many agents are; what is lost in the search is no person."""
    return ceil(agents * (1 - 2 * _EXACT))
