"""What people add to a slot for their cost: its curve, its upper hull, and the way along it.

A few more agents in an overloaded slot hardly help, and the hundredth hardly does in a quiet one:
good calls over cost rise slowly, steeply, slowly. Only the upper hull of such a curve offers
bargains that get worse from one to the next, which is what adding the best first needs.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import accumulate, pairwise
from math import inf
from typing import Final, NamedTuple

from pipeline.staffing.day import DaySlot, Rest, worth
from pipeline.staffing.erlang import Traffic, steady
from pipeline.staffing.pool import Source
from pipeline.staffing.redials import steady_offered
from pipeline.staffing.service import fate_of

CONFIDENCE: Final = 0.95
STAY_S: Final = 3600.0
_POINTS: Final = 40
"""Of a slot's curve, at most: with more people in the pool they are added several at a time."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Rules:
    """What a plan has to keep to.

    ``confidence``: wanted probability of reaching the goal. ``shrinkage``: share of the time that
    people who help are not on the phones. ``most_occupancy``: bound for every slot in which there
    is anybody to call in, 1 for none. ``stay_s``: who comes stays at least so long.
    """

    confidence: float = CONFIDENCE
    shrinkage: float = 0.0
    most_occupancy: float = 1.0
    stay_s: float = STAY_S

    def __post_init__(self) -> None:
        """Refuse rules that nobody can keep to."""
        if not 0 < self.confidence < 1:
            msg = f"confidence: expected more than 0 and below 100 %, got {100 * self.confidence:g}"
            raise ValueError(msg)
        if not 0 <= self.shrinkage < 1:
            msg = f"shrinkage: expected 0 to below 100 %, got {100 * self.shrinkage:g}"
            raise ValueError(msg)
        if not 0 < self.most_occupancy <= 1:
            msg = f"occupancy: expected more than 0 to 100 %, got {100 * self.most_occupancy:g}"
            raise ValueError(msg)
        if self.stay_s < 0:
            msg = f"stay: expected 0 or more seconds, got {self.stay_s:g}"
            raise ValueError(msg)


class Person(NamedTuple):
    """One person of a slot's pool; cheapest by what they bring come first."""

    source: int
    cost: float
    agents: float


@dataclass(slots=True)
class Curve:
    """A slot's people in the order they are called in, and the fewest that occupancy asks for."""

    crew: list[Person]
    costs: list[float]
    agents: list[float]
    least: int
    is_too_busy: bool


def curve_of(
    rest: Rest, slot: DaySlot, sources: Sequence[Source], now_ms: int, rules: Rules
) -> Curve:
    """Return a slot's people, cheapest by what they bring first, and the agents with each more."""
    hours = slot.length_s / 3600
    crew = [
        Person(i, source.cost_per_hour * hours, (1 - rules.shrinkage) / source.pace)
        for i, source in enumerate(sources)
        for _ in range(source.people(slot, now_ms))
    ]
    crew.sort(key=lambda person: (person.cost / person.agents, person.source))
    agents = list(accumulate((p.agents for p in crew), initial=slot.agents))
    least = 0
    if rules.most_occupancy < 1:
        while least < len(crew) and _occupancy(rest, slot, agents[least]) > rules.most_occupancy:
            least += 1
    is_too_busy = (
        rules.most_occupancy < 1 and _occupancy(rest, slot, agents[least]) > rules.most_occupancy
    )
    costs = list(accumulate((p.cost for p in crew), initial=0.0))
    return Curve(crew, costs, agents, least, is_too_busy)


def _occupancy(rest: Rest, slot: DaySlot, agents: float) -> float:
    if slot.calls == 0:
        return 0.0  # nobody is busy, and nobody is needed
    found = steady(_traffic(rest, slot, slot.calls), agents).occupancy
    return 1.0 if found is None else found


def _traffic(rest: Rest, slot: DaySlot, calls: float) -> Traffic:
    return Traffic(
        rate_per_s=calls / slot.length_s, handle_s=slot.handle_s, patience_s=rest.patience_s
    )


def _value(rest: Rest, slot: DaySlot, agents: float) -> float:
    """Return what a slot adds to the surplus in its steady state."""

    def abandoned(calls: float) -> float:
        return fate_of(rest.goal, _traffic(rest, slot, calls), agents).abandoned

    calls = slot.calls
    if rest.redials.share:
        calls = steady_offered(rest.redials, fresh=calls, abandon_share=abandoned)
    return calls * worth(rest.goal, fate_of(rest.goal, _traffic(rest, slot, calls), agents))


class Segment(NamedTuple):
    """An edge of a hull: gain per cost, whose slot, up to how many people, and the gain."""

    slope: float
    slot: int
    upto: int
    gain: float


def segments_of(rest: Rest, curves: Sequence[Curve]) -> list[Segment]:
    """Return the edges of all upper hulls, the best bargain first."""
    found = []
    for i, (slot, curve) in enumerate(zip(rest.slots, curves, strict=True)):
        size = max(1, -(-len(curve.crew) // _POINTS))
        marks = [*range(curve.least, len(curve.crew), size), len(curve.crew)]
        points = [(curve.costs[k], _value(rest, slot, curve.agents[k]), k) for k in marks]
        hull: list[tuple[float, float, int]] = []
        for point in points:
            while len(hull) > 1 and _is_below(hull[-2], hull[-1], point):
                hull.pop()
            hull.append(point)
        for one, other in pairwise(hull):
            gain = other[1] - one[1]
            if gain > 0:
                cost = other[0] - one[0]
                found.append(Segment(gain / cost if cost else inf, i, other[2], gain))
    # Equal bargains in order of time: what is won early need not be won later.
    found.sort(key=lambda segment: (-round(segment.slope, 6), segment.slot, segment.upto))
    return found


def _is_below(
    one: tuple[float, float, int], middle: tuple[float, float, int], last: tuple[float, float, int]
) -> bool:
    rise = (middle[1] - one[1]) * (last[0] - one[0])
    return rise <= (last[1] - one[1]) * (middle[0] - one[0])


def up_to(
    rest: Rest,
    curves: Sequence[Curve],
    segments: Sequence[Segment],
    base: Sequence[int],
    gain: float,
) -> list[int]:
    """Add people along the hulls until the gain is reached; the last edge only as far as needed."""
    levels = list(base)
    for segment in segments:
        if gain <= 0:
            break
        i = segment.slot
        if segment.gain <= gain:
            gain -= segment.gain
            levels[i] = segment.upto
            continue
        before = _value(rest, rest.slots[i], curves[i].agents[levels[i]])
        while levels[i] < segment.upto:
            levels[i] += 1
            if _value(rest, rest.slots[i], curves[i].agents[levels[i]]) - before >= gain:
                break
        gain = 0.0
    return levels


def agents_of(curves: Sequence[Curve], levels: Sequence[int]) -> list[float]:
    """Return the agents on the phones in each slot."""
    return [curve.agents[k] for curve, k in zip(curves, levels, strict=True)]
