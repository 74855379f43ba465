"""Amazon Connect contact records (CTRs) to leg events: what a finished contact came to.

Connect delivers a record at least once, and again when anything in it changes; the copy with the
newest ``LastUpdateTimestamp`` stands. So records are held back, the newest of each contact, until
the end of the input or until too many are held; where a source is followed, until Connect's time
has come ``SETTLE_MS`` further. Of a contact already told, a newer copy is told again: facts it
repeats have the ids they had, facts it adds are added; nothing can be taken back.

A leg's times are laid out so that Connect's own durations come out to the second. docs/formats/
connect.md has the rules. A record comes after the wrap-up: for live figures there are events.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
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
from pipeline.codec.json_document import Part, feed_documents
from pipeline.codec.leg_sheet import UNKNOWN, LegSheet, caller_ref, outside
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

MOST_HELD: Final = 20_000
"""Contacts held back; with their events, some 100 MB at most."""
MOST_TOLD: Final = 200_000
"""Contacts already told that are remembered, to know a copy that says nothing new."""
SETTLE_MS: Final = 15 * 60_000
"""How long a followed source's contact waits for a newer copy."""
SUCCESSOR_MS: Final = 60 * 60_000
"""How long it waits for the record of the contact that it became, to say how it went on."""
SLACK_MS: Final = 2_000
"""Whole seconds of two readings of one instant may differ by so much."""

SUPERSEDED: Final = "superseded"
REPEATED: Final = "repeated"
GREW: Final = "grew_after_delivery"

_METHODS: Final = frozenset(
    {
        *("INBOUND", "OUTBOUND", "TRANSFER", "QUEUE_TRANSFER", "CALLBACK", "API", "DISCONNECT"),
        *("WEBRTC_API", "AGENT_REPLY", "FLOW", "MESSAGING_PLATFORM"),
    }
)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Contact:
    """One record: its events, and what is told only once its successor is looked for."""

    updated_ms: int
    method: str
    initiated_ms: int | None
    sheet: LegSheet
    events: tuple[CallEvent, ...]
    next_id: str
    target: str
    """What a transfer to it is a transfer to."""
    answered_ms: int | None
    left_ms: int | None
    """When the agent, or the caller out of the queue, left the contact."""
    handed_to: str
    """Where outside Connect it was transferred."""
    handed_ms: int | None
    is_queued: bool
    newest_ms: int
    """How far Connect's time had come when the record was written."""


class ConnectRecordAdapter:
    """Turns contact records into leg events, the newest copy of each."""

    def __init__(self, origin: Origin, *, most_held: int = MOST_HELD) -> None:
        """Begin with nothing held."""
        self._origin = origin
        self.skipped: Counter[str] = Counter()
        self.anomalies: Counter[str] = Counter()
        self._clock = Clock(origin.zone, self.anomalies)
        self._most_held = most_held
        self._held: dict[str, _Contact] = {}
        self._next_due_ms = 0
        self._parted: Recent[_Contact] = Recent(most_held, self.anomalies, "successor_unseen")
        self.newest_ms = 0
        self._told: Recent[int] = Recent(MOST_TOLD, self.anomalies, "delivery_forgotten")

    def feed(self, record: bytes) -> Iterator[CallEvent | AgentStateEvent | Rejected]:
        """Take one contact record, as JSON; never raises."""
        return iter(list(feed_documents(record, self.skipped, self._take)))

    def finish(self) -> Iterator[CallEvent]:
        """Tell all contacts still held."""
        held, self._held = self._held, {}
        for contact_id, contact in held.items():
            yield from self._tell(contact_id, contact, held)

    def due(self, now_ms: int) -> Iterator[CallEvent]:
        """Tell the contacts that have waited long enough."""
        if now_ms < self._next_due_ms:
            return
        held = self._held
        at = {contact_id: self._due_ms(contact) for contact_id, contact in held.items()}
        for contact_id in [name for name, due_ms in at.items() if due_ms <= now_ms]:
            yield from self._tell(contact_id, held[contact_id], held)
        self._held = {name: held[name] for name, due_ms in at.items() if due_ms > now_ms}
        self._next_due_ms = min((at[name] for name in self._held), default=now_ms)

    def _due_ms(self, contact: _Contact) -> int:
        awaits = contact.next_id and contact.next_id not in self._held
        return contact.newest_ms + (SUCCESSOR_MS if awaits else SETTLE_MS)

    def _take(self, fields: dict[str, object]) -> Iterable[CallEvent]:
        record = Part(fields, self._clock)
        contact_id = record.required("ContactId")
        contact = self._read(record, contact_id)
        if contact is None:
            return ()
        self.newest_ms = max(self.newest_ms, contact.newest_ms)
        held = self._held.get(contact_id)
        if held is not None:
            self.skipped[REPEATED if _rank(contact) == _rank(held) else SUPERSEDED] += 1
            self._held[contact_id] = max(held, contact, key=_rank)
            return ()
        told = self._told.get(contact_id)
        if told is not None and contact.updated_ms <= told:
            self.skipped[REPEATED if contact.updated_ms == told else SUPERSEDED] += 1
            return ()
        self.anomalies.update([GREW] * (told is not None))
        self._held[contact_id] = contact
        self._next_due_ms = min(self._next_due_ms, contact.newest_ms + SETTLE_MS)
        parted = self._parted.drop(contact_id)
        events = [] if parted is None else list(_handed_on(parted, contact))
        if len(self._held) > self._most_held:
            oldest = next(iter(self._held))
            events += self._tell(oldest, self._held[oldest], self._held)
            del self._held[oldest]
        return events

    def _tell(
        self, contact_id: str, contact: _Contact, held: dict[str, _Contact]
    ) -> Iterator[CallEvent]:
        successor = held.get(contact.next_id)
        self._told.put(contact_id, contact.updated_ms)
        if contact.next_id and successor is None:
            self._parted.put(contact.next_id, contact)
        yield from contact.events
        yield from _handed_on(contact, successor)

    def _read(self, record: Part, contact_id: str) -> _Contact | None:
        method = record.text("InitiationMethod").upper()
        if method in NOT_HANDLED:
            self.skipped[method.lower()] += 1
            return None
        if method not in _METHODS:
            self.anomalies[f"unknown_initiation_method:{method[:40]}"] += 1
        updated = record.instant("LastUpdateTimestamp")
        if updated is None:
            self.anomalies["no_last_update"] += 1
        reading = _Reading(record, self._origin, contact_id, method, self.anomalies)
        events = tuple(reading.events())
        if not events:
            self.skipped["never_queued"] += 1
            return None
        return _Contact(
            updated_ms=updated or 0,
            method=method,
            initiated_ms=record.instant("InitiationTimestamp"),
            sheet=reading.sheet,
            events=events,
            next_id=record.text("NextContactId"),
            target=reading.target,
            answered_ms=reading.answered,
            left_ms=reading.left,
            handed_to=reading.handed_to,
            handed_ms=record.instant("TransferCompletedTimestamp"),
            is_queued=reading.queued is not None,
            newest_ms=max(updated or 0, *(event.occurred_at_ms for event in events)),
        )


class _Reading:
    """The instants of one record, laid out so that the durations in it come out."""

    def __init__(
        self, record: Part, origin: Origin, contact_id: str, method: str, anomalies: Counter[str]
    ) -> None:
        queue, agent = record.part("Queue"), record.part("Agent")
        self._record, self._agent, self._method = record, agent, method
        self._anomalies = anomalies
        name = queue_name(origin, queue.text("Name"), queue.text("ARN"))
        self.sheet = leg_sheet(origin, contact_id, record.text("InitialContactId"), name)
        self.agent = agent_name(origin, agent.text("Username"), agent.text("ARN"))
        is_own = AGENT_QUEUE in queue.text("ARN") and self.agent
        self.target = f"agent:{self.agent}" if is_own else f"queue:{self.sheet.queue}"
        self._customer = caller_ref(origin, address_of(record.get("CustomerEndpoint")))
        is_voice = record.text("Channel").upper() in {"", "VOICE"}
        self._dials = method == "OUTBOUND" or (method == "API" and is_voice)
        self._disconnected = record.instant("DisconnectTimestamp")
        elsewhere = record.get("TransferredToEndpoint")
        self.handed_to = outside(origin, address_of(elsewhere)) if elsewhere else ""
        self._read_queue(queue)
        self._read_agent()

    def _read_queue(self, queue: Part) -> None:
        enqueued, dequeued = queue.instant("EnqueueTimestamp"), queue.instant("DequeueTimestamp")
        waited = queue.length_ms("Duration")
        if enqueued is None and dequeued is not None and waited is not None:
            enqueued = dequeued - waited
        elif enqueued is not None and waited is not None:
            dequeued = enqueued + waited
        # What an agent dials waits in no queue, though the record names the agent's outbound one.
        self.queued = None if self._method == "OUTBOUND" else enqueued
        self._dequeued = dequeued

    def _read_agent(self) -> None:
        agent = self._agent
        self.answered = agent.instant("ConnectedToAgentTimestamp")
        self._hold = agent.length_ms("CustomerHoldDuration") or 0
        self._acw_start = agent.instant("AfterContactWorkStartTimestamp")
        self._acw = agent.length_ms("AfterContactWorkDuration")
        self._acw_end = agent.instant("AfterContactWorkEndTimestamp")
        self.left = self._disconnected if self._dequeued is None else self._dequeued
        if self.answered is None:
            return
        if self.queued is not None and self._dequeued is not None:
            if abs(self.answered - self._dequeued) <= SLACK_MS:
                self.answered = self._dequeued
            else:
                self._anomalies["dequeued_apart_from_answer"] += 1
        talked = agent.length_ms("AgentInteractionDuration")
        if talked is not None:
            self.left = self.answered + talked + self._hold
        else:
            handed = self._record.instant("TransferCompletedTimestamp")
            known = [at for at in (self._acw_start, handed, self._disconnected) if at is not None]
            self.left = min(known, default=None)
        if self.left is not None and self.left < self.answered:
            self._anomalies["time_backwards"] += 1

    def events(self) -> Iterator[CallEvent]:
        """Yield what the record alone tells."""
        if self._dials:
            yield from self._dialing()
        if self.queued is not None:
            if self._dequeued is not None and self._dequeued < self.queued:
                self._anomalies["time_backwards"] += 1
            yield self.sheet.event(EventType.QUEUED, self.queued, customer=self._customer)
        if self.answered is not None:
            yield from self._handled(self.answered)
        elif self.queued is not None:
            yield from self._left_queue()
        elif self._dials:
            if self._disconnected is not None:
                yield self.sheet.event(EventType.ENDED, self._disconnected, reason=self._reason())
        elif self._hung_up_before_queue() and self._disconnected is not None:
            yield self.sheet.event(
                EventType.ABANDONED,
                self._disconnected,
                reason=BEFORE_QUEUE,
                customer=self._customer,
            )

    def _dialing(self) -> Iterator[CallEvent]:
        dialed = self._record.instant("InitiationTimestamp")
        if dialed is not None:
            yield self.sheet.event(EventType.DIALED, dialed, customer=self._customer)
        connected = self._record.instant("ConnectedToSystemTimestamp")
        by = picked_up_by(self._record.text("AnsweringMachineDetectionStatus").upper())
        if connected is not None and by is not None:
            yield self.sheet.event(EventType.CONNECTED, connected, reason=by)

    def _handled(self, answered: int) -> Iterator[CallEvent]:
        if self.queued is None and not self._dials:
            self._anomalies["answered_without_queue"] += 1
        if not self.agent:
            self._anomalies["no_agent_named"] += 1
        event, left = self.sheet.event, self.left
        yield event(EventType.OFFERED, answered, agent=self.agent or UNKNOWN)
        yield event(EventType.ANSWERED, answered, agent=self.agent or UNKNOWN)
        if left is None:
            return
        if self._hold:
            # The record has the sum of the holds, not when they were: they are told as one, last.
            yield event(EventType.HOLD_STARTED, max(answered, left - self._hold), hold_seq=1)
            yield event(EventType.HOLD_ENDED, left, hold_seq=1)
        is_handed_on = bool(self.handed_to or self._record.text("NextContactId"))
        yield event(EventType.ENDED, left, reason="transfer" if is_handed_on else self._reason())
        start = self._acw_start if self._acw_start is not None or not self._acw else left
        if start is not None:
            yield event(EventType.WRAPUP_STARTED, start)
            end = self._acw_end if self._acw is None else start + self._acw
            if end is not None:
                yield event(EventType.WRAPUP_ENDED, end)

    def _left_queue(self) -> Iterator[CallEvent]:
        is_handed_on = bool(self.handed_to or self._record.text("NextContactId"))
        if self.left is None or is_handed_on:
            return
        reason = self._record.text("DisconnectReason").upper()
        if reason in CUSTOMER_LEFT:
            yield self.sheet.event(EventType.ABANDONED, self.left)
        else:
            yield self.sheet.event(EventType.FLOWED_OUT, self.left, reason=reason.lower())

    def _hung_up_before_queue(self) -> bool:
        return (
            self._method in ARRIVES
            and not self._record.text("NextContactId")
            and not self.handed_to
            and self._record.text("DisconnectReason").upper() in CUSTOMER_LEFT
        )

    def _reason(self) -> str | None:
        return self._record.text("DisconnectReason").lower() or None


def _rank(contact: _Contact) -> tuple[int, int, list[str]]:
    """Return what the copy that stands has most of; of one second, the same copy in any order."""
    return contact.updated_ms, len(contact.events), [event.event_id for event in contact.events]


def _handed_on(contact: _Contact, successor: _Contact | None) -> Iterator[CallEvent]:
    """Yield how a contact went on: to an agent, a queue, a callback, or outside.

    A successor that is not at hand leaves the kind and the target open; a later reading that has
    both says more, and by the order of labels it wins.
    """
    left = contact.left_ms
    if left is None or not (contact.next_id or contact.handed_to):
        return
    is_callback = successor is not None and successor.method == "CALLBACK"
    if contact.answered_ms is None:
        if contact.is_queued:
            yield _out_of_queue(contact, successor if is_callback else None, left)
        return
    if is_callback:
        return
    kind, target = TransferKind.BLIND, contact.handed_to or UNKNOWN
    met = contact.handed_ms
    if successor is not None and not contact.handed_to:
        met, target = successor.answered_ms, successor.target
    if met is not None and met < left:
        kind = TransferKind.ATTENDED
    yield contact.sheet.event(EventType.TRANSFERRED, left, transfer=(kind, target))


def _out_of_queue(contact: _Contact, callback: _Contact | None, left: int) -> CallEvent:
    event = contact.sheet.event
    if callback is not None:
        asked = callback.initiated_ms
        return event(EventType.CALLBACK_REQUESTED, left if asked is None else min(asked, left))
    reason = "transferred_external" if contact.handed_to else "queue_transfer"
    return event(EventType.FLOWED_OUT, left, reason=reason)
