"""Amazon Connect contact events (EventBridge) to leg events: what is happening to contacts now.

Delivery is best effort, repeated and in no order. So every event tells all the facts it carries
(an event of the end repeats when the contact queued and was answered): what one event lost, a
later one brings, with the same ids. Only what a *successor* says of a contact (a queue transfer, a
callback) has to be stitched: the queue of the one is kept until the other is seen, either first.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Final

from pipeline.codec.adapter import Origin
from pipeline.codec.connect_contact import (
    AGENT_QUEUE,
    ARRIVES,
    CUSTOMER_LEFT,
    NOT_HANDLED,
    address_of,
    agent_name,
    leg_sheet,
    picked_up_by,
    queue_name,
)
from pipeline.codec.json_document import Part, UnusableError, feed_documents, folded
from pipeline.codec.leg_sheet import UNKNOWN, LegSheet, caller_ref
from pipeline.codec.recent import Recent
from pipeline.codec.timestamp import Clock
from pipeline.domain.events import (
    BEFORE_QUEUE,
    AgentStateEvent,
    CallEvent,
    EventType,
    Rejected,
    TransferKind,
)

DETAIL_TYPE: Final = "Amazon Connect Contact Event"
MOST_KNOWN: Final = 100_000
"""Contacts whose queue is remembered."""

SETTLE_MS: Final = 15 * 60_000
"""How long a followed source's dialed call waits to be seen in a queue."""

_KINDS: Final = frozenset(
    {
        *("INITIATED", "CONNECTED_TO_SYSTEM", "QUEUED", "CONNECTED_TO_AGENT", "DISCONNECTED"),
        *("COMPLETED", "CONTACT_DATA_UPDATED", "PAUSED", "RESUMED", "AMD_DISABLED"),
    }
)
_SPOKEN: Final = frozenset({"", "VOICE"})

_Late = tuple[EventType, int, str | None]
"""What is to be told of a contact once its queue is known: kind, instant, reason or target."""


@dataclass(slots=True)
class _Known:
    """What is remembered of a contact; ``queue`` is None until it is known."""

    initial_id: str
    queue: str | None = None
    is_answered: bool = False
    waiting: list[_Late] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class _Told:
    """One event: its contact, and where in the event to look."""

    contact: Part
    kind: str
    method: str
    contact_id: str
    initial_id: str
    at_ms: int | None

    def instant(self, part: str, name: str) -> int | None:
        """Return an instant within a part; without one, the event's own."""
        found = (self.contact.part(part) if part else self.contact).instant(name)
        return self.at_ms if found is None else found

    @property
    def dials(self) -> bool:
        """Say whether the customer was called."""
        is_voice = self.contact.text("channel").upper() in _SPOKEN
        return self.method == "OUTBOUND" or (self.method == "API" and is_voice)


class ConnectContactEventAdapter:
    """Turns contact events into leg events, each as soon as its queue is known."""

    def __init__(self, origin: Origin) -> None:
        """Begin with nothing known."""
        self._origin = origin
        self.skipped: Counter[str] = Counter()
        self.anomalies: Counter[str] = Counter()
        self._clock = Clock(origin.zone, self.anomalies)
        self._known: Recent[_Known] = Recent(MOST_KNOWN, self.anomalies, "contact_forgotten")
        self._dialing: dict[str, _Known] = {}
        self._is_deferred = False
        self.newest_ms = 0

    def feed(self, record: bytes) -> Iterator[CallEvent | AgentStateEvent | Rejected]:
        """Take one event, in its EventBridge envelope or bare; never raises."""
        return iter(list(feed_documents(record, self.skipped, self._take)))

    def due(self, now_ms: int) -> Iterator[CallEvent]:
        """Tell of the calls dialed so long ago that no queue is to be expected any more."""
        for contact_id, known in list(self._dialing.items()):
            if known.waiting[-1][1] + SETTLE_MS <= now_ms:
                yield from self._settle(contact_id, known, "")

    def finish(self) -> Iterator[CallEvent]:
        """Tell of the calls dialed that never saw a queue; what else waits for one is counted."""
        for contact_id, known in list(self._dialing.items()):
            yield from self._settle(contact_id, known, "")
        unseen = sum(len(known.waiting) for known in self._known.values())
        if unseen:
            self.anomalies["predecessor_unseen"] += unseen

    def _take(self, fields: dict[str, object]) -> Iterable[CallEvent]:
        envelope = Part(fields, self._clock)
        detail_type = fields.get("detail-type", DETAIL_TYPE)
        if detail_type != DETAIL_TYPE:
            self.skipped[f"detail_type:{str(detail_type)[:60]}"] += 1
            return ()
        detail = envelope.part("detail").fields if "detail" in fields else fields
        contact = Part(folded(detail), self._clock, keep_case=False)
        kind = contact.required("eventtype").upper()
        method = contact.text("initiationmethod").upper()
        if method in NOT_HANDLED:
            self.skipped[method.lower()] += 1
            return ()
        at = envelope.instant("time")
        told = _Told(
            contact,
            kind,
            method,
            contact.required("contactid"),
            contact.text("initialcontactid"),
            contact.instant("eventtimestamp") if at is None else at,
        )
        self.newest_ms = max(self.newest_ms, told.at_ms or 0)
        self._is_deferred = False
        events = list(self._read(told))
        if not events and not self._is_deferred:
            self.skipped[f"no_fact:{kind}" if kind in _KINDS else f"unknown_event:{kind[:40]}"] += 1
        return events

    def _read(self, told: _Told) -> Iterator[CallEvent]:
        known = self._known.get(told.contact_id)
        if known is None:
            known = _Known(told.initial_id)
            self._known.put(told.contact_id, known)
        yield from self._of_predecessor(told)
        queue = self._queue(told)
        if queue and not known.queue:
            yield from self._settle(told.contact_id, known, queue)
        if told.dials and told.kind in {"INITIATED", "CONNECTED_TO_SYSTEM"}:
            yield from self._dialed(told, known)
        elif told.kind in {"QUEUED", "CONNECTED_TO_AGENT"}:
            yield from self._facts(told, known)
        elif told.kind in {"DISCONNECTED", "COMPLETED"}:
            if known.queue is None and told.dials:
                yield from self._settle(told.contact_id, known, "")
            yield from self._facts(told, known)
            yield from self._end(told, known)

    def _customer(self, told: _Told) -> str | None:
        return caller_ref(self._origin, address_of(told.contact.get("customerendpoint")))

    def _queue(self, told: _Told) -> str:
        info = told.contact.part("queueinfo")
        arn = info.text("queuearn") or info.text("arn")
        return queue_name(self._origin, info.text("name"), arn)

    def _sheet(self, contact_id: str, known: _Known) -> LegSheet:
        return leg_sheet(self._origin, contact_id, known.initial_id, known.queue or "")

    def _settle(self, contact_id: str, known: _Known, queue: str) -> Iterator[CallEvent]:
        """Yield what waited for a contact's queue, which is known from now on."""
        known.queue = queue
        self._dialing.pop(contact_id, None)
        late, known.waiting = known.waiting, []
        sheet = self._sheet(contact_id, known)
        for kind, at, word in late:
            if kind is EventType.TRANSFERRED:
                target = (TransferKind.BLIND, word or UNKNOWN)
                yield sheet.event(kind, at, transfer=target)
            else:
                yield sheet.event(kind, at, reason=word)

    def _later(self, contact_id: str, known: _Known, late: _Late) -> Iterator[CallEvent]:
        known.waiting.append(late)
        self._is_deferred = True
        if known.queue is not None:
            yield from self._settle(contact_id, known, known.queue)

    def _of_predecessor(self, told: _Told) -> Iterator[CallEvent]:
        previous = told.contact.text("previouscontactid")
        asked = told.instant("", "initiationtimestamp")
        if not previous or previous == told.contact_id or asked is None:
            return
        late: _Late
        if told.method == "QUEUE_TRANSFER" and told.kind in {"INITIATED", "QUEUED"}:
            late = (EventType.FLOWED_OUT, asked, "queue_transfer")
        elif told.method == "CALLBACK" and told.kind in {"INITIATED", "QUEUED"}:
            late = (EventType.CALLBACK_REQUESTED, asked, None)
        elif told.method == "TRANSFER" and told.kind == "QUEUED":
            late = (EventType.TRANSFERRED, asked, self._target(told))
        else:
            return
        known = self._known.get(previous)
        if known is None:
            known = _Known(told.initial_id)
            self._known.put(previous, known)
        yield from self._later(previous, known, late)

    def _target(self, told: _Told) -> str:
        info = told.contact.part("queueinfo")
        arn = info.text("queuearn") or info.text("arn")
        if AGENT_QUEUE in arn:
            return f"agent:{agent_name(self._origin, '', arn)}"
        return f"queue:{self._queue(told) or UNKNOWN}"

    def _dialed(self, told: _Told, known: _Known) -> Iterator[CallEvent]:
        at = told.instant(
            "",
            "initiationtimestamp" if told.kind == "INITIATED" else "connectedtosystemtimestamp",
        )
        if at is None:
            raise _no_time(told)
        late: _Late = (EventType.DIALED, at, None)
        if told.kind != "INITIATED":
            by = picked_up_by(told.contact.text("answeringmachinedetectionstatus").upper())
            if by is None:
                return
            late = (EventType.CONNECTED, at, by)
        if known.queue is None:
            self._dialing[told.contact_id] = known
        yield from self._later(told.contact_id, known, late)
        if len(self._dialing) > MOST_KNOWN:
            self.anomalies["dialing_forgotten"] += 1
            oldest = next(iter(self._dialing))
            yield from self._settle(oldest, self._dialing[oldest], "")

    def _facts(self, told: _Told, known: _Known) -> Iterator[CallEvent]:
        """Yield when the contact queued and was answered, as far as the event has it."""
        sheet, contact = self._sheet(told.contact_id, known), told.contact
        queued = contact.part("queueinfo").instant("enqueuetimestamp")
        if queued is None and told.kind == "QUEUED":
            queued = told.at_ms
            if queued is None:
                raise _no_time(told)
        if queued is not None and told.method != "OUTBOUND":
            yield sheet.event(EventType.QUEUED, queued, customer=self._customer(told))
        info = contact.part("agentinfo")
        answered = info.instant("connectedtoagenttimestamp")
        if answered is None and told.kind == "CONNECTED_TO_AGENT":
            answered = told.at_ms
            if answered is None:
                raise _no_time(told)
        if answered is not None:
            known.is_answered = True
            agent = agent_name(self._origin, "", info.text("agentarn") or info.text("arn"))
            yield sheet.event(EventType.OFFERED, answered, agent=agent or UNKNOWN)
            yield sheet.event(EventType.ANSWERED, answered, agent=agent or UNKNOWN)

    def _end(self, told: _Told, known: _Known) -> Iterator[CallEvent]:
        left = told.contact.instant("disconnecttimestamp")
        if left is None and told.kind == "DISCONNECTED":
            left = told.at_ms
            if left is None:
                raise _no_time(told)
        sheet, info = self._sheet(told.contact_id, known), told.contact.part("agentinfo")
        reason = told.contact.text("disconnectreason").upper()
        if known.is_answered or info.text("agentarn") or info.text("arn"):
            known.is_answered = True
            yield from self._handled(sheet, info, left, reason.lower() or None)
        elif left is not None and (known.queue or told.contact.part("queueinfo").fields):
            if reason in CUSTOMER_LEFT:
                yield sheet.event(EventType.ABANDONED, left)
            else:
                yield sheet.event(EventType.FLOWED_OUT, left, reason=reason.lower())
        elif left is not None and told.dials:
            yield sheet.event(EventType.ENDED, left, reason=reason.lower() or None)
        elif left is not None and told.method in ARRIVES and reason in CUSTOMER_LEFT:
            customer = self._customer(told)
            yield sheet.event(EventType.ABANDONED, left, reason=BEFORE_QUEUE, customer=customer)

    def _handled(
        self, sheet: LegSheet, info: Part, left: int | None, reason: str | None
    ) -> Iterator[CallEvent]:
        if left is not None:
            yield sheet.event(EventType.ENDED, left, reason=reason)
            hold = info.length_ms("agentinitiatedholdduration")
            if hold:
                yield sheet.event(EventType.HOLD_STARTED, max(1, left - hold), hold_seq=1)
                yield sheet.event(EventType.HOLD_ENDED, left, hold_seq=1)
        start = info.instant("aftercontactworkstarttimestamp")
        end = info.instant("aftercontactworkendtimestamp")
        if start is not None:
            yield sheet.event(EventType.WRAPUP_STARTED, start)
        if end is not None:
            yield sheet.event(EventType.WRAPUP_ENDED, end)


def _no_time(told: _Told) -> UnusableError:
    return UnusableError("missing_field", f"time: expected the instant of {told.kind}, got nothing")
