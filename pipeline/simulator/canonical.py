"""A simulated floor's day as lines of canonical JSON, one per event.

The lines are put together from text because this is the hot path of a million calls; a test holds
each of them equal to what ``pipeline.codec.encode`` writes for the same event.
"""

from __future__ import annotations

from pipeline.domain.events import BEFORE_QUEUE, SCHEMA_VERSION, customer_ref, event_id
from pipeline.simulator.leg import FloorDay, Record, SimulatedLeg
from pipeline.simulator.naming import caller_number, contact_prefix, position_prefix, source
from pipeline.simulator.plan import DayPlan

_HEAD = f'{{"v":{SCHEMA_VERSION},"event_id":"'
CUSTOMER_KEY = b"vane-simulator"
"""Not a secret: simulated callers have no numbers to protect, and a seed must mean one output."""


def call_records(plan: DayPlan, day: FloorDay) -> list[Record]:
    """Return a line for each call event of a day."""
    pen = _Pen(plan)
    for leg in day.legs:
        pen.write_leg(leg)
    for leg in day.dialed:
        pen.write_dialed(leg)
    return pen.records


def agent_state_records(plan: DayPlan, day: FloorDay) -> list[Record]:
    """Return a line for each change of an agent's state of a day."""
    origin = f"{source(plan)}.agents"
    prefix = position_prefix(plan)
    client = f',"client":"{plan.client.name}","agent":"'
    site = f',"site":"{plan.site}"' if plan.site else ""
    records: list[Record] = []
    for number, change in enumerate([*day.states, *day.dialers], start=1):
        at = change.at
        position = f"{prefix}{number}"
        reason = f',"reason":"{change.reason}"' if change.reason else ""
        line = (
            f'{_HEAD}{event_id(origin, position)}","state":"{change.state}"'
            f',"occurred_at_ms":{at}{client}{change.agent}","source":"{origin}"'
            f',"source_position":"{position}"{site}{reason}}}'
        )
        records.append((at, line))
    return records


class _Pen:
    """Writes the events of legs; numbers them in the order in which it writes."""

    def __init__(self, plan: DayPlan) -> None:
        self.records: list[Record] = []
        self._origin = source(plan)
        self._prefix = position_prefix(plan)
        self._contact = contact_prefix(plan)
        self._client = f',"client":"{plan.client.name}","queue":"'
        self._source = f',"source":"{self._origin}","source_position":"'
        self._site = f'","site":"{plan.site}"' if plan.site else '"'
        self._identity = ""

    def _write(self, kind: str, at: int, more: str = "") -> None:
        position = f"{self._prefix}{len(self.records) + 1}"
        line = (
            f'{_HEAD}{event_id(self._origin, position)}","type":"{kind}","occurred_at_ms":{at}'
            f"{self._identity}{position}{self._site}{more}}}"
        )
        self.records.append((at, line))

    def _begin(self, leg: SimulatedLeg) -> str:
        """Let what is written be of a leg; return its customer, for the first event."""
        self._identity = (
            f'{self._client}{leg.queue}","contact_id":"{self._contact}{leg.contact:06d}","leg":'
            f"{leg.number}{self._source}"
        )
        return f',"customer_ref":"{customer_ref(CUSTOMER_KEY, caller_number(leg.customer))}"'

    def write_leg(self, leg: SimulatedLeg) -> None:
        caller, write = self._begin(leg), self._write
        if leg.before_queue_at is not None:
            write("abandoned", leg.before_queue_at, f',"reason":"{BEFORE_QUEUE}"{caller}')
            return
        if leg.refused_at is not None:
            write("refused", leg.refused_at, f',"reason":"{leg.refused_reason}"{caller}')
            return
        write("queued", leg.queued_at, caller)
        for offer in leg.offers:
            agent = f',"agent":"{offer.agent}"'
            write("offered", offer.at, agent)
            if offer.rang_out:
                write("ring_no_answer", offer.at + offer.ring_ms, f'{agent},"reason":"no_answer"')
        if leg.answered_at is not None and leg.ended_at is not None:
            write("answered", leg.answered_at, f',"agent":"{leg.offers[-1].agent}"')
            self._write_conversation(leg, leg.ended_at)
        elif leg.abandoned_at is not None:
            write("abandoned", leg.abandoned_at)
        elif leg.callback_at is not None:
            write("callback_requested", leg.callback_at)
        elif leg.flowed_out_at is not None:
            write("flowed_out", leg.flowed_out_at, f',"reason":"{leg.flowed_out_reason}"')

    def write_dialed(self, leg: SimulatedLeg) -> None:
        called, write = self._begin(leg), self._write
        if leg.dialed_at is None or leg.ended_at is None:
            raise AssertionError(leg)
        write("dialed", leg.dialed_at, called)
        if leg.connected_at is not None:
            write("connected", leg.connected_at, f',"reason":"{leg.picked_up_by}"')
        if leg.answered_at is None:
            write("ended", leg.ended_at, f',"reason":"{leg.ended_by}"')
            return
        agent = f',"agent":"{leg.offers[0].agent}"'
        write("offered", leg.answered_at, agent)
        write("answered", leg.answered_at, agent)
        self._write_conversation(leg, leg.ended_at)

    def _write_conversation(self, leg: SimulatedLeg, ended_at: int) -> None:
        write = self._write
        if leg.holds is not None:
            for seq, (start, end) in enumerate(leg.holds, start=1):
                write("hold_started", start, f',"hold_seq":{seq}')
                write("hold_ended", end, f',"hold_seq":{seq}')
        if leg.transfer_kind is not None:
            kind = f',"transfer_kind":"{leg.transfer_kind}"'
            write("transferred", ended_at, f'{kind},"transfer_target":"{leg.transfer_target}"')
        write("ended", ended_at, f',"reason":"{leg.ended_by}"')
        if leg.wrapup_ended_at is not None:
            write("wrapup_started", ended_at)
            write("wrapup_ended", leg.wrapup_ended_at)
        if leg.complaint_at is not None:
            write("complaint_flagged", leg.complaint_at)
