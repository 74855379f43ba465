"""A simulated floor's day as lines of an Asterisk ``queue_log``: whole seconds, in time order.

``epoch|callid|queue|agent|EVENT|args``. What Asterisk does not log is not here: holds, wrap-up,
complaints, callers who hang up before the queue, and outbound calls. A transferred call keeps its
call id.
"""

from __future__ import annotations

from dataclasses import replace

from pipeline.domain.events import AgentState, TransferKind
from pipeline.simulator.leg import FloorDay, Record, SimulatedLeg, StateChange
from pipeline.simulator.naming import caller_number
from pipeline.simulator.plan import DayPlan
from pipeline.simulator.profile import PARTNERS

_PAUSES = frozenset({AgentState.BREAK, AgentState.MEAL, AgentState.TRAINING, AgentState.MEETING})


def queue_log_lines(plan: DayPlan, day: FloorDay) -> list[str]:
    """Return the day's lines in time order."""
    records: list[Record] = []
    for leg in day.legs:
        if leg.before_queue_at is None:
            _add_leg(records, plan, leg)
    _add_members(records, day.states)
    records.sort(key=lambda record: record[0])
    return [line for _, line in records]


def as_logged(leg: SimulatedLeg) -> SimulatedLeg | None:
    """Return what the log tells of a leg, or None if nothing: the expected answer's view."""
    if leg.before_queue_at is not None:
        return None
    return replace(
        leg,
        queued_at=_second(leg.queued_at),
        answered_at=None if leg.answered_at is None else _second(leg.answered_at),
        ended_at=None if leg.ended_at is None else _second(leg.ended_at),
        abandoned_at=None if leg.abandoned_at is None else _second(leg.abandoned_at),
        holds=None,
        wrapup_ended_at=None,
        complaint_at=None,
    )


def _second(at: int) -> int:
    return at - at % 1000


def _add_leg(records: list[Record], plan: DayPlan, leg: SimulatedLeg) -> None:
    call = f"{plan.starts_ms // 1000}.{leg.contact}"

    def add(at: int, agent: str, verb: str, *args: object) -> None:
        told = "".join(f"|{arg}" for arg in args)
        records.append((at, f"{at // 1000}|{call}|{leg.queue}|{agent}|{verb}{told}"))

    if leg.refused_at is not None:
        add(leg.refused_at, "NONE", leg.refused_reason.upper())
        return
    add(leg.queued_at, "NONE", "ENTERQUEUE", "", caller_number(leg.customer), leg.position)
    for offer in leg.offers:
        if offer.rang_out:
            add(offer.at + offer.ring_ms, _member(offer.agent), "RINGNOANSWER", offer.ring_ms)
    if leg.answered_at is not None and leg.ended_at is not None:
        offer = leg.offers[-1]
        waited = _waited(leg, leg.answered_at)
        ring_s = offer.ring_ms // 1000
        add(leg.answered_at, _member(offer.agent), "CONNECT", waited, f"{call}.a", ring_s)
        talked = leg.ended_at // 1000 - leg.answered_at // 1000
        add(leg.ended_at, _member(offer.agent), *_end(leg), waited, talked, leg.position)
    elif leg.abandoned_at is not None:
        waited = _waited(leg, leg.abandoned_at)
        add(leg.abandoned_at, "NONE", "ABANDON", 1, leg.position, waited)
    elif leg.callback_at is not None:
        waited = _waited(leg, leg.callback_at)
        add(leg.callback_at, "NONE", "EXITWITHKEY", 1, 1, leg.position, waited)
    elif leg.flowed_out_at is not None:
        waited = _waited(leg, leg.flowed_out_at)
        verb = "EXITEMPTY" if leg.flowed_out_reason == "after_hours" else "EXITWITHTIMEOUT"
        add(leg.flowed_out_at, "NONE", verb, 1, leg.position, waited)


def _waited(leg: SimulatedLeg, until: int) -> int:
    return until // 1000 - leg.queued_at // 1000


def _end(leg: SimulatedLeg) -> tuple[str, ...]:
    """Return how a talk ended: the verb, and where it was transferred."""
    place, _, target = leg.transfer_target.partition(":")
    context = "queues"
    if place == "external":
        context, target = "outside", PARTNERS[target]
    if leg.transfer_kind is TransferKind.BLIND:
        return "BLINDTRANSFER", target, context
    if leg.transfer_kind is TransferKind.ATTENDED:
        return "ATTENDEDTRANSFER", "BRIDGE", f"{target}@{context}"
    return ("COMPLETECALLER" if leg.ended_by == "caller" else "COMPLETEAGENT",)


def _add_members(records: list[Record], states: list[StateChange]) -> None:
    is_paused: dict[str, bool] = {}
    for change in sorted(states):
        agent, member = change.agent, _member(change.agent)

        def add(verb: str, reason: str, at: int = change.at, queue: str = change.queue) -> None:
            records.append((at, f"{at // 1000}|NONE|{queue}|{member}|{verb}|{reason}"))  # noqa: B023

        if agent not in is_paused:
            add("ADDMEMBER", "")
            is_paused[agent] = False
        if change.state is AgentState.LOGGED_OUT:
            add("REMOVEMEMBER", "")
            del is_paused[agent]
        elif change.state in _PAUSES:
            add("PAUSE", change.reason or change.state)
            is_paused[agent] = True
        elif is_paused[agent]:
            add("UNPAUSE", "")
            is_paused[agent] = False


def _member(agent: str) -> str:
    return f"PJSIP/{agent}"
