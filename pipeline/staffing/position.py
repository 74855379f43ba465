"""What becomes within a threshold of a caller who finds so many callers waiting before him.

A pure death process: with j callers ahead, the next of ``agents mu + j theta`` events moves him
up (or serves him, with nobody ahead), and he leaves at the rate ``theta`` himself. Solved exactly,
for every j at once, by uniformisation (Jensen 1953): powers of a matrix with Poisson weights.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from math import exp, sqrt
from typing import Final

from pipeline.staffing.erlang import Traffic

_SIGMAS: Final = 9.0
_MOST_EXPONENT: Final = 50.0
_ENOUGH: Final = 1e-13


@dataclass(frozen=True, slots=True)
class Within:
    """By callers ahead: shares served, and gone unserved, within a time; beyond the list: never."""

    served: tuple[float, ...]
    gone: tuple[float, ...]
    gone_at_last: float
    """Of those with more callers ahead than the list is long."""

    def at(self, ahead: float) -> tuple[float, float]:
        """Return (served, gone) with so many ahead; -1 or less: served at once.

        Between whole numbers it is a straight line, which is what a fraction of an agent means.
        """
        if ahead <= -1:
            return 1.0, 0.0
        lower = int(ahead + 1) - 1
        part = ahead - lower
        served, gone = self._whole(lower)
        then_served, then_gone = self._whole(lower + 1)
        return served + part * (then_served - served), gone + part * (then_gone - gone)

    def _whole(self, ahead: int) -> tuple[float, float]:
        if ahead < 0:
            return 1.0, 0.0
        if ahead >= len(self.served):
            return 0.0, self.gone_at_last
        return self.served[ahead], self.gone[ahead]


@lru_cache(maxsize=4096)
def within(traffic: Traffic, agents: float, time_s: float, most: int) -> Within:
    """Return what becomes of callers within a time, with so many agents, all of them busy.

    ``most``: callers ahead that are of interest. With a time of many patiences far more than could
    ever wait might be gone within it.
    """
    theta = 0.0 if traffic.patience_s is None else 1 / traffic.patience_s
    capacity = agents / traffic.handle_s
    gone_at_last = 1 - exp(-theta * time_s)
    # With more ahead than could be served or lose patience in the time, nobody is reached.
    moves = capacity * time_s
    reach = (moves + _SIGMAS * sqrt(moves + 1) + 3) * exp(min(theta * time_s, _MOST_EXPONENT))
    length = min(int(reach), most) + 1
    rates = [capacity + j * theta for j in range(length)]
    fastest = rates[-1] + theta
    if agents <= 0 or fastest == 0:
        return Within((), (), gone_at_last)
    weights = poisson(fastest * time_s)
    moved = [rate / fastest for rate in rates]
    stays = [1 - (rate + theta) / fastest for rate in rates]
    leaves = theta / fastest
    served, gone = [0.0] * length, [0.0] * length
    sum_served, sum_gone = [0.0] * length, [0.0] * length
    for weight in weights:
        if weight:
            sum_served = [s + weight * p for s, p in zip(sum_served, served, strict=True)]
            sum_gone = [s + weight * p for s, p in zip(sum_gone, gone, strict=True)]
        before_served, before_gone = [1.0, *served[:-1]], [0.0, *gone[:-1]]
        served = [
            m * b + s * p for m, b, s, p in zip(moved, before_served, stays, served, strict=True)
        ]
        gone = [
            m * b + s * p + leaves
            for m, b, s, p in zip(moved, before_gone, stays, gone, strict=True)
        ]
    return Within(tuple(sum_served), tuple(sum_gone), gone_at_last)


def poisson(mean: float) -> list[float]:
    """Return Poisson probabilities from 0 on until what is left is nothing; they sum to 1."""
    peak = int(mean)
    upper = [1.0]
    k = peak
    while upper[-1] > _ENOUGH:
        k += 1
        upper.append(upper[-1] * mean / k)
    lower = []
    weight = 1.0
    for k in range(peak, 0, -1):
        weight *= k / mean
        lower.append(weight)
        if weight <= _ENOUGH:
            lower += [0.0] * (k - 1)
            break
    found = lower[::-1] + upper
    total = sum(found)
    return [weight / total for weight in found]
