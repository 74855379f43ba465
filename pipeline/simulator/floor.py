"""One day on one floor, simulated event by event: callers, queues, agents, shifts.

A queue is first come, first served; the agent idle longest gets the call. When a call is
answered, all that follows for it is drawn at once; the clockwork carries arrivals, callers'
leaving, agents' becoming free, and agents' duties. A day depends on nothing but its plan and its
seed. Times are epoch milliseconds.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from heapq import heapify, heappop, heappush
from itertools import count
from random import Random
from typing import Any

from pipeline.domain.events import AgentState
from pipeline.simulator import profile as p
from pipeline.simulator.arrivals import arrivals
from pipeline.simulator.conversation import (
    ABANDONED,
    CALLBACK,
    decide_leaving,
    exponential_ms,
    hold_conversation,
    transfer_outside,
)
from pipeline.simulator.leg import FloorDay, Offer, SimulatedLeg, StateChange
from pipeline.simulator.outbound import dial_day
from pipeline.simulator.plan import DayPlan, QueuePlan
from pipeline.simulator.roster import Duty, roster

_AVAILABLE = AgentState.AVAILABLE
_ON_CONTACT = AgentState.ON_CONTACT
_AFTER_CALL_WORK = AgentState.AFTER_CALL_WORK
_BREAK = AgentState.BREAK
_LOGGED_OUT = AgentState.LOGGED_OUT

# Instant, tie-breaker, what to do then, with whom or what.
_Tick = tuple[int, int, Callable[[int, Any], None], Any]


class _Queue:
    __slots__ = ("capacity", "idle", "profile", "waiting")

    def __init__(self, plan: QueuePlan, capacity: int) -> None:
        self.profile = plan.profile
        self.capacity = capacity
        self.waiting: deque[SimulatedLeg] = deque()
        self.idle: deque[_Agent] = deque()


class _Agent:
    __slots__ = ("due", "has_left", "is_idle", "name", "queue", "state")

    def __init__(self, name: str, queue: _Queue) -> None:
        self.name = name
        self.queue = queue
        self.state = _LOGGED_OUT
        self.due: deque[Duty] = deque()
        self.is_idle = False
        self.has_left = False


class _Floor:
    def __init__(self, plan: DayPlan, rng: Random, other_rng: Random) -> None:
        self.plan = plan
        self.rng = rng
        self.other_rng = other_rng
        """Draws what changes nothing for anybody else on the floor."""
        self.legs: list[SimulatedLeg] = []
        self.states: list[StateChange] = []
        self.queues: dict[str, _Queue] = {}
        self.ticks: list[_Tick] = []
        self.order = count()
        self.contacts = count(1)
        for queue_plan in plan.queues:
            shifts = roster(plan, queue_plan, rng)
            peak = max(queue_plan.forecast) / (p.HALF_HOUR_MS / 1000)
            queue = _Queue(queue_plan, max(p.LEAST_CAPACITY, int(peak * p.CAPACITY_S)))
            self.queues[queue_plan.profile.name] = queue
            for name, duties in shifts:
                agent = _Agent(name, queue)
                self.ticks += [
                    (d.at, next(self.order), self.begin_duty, (agent, d)) for d in duties
                ]
        for leg in arrivals(plan, rng, self.contacts):
            if leg.before_queue_at is None:
                self.ticks.append((leg.queued_at, next(self.order), self.arrive, leg))
            else:
                self.legs.append(leg)
        heapify(self.ticks)

    def run(self) -> FloorDay:
        ticks = self.ticks
        while ticks:
            at, _, act, subject = heappop(ticks)
            act(at, subject)
        asked = [leg for leg in self.legs if leg.callback_at is not None]
        outbound = dial_day(self.plan, self.other_rng, asked, self.contacts)
        return FloorDay(self.legs, self.states, *outbound)

    def then(self, at: int, act: Callable[[int, Any], None], subject: object) -> None:
        heappush(self.ticks, (at, next(self.order), act, subject))

    def arrive(self, at: int, leg: SimulatedLeg) -> None:
        self.legs.append(leg)
        queue = self.queues[leg.queue]
        if not self.plan.opens_ms <= at < self.plan.closes_ms:
            if self.plan.client.refuses_after_hours:
                leg.refused_at, leg.refused_reason = at, "closed"
            else:
                leg.flowed_out_at, leg.flowed_out_reason = at, "after_hours"
            return
        if len(queue.waiting) >= queue.capacity:
            if leg.number == 1:
                leg.refused_at, leg.refused_reason = at, "full"
            else:
                leg.flowed_out_at, leg.flowed_out_reason = at, "queue_full"
            self.redial(at, leg)
            return
        decide_leaving(self.rng, leg, self.plan.client.patience_mean_s)
        leg.is_waiting = True
        queue.waiting.append(leg)
        leg.position = len(queue.waiting)
        if queue.idle:
            self.serve(at, queue)
        if leg.is_waiting:
            self.then(leg.leave_at, self.stop_waiting, leg)

    def serve(self, at: int, queue: _Queue) -> None:
        while queue.waiting and queue.idle:
            agent = queue.idle.popleft()
            agent.is_idle = False
            self.offer(at, queue.waiting.popleft(), agent)

    def offer(self, at: int, leg: SimulatedLeg, agent: _Agent) -> None:
        leg.is_waiting = False
        is_rona = self.rng.random() < p.RONA_RATE
        ring = (
            int(p.RONA_RING_S * 1000)
            if is_rona
            else int(p.RING_LEAST_S * 1000)
            + exponential_ms(self.rng, p.RING_MEAN_S - p.RING_LEAST_S)
        )
        if leg.leave_at < at + ring:
            leg.offers.append(Offer(at, agent.name, leg.leave_at - at))
            self.leave(leg.leave_at, leg)
            self.then(leg.leave_at, self.free, agent)
            return
        leg.offers.append(Offer(at, agent.name, ring, rang_out=is_rona))
        if is_rona:
            self.enter(at + ring, agent, _BREAK, "rona")
            self.then(at + ring + int(p.RONA_PAUSE_S * 1000), self.free, agent)
            self.then(at + ring, self.come_back, leg)
            return
        self.enter(at + ring, agent, _ON_CONTACT, "")
        free_at = hold_conversation(self.rng, leg, at + ring, agent.queue.profile, self.plan)
        transfer_outside(self.other_rng, leg)
        ended_at = leg.ended_at or free_at
        if leg.wrapup_ended_at is not None:
            self.enter(ended_at, agent, _AFTER_CALL_WORK, "")
        kind, _, target = leg.transfer_target.partition(":")
        if kind == "queue":
            second = SimulatedLeg(leg.contact, leg.number + 1, target, leg.customer, ended_at + 1)
            self.then(second.queued_at, self.arrive, second)
        self.then(free_at, self.free, agent)

    def come_back(self, at: int, leg: SimulatedLeg) -> None:
        queue = self.queues[leg.queue]
        leg.is_waiting = True
        queue.waiting.appendleft(leg)
        self.serve(at, queue)
        if leg.is_waiting:
            self.then(leg.leave_at, self.stop_waiting, leg)

    def stop_waiting(self, at: int, leg: SimulatedLeg) -> None:
        if leg.is_waiting:
            leg.is_waiting = False
            self.queues[leg.queue].waiting.remove(leg)
            self.leave(at, leg)

    def leave(self, at: int, leg: SimulatedLeg) -> None:
        if leg.leave_as == ABANDONED:
            leg.abandoned_at = at
            self.redial(at, leg)
        elif leg.leave_as == CALLBACK:
            leg.callback_at = at
        else:
            leg.flowed_out_at, leg.flowed_out_reason = at, leg.leave_as

    def redial(self, at: int, leg: SimulatedLeg) -> None:
        again = at + 30_000 + exponential_ms(self.rng, p.REDIAL_MEAN_S)
        if self.rng.random() < p.REDIAL_RATE and again < self.plan.closes_ms:
            call = SimulatedLeg(next(self.contacts), 1, leg.queue, leg.customer, again)
            self.then(again, self.arrive, call)

    def enter(self, at: int, agent: _Agent, state: AgentState, reason: str) -> None:
        if state is not agent.state:
            agent.state = state
            self.states.append(StateChange(at, agent.name, agent.queue.profile.name, state, reason))

    def begin_duty(self, at: int, subject: tuple[_Agent, Duty]) -> None:
        agent, duty = subject
        if agent.has_left:
            return
        if duty.state is _AVAILABLE:
            self.free(at, agent)
            return
        if duty.state is _LOGGED_OUT:
            agent.due.clear()
        agent.due.append(duty)
        if agent.is_idle:
            agent.is_idle = False
            agent.queue.idle.remove(agent)
            self.free(at, agent)

    def free(self, at: int, agent: _Agent) -> None:
        queue = agent.queue
        is_staying = at >= self.plan.closes_ms and len(queue.waiting) > 0
        if agent.due and not (is_staying and agent.due[0].state is _LOGGED_OUT):
            duty = agent.due.popleft()
            self.enter(at, agent, duty.state, duty.reason)
            if duty.state is _LOGGED_OUT:
                agent.has_left = True
            else:
                self.then(at + duty.length_ms, self.free, agent)
            return
        self.enter(at, agent, _AVAILABLE, "")
        agent.is_idle = True
        queue.idle.append(agent)
        if queue.waiting:
            self.serve(at, queue)


def simulate_day(plan: DayPlan) -> FloorDay:
    """Simulate one floor for one day: the same plan gives the same day."""
    name = f"{plan.seed}/{plan.client.name}/{plan.site}/{plan.day.isoformat()}"
    rng, other_rng = Random(name), Random(f"{name}/other")  # noqa: S311 - a simulation, not a secret
    return _Floor(plan, rng, other_rng).run()
