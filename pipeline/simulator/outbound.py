"""One day of outbound calls on one floor: a dialer, and the agents it puts through to.

Whoever asked for a callback is called first; then the dialer goes through a list. For an agent who
is free it dials one number, sometimes two in the hope of one: if two people pick up, one of them
hears nobody. Machines are recognised and hung up on. Nobody here shares an agent with the queues.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from heapq import heapify, heappop, heappush
from random import Random

from pipeline.domain.events import AgentState
from pipeline.simulator import profile as p
from pipeline.simulator.conversation import exponential_ms, lognormal_ms
from pipeline.simulator.leg import Offer, SimulatedLeg, StateChange
from pipeline.simulator.plan import DayPlan

HUMAN = "human"
MACHINE = "machine"
Asked = deque[tuple[int, SimulatedLeg]]
"""When to call back, and whom."""


def dial_day(
    plan: DayPlan, rng: Random, asked: list[SimulatedLeg], contacts: Iterator[int]
) -> tuple[list[SimulatedLeg], list[StateChange]]:
    """Return the day's outbound legs, and what the agents did who had them."""
    campaign = plan.client.campaign
    begins = plan.starts_ms + campaign.from_h * 3_600_000
    ends = plan.starts_ms + campaign.until_h * 3_600_000
    prefix = f"{plan.site or plan.client.name}-outbound"
    due = [
        ((leg.callback_at or 0) + exponential_ms(rng, p.CALL_BACK_AFTER_S), leg) for leg in asked
    ]
    due.sort(key=lambda call: call[0])
    dialer = _Dialer(plan, rng, contacts, deque(due))
    free = []
    for number in range(1, plan.dialers + 1):
        at, agent = begins + int(rng.random() * 60_000), f"{prefix}-{number:02d}"
        dialer.enter(at, agent, AgentState.AVAILABLE)
        free.append((at, agent))
    heapify(free)
    while free:
        at, agent = heappop(free)
        if at < ends:
            heappush(free, (dialer.serve(at, agent), agent))
        else:
            dialer.enter(at, agent, AgentState.LOGGED_OUT)
    return dialer.legs, dialer.states


class _Dialer:
    def __init__(self, plan: DayPlan, rng: Random, contacts: Iterator[int], asked: Asked) -> None:
        self.plan = plan
        self.rng = rng
        self.contacts = contacts
        self.asked = asked
        self.legs: list[SimulatedLeg] = []
        self.states: list[StateChange] = []

    def enter(self, at: int, agent: str, state: AgentState) -> None:
        self.states.append(StateChange(at, agent, self.plan.client.campaign.queue, state, ""))

    def serve(self, at: int, agent: str) -> int:
        """Dial for an agent who is free; return when the agent is free again."""
        first = self._dial(at)
        tried = [first, self._dial(at)] if self.rng.random() < p.OVERDIAL_RATE else [first]
        reached = [leg for leg in tried if leg.picked_up_by == HUMAN]
        taken = min(reached, key=lambda leg: leg.connected_at or 0, default=None)
        for leg in reached:
            if leg is not taken:
                leg.ended_at = (leg.connected_at or 0) + int(p.NOBODY_AFTER_S * 1000)
                leg.ended_by = "nobody_there"
        if taken is None:
            last = max(leg.ended_at or 0 for leg in tried)
            return last + exponential_ms(self.rng, p.DIAL_GAP_S) + 1
        return self._put_through(taken, agent)

    def _dial(self, at: int) -> SimulatedLeg:
        queue, customer = self.plan.client.campaign.queue, self._whom(at)
        if isinstance(customer, SimulatedLeg):
            queue, customer = customer.queue, customer.customer
        leg = SimulatedLeg(next(self.contacts), 1, queue, customer, dialed_at=at)
        self.legs.append(leg)
        chance = self.rng.random()
        ring = exponential_ms(self.rng, p.DIAL_RING_MEAN_S) + 1
        longest = int(p.DIAL_RING_LIMIT_S * 1000)
        if chance >= p.HUMAN_RATE + p.MACHINE_RATE or ring > longest:
            leg.ended_at, leg.ended_by = at + longest, "no_answer"
            return leg
        leg.connected_at = at + ring
        leg.picked_up_by = HUMAN if chance < p.HUMAN_RATE else MACHINE
        if leg.picked_up_by == MACHINE:
            leg.ended_at, leg.ended_by = leg.connected_at + 1_000, MACHINE
        return leg

    def _whom(self, at: int) -> SimulatedLeg | int:
        if self.asked and self.asked[0][0] <= at:
            return self.asked.popleft()[1]
        return int(self.rng.random() * self.plan.customers)

    def _put_through(self, leg: SimulatedLeg, agent: str) -> int:
        rng = self.rng
        answered = (leg.connected_at or 0) + exponential_ms(rng, p.PUT_THROUGH_MEAN_S) + 1
        ended = answered + lognormal_ms(rng, p.OUTBOUND_TALK_MEDIAN_S, p.OUTBOUND_TALK_SIGMA) + 1
        wrapped = ended + exponential_ms(rng, p.OUTBOUND_WRAPUP_MEAN_S) + 1
        leg.offers.append(Offer(answered, agent, 0))
        leg.answered_at, leg.ended_at, leg.wrapup_ended_at = answered, ended, wrapped
        leg.ended_by = "caller" if rng.random() < p.CALLER_ENDS_RATE else "agent"
        self.enter(answered, agent, AgentState.ON_CONTACT)
        self.enter(ended, agent, AgentState.AFTER_CALL_WORK)
        self.enter(wrapped, agent, AgentState.AVAILABLE)
        return wrapped + exponential_ms(rng, p.DIAL_GAP_S) + 1
