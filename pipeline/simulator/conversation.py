"""What callers and agents do, drawn from a random source: waiting, talking, holding, wrapping up.

All lengths are milliseconds. The order of the draws is part of what a seed means: changing it
changes every simulated day.
"""

from __future__ import annotations

from math import exp, log
from random import Random

from pipeline.domain.events import TransferKind
from pipeline.simulator import profile as p
from pipeline.simulator.leg import SimulatedLeg
from pipeline.simulator.plan import DayPlan
from pipeline.simulator.profile import QueueProfile

ABANDONED = "abandoned"
CALLBACK = "callback"
MAX_WAIT = "max_wait"


def exponential_ms(rng: Random, mean_s: float) -> int:
    """Draw an exponential length."""
    return int(-log(1.0 - rng.random()) * mean_s * 1000)


def lognormal_ms(rng: Random, median_s: float, sigma: float) -> int:
    """Draw a lognormal length."""
    return int(exp(rng.gauss(0.0, sigma)) * median_s * 1000)


def decide_leaving(rng: Random, leg: SimulatedLeg, patience_s: float) -> None:
    """Decide when and how the caller will stop waiting if nobody answers."""
    leg.leave_at = leg.queued_at + exponential_ms(rng, patience_s) + 1
    leg.leave_as = ABANDONED
    if rng.random() < p.CALLBACK_RATE:
        wait_s = p.CALLBACK_FROM_S + rng.random() * (p.CALLBACK_UNTIL_S - p.CALLBACK_FROM_S)
        at = leg.queued_at + int(wait_s * 1000)
        if at < leg.leave_at:
            leg.leave_at, leg.leave_as = at, CALLBACK
    at = leg.queued_at + int(p.MAX_WAIT_S * 1000)
    if at < leg.leave_at:
        leg.leave_at, leg.leave_as = at, MAX_WAIT


def hold_conversation(
    rng: Random, leg: SimulatedLeg, answered_at: int, queue: QueueProfile, plan: DayPlan
) -> int:
    """Let the answered leg run its course; return when the agent is free again."""
    leg.answered_at = answered_at
    talk = lognormal_ms(rng, queue.talk_median_s, queue.talk_sigma) + 1
    held = _hold(rng, leg, answered_at, talk) if rng.random() < p.HOLD_RATE else 0
    ended = answered_at + talk + held
    leg.ended_at = ended
    if rng.random() < queue.transfer_rate and leg.number < p.MOST_LEGS:
        _transfer(rng, leg, queue, plan)
    else:
        leg.ended_by = "caller" if rng.random() < p.CALLER_ENDS_RATE else "agent"
    is_upset = answered_at - leg.queued_at > p.UPSET_WAIT_S * 1000 or leg.number > 1
    rate = p.COMPLAINT_RATE_UPSET if is_upset else p.COMPLAINT_RATE
    if rng.random() < rate:
        leg.complaint_at = answered_at + int(rng.random() * (talk + held))
    if rng.random() < p.WRAPUP_RATE:
        leg.wrapup_ended_at = ended + exponential_ms(rng, queue.wrapup_mean_s) + 1
        return leg.wrapup_ended_at
    return ended


def _hold(rng: Random, leg: SimulatedLeg, answered_at: int, talk: int) -> int:
    count = 2 if rng.random() < p.SECOND_HOLD_RATE else 1
    held = 0
    leg.holds = []
    for part in range(count):
        talked = int(talk * (part + rng.random()) / count)
        length = lognormal_ms(rng, p.HOLD_MEDIAN_S, p.HOLD_SIGMA) + 1
        start = answered_at + talked + held
        leg.holds.append((start, start + length))
        held += length
    return held


def _transfer(rng: Random, leg: SimulatedLeg, queue: QueueProfile, plan: DayPlan) -> None:
    targets = [other.profile.name for other in plan.queues if other.profile is not queue]
    leg.transfer_target = f"queue:{targets[int(rng.random() * len(targets))]}"
    is_attended = rng.random() < p.ATTENDED_RATE
    leg.transfer_kind = TransferKind.ATTENDED if is_attended else TransferKind.BLIND
    leg.ended_by = "transfer"


def transfer_outside(rng: Random, leg: SimulatedLeg) -> None:
    """Let some of the calls that would have ended with the agent go on outside."""
    if leg.transfer_kind is None and rng.random() < p.EXTERNAL_RATE:
        partner = list(p.PARTNERS)[int(rng.random() * len(p.PARTNERS))]
        is_attended = rng.random() < p.ATTENDED_RATE
        leg.transfer_target = f"external:{partner}"
        leg.transfer_kind = TransferKind.ATTENDED if is_attended else TransferKind.BLIND
        leg.ended_by = "transfer"
