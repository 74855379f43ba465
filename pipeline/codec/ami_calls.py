"""What happens to callers in Asterisk's queues, from the queue's own manager events.

An answered call: QueueCallerJoin, AgentCalled, (the agent hears announcements), QueueCallerLeave,
(the agent's macro or gosub runs), AgentConnect, AgentComplete. What ends a wait otherwise, and what
ends a talk, ``ami_endings.py`` decides.
"""

from __future__ import annotations

from collections import Counter
from typing import Final

from pipeline.codec.ami_book import AmiBook, agent_channel
from pipeline.codec.ami_endings import TRANSFER, AmiEndings
from pipeline.codec.ami_leg import AmiLeg, leg_number
from pipeline.codec.ami_members import Members
from pipeline.codec.headers import BadMessageError, Headers, needed, whole
from pipeline.codec.leg_book import MAX_AGE_MS
from pipeline.codec.leg_events import AnyEvent, Detail, Events
from pipeline.codec.names import Names
from pipeline.domain.events import EventType

AGENT_NAMES: Final = (
    *("membername", "agentname", "name", "interface", "location", "member"),
    *("agentcalled", "agent"),
)

Told = list[AnyEvent] | str


class AmiCalls:
    """The legs in an Asterisk's queues, and the rules by which events change them.

    A rule takes a message's headers and its time (epoch milliseconds) and returns events, or a
    word that says why there are none. A message that lacks what it needs raises
    ``BadMessageError``.
    """

    def __init__(
        self, events: Events, names: Names, members: Members, anomalies: Counter[str]
    ) -> None:
        """Begin with no leg; ``anomalies`` counts oddities."""
        self.events = events
        self.names = names
        self.book = AmiBook()
        self.endings = AmiEndings(events, members, self.book, anomalies)
        self._members = members
        self._anomalies = anomalies

    # -- callers

    def joined(self, headers: Headers, at_ms: int) -> Told:
        """QueueCallerJoin: a leg begins; whatever the caller was queued for before is over."""
        queue, caller = needed(headers, "queue"), needed(headers, "uniqueid")
        contact = headers.get("linkedid") or caller
        key = (contact, self.names.queue(queue), leg_number(contact, queue, at_ms))
        told: list[AnyEvent] = []
        for leg in self.book.of_caller(caller):
            if leg.is_waiting and leg.key != key:
                told += self.endings.went_on(leg, at_ms)
        return told + self._join(headers, at_ms, at_ms)[1]

    def waiting(self, headers: Headers, at_ms: int) -> Told:
        """QueueEntry, of a snapshot: a caller waits, and for how long."""
        if self.book.find(headers) is not None:
            return "no_change"
        needed(headers, "wait")
        return self._found(headers, at_ms, "wait")[1]

    def left(self, headers: Headers, at_ms: int) -> Told:
        """QueueCallerLeave: why is told by what comes before or after."""
        leg, _ = self._found(headers, at_ms)
        if leg is None:
            return "no_leg"
        if leg.is_waiting:
            self.endings.left(leg, at_ms)
        return "context"

    def abandoned(self, headers: Headers, at_ms: int) -> Told:
        """QueueCallerAbandon: the caller hung up, or the queue gave the call back."""
        leg, told = self._found(headers, at_ms, "holdtime")
        if leg is None:
            return "no_leg"
        if not leg.is_waiting:
            return told or "no_change"
        return told + self.endings.gave_up(leg, at_ms) or "context"

    # -- agents and callers

    def called(self, headers: Headers, at_ms: int) -> Told:
        """AgentCalled: a leg rings at an agent."""
        agent = self.agent(headers)
        leg, _ = self._found(headers, at_ms)
        if leg is None:
            return "no_leg"
        leg.rings.add(agent)
        leg.offered.add(agent)
        offered = self.events.leg(leg, EventType.OFFERED, at_ms, Detail(agent=agent))
        return [offered, *self._members.ring(agent, leg, at_ms)]

    def rang_out(self, headers: Headers, at_ms: int) -> Told:
        """AgentRingNoAnswer: RingTime is in milliseconds here, and here alone."""
        agent = self.agent(headers)
        leg, _ = self._found(headers, at_ms)
        if leg is None:
            return "no_leg"
        told = self._offered(leg, agent, at_ms, self._length(headers, "ringtime"))
        leg.rings.discard(agent)
        told.append(self.events.leg(leg, EventType.RING_NO_ANSWER, at_ms, Detail(agent=agent)))
        return told + self._members.rang_out([agent], leg, at_ms)

    def connected(self, headers: Headers, at_ms: int) -> Told:
        """AgentConnect: agent and caller are put together; RingTime is in seconds here."""
        agent = self.agent(headers)
        leg, told = self._found(headers, at_ms, "holdtime")
        if leg is None:
            return "no_leg"
        rang_s = self._length(headers, "ringtime")
        told += self._offered(leg, agent, at_ms, None if rang_s is None else rang_s * 1000)
        leg.rings.discard(agent)
        told += self._answered(leg, agent, headers, at_ms)
        leg.due_ms = at_ms + MAX_AGE_MS
        return told + self.endings.quiet(leg, at_ms)

    def completed(self, headers: Headers, at_ms: int) -> Told:
        """AgentComplete: the talk is over; a leg not seen before is reckoned from its times."""
        agent = self.agent(headers)
        leg = self.book.find_talk(headers)
        told: list[AnyEvent] = []
        if leg is None:
            leg, told = self._found(headers, at_ms, "talktime", "holdtime")
        if leg is None:
            return "no_leg"
        if leg.ended_ms is not None:
            if at_ms > leg.ended_ms + 1000:
                self._anomalies["talk_ran_on"] += 1
            return "no_change"
        reason = headers.get("reason", "").lower() or None
        if leg.answered_ms is None:
            talked_s = self._length(headers, "talktime")
            if talked_s is None:
                return told or "no_leg"
            told += self._answered(leg, agent, headers, max(1, at_ms - talked_s * 1000))
        if reason == TRANSFER:
            return told + self.endings.handed_over(leg, at_ms) or "context"
        return told + self.endings.ended(leg, at_ms, reason)

    def dumped(self, headers: Headers, at_ms: int) -> Told:
        """AgentDump: the agent hung up in the announcement; the caller goes on waiting."""
        agent = self.agent(headers)
        leg, _ = self._found(headers, at_ms)
        if leg is None:
            return "no_leg"
        self._anomalies["agent_dump"] += 1
        if leg.is_waiting:
            leg.due_ms = at_ms + MAX_AGE_MS
        leg.rings.discard(agent)
        return self._members.rang_out([agent], leg, at_ms) or "context"

    def agent(self, headers: Headers) -> str:
        """Return the agent that an event is about, by its canonical name."""
        return self.names.agent(needed(headers, *AGENT_NAMES))

    # -- legs

    def _found(
        self, headers: Headers, at_ms: int, *lengths: str
    ) -> tuple[AmiLeg | None, list[AnyEvent]]:
        """Return the leg of an event.

        One whose join was not seen is reckoned from the lengths named, which add up to the time
        since (whole seconds); without them there is none.
        """
        needed(headers, "queue")
        needed(headers, "uniqueid")
        leg = self.book.find(headers)
        if leg is not None:
            return leg, []
        since_s = [whole(headers, name) for name in lengths]
        known = [length for length in since_s if length is not None]
        if not lengths or len(known) < len(lengths):
            return None, []
        return self._join(headers, max(1, at_ms - sum(known) * 1000), at_ms)

    def _join(self, headers: Headers, joined_ms: int, at_ms: int) -> tuple[AmiLeg, list[AnyEvent]]:
        queue, caller = needed(headers, "queue"), needed(headers, "uniqueid")
        contact = headers.get("linkedid") or caller
        name, number = self.names.queue(queue), leg_number(contact, queue, joined_ms)
        leg = self.book.get((contact, name, number))
        if leg is None or leg.is_over:
            leg = AmiLeg(contact, name, number, caller, queue, at_ms + MAX_AGE_MS)
            for gone in self.book.add(leg):
                if not gone.is_over:
                    self._anomalies["book_full"] += 1
                self._members.forget(gone)
        customer = self.events.customer(headers.get("calleridnum"))
        return leg, [self.events.leg(leg, EventType.QUEUED, joined_ms, Detail(customer=customer))]

    def _offered(self, leg: AmiLeg, agent: str, at_ms: int, rang_ms: int | None) -> list[AnyEvent]:
        """Return the offer whose beginning was not seen, reckoned from how long it rang."""
        if agent in leg.offered or rang_ms is None:
            return []
        leg.offered.add(agent)
        began = max(1, at_ms - rang_ms)
        return [self.events.leg(leg, EventType.OFFERED, began, Detail(agent=agent))]

    def _answered(
        self, leg: AmiLeg, agent: str, headers: Headers, answered_ms: int
    ) -> list[AnyEvent]:
        if leg.is_over and leg.answered_ms is None:
            self._anomalies["answered_after_leaving"] += 1
        answered = self.events.leg(leg, EventType.ANSWERED, answered_ms, Detail(agent=agent))
        if leg.ended_ms is not None:
            return [answered]
        told: list[AnyEvent] = [answered]
        if leg.agent is not None and leg.agent != agent:
            self._members.forget(leg)
        leg.agent, leg.answered_ms, leg.is_over = agent, answered_ms, False
        if agent_channel(headers):
            self.book.talk_by(leg, agent_channel(headers))
        return told + self._members.talk(agent, leg, answered_ms)

    def _length(self, headers: Headers, name: str) -> int | None:
        """Return a length that an event can do without; a bad one is counted."""
        try:
            return whole(headers, name)
        except BadMessageError as error:
            self._anomalies[error.reason] += 1
            return None
