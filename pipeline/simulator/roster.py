"""Who works when: from a forecast to every agent's duties of the day.

Duties are log-in, breaks, a meal on long shifts, now and then training, and log-out.
"""

from __future__ import annotations

from random import Random
from typing import Final, NamedTuple

from pipeline.domain.events import AgentState
from pipeline.simulator.plan import DayPlan, QueuePlan
from pipeline.simulator.profile import HALF_HOUR_MS
from pipeline.simulator.staffing import Shift, agents_needed, seats, shifts

_HOUR_MS: Final = 3_600_000
_MINUTE_MS: Final = 60_000
_BREAK_EVERY_MS: Final = 2 * _HOUR_MS
_BREAK_MS: Final = 10 * _MINUTE_MS
_MEAL_FROM_MS: Final = 5 * _HOUR_MS
_MEAL_MS: Final = 30 * _MINUTE_MS
_TRAINING_RATE: Final = 0.04
_TRAINING_MS: Final = 30 * _MINUTE_MS
_SPREAD_MS: Final = 20 * _MINUTE_MS


class Duty(NamedTuple):
    """From ``at`` on, as soon as the agent is free, a state for ``length_ms``.

    ``available`` stands for the log-in, ``logged_out`` for the end of the shift.
    """

    at: int
    state: AgentState
    length_ms: int
    reason: str


def roster(plan: DayPlan, queue: QueuePlan, rng: Random) -> list[tuple[str, list[Duty]]]:
    """Return each agent of a queue with the duties of the day, for the forecast calls."""
    client = plan.client
    opened = slice(client.opens_h * 2, client.closes_h * 2)
    profile = queue.profile
    # Calls handed over by the client's other queues come on top of the forecast.
    handed_over = sum(
        sum(other.forecast) * other.profile.transfer_rate / (len(plan.queues) - 1)
        for other in plan.queues
        if other is not queue
    )
    growth = 1 + handed_over / sum(queue.forecast)
    needs = [
        agents_needed(
            calls * growth, profile.handle_mean_s, client.threshold_ms / 1000, plan.staffing_goal
        )
        for calls in queue.forecast[opened]
    ]
    prefix = f"{plan.site or client.name}-{profile.name}"
    day = plan.day.toordinal()
    return [
        (shift.agent, _duties(shift, rng))
        for shift in shifts(seats(needs), plan.opens_ms, prefix, day)
    ]


def _duties(shift: Shift, rng: Random) -> list[Duty]:
    starts, ends = shift.starts_ms, shift.ends_ms
    duties = [Duty(starts - int(rng.random() * _MINUTE_MS), AgentState.AVAILABLE, 0, "")]
    meal_at = (starts + ends) // 2 if ends - starts >= _MEAL_FROM_MS else None
    at = starts + _BREAK_EVERY_MS
    while at < ends - HALF_HOUR_MS:
        due = at + int((2 * rng.random() - 1) * _SPREAD_MS)
        if meal_at is not None and at >= meal_at:
            duties.append(Duty(due, AgentState.MEAL, _MEAL_MS, ""))
            meal_at = None
        else:
            duties.append(Duty(due, AgentState.BREAK, _BREAK_MS, ""))
        at += _BREAK_EVERY_MS
    if ends - starts > 2 * _HOUR_MS and rng.random() < _TRAINING_RATE:
        at = starts + int(rng.random() * (ends - starts - _HOUR_MS))
        duties.append(Duty(at, AgentState.TRAINING, _TRAINING_MS, ""))
    duties.append(Duty(ends, AgentState.LOGGED_OUT, 0, ""))
    return duties
