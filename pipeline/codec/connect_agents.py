"""Amazon Connect's agent event stream to agent states, and to what it shows of contacts' legs.

A snapshot has a status (what the agent chose) and contacts (what the agent is in) at once. The two
are told as two sources, ``SOURCE`` and ``SOURCE/contacts``, and the ledger's precedence decides.
Every event shows the snapshot before it, so what a change means needs no memory, but for two
things: heart-beats that go on after a logout, and holds whose start the stream leaves out.
"""

from __future__ import annotations

from bisect import bisect_right
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Final

from pipeline.codec.adapter import Origin
from pipeline.codec.connect_contact import NOT_HANDLED, agent_name, leg_sheet, queue_name
from pipeline.codec.json_document import Part, UnusableError, feed_documents
from pipeline.codec.leg_sheet import LegSheet, state_event
from pipeline.codec.recent import Recent
from pipeline.codec.timestamp import Clock
from pipeline.domain.agent_session import HEARTBEAT
from pipeline.domain.events import AgentState, AgentStateEvent, CallEvent, EventType, Rejected

CONTACTS: Final = "contacts"
MOST_AGENTS: Final = 100_000
MOST_HOLDS: Final = 20_000
MOST_MARKS: Final = 32
"""Logins and logouts of an agent that are remembered: Connect beats on for an hour at most."""

_TYPES: Final = frozenset({"LOGIN", "LOGOUT", "STATE_CHANGE", "HEART_BEAT"})
_RINGING: Final = frozenset({"INCOMING", "PENDING", "CONNECTING"})
_TALKING: Final = frozenset({"CONNECTED", "CONNECTED_ONHOLD", "PAUSED"})
_ENDED: Final = "ENDED"
_ON_HOLD: Final = "CONNECTED_ONHOLD"
_REFUSED: Final = {"MISSED": "missed", "REJECTED": "rejected", "ERROR": None}
"""States of an offer that came to nothing; an error (the caller hung up) is no agent's fault."""


_Mark = tuple[int, bool]
"""When an agent became active, or (True) logged out."""


@dataclass(frozen=True, slots=True)
class _Contact:
    """One contact of a snapshot."""

    part: Part
    contact_id: str
    state: str
    since: int | None
    connected: int | None


class ConnectAgentAdapter:
    """Turns agent events into agent states, and into events of the legs that they show."""

    def __init__(self, origin: Origin) -> None:
        """Begin with nobody known."""
        self._origin = origin
        self.skipped: Counter[str] = Counter()
        self.anomalies: Counter[str] = Counter()
        self._clock = Clock(origin.zone, self.anomalies)
        self._marks: Recent[list[_Mark]] = Recent(MOST_AGENTS, self.anomalies, "agent_forgotten")
        self._holds: Recent[int] = Recent(MOST_HOLDS, self.anomalies, "hold_forgotten")

    def feed(self, record: bytes) -> Iterator[CallEvent | AgentStateEvent | Rejected]:
        """Take one agent event, as JSON; never raises."""
        return iter(list(feed_documents(record, self.skipped, self._take)))

    def finish(self) -> Iterable[CallEvent]:
        """Nothing is held back."""
        return ()

    def _take(self, fields: dict[str, object]) -> Iterable[CallEvent | AgentStateEvent]:
        record = Part(fields, self._clock)
        kind = record.required("EventType").upper()
        if kind not in _TYPES:
            self.skipped[f"unknown_event:{kind[:40]}"] += 1
            return ()
        at = record.instant("EventTimestamp")
        if at is None:
            raise UnusableError("missing_field", "EventTimestamp: expected a time, got nothing")
        now, before = record.part("CurrentAgentSnapshot"), record.part("PreviousAgentSnapshot")
        agent = self._agent(record, now, before)
        native = record.text("EventId") or f"{agent}/{kind}/{at}"
        if kind != "HEART_BEAT":
            self._mark(agent, at, is_logout=kind == "LOGOUT")
        elif self._is_out(agent, at):
            self.skipped["heart_beat_after_logout"] += 1
            return ()
        legs: list[CallEvent] = []
        if kind != "HEART_BEAT":
            legs = list(self._legs(agent, at, _contacts(now), _contacts(before)))
        return [*self._states(agent, kind, at, now, native), *legs]

    def _agent(self, record: Part, *snapshots: Part) -> str:
        users = [snapshot.part("Configuration").text("Username") for snapshot in snapshots]
        found = agent_name(self._origin, next(filter(None, users), ""), record.text("AgentARN"))
        if not found:
            raise UnusableError("missing_field", "AgentARN: expected a text, got nothing")
        return found

    def _mark(self, agent: str, at: int, *, is_logout: bool) -> None:
        """Remember that an agent logged out or was active; of a run of either, where it began."""
        marks = self._marks.get(agent) or []
        place = bisect_right(marks, (at, is_logout))
        if place == 0 or marks[place - 1][1] is not is_logout:
            marks.insert(place, (at, is_logout))
        self._marks.put(agent, marks[-MOST_MARKS:])

    def _is_out(self, agent: str, at: int) -> bool:
        marks = self._marks.get(agent) or []
        place = bisect_right(marks, (at, True))
        return place > 0 and marks[place - 1][1]

    def _states(
        self, agent: str, kind: str, at: int, now: Part, native: str
    ) -> Iterator[AgentStateEvent]:
        is_beat = kind == "HEART_BEAT"
        status, reason = AgentState.LOGGED_OUT, None
        engaged = AgentState.LOGGED_OUT
        if kind != "LOGOUT":
            status, reason = self._status(now.part("AgentStatus"))
            engaged = _engaged(_contacts(now))
        yield state_event(
            self._origin,
            agent,
            state=status,
            at_ms=at,
            reason=HEARTBEAT if is_beat else reason,
            native=native,
        )
        if is_beat and engaged is AgentState.LOGGED_OUT:
            return  # no contact: nothing to prove presence in
        yield state_event(
            self._origin,
            agent,
            state=engaged,
            at_ms=at,
            reason=HEARTBEAT if is_beat else None,
            native=native,
            part=CONTACTS,
        )

    def _status(self, status: Part) -> tuple[AgentState, str | None]:
        name, kind = status.text("Name"), status.text("Type").upper()
        if kind == "OFFLINE" or (not kind and name.lower() in {"", "offline"}):
            return AgentState.LOGGED_OUT, None
        if kind == "ROUTABLE" or (not kind and name.lower() == "available"):
            return self._origin.names.state(name, AgentState.AVAILABLE), None
        if kind not in {"", "CUSTOM"}:
            self.anomalies[f"unknown_status_type:{kind[:40]}"] += 1
        return self._origin.names.state(name, AgentState.OTHER), name or None

    def _legs(
        self, agent: str, at: int, now: list[_Contact], before: list[_Contact]
    ) -> Iterator[CallEvent]:
        was = {contact.contact_id: contact for contact in before}
        for contact in now:
            last = was.pop(contact.contact_id, None)
            if last is None or (last.state, last.since) != (contact.state, contact.since):
                yield from self._changed(agent, at, contact, last)
        for contact in was.values():
            yield from self._gone(agent, at, contact)

    def _sheet(self, contact: _Contact) -> LegSheet:
        queue = contact.part.part("Queue")
        name = queue_name(self._origin, queue.text("Name"), queue.text("ARN"))
        initial = contact.part.text("InitialContactId")
        return leg_sheet(self._origin, contact.contact_id, initial, name)

    def _changed(
        self, agent: str, at: int, contact: _Contact, last: _Contact | None
    ) -> Iterator[CallEvent]:
        sheet = self._sheet(contact)
        since = at if contact.since is None else contact.since
        queued = contact.part.instant("QueueTimestamp")
        if queued is not None and contact.part.text("InitiationMethod").upper() != "OUTBOUND":
            yield sheet.event(EventType.QUEUED, queued)
        if contact.state in _RINGING and (last is None or last.state not in _RINGING):
            yield sheet.event(EventType.OFFERED, since, agent=agent)
        reason = _REFUSED.get(contact.state)
        if reason is not None:
            yield sheet.event(EventType.RING_NO_ANSWER, since, agent=agent, reason=reason)
        elif contact.connected is not None and contact.state not in _REFUSED:
            yield sheet.event(EventType.ANSWERED, contact.connected, agent=agent)
        if last is not None and last.state == _ON_HOLD and contact.state != _ON_HOLD:
            start = self._hold_start(agent, last)
            if start is not None:
                end = since if since > start else at
                seq = _sequence(start, last)
                yield sheet.event(EventType.HOLD_ENDED, end, hold_seq=seq)
        if contact.state == _ON_HOLD:
            start = contact.since
            if start is None or start <= (contact.connected or 0):
                start = at
                self._holds.put(f"{agent}/{contact.contact_id}", start)
            seq = _sequence(start, contact)
            yield sheet.event(EventType.HOLD_STARTED, start, hold_seq=seq)
        if contact.state == _ENDED and contact.connected is not None:
            yield sheet.event(EventType.ENDED, since)
            yield sheet.event(EventType.WRAPUP_STARTED, since)

    def _hold_start(self, agent: str, contact: _Contact) -> int | None:
        if contact.since is not None and contact.since > (contact.connected or 0):
            return contact.since
        start = self._holds.drop(f"{agent}/{contact.contact_id}")
        if start is None:
            self.anomalies["hold_without_start"] += 1
        return start

    def _gone(self, agent: str, at: int, contact: _Contact) -> Iterator[CallEvent]:
        if contact.connected is None:
            return
        sheet = self._sheet(contact)
        if contact.state == _ON_HOLD:
            start = self._hold_start(agent, contact)
            if start is not None:
                yield sheet.event(EventType.HOLD_ENDED, at, hold_seq=_sequence(start, contact))
        if contact.state in _TALKING:
            yield sheet.event(EventType.ENDED, at)
        elif contact.state == _ENDED:
            yield sheet.event(EventType.WRAPUP_ENDED, at)


def _contacts(snapshot: Part) -> list[_Contact]:
    return [
        _Contact(
            part,
            part.required("ContactId"),
            part.text("State").upper(),
            part.instant("StateStartTimestamp"),
            part.instant("ConnectedToAgentTimestamp"),
        )
        for part in snapshot.parts("Contacts")
        if part.text("InitiationMethod").upper() not in NOT_HANDLED
    ]


def _engaged(contacts: list[_Contact]) -> AgentState:
    """Return what contacts make of an agent; logged out of contacts where there is none."""
    states = {contact.state for contact in contacts}
    if states & _TALKING:
        return AgentState.ON_CONTACT
    if _ENDED in states:
        return AgentState.AFTER_CALL_WORK
    return AgentState.RINGING if states & _RINGING else AgentState.LOGGED_OUT


def _sequence(start: int, contact: _Contact) -> int:
    """Return a hold's number: milliseconds since the answer, the same in every event of it."""
    return max(0, start - (contact.connected or start)) % 2**31
