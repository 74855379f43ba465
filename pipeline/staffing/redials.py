"""Callers who gave up and call again: what is offered is more than what is new.

A fluid correction: of those who give up a share calls again after a mean delay, so calls that wait
to be made again fill a pool that drains into the offered calls (Ding, Koole and van der Mei, "On
the estimation of the true demand in call centers with redials and reconnects", 2013). Erlang A
with the offered calls of the fluid then does for the queue. Redials are treated as more Poisson
calls, although they come in the wake of bad minutes; see ``docs/staffing.md``.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from math import exp
from typing import Final

MEAN_DELAY_S: Final = 420.0
_ROUNDS: Final = 60
_EXACT: Final = 1e-9


@dataclass(frozen=True, slots=True, kw_only=True)
class Redials:
    """``share`` (0..1, below 1) of those who give up call again, after ``delay_s`` on average."""

    share: float = 0.0
    delay_s: float = MEAN_DELAY_S

    def __post_init__(self) -> None:
        """Refuse what no caller does."""
        if not 0 <= self.share < 1:
            msg = f"redials: expected a share from 0 to below 100 %, got {100 * self.share:g}"
            raise ValueError(msg)
        if self.delay_s <= 0:
            msg = f"redials: expected a delay of more than 0 s, got {self.delay_s:g}"
            raise ValueError(msg)


NO_REDIALS: Final = Redials()


@dataclass(frozen=True, slots=True)
class Flow:
    """What an interval is offered, and how many wait to call again at its end."""

    offered: float
    pool: float


def offered_in(
    redials: Redials,
    *,
    fresh: float,
    pool: float,
    length_s: float,
    abandon_share: Callable[[float], float],
) -> Flow:
    """Return what is offered in an interval: new calls and those that are made again.

    Args:
        redials: who calls again, and when.
        fresh: new calls of the interval.
        pool: callers who wait to call again at its start.
        length_s: of the interval, seconds.
        abandon_share: offered calls of the interval to the share of them that gives up.
    """
    if redials.share == 0:
        return Flow(fresh, 0.0)
    # Pool P: dP/dt = share * given_up/length - P/delay; what drains is offered.
    time = length_s / redials.delay_s
    left = exp(-time)
    kept = (1 - left) / time
    """Of what enters the pool evenly over the interval, what is in it at the end."""
    low, high = fresh, (fresh + pool) / (1 - redials.share)

    def drained(offered: float) -> tuple[float, float]:
        enters = redials.share * offered * abandon_share(offered)
        after = pool * left + enters * kept
        return pool + enters - after, after

    for _ in range(_ROUNDS):
        middle = (low + high) / 2
        if fresh + drained(middle)[0] > middle:
            low = middle
        else:
            high = middle
        if high - low <= _EXACT * high:
            break
    return Flow(high, drained(high)[1])


def steady_offered(
    redials: Redials, *, fresh: float, abandon_share: Callable[[float], float]
) -> float:
    """Return the offered calls whose redials keep up with them: ``fresh / (1 - share P(ab))``."""
    low, high = fresh, fresh / (1 - redials.share)
    while high - low > _EXACT * high:
        middle = (low + high) / 2
        is_more = fresh + redials.share * middle * abandon_share(middle) > middle
        low, high = (middle, high) if is_more else (low, middle)
    return high
