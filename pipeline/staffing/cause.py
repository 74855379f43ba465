"""Why a service level fell: volume, people, handle time, rework or faults, in points of it.

人机料法环, the five causes of a root-cause diagram, each as one figure of the model that can be set
to plan or to what was:

- environment: calls that came by themselves (``fresh``);
- method: calls that earlier calls made (transfers in, repeats), per fresh call (``rework``);
- material: mean handle time, hold and after-call work included (``handle_s``);
- people: agents on the phones, refused offers taken off (``agents``);
- machine: share of the time in which calls could be answered at all (``up``).

Each interval's calls end by Erlang A with the figures of either side; the level of the window is
good over counted calls by the contract's formula. The change from plan to actual is shared out by
Shapley's value (``attribution.py``). The model is no more than a model: what it says of the actual
figures and what was observed differ, and that difference is the ``remainder``, stated and blamed
on nobody. So points and remainder add up to the observed fall, exactly.

Intervals are steady and apart from each other: backlog that runs over is in the remainder.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from math import fsum, isfinite
from typing import Final

from pipeline.domain.incident import Cause
from pipeline.staffing.attribution import shapley
from pipeline.staffing.erlang import Traffic
from pipeline.staffing.service import Goal, fate_of, parts_per_call

FIGURES: Final[Mapping[Cause, str]] = {
    Cause.PEOPLE: "agents",
    Cause.MACHINE: "up",
    Cause.MATERIAL: "handle_s",
    Cause.METHOD: "rework",
    Cause.ENVIRONMENT: "fresh",
}
"""Which figure of a ``Load`` each cause changes; in the order of 人机料法环."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Load:
    """What a queue had to do in an interval, and with whom.

    ``fresh``: calls; ``rework``: further calls per fresh one; ``handle_s``: seconds; ``agents``: a
    mean, may be a fraction; ``up``: share of the interval, 0..1.
    """

    fresh: float
    handle_s: float
    agents: float
    rework: float = 0.0
    up: float = 1.0

    def __post_init__(self) -> None:
        """Refuse what no queue can have."""
        for name in ("fresh", "agents", "rework"):
            value = getattr(self, name)
            if not (isfinite(value) and value >= 0):
                msg = f"{name}: expected 0 or more, got {value}"
                raise ValueError(msg)
        if not (isfinite(self.handle_s) and self.handle_s > 0):
            msg = f"handle_s: expected more than 0 seconds, got {self.handle_s}"
            raise ValueError(msg)
        if not 0 <= self.up <= 1:
            msg = f"up: expected a share from 0 to 1, got {self.up}"
            raise ValueError(msg)

    @property
    def calls(self) -> float:
        """Return all calls of the interval."""
        return self.fresh * (1 + self.rework)


@dataclass(frozen=True, slots=True, kw_only=True)
class Interval:
    """``[start_ms, end_ms)``: plan (None: nobody planned it), actual, and how its calls counted.

    ``good`` and ``counted`` are numerator and denominator of the contract's formula.
    """

    start_ms: int
    end_ms: int
    planned: Load | None
    actual: Load
    good: float
    counted: float

    def __post_init__(self) -> None:
        """Refuse an interval that is none."""
        if self.start_ms >= self.end_ms:
            msg = f"interval: expected an end after {self.start_ms}, got {self.end_ms}"
            raise ValueError(msg)
        if not 0 <= self.good <= self.counted:
            msg = f"good: expected 0 to the {self.counted:g} counted, got {self.good:g}"
            raise ValueError(msg)


class NoCause(StrEnum):
    """Why there is nothing to explain."""

    NO_PLAN = "no plan"
    """No interval of the window was planned."""
    NO_CALLS = "no calls"
    """No call of the planned intervals counts."""
    NOTHING_PLANNED = "nothing planned"
    """The plan expects no call that counts: there is no level to fall from."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Explanation:
    """A fall and its causes; levels and points as shares 0..1, a point above 0 was lost.

    ``planned``: the level the plan promised by the model; ``modelled``: what the model says of the
    actual figures; ``observed``: what was. ``points`` holds every cause, and
    ``sum(points) + remainder == fall == planned - observed``. ``unplanned``: calls counted in
    intervals without a plan, which are in none of the figures. ``reason``: why there are none.
    """

    planned: float | None = None
    modelled: float | None = None
    observed: float | None = None
    points: Mapping[Cause, float]
    remainder: float = 0.0
    unplanned: float = 0.0
    reason: NoCause | None = None

    @property
    def fall(self) -> float:
        """Return how far the level is below plan; negative if above, 0 where nothing is known."""
        if self.planned is None or self.observed is None:
            return 0.0
        return self.planned - self.observed

    @property
    def ordered(self) -> tuple[tuple[Cause, float], ...]:
        """Return the causes, the one that cost most first; equals in the order of 人机料法环."""
        return tuple(sorted(self.points.items(), key=lambda item: -item[1]))


def explain(goal: Goal, intervals: Sequence[Interval], patience_s: float) -> Explanation:
    """Return what made the service level of some intervals differ from plan.

    Args:
        goal: threshold and formula; its share is not used.
        intervals: of one queue, in any order.
        patience_s: mean patience of callers, seconds, the same in plan and actual.
    """
    unplanned = fsum(i.counted for i in intervals if i.planned is None)
    planned = [i for i in intervals if i.planned is not None]
    nothing = Explanation(points=dict.fromkeys(FIGURES, 0.0), unplanned=unplanned)
    counted = fsum(i.counted for i in planned)
    if not planned:
        return replace(nothing, reason=NoCause.NO_PLAN)
    promised = _level(goal, planned, frozenset(), patience_s)
    if not counted:
        return replace(nothing, planned=promised, reason=NoCause.NO_CALLS)
    observed = fsum(i.good for i in planned) / counted
    if promised is None:
        return replace(nothing, observed=observed, reason=NoCause.NOTHING_PLANNED)
    differing = [cause for cause in FIGURES if any(_differs(i, cause) for i in planned)]
    kept: dict[frozenset[Cause], float] = {frozenset(): promised}

    def lost(changed: frozenset[Cause]) -> float:
        if changed not in kept:
            level = _level(goal, planned, changed, patience_s)
            # Without a call nobody waits: nothing is lost then.
            kept[changed] = promised if level is None else level
        return promised - kept[changed]

    points = dict.fromkeys(FIGURES, 0.0) | shapley(differing, lost)
    modelled = promised - lost(frozenset(differing))
    fall = promised - observed
    return Explanation(
        planned=promised,
        modelled=modelled,
        observed=observed,
        points=points,
        remainder=fall - fsum(points.values()),
        unplanned=unplanned,
    )


def _differs(interval: Interval, cause: Cause) -> bool:
    name = FIGURES[cause]
    return bool(getattr(interval.planned, name) != getattr(interval.actual, name))


def _level(
    goal: Goal, intervals: Sequence[Interval], changed: Collection[Cause], patience_s: float
) -> float | None:
    """Return the level with some causes as they were and the others as planned."""
    good, counted = [], []
    for interval in intervals:
        load = _mixed(interval, changed)
        length_s = (interval.end_ms - interval.start_ms) / 1000
        traffic = Traffic(
            rate_per_s=load.calls / length_s, handle_s=load.handle_s, patience_s=patience_s
        )
        for agents, share in ((load.agents, load.up), (0.0, 1 - load.up)):
            if share and load.calls:
                per_call = parts_per_call(goal, fate_of(goal, traffic, agents))
                good.append(load.calls * share * per_call[0])
                counted.append(load.calls * share * per_call[1])
    total = fsum(counted)
    return fsum(good) / total if total else None


def _mixed(interval: Interval, changed: Collection[Cause]) -> Load:
    load = interval.planned
    if load is None:
        raise TypeError(interval)
    names = [FIGURES[cause] for cause in changed]
    return replace(load, **{name: getattr(interval.actual, name) for name in names})
