"""What is left of a day, slot by slot, and how it ends with so many agents in each.

The end is a probability: how many calls come is uncertain (``volume_cv``, the whole rest alike),
and waits come in clumps (``chain.clumping``). The first hour is followed from how the queue stands
now, the rest is taken as steady, slot by slot, which is right where slots are long beside handle
time and patience. Redials drain from slot to slot.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from itertools import pairwise
from math import sqrt
from statistics import NormalDist, fmean, pvariance
from typing import Final

from pipeline.staffing.chain import clumping
from pipeline.staffing.erlang import Fate, Traffic
from pipeline.staffing.redials import NO_REDIALS, Redials, offered_in
from pipeline.staffing.service import Goal, fate_of, parts_per_call
from pipeline.staffing.transient import Stretch, follow

FOLLOWED_S: Final = 3600.0
VOLUME_CV: Final = 0.05
"""Standard deviation of the rest's volume over its forecast, once the day is under way."""
_RUNS: Final = (-2.5, -1.25, 0.0, 1.25, 2.5)
"""Volumes a day is run with, in standard deviations; what is in between lies on straight lines."""
_VOLUMES: Final = tuple(NormalDist().inv_cdf((i + 0.5) / 100) for i in range(100))
"""As likely as each other. Fewer would not see the busy tail, which is where days are lost."""
_WORK: Final = 200_000
_NORMAL: Final = NormalDist()


@dataclass(frozen=True, slots=True, kw_only=True)
class DaySlot:
    """``[start_ms, end_ms)``: new calls expected, handle time (s), agents on the phones."""

    start_ms: int
    end_ms: int
    calls: float
    handle_s: float
    agents: float

    @property
    def length_s(self) -> float:
        """Return how long it lasts."""
        return (self.end_ms - self.start_ms) / 1000


def cut(slots: Iterable[DaySlot], at_ms: Iterable[int]) -> list[DaySlot]:
    """Return slots cut at instants, calls by length: none goes on over one of them."""
    instants = sorted(set(at_ms))
    found = []
    for slot in slots:
        inner = [at for at in instants if slot.start_ms < at < slot.end_ms]
        for start, end in pairwise([slot.start_ms, *inner, slot.end_ms]):
            share = (end - start) / (slot.end_ms - slot.start_ms)
            found.append(replace(slot, start_ms=start, end_ms=end, calls=slot.calls * share))
    return found


@dataclass(frozen=True, slots=True, kw_only=True)
class Rest:
    """A day so far, and what is left of it.

    ``good`` and ``counted`` are numerator and denominator of the goal's formula so far, or of the
    month so far without the days to come. ``in_system``: calls on the line and waiting now, None
    if unknown. ``redialling``: callers who have given up and will call again.
    """

    goal: Goal
    good: float
    counted: float
    slots: tuple[DaySlot, ...]
    patience_s: float
    redials: Redials = NO_REDIALS
    redialling: float = 0.0
    in_system: int | None = None
    volume_cv: float = VOLUME_CV

    def __post_init__(self) -> None:
        """Refuse a rest that is none."""
        if not self.slots:
            msg = "expected something left of the day, found no slot"
            raise ValueError(msg)
        if not 0 <= self.good <= self.counted:
            msg = f"good: expected 0 to the {self.counted:g} counted, got {self.good:g}"
            raise ValueError(msg)
        if not 0 <= self.volume_cv < 0.5:  # noqa: PLR2004 - beyond it there is no forecast
            msg = f"volume_cv: expected 0 to below 0.5, got {self.volume_cv:g}"
            raise ValueError(msg)

    @property
    def surplus(self) -> float:
        """Return good calls so far beyond the goal; negative if behind."""
        return self.good - self.goal.share * self.counted


@dataclass(frozen=True, slots=True, kw_only=True)
class Course:
    """How a day goes: per slot offered calls and fates; at the end the level and its chance.

    ``surplus`` is good calls beyond the goal at the end, ``spread`` its standard deviation, both
    over all that is uncertain.
    """

    offered: tuple[float, ...]
    fates: tuple[Fate, ...]
    projected: float
    likely: float
    surplus: float
    spread: float


def worth(goal: Goal, fate: Fate) -> float:
    """Return what an offered call adds to the surplus over the goal."""
    good, counted = parts_per_call(goal, fate)
    return good - goal.share * counted


def course(rest: Rest, agents: Sequence[float]) -> Course:
    """Return how the day goes with so many agents in each slot."""
    if len(agents) != len(rest.slots):
        msg = f"expected agents of {len(rest.slots)} slots, got {len(agents)}"
        raise ValueError(msg)
    offered, fates = _run(rest, agents, 1.0)
    parts = [parts_per_call(rest.goal, fate) for fate in fates]
    good = rest.good + sum(n * p[0] for n, p in zip(offered, parts, strict=True))
    counted = rest.counted + sum(n * p[1] for n, p in zip(offered, parts, strict=True))
    noise = sum(
        slot.length_s * clumping(rest.goal, _traffic(rest, slot, calls), n)
        for slot, calls, n in zip(rest.slots, offered, agents, strict=True)
    )
    ends = _ends(rest, agents)
    spread = sqrt(noise)
    if spread:
        likely = fmean(_NORMAL.cdf(end / spread) for end in ends)
    else:
        likely = fmean(float(end >= 0) for end in ends)
    return Course(
        offered=tuple(offered),
        fates=tuple(fates),
        projected=good / counted if counted else 1.0,
        likely=likely,
        surplus=fmean(ends),
        spread=sqrt(noise + pvariance(ends)),
    )


def _ends(rest: Rest, agents: Sequence[float]) -> list[float]:
    """Return the surplus at the end for each of the volumes there may be."""
    if rest.volume_cv == 0:
        return [rest.surplus + _gain(rest, agents, 1.0)]
    runs = [_gain(rest, agents, max(0.0, 1 + rest.volume_cv * z)) for z in _RUNS]
    found = []
    for z in _VOLUMES:
        i = min(max(bisect_right(_RUNS, z) - 1, 0), len(_RUNS) - 2)
        share = (z - _RUNS[i]) / (_RUNS[i + 1] - _RUNS[i])
        found.append(rest.surplus + runs[i] + share * (runs[i + 1] - runs[i]))
    return found


def _gain(rest: Rest, agents: Sequence[float], busy: float) -> float:
    offered, fates = _run(rest, agents, busy)
    return sum(n * worth(rest.goal, fate) for n, fate in zip(offered, fates, strict=True))


def _run(rest: Rest, agents: Sequence[float], busy: float) -> tuple[list[float], list[Fate]]:
    """Return offered calls and fates by slot, if the rest is so much busier than forecast."""
    offered: list[float] = []
    pool = rest.redialling
    for slot, n in zip(rest.slots, agents, strict=True):
        flow = offered_in(
            rest.redials,
            fresh=slot.calls * busy,
            pool=pool,
            length_s=slot.length_s,
            abandon_share=partial(_abandoned, rest, slot, n),
        )
        offered.append(flow.offered)
        pool = flow.pool
    fates = [
        fate_of(rest.goal, _traffic(rest, slot, calls), n)
        for slot, calls, n in zip(rest.slots, offered, agents, strict=True)
    ]
    near = sum(slot.start_ms < rest.slots[0].start_ms + FOLLOWED_S * 1000 for slot in rest.slots)
    stretches = [
        Stretch(traffic=_traffic(rest, slot, calls), agents=n, length_s=slot.length_s)
        for slot, calls, n in zip(rest.slots[:near], offered, agents, strict=False)
    ]
    in_system = rest.in_system
    if in_system is None:
        in_system = _usual(stretches[0])
    fates[:near] = follow(rest.goal, stretches, in_system=in_system, most_work=_WORK)
    return offered, fates


def _abandoned(rest: Rest, slot: DaySlot, agents: float, calls: float) -> float:
    return fate_of(rest.goal, _traffic(rest, slot, calls), agents).abandoned


def _traffic(rest: Rest, slot: DaySlot, calls: float) -> Traffic:
    return Traffic(
        rate_per_s=calls / slot.length_s, handle_s=slot.handle_s, patience_s=rest.patience_s
    )


def _usual(stretch: Stretch) -> int:
    """Return how many calls such a queue usually holds: what it takes if nobody has counted."""
    traffic, patience_s = stretch.traffic, stretch.traffic.patience_s or 0.0
    surplus = traffic.rate_per_s - stretch.agents / traffic.handle_s
    return round(min(traffic.load, stretch.agents) + max(0.0, surplus * patience_s))
