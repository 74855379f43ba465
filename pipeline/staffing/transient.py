"""A queue on its way: what becomes of calls while it still remembers how it stood.

An overloaded interval hands its queue to the next, and agents who come at once do not help those
who have waited too long already: the present interval is not in a steady state. Small queues are
followed exactly (uniformisation of the chain, Jensen 1953; Grassmann 1977 for the integral over
time); large ones as if the number in the system were normal, by two differential equations for
its mean and variance (Massey and Pender, "Gaussian skewness approximation for dynamic rate
multi-server queues with abandonment", Queueing Systems 75, 2013, without the skewness).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import ceil, erfc, exp, pi, sqrt
from statistics import NormalDist
from typing import Final

from pipeline.staffing.chain import Chain, Prospects, chain_of, prospects
from pipeline.staffing.erlang import Fate, Traffic
from pipeline.staffing.position import poisson, within
from pipeline.staffing.service import Goal

MOST_WORK: Final = 4_000_000
"""States times steps up to which a stretch is followed exactly: about a second."""
_MOST_AHEAD: Final = 100_000
_STEP: Final = 0.2
"""Step of the differential equations, in the shorter of handle time and patience."""
_NORMAL: Final = NormalDist()
_ROOT_2: Final = sqrt(2)
_ROOT_2_PI: Final = sqrt(2 * pi)
_POINTS: Final = tuple(_NORMAL.inv_cdf((i + 0.5) / 15) for i in range(15))
"""Points of equal weight of a normal distribution."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Stretch:
    """A stretch of time in which nothing is changed from outside."""

    traffic: Traffic
    agents: float
    length_s: float


def follow(
    goal: Goal, stretches: Sequence[Stretch], *, in_system: int, most_work: int = MOST_WORK
) -> list[Fate]:
    """Return the mean fate of the calls that arrive in each stretch.

    Args:
        goal: whose threshold and short abandons count.
        stretches: one after the other.
        in_system: calls on the line and waiting at the start.
        most_work: states times steps up to which it is followed exactly.
    """
    if in_system < 0:
        msg = f"in_system: expected 0 or more calls, got {in_system}"
        raise ValueError(msg)
    states = max((len(chain_of(s.traffic, s.agents).down) for s in stretches), default=0)
    states = max(states, in_system + 10)
    chains = [chain_of(s.traffic, s.agents, at_least=states) for s in stretches]
    work = sum(states * _fastest(c) * s.length_s for c, s in zip(chains, stretches, strict=True))
    if work > most_work:
        return _as_normal(goal, stretches, float(in_system))
    held: list[float] = []
    found = []
    before = None
    for chain, stretch in zip(chains, stretches, strict=True):
        held = (
            _handed_over(held, before, stretch.agents)
            if before is not None
            else _known(states, in_system)
        )
        before = stretch.agents
        held, spent = _advance(chain, held, stretch.length_s)
        found.append(_fate(goal, chain, spent, stretch))
    return found


def _known(states: int, in_system: int) -> list[float]:
    held = [0.0] * (states + 1)
    held[in_system] = 1.0
    return held


def _handed_over(held: list[float], before: float, agents: float) -> list[float]:
    """Return the distribution after agents have left, each with the call he is in.

    Who leaves is as busy as who stays; the call goes on outside of what is followed here.
    """
    if agents >= before:
        return held
    found = [0.0] * len(held)
    for i, p in enumerate(held):
        stays = _without(float(i), before, agents)
        whole = int(stays)
        found[whole] += p * (1 - (stays - whole))
        if stays > whole:
            found[whole + 1] += p * (stays - whole)
    return found


def _without(in_system: float, before: float, agents: float) -> float:
    return in_system - (before - agents) * min(1.0, in_system / before)


def _fastest(chain: Chain) -> float:
    return chain.traffic.rate_per_s + max(chain.down)


def _advance(chain: Chain, held: list[float], length_s: float) -> tuple[list[float], list[float]]:
    """Return the distribution at the end, and the mean one over the stretch."""
    fastest = _fastest(chain)
    if fastest == 0:
        return held, held
    weights = poisson(fastest * length_s)
    up = chain.traffic.rate_per_s / fastest
    down = [rate / fastest for rate in chain.down]
    stays = [1 - up - d for d in down]
    stays[-1] += up  # nobody gets in beyond the last state
    states = len(held)
    end, spent = [0.0] * states, [0.0] * states
    after = 1.0
    total = 0.0
    for weight in weights:
        after -= weight
        share = max(0.0, after)
        if weight:
            end = [e + weight * p for e, p in zip(end, held, strict=True)]
        spent = [s + share * p for s, p in zip(spent, held, strict=True)]
        total += share
        from_below = [0.0, *held[:-1]]
        from_above = [d * p for d, p in zip(down[1:], held[1:], strict=True)]
        from_above.append(0.0)
        held = [
            s * p + up * b + a
            for s, p, b, a in zip(stays, held, from_below, from_above, strict=True)
        ]
    return end, [s / total for s in spent] if total else end


def _fate(goal: Goal, chain: Chain, spent: Sequence[float], stretch: Stretch) -> Fate:
    seen: Prospects = prospects(chain, goal)
    queue = sum(p * max(0.0, i - chain.agents) for i, p in enumerate(spent))
    return _judged(
        stretch.traffic,
        queue,
        *(
            sum(p * share for p, share in zip(spent, shares, strict=True))
            for shares in (seen.answered_within, seen.abandoned_within, seen.abandoned_short)
        ),
    )


def _judged(traffic: Traffic, queue: float, good: float, gone: float, short: float) -> Fate:
    """Return a fate; who is still waiting at the end counts as what he will probably be."""
    abandoned = 0.0
    if traffic.patience_s is not None and traffic.rate_per_s:
        abandoned = min(1.0 - good, queue / traffic.patience_s / traffic.rate_per_s)
    abandoned = max(abandoned, gone)
    return Fate(
        answered=1 - abandoned,
        answered_within=min(good, 1 - abandoned),
        abandoned=abandoned,
        abandoned_within=gone,
        abandoned_short=min(short, gone),
    )


def _as_normal(goal: Goal, stretches: Sequence[Stretch], in_system: float) -> list[Fate]:
    mean, variance = in_system, 1e-6
    found = []
    before = 0.0
    most = ceil(in_system)
    for stretch in stretches:
        if stretch.agents < before:
            if mean < before:
                variance *= (stretch.agents / before) ** 2
            mean = _without(mean, before, stretch.agents)
        before = stretch.agents
        traffic = stretch.traffic
        patience_s = traffic.patience_s or traffic.handle_s
        steps = max(1, ceil(stretch.length_s / (_STEP * min(traffic.handle_s, patience_s))))
        step_s = stretch.length_s / steps
        if traffic.patience_s is None:
            most = _MOST_AHEAD  # few of these are within reach
        else:
            most = max(most, len(chain_of(traffic, stretch.agents).down))
        in_time = within(traffic, stretch.agents, goal.threshold_s, most)
        short = within(traffic, stretch.agents, goal.short_abandon_s, most)
        sums = [0.0, 0.0, 0.0, 0.0]
        for _ in range(steps):
            before_step = mean, variance
            mean, variance = _moved(stretch, before_step, step_s)
            middle = (before_step[0] + mean) / 2, (before_step[1] + variance) / 2
            spread = sqrt(middle[1])
            for point in _POINTS:
                ahead = middle[0] + spread * point - stretch.agents
                served, gone = in_time.at(ahead)
                sums[0] += max(0.0, ahead)
                sums[1] += served
                sums[2] += gone
                sums[3] += short.at(ahead)[1]
        found.append(_judged(traffic, *(total / (steps * len(_POINTS)) for total in sums)))
    return found


def _moved(stretch: Stretch, at: tuple[float, float], step_s: float) -> tuple[float, float]:
    """Move mean and variance by one Runge-Kutta step of the fourth order."""

    def slope(mean: float, variance: float) -> tuple[float, float]:
        return _slope(stretch, mean, max(variance, 1e-9))

    a = slope(*at)
    b = slope(at[0] + step_s / 2 * a[0], at[1] + step_s / 2 * a[1])
    c = slope(at[0] + step_s / 2 * b[0], at[1] + step_s / 2 * b[1])
    d = slope(at[0] + step_s * c[0], at[1] + step_s * c[1])
    mean = at[0] + step_s / 6 * (a[0] + 2 * b[0] + 2 * c[0] + d[0])
    variance = at[1] + step_s / 6 * (a[1] + 2 * b[1] + 2 * c[1] + d[1])
    return mean, max(variance, 1e-9)


def _slope(stretch: Stretch, mean: float, variance: float) -> tuple[float, float]:
    traffic = stretch.traffic
    mu = 1 / traffic.handle_s
    theta = 0.0 if traffic.patience_s is None else 1 / traffic.patience_s
    spread = sqrt(variance)
    edge = (stretch.agents - mean) / spread
    over = erfc(edge / _ROOT_2) / 2
    queue = spread * exp(-edge * edge / 2) / _ROOT_2_PI + (mean - stretch.agents) * over
    ends = mu * (mean - queue) + theta * queue
    return (
        traffic.rate_per_s - ends,
        traffic.rate_per_s + ends - 2 * variance * (mu * (1 - over) + theta * over),
    )
