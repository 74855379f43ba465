"""Genesys Cloud conversation details (analytics API) to leg events.

Takes one conversation, a list of them, or a page as the API answers (``conversations``). Each
session of an ACD participant in a queue is a leg; agents' sessions are put to the leg that led to
them by queue and time. The whole conversation is in every document, so no memory is needed: the
same conversation read again, or read again when it has grown, repeats its facts with their ids.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Final

from pipeline.codec.adapter import Origin
from pipeline.codec.genesys_session import Session, sessions
from pipeline.codec.json_document import Part, feed_documents
from pipeline.codec.leg_sheet import UNKNOWN, UNQUEUED, LegSheet, caller_ref, named, outside
from pipeline.codec.timestamp import Clock
from pipeline.domain.events import (
    BEFORE_QUEUE,
    AgentStateEvent,
    CallEvent,
    EventType,
    Rejected,
    TransferKind,
)

PAGE: Final = "conversations"

_MENUS: Final = frozenset({"ivr", "botflow"})
_BY_CUSTOMER: Final = frozenset({"", "client", "endpoint", "peer"})
"""Disconnect types by which a waiting caller went; older conversations give none."""
_CONFERENCE: Final = "conferenceTransfer"
_TRANSFERS: Final = {
    "transfer": TransferKind.BLIND,
    "forwardTransfer": TransferKind.BLIND,
    "consultTransfer": TransferKind.ATTENDED,
}
SLACK_MS: Final = 2_000
"""A session that a transfer leads to may begin this much before the transfer is written down."""


@dataclass(slots=True, eq=False)
class _Leg:
    """One entry into a queue (or a call dialed), and the agents' sessions that it led to."""

    sheet: LegSheet
    queue: str
    """The queue's native id; empty if it is in none."""
    acd: Session | None
    agents: list[Session] = field(default_factory=list)

    def leads_to(self, agent: Session) -> bool:
        """Say whether an agent's session can come of it."""
        if self.acd is None:
            return agent.queue in {"", self.queue}
        begins = self.acd.begins or 0
        return self.queue == agent.queue and begins <= (agent.begins or 0) + SLACK_MS


class GenesysAdapter:
    """Turns conversations into leg events."""

    def __init__(self, origin: Origin) -> None:
        """Keep nothing but counts."""
        self._origin = origin
        self.skipped: Counter[str] = Counter()
        self.anomalies: Counter[str] = Counter()
        self._clock = Clock(origin.zone, self.anomalies)

    def feed(self, record: bytes) -> Iterator[CallEvent | AgentStateEvent | Rejected]:
        """Take one document; never raises."""
        return iter(list(feed_documents(record, self.skipped, self._take, page=PAGE)))

    def finish(self) -> Iterable[CallEvent]:
        """Nothing is held back."""
        return ()

    def _take(self, fields: dict[str, object]) -> Iterable[CallEvent]:
        record = Part(fields, self._clock)
        conversation = record.required("conversationId")
        found = sessions(record, self.anomalies)
        customer = _customer(found, self._origin)
        legs = self._legs(conversation, found)
        events: list[CallEvent] = []
        if _is_dialed(record, found):
            if not legs:
                queue = next((s.queue for s in found if s.is_agent and s.queue), "")
                legs = [_Leg(self._sheet(conversation, 1, queue), queue, None)]
            events += _dialing(legs[0].sheet, record, found, customer)
        for agent in found:
            if agent.is_agent and agent.begins is not None:
                fitting = [leg for leg in legs if leg.leads_to(agent)]
                if fitting:
                    fitting[-1].agents.append(agent)
                else:
                    self.anomalies["agent_without_queue"] += 1
        for leg in legs:
            events += self._told(leg, found, customer)
        events = events or list(self._before_queue(record, conversation, found, customer))
        if not events:
            self.skipped["never_queued"] += 1
        return events

    def _legs(self, conversation: str, found: list[Session]) -> list[_Leg]:
        """Return the entries into queues, numbered in order of time."""
        entries = sorted(
            (s for s in found if s.purpose == "acd" and s.queue and s.begins is not None),
            key=lambda s: (s.begins, s.place),
        )
        return [
            _Leg(self._sheet(conversation, number, acd.queue), acd.queue, acd)
            for number, acd in enumerate(entries, start=1)
        ]

    def _sheet(self, conversation: str, number: int, queue: str) -> LegSheet:
        return LegSheet(
            origin=self._origin,
            contact_id=conversation,
            leg=number,
            queue=named(self._origin.names.queues, queue or UNQUEUED),
            native=f"{conversation}/{number}",
        )

    def _told(self, leg: _Leg, found: list[Session], customer: str | None) -> Iterator[CallEvent]:
        event = leg.sheet.event
        if leg.acd is not None and leg.acd.begins is not None:
            yield event(EventType.QUEUED, leg.acd.begins, customer=customer)
        answering: Session | None = None
        for session in sorted(leg.agents, key=lambda s: (s.begins or 0, s.place)):
            agent = self._agent(session)
            for at in session.alerts:
                yield event(EventType.OFFERED, at, agent=agent)
            if session.let_ring is not None:
                yield event(EventType.RING_NO_ANSWER, session.let_ring, agent=agent)
            if session.talked is None:
                continue
            if answering is not None:
                if answering.user != session.user:
                    self.anomalies["more_agents_on_leg"] += 1
                continue
            answering = session
            if not session.alerts:
                yield event(EventType.OFFERED, session.talked, agent=agent)
            yield event(EventType.ANSWERED, session.talked, agent=agent)
            yield from _handled(leg.sheet, session)
            yield from self._handed_on(leg, session, found)
        if answering is None and leg.acd is not None:
            yield from self._unanswered(leg.sheet, leg.acd, found)

    def _agent(self, session: Session) -> str:
        return named(self._origin.names.agents, session.user) or UNKNOWN

    def _unanswered(
        self, sheet: LegSheet, acd: Session, found: list[Session]
    ) -> Iterator[CallEvent]:
        begins = acd.begins or 0
        waited = acd.metric("tAbandon", "tFlowOut", "tAnswered", "tAcd")
        left = acd.ends if waited is None else begins + waited
        asked = _asked_for_callback(acd, found)
        if acd.metric("tAnswered") is not None and left is not None:
            self.anomalies["answered_by_nobody"] += 1
            yield sheet.event(EventType.ANSWERED, left, agent=UNKNOWN)
        elif asked is not None:
            at = asked if left is None else min(asked, left)
            yield sheet.event(EventType.CALLBACK_REQUESTED, at)
        elif left is None:
            return
        elif acd.metric("tFlowOut") is not None or acd.flow_out:
            yield sheet.event(EventType.FLOWED_OUT, left, reason=acd.flow_out or "flow_out")
        elif acd.metric("tAbandon") is not None or acd.disconnect in _BY_CUSTOMER:
            yield sheet.event(EventType.ABANDONED, left)
        else:
            yield sheet.event(EventType.FLOWED_OUT, left, reason=acd.disconnect)

    def _handed_on(self, leg: _Leg, session: Session, found: list[Session]) -> Iterator[CallEvent]:
        kind = _transfer_kind(session)
        if kind is None or session.left is None:
            return
        # A consult has begun while the agent still had the call; what is blind begins after.
        is_consult = kind is TransferKind.ATTENDED
        since = (session.talked or 0) if is_consult else session.left - SLACK_MS
        target = self._target(since, leg, found) or outside(self._origin, session.destination)
        yield leg.sheet.event(EventType.TRANSFERRED, session.left, transfer=(kind, target))

    def _target(self, since: int, leg: _Leg, found: list[Session]) -> str:
        """Return the queue, agent or outsider that came next; empty if nobody is seen to."""
        later = [s for s in found if s.begins is not None and s.begins >= since]
        for nxt in sorted(later, key=lambda s: (s.begins, s.place)):
            if nxt.purpose == "acd" and nxt.queue and nxt is not leg.acd:
                return f"queue:{named(self._origin.names.queues, nxt.queue)}"
            if nxt.is_agent and nxt not in leg.agents:
                return f"agent:{self._agent(nxt)}"
            if nxt.purpose == "external" and not nxt.is_first_party:
                return outside(self._origin, nxt.dnis)
        return ""

    def _before_queue(
        self, record: Part, conversation: str, found: list[Session], customer: str | None
    ) -> Iterator[CallEvent]:
        """Yield the abandon of a caller who hung up in the menu."""
        ended = record.instant("conversationEnd")
        menus = [s for s in found if s.purpose in _MENUS]
        if ended is None or not menus or any(s.is_agent or s.purpose == "acd" for s in found):
            return
        if menus[-1].disconnect in _BY_CUSTOMER - {""}:
            sheet = self._sheet(conversation, 1, "")
            yield sheet.event(EventType.ABANDONED, ended, reason=BEFORE_QUEUE, customer=customer)


def _asked_for_callback(acd: Session, found: list[Session]) -> int | None:
    """Return when a caller who was waiting asked to be called back; None: not so."""
    if acd.media == "callback":
        return None
    begun = [s.created for s in found if s.media == "callback" and s.created is not None]
    return min((at for at in begun if at >= (acd.begins or 0)), default=None)


def _handled(sheet: LegSheet, session: Session) -> Iterator[CallEvent]:
    for seq, (start, end) in enumerate(session.holds, start=1):
        yield sheet.event(EventType.HOLD_STARTED, start, hold_seq=seq)
        if end is not None:
            yield sheet.event(EventType.HOLD_ENDED, end, hold_seq=seq)
    if session.left is not None:
        yield sheet.event(EventType.ENDED, session.left, reason=session.disconnect or None)
    if session.wrapup is not None:
        start, end = session.wrapup
        yield sheet.event(EventType.WRAPUP_STARTED, start)
        if end is not None:
            yield sheet.event(EventType.WRAPUP_ENDED, end)


def _transfer_kind(session: Session) -> TransferKind | None:
    """Return how an agent handed a conversation on; a conference is no transfer."""
    if session.metric("nConsultTransferred") is not None:
        return TransferKind.ATTENDED
    if session.metric("nBlindTransferred") is not None:
        return TransferKind.BLIND
    if session.disconnect in _TRANSFERS:
        return _TRANSFERS[session.disconnect]
    is_plain = session.metric("nTransferred") is not None and session.disconnect != _CONFERENCE
    return TransferKind.BLIND if is_plain else None


def _is_dialed(record: Part, found: list[Session]) -> bool:
    """Say whether the customer was called; a consult call of an agent does not count."""
    return record.text("originatingDirection").lower() == "outbound" or any(
        s.campaign or (s.is_first_party and s.is_outbound) for s in found
    )


def _dialing(
    sheet: LegSheet, record: Part, found: list[Session], customer: str | None
) -> Iterator[CallEvent]:
    own = [s for s in found if s.is_first_party or s.is_agent or s.campaign]
    dialed = min((s.dialed for s in own if s.dialed is not None), default=None)
    dialed = record.instant("conversationStart") if dialed is None else dialed
    if dialed is not None:
        yield sheet.event(EventType.DIALED, dialed, customer=customer)
    reached = [s.talked for s in found if s.is_first_party and s.talked is not None]
    reached = reached or [s.talked for s in own if s.is_agent and s.talked is not None]
    noted = [s.metrics["nOutboundConnected"][1] for s in found if "nOutboundConnected" in s.metrics]
    reached = reached or [at for at in noted if at is not None]
    if reached:
        words = " ".join(s.disposition for s in found)
        by = "machine" if "machine" in words or "fax" in words else UNKNOWN
        by = "human" if "person" in words else by
        yield sheet.event(EventType.CONNECTED, min(reached), reason=by)
    ended = record.instant("conversationEnd")
    if ended is not None and not any(s.is_agent and s.talked is not None for s in found):
        yield sheet.event(EventType.ENDED, ended)


def _customer(found: list[Session], origin: Origin) -> str | None:
    """Return the hash of the customer's number: who called, or who was called."""
    for session in found:
        if session.is_first_party:
            number = session.dnis if session.is_outbound else session.ani
            return caller_ref(origin, number)
    return None
