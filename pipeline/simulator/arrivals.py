"""When callers come: a Poisson process whose rate changes every half hour."""

from __future__ import annotations

from collections.abc import Iterator
from random import Random

from pipeline.simulator.conversation import exponential_ms
from pipeline.simulator.leg import SimulatedLeg
from pipeline.simulator.plan import DayPlan
from pipeline.simulator.profile import BEFORE_QUEUE_RATE, DAY_SIGMA, HALF_HOUR_MS


def arrivals(plan: DayPlan, rng: Random, contacts: Iterator[int]) -> list[SimulatedLeg]:
    """Draw the first leg of every contact of a day, in order of time.

    The rate is what the plan expects times one factor for the whole day, because days differ
    more than a Poisson process does.
    """
    mood = rng.lognormvariate(0.0, DAY_SIGMA)
    drawn: list[tuple[int, str]] = []
    for queue in plan.queues:
        for i, calls in enumerate(queue.expected):
            at = plan.starts_ms + i * HALF_HOUR_MS
            until = at + HALF_HOUR_MS
            gap_s = HALF_HOUR_MS / 1000 / (calls * mood)
            while (at := at + exponential_ms(rng, gap_s)) < until:
                drawn.append((at, queue.profile.name))
    drawn.sort()
    return [_first_leg(at, name, plan, rng, next(contacts)) for at, name in drawn]


def _first_leg(at: int, queue: str, plan: DayPlan, rng: Random, contact: int) -> SimulatedLeg:
    leg = SimulatedLeg(contact, 1, queue, int(rng.random() * plan.customers), at)
    if rng.random() < BEFORE_QUEUE_RATE:
        leg.before_queue_at = at
    return leg
