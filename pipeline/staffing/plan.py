"""Whom to call in, when and for how long, so that the day is won as cheaply as it can be.

People are added along the hulls of the slots' curves (``curve.py``), wherever a unit of cost gains
most, the earlier slot first among equals, until the goal is reached with the wanted probability.
That is cheapest but for the last addition, and for what is done afterwards: who has come stays for
a while, and nobody is sent away for less than that.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from statistics import NormalDist
from typing import Final

from pipeline.staffing.curve import (
    Curve,
    Rules,
    Segment,
    agents_of,
    curve_of,
    segments_of,
    up_to,
)
from pipeline.staffing.day import Course, DaySlot, Rest, course, cut
from pipeline.staffing.pool import Source
from pipeline.staffing.service import parts_per_call

_ROUNDS: Final = 10


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """People of a source come (or go): how many are there then, and the chance with no step more.

    ``level`` is the service level of the slots until the next step.
    """

    at_ms: int
    source: str
    change: int
    people: int
    agents: float
    level: float | None
    likely: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What to do, how the day goes then, and how it goes if nothing is done."""

    rest: Rest
    """The rest of the day, its slots cut where somebody can come."""
    people: tuple[tuple[int, ...], ...]
    """By slot, by source."""
    agents: tuple[float, ...]
    steps: tuple[Step, ...]
    cost: float
    before: Course
    after: Course
    is_enough: bool
    """Does it reach the wanted probability?"""
    too_busy: tuple[int, ...]
    """Slots whose occupancy stays above the bound with everybody in."""


def make_plan(rest: Rest, sources: Sequence[Source], now_ms: int, rules: Rules) -> Plan:
    """Return the cheapest plan found that reaches the goal with the wanted probability.

    Where nothing reaches it, the plan with everybody in, which says so.
    """
    slots = cut(rest.slots, [source.ready_ms(now_ms) for source in sources])
    slots = cut(
        slots, [at for s in sources for span in s.lent for at in (span.start_ms, span.end_ms)]
    )
    rest = replace(rest, slots=tuple(slots))
    curves = [curve_of(rest, slot, sources, now_ms, rules) for slot in slots]
    hulls = segments_of(rest, curves)
    most = [len(curve.crew) for curve in curves]
    levels, after = _cheapest(rest, curves, hulls, rules)
    if after.likely < rules.confidence:
        levels = most
    levels = _staying(levels, most, slots, rules.stay_s)
    agents = agents_of(curves, levels)
    after = course(rest, agents)
    people = tuple(
        tuple(sum(p.source == s for p in curve.crew[:k]) for s in range(len(sources)))
        for curve, k in zip(curves, levels, strict=True)
    )
    return Plan(
        rest=rest,
        people=people,
        agents=tuple(agents),
        steps=_steps(rest, curves, levels, people=people, sources=sources, after=after),
        cost=sum(curve.costs[k] for curve, k in zip(curves, levels, strict=True)),
        before=course(rest, [slot.agents for slot in slots]),
        after=after,
        is_enough=after.likely >= rules.confidence,
        too_busy=tuple(i for i, curve in enumerate(curves) if curve.is_too_busy),
    )


def _cheapest(
    rest: Rest, curves: Sequence[Curve], segments: Sequence[Segment], rules: Rules
) -> tuple[list[int], Course]:
    """Return people by slot that reach the wanted probability, or everybody, and the course."""
    wanted = NormalDist().inv_cdf(rules.confidence)
    base = [curve.least for curve in curves]
    start = course(rest, agents_of(curves, base))
    if start.likely >= rules.confidence or not segments:
        return base, start
    low, high = start.surplus, start.surplus + sum(segment.gain for segment in segments)
    everybody = up_to(rest, curves, segments, base, high - start.surplus)
    best = everybody, course(rest, agents_of(curves, everybody))
    if best[1].likely < rules.confidence:
        return best
    aim = min(high, max(low, wanted * start.spread))
    for _ in range(_ROUNDS):
        levels = up_to(rest, curves, segments, base, aim - start.surplus)
        found = course(rest, agents_of(curves, levels))
        if found.likely >= rules.confidence:
            best, high = (levels, found), aim
        else:
            low = aim
        if high - low <= 0.05 * max(1.0, found.spread):
            break
        aim = (low + high) / 2
    return best


def _staying(
    levels: Sequence[int], most: Sequence[int], slots: Sequence[DaySlot], stay_s: float
) -> list[int]:
    """Let who comes stay so long, and nobody go for less than that, as far as there is anybody."""
    found = list(levels)
    for level in range(1, max(levels, default=0) + 1):
        for i in range(len(found)):
            if found[i] < level or (i and found[i - 1] >= level):
                continue
            # A spell begins at i: stretch it to its least length.
            until = slots[i].start_ms + stay_s * 1000
            j = i
            while j < len(found) and slots[j].start_ms < until and most[j] >= level:
                found[j] = max(found[j], level)
                j += 1
        last = None
        for i in range(len(found)):
            if found[i] < level:
                continue
            if last is not None and slots[i].start_ms - slots[last].end_ms < stay_s * 1000:
                for j in range(last + 1, i):
                    found[j] = max(found[j], min(level, most[j]))
            last = i
    return found


def _steps(
    rest: Rest,
    curves: Sequence[Curve],
    levels: Sequence[int],
    people: Sequence[tuple[int, ...]],
    sources: Sequence[Source],
    after: Course,
) -> tuple[Step, ...]:
    found = []
    for s, source in enumerate(sources):
        before = 0
        for i, row in enumerate(people):
            if row[s] != before:
                found.append((rest.slots[i].start_ms, i, source.name, row[s] - before, row[s]))
                before = row[s]
    steps = []
    starts = sorted({i for _, i, *_ in found})
    for at_ms, i, name, change, now in sorted(found):
        until = next((j for j in starts if j > i), len(rest.slots))
        top = max(levels[: i + 1])
        kept = [min(k, top) for k in levels]
        reached = after if kept == list(levels) else course(rest, agents_of(curves, kept))
        steps.append(
            Step(
                at_ms=at_ms,
                source=name,
                change=change,
                people=now,
                agents=curves[i].agents[levels[i]],
                level=_level(rest, after, i, until),
                likely=reached.likely,
            )
        )
    return tuple(steps)


def _level(rest: Rest, after: Course, start: int, until: int) -> float | None:
    """Return the service level of some slots together."""
    parts = [parts_per_call(rest.goal, fate) for fate in after.fates[start:until]]
    offered = after.offered[start:until]
    good = sum(n * p[0] for n, p in zip(offered, parts, strict=True))
    counted = sum(n * p[1] for n, p in zip(offered, parts, strict=True))
    return good / counted if counted else None
