"""Why callers left a queue, or were not let in, from channels and the dialplan.

The queue's own events do not say it. Asterisk sets the variable QUEUESTATUS (VarSet, class
``dialplan``) when Queue() gives a call back: TIMEOUT, LEAVEEMPTY and so on; FULL and JOINEMPTY of a
call that never queued, whose queue is known from the step before (Newexten).
"""

from __future__ import annotations

from typing import Final

from pipeline.codec.ami_calls import AmiCalls, Told
from pipeline.codec.ami_endings import LEFT
from pipeline.codec.ami_leg import AmiLeg, leg_number
from pipeline.codec.headers import Headers, needed
from pipeline.codec.leg_events import AnyEvent, Detail
from pipeline.domain.events import EventType

LEFT_BY_STATUS: Final = {
    "TIMEOUT": "timeout",
    "LEAVEEMPTY": "left_empty",
    "LEAVEUNAVAIL": "left_empty",
    "WITHDRAW": "withdrawn",
}
"""QUEUESTATUS of a caller that was queued, and the reason of the flow-out."""
REFUSED_BY_STATUS: Final = {"FULL": "full", "JOINEMPTY": "join_empty", "JOINUNAVAIL": "join_empty"}
"""QUEUESTATUS of a caller that was not let in, and the reason of the refusal."""
MOST_CALLS: Final = 10_000


class AmiDialplan:
    """What the dialplan of each call says of queues; rules as those of ``AmiCalls``."""

    def __init__(self, calls: AmiCalls) -> None:
        """Tell of the legs of ``calls``."""
        self._calls = calls
        self._queues: dict[str, str] = {}

    def asked_to_hang_up(self, headers: Headers, _at_ms: int) -> Told:
        """HangupRequest: the caller's side hung up; the queue will notice."""
        for leg in self._calls.book.of_caller(needed(headers, "uniqueid")):
            leg.wants_to_hang_up = True
        return "context"

    def hung_up(self, headers: Headers, at_ms: int) -> Told:
        """Hangup: a channel is gone, of a caller or of an agent."""
        uniqueid = needed(headers, "uniqueid")
        book, endings = self._calls.book, self._calls.endings
        self._queues.pop(uniqueid, None)
        talk = book.of_agent_channel(uniqueid)
        told = [] if talk is None else endings.agent_hung_up(talk, at_ms)
        for leg in book.of_caller(uniqueid):
            told += endings.caller_hung_up(leg, at_ms)
        return told or "context"

    def stepped(self, headers: Headers, _at_ms: int) -> Told:
        """Newexten of Queue(): remember which queue a call is sent to, should it not get in."""
        caller = needed(headers, "uniqueid")
        if headers.get("application", "").lower() == "queue":
            queue = headers.get("appdata", "").replace("|", ",").split(",", 1)[0].strip()
            self._queues.pop(caller, None)
            if queue:
                self._queues[caller] = queue
            if len(self._queues) > MOST_CALLS:
                del self._queues[next(iter(self._queues))]
        return "context"

    def variable_set(self, headers: Headers, at_ms: int) -> Told:
        """VarSet of QUEUESTATUS: why a caller left a queue, or was not let in."""
        if headers.get("variable", "").upper() != "QUEUESTATUS":
            return "context"
        caller, status = needed(headers, "uniqueid"), headers.get("value", "").upper()
        if status in REFUSED_BY_STATUS:
            return self._refused(headers, at_ms, REFUSED_BY_STATUS[status])
        told: list[AnyEvent] = []
        for leg in self._calls.book.of_caller(caller):
            if leg.is_waiting:
                told += self._calls.endings.given_back(leg, LEFT_BY_STATUS.get(status, LEFT))
        return told or "context"

    def _refused(self, headers: Headers, at_ms: int, reason: str) -> Told:
        caller = needed(headers, "uniqueid")
        queue = self._queues.pop(caller, None)
        if queue is None:
            return "refused_by_unknown_queue"
        events, contact = self._calls.events, headers.get("linkedid") or caller
        name, number = self._calls.names.queue(queue), leg_number(contact, queue, at_ms)
        leg = AmiLeg(contact, name, number, caller, queue, at_ms)
        customer = events.customer(headers.get("calleridnum"))
        detail = Detail(reason=reason, customer=customer)
        return [events.leg(leg, EventType.REFUSED, at_ms, detail)]
