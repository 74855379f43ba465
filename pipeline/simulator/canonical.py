"""A simulated floor's day as lines of canonical JSON, one per event.

The lines are put together from text because this is the hot path of a million calls; a test holds
each of them equal to what ``pipeline.codec.encode`` writes for the same event.
"""

from __future__ import annotations

from itertools import count

from pipeline.domain.events import BEFORE_QUEUE, SCHEMA_VERSION, customer_ref, event_id
from pipeline.simulator.leg import FloorDay, SimulatedLeg, StateChange
from pipeline.simulator.naming import caller_number, contact_id, positions, source
from pipeline.simulator.plan import DayPlan

Record = tuple[int, str]
"""When it occurred (epoch milliseconds), and the line without its end."""

_HEAD = f'{{"v":{SCHEMA_VERSION},"event_id":"'
_CUSTOMER_KEY = b"vane-simulator"
"""Not a secret: simulated callers have no numbers to protect, and a seed must mean one output."""


def call_records(plan: DayPlan, day: FloorDay) -> list[Record]:
    """Return a line for each call event of a day."""
    records: list[Record] = []
    numbers = count(1)
    for leg in day.legs:
        _add_leg(records, plan, leg, numbers)
    return records


def agent_state_records(plan: DayPlan, day: FloorDay) -> list[Record]:
    """Return a line for each change of an agent's state of a day."""
    numbers = count(1)
    return [_state_record(plan, change, next(numbers)) for change in day.states]


def _add_leg(records: list[Record], plan: DayPlan, leg: SimulatedLeg, numbers: count[int]) -> None:
    origin = source(plan)
    prefix = positions(plan)
    site = f'","site":"{plan.site}"' if plan.site else '"'
    identity = (
        f',"client":"{plan.client.name}","queue":"{leg.queue}","contact_id":"{contact_id(plan, leg)}"'
        f',"leg":{leg.number},"source":"{origin}","source_position":"'
    )

    def add(kind: str, at: int, more: str = "") -> None:
        position = f"{prefix}{next(numbers)}"
        identified = event_id(origin, position)
        records.append(
            (
                at,
                f'{_HEAD}{identified}","type":"{kind}","occurred_at_ms":{at}{identity}{position}'
                f"{site}{more}}}",
            )
        )

    ref = customer_ref(_CUSTOMER_KEY, caller_number(leg.customer))
    caller = f',"customer_ref":"{ref}"'
    if leg.before_queue_at is not None:
        add("abandoned", leg.before_queue_at, f',"reason":"{BEFORE_QUEUE}"{caller}')
        return
    add("queued", leg.queued_at, caller)
    for offer in leg.offers:
        add("offered", offer.at, f',"agent":"{offer.agent}"')
    if leg.answered_at is not None and leg.ended_at is not None:
        add("answered", leg.answered_at, f',"agent":"{leg.offers[-1].agent}"')
        for seq, (start, end) in enumerate(leg.holds or (), start=1):
            add("hold_started", start, f',"hold_seq":{seq}')
            add("hold_ended", end, f',"hold_seq":{seq}')
        if leg.transfer_kind is not None:
            add(
                "transferred",
                leg.ended_at,
                f',"transfer_kind":"{leg.transfer_kind}","transfer_target":"{leg.transfer_target}"',
            )
        add("ended", leg.ended_at, f',"reason":"{leg.ended_by}"')
        if leg.wrapup_ended_at is not None:
            add("wrapup_started", leg.ended_at)
            add("wrapup_ended", leg.wrapup_ended_at)
        if leg.complaint_at is not None:
            add("complaint_flagged", leg.complaint_at)
    elif leg.abandoned_at is not None:
        add("abandoned", leg.abandoned_at)
    elif leg.callback_at is not None:
        add("callback_requested", leg.callback_at)
    elif leg.flowed_out_at is not None:
        add("flowed_out", leg.flowed_out_at, f',"reason":"{leg.flowed_out_reason}"')


def _state_record(plan: DayPlan, change: StateChange, number: int) -> Record:
    origin = f"{source(plan)}.agents"
    position = f"{positions(plan)}{number}"
    site = f',"site":"{plan.site}"' if plan.site else ""
    reason = f',"reason":"{change.reason}"' if change.reason else ""
    return (
        change.at,
        f'{_HEAD}{event_id(origin, position)}","state":"{change.state}","occurred_at_ms":{change.at}'
        f',"client":"{plan.client.name}","agent":"{change.agent}","source":"{origin}"'
        f',"source_position":"{position}"{site}{reason}}}',
    )
