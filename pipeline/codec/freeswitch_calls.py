"""What happens to callers in FreeSWITCH's call centre, from ``callcenter::info`` events.

Two of its events say more than is known when they come. ``bridge-agent-start`` comes when the agent
picks up, before the caller is put through: the answer is told once the agent is *In a queue call*
or the bridge ends, and never if the bridge ends with ``CC-Agent-Bridged: false``. And a caller who
gave up may come back to the place in the queue (``member-queue-resume``): facts are not retracted,
so the abandon stands, and the second call is another contact of the same customer.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import Final

from pipeline.codec.freeswitch_agents import FreeswitchAgents
from pipeline.codec.freeswitch_leg import CANCELED, FreeswitchLeg, LegKey, Pickup
from pipeline.codec.headers import BadMessageError, Headers, epoch_ms, needed
from pipeline.codec.leg_book import MAX_AGE_MS, SETTLE_MS, LegBook
from pipeline.codec.leg_events import AnyEvent, Detail, Events, hold
from pipeline.codec.names import Names
from pipeline.domain.events import EventType

OWN_TIME: Final = {
    "bridge-agent-start": "cc-agent-answered-time",
    "bridge-agent-end": "cc-bridge-terminated-time",
    "bridge-agent-fail": "cc-agent-aborted-time",
    "member-queue-end": "cc-member-leaving-time",
}
"""The header with an event's own instant in whole epoch seconds, by action."""
LEFT_BY_REASON: Final = {
    "TIMEOUT": "timeout",
    "NO_AGENT_TIMEOUT": "no_agent_timeout",
    "EXIT_WITH_KEY": "exit_with_key",
}
"""CC-Cancel-Reason of a caller whom the call centre let go, and the reason of the flow-out."""
HUNG_UP: Final = frozenset({"", "NONE", "BREAK_OUT"})
"""CC-Cancel-Reason where nothing but the caller ended the wait."""

Told = list[AnyEvent] | str


class FreeswitchCalls:
    """The legs in a call centre's queues, and the rules by which events change them.

    A rule takes an event's headers and its time (epoch milliseconds) and returns events, or a word
    that says why there are none. An event that lacks what it needs raises ``BadMessageError``.
    """

    def __init__(
        self, events: Events, names: Names, agents: FreeswitchAgents, anomalies: Counter[str]
    ) -> None:
        """Begin with no leg; ``anomalies`` counts oddities."""
        self._events = events
        self._names = names
        self._agents = agents
        self._anomalies = anomalies
        self._book: LegBook[LegKey, FreeswitchLeg] = LegBook()
        self._by_channel: dict[str, FreeswitchLeg] = {}
        self._picked_up: dict[str, FreeswitchLeg] = {}

    def __len__(self) -> int:
        """Return how many legs are followed."""
        return len(self._book)

    # -- rules

    def joined(self, headers: Headers, at_ms: int) -> Told:
        """member-queue-start, and -resume: another call that takes its old place."""
        if headers["cc-action"].endswith("resume"):
            self._anomalies["resumed"] += 1
        leg = self._leg(headers, at_ms)
        if leg.is_over:  # told again from the beginning
            self._book.drop(leg.key)
            self._forget(leg)
            leg = self._leg(headers, at_ms)
        return self._queued(leg, headers, at_ms)

    def offered(self, headers: Headers, at_ms: int) -> Told:
        """agent-offering: a leg is about to ring at an agent."""
        agent = self.agent(headers)
        leg = self._leg(headers, at_ms)
        leg.offered.add(agent)
        return [self._events.leg(leg, EventType.OFFERED, at_ms, Detail(agent=agent))]

    def picked_up(self, headers: Headers, at_ms: int) -> Told:
        """bridge-agent-start: the agent picked up; the caller is put through next."""
        agent = self.agent(headers)
        leg, told = self._known(headers, at_ms)
        if leg.answered_ms is not None or leg.is_over:
            return told or "no_change"
        told += self._offer_missed(leg, agent, headers, at_ms)
        leg.pickup = Pickup(agent, at_ms)
        self._picked_up[agent] = leg
        self._talk_by(leg, headers)
        self._book.hasten(leg.key, leg, at_ms + SETTLE_MS)
        return told or "context"

    def talks(self, agent: str) -> list[AnyEvent]:
        """The agent's state says that the call came through."""
        leg = self._picked_up.get(agent)
        return [] if leg is None else self._came_through(leg)

    def bridge_ended(self, headers: Headers, at_ms: int) -> Told:
        """bridge-agent-end: the talk is over, or never was (CC-Agent-Bridged: false)."""
        agent = self.agent(headers)
        leg, told = self._known(headers, at_ms)
        if headers.get("cc-agent-bridged", "").lower() == "false":
            self._anomalies["bridge_failed"] += 1
            if leg.answered_ms is not None and leg.ended_ms is None:  # told too soon: then it ends
                return told + self._ended(leg, agent, headers, at_ms)
            self._put_down(leg)
            leg.offered.discard(agent)
            if not leg.is_over:
                leg.due_ms = at_ms + MAX_AGE_MS
            return told or "not_bridged"
        if leg.ended_ms is not None:
            return told or "no_change"
        return told + self._ended(leg, agent, headers, at_ms)

    def not_answered(self, headers: Headers, at_ms: int) -> Told:
        """bridge-agent-fail: the agent did not take the call, or the ringing was canceled."""
        agent, cause = self.agent(headers), headers.get("cc-hangup-cause", "").upper()
        leg, told = self._known(headers, at_ms)
        told += self._offer_missed(leg, agent, headers, at_ms)
        leg.offered.discard(agent)
        if cause in CANCELED:
            return told or "ringing_canceled"
        detail = Detail(agent=agent, reason=cause.lower() or None)
        return [*told, self._events.leg(leg, EventType.RING_NO_ANSWER, at_ms, detail)]

    def queue_ended(self, headers: Headers, at_ms: int) -> Told:
        """member-queue-end: the caller's part is over, after a talk or without."""
        cause = needed(headers, "cc-cause").lower()
        if cause not in {"terminated", "cancel"}:
            msg = f"cc-cause: expected Terminated or Cancel, got {cause[:40]!r}"
            raise BadMessageError("bad_value", msg)
        leg, told = self._known(headers, at_ms)
        if cause == "cancel":
            return told + self._canceled(leg, headers, at_ms) or "context"
        if leg.ended_ms is not None:
            return told or "context"
        return told + self._ended(leg, self.agent(headers), headers, at_ms)

    def _canceled(self, leg: FreeswitchLeg, headers: Headers, at_ms: int) -> list[AnyEvent]:
        """End a wait. A pick-up that came through all the same is the earlier, and counts."""
        if leg.answered_ms is not None:
            return []
        reason = headers.get("cc-cancel-reason", "").upper()
        self._over(leg, at_ms)
        if reason in HUNG_UP:
            return [self._events.leg(leg, EventType.ABANDONED, at_ms)]
        if reason not in LEFT_BY_REASON:
            self._anomalies["unknown_cancel_reason"] += 1
        detail = Detail(reason=LEFT_BY_REASON.get(reason, reason.lower()))
        return [self._events.leg(leg, EventType.FLOWED_OUT, at_ms, detail)]

    def held(self, headers: Headers, at_ms: int) -> Told:
        """CHANNEL_HOLD of an agent's channel."""
        leg = self._by_channel.get(needed(headers, "unique-id"))
        if leg is None or leg.answered_ms is None:
            return "no_leg"
        if leg.held_since_ms is not None or leg.ended_ms is not None:
            return "no_change"
        leg.held_since_ms = at_ms
        return [self._events.leg(leg, EventType.HOLD_STARTED, at_ms, hold(at_ms))]

    def unheld(self, headers: Headers, at_ms: int) -> Told:
        """CHANNEL_UNHOLD of an agent's channel."""
        leg = self._by_channel.get(needed(headers, "unique-id"))
        return "no_leg" if leg is None else self._unheld(leg, at_ms) or "no_change"

    def _unheld(self, leg: FreeswitchLeg, at_ms: int) -> list[AnyEvent]:
        since, leg.held_since_ms = leg.held_since_ms, None
        if since is None:
            return []
        return [self._events.leg(leg, EventType.HOLD_ENDED, at_ms, hold(since))]

    def agent(self, headers: Headers) -> str:
        """Return the agent that an event is about, by its canonical name."""
        return self._names.agent(needed(headers, "cc-agent"))

    # -- talks

    def _came_through(self, leg: FreeswitchLeg) -> list[AnyEvent]:
        """Tell the answer that a pick-up turned out to be."""
        pickup = leg.pickup
        if pickup is None:
            return []
        self._put_down(leg)
        return self._answered(leg, pickup.agent, pickup.at_ms)

    def _answered(self, leg: FreeswitchLeg, agent: str, at_ms: int) -> list[AnyEvent]:
        leg.agent, leg.answered_ms, leg.is_over = agent, at_ms, False
        leg.due_ms = at_ms + MAX_AGE_MS
        answered = self._events.leg(leg, EventType.ANSWERED, at_ms, Detail(agent=agent))
        return [answered, *self._agents.took_call(agent, at_ms)]

    def _ended(
        self, leg: FreeswitchLeg, agent: str, headers: Headers, at_ms: int
    ) -> list[AnyEvent]:
        told = self._came_through(leg)
        if leg.answered_ms is None:
            told += self._offer_missed(leg, agent, headers, at_ms)
            answered_ms = self._reckoned(headers, "cc-agent-answered-time", at_ms)
            if answered_ms is not None:
                told += self._answered(leg, agent, answered_ms)
        told += self._unheld(leg, at_ms)
        leg.ended_ms = at_ms
        told.append(self._events.leg(leg, EventType.ENDED, at_ms))
        self._over(leg, at_ms)
        return told + self._agents.talked(leg.agent or agent, leg, at_ms)

    def _offer_missed(
        self, leg: FreeswitchLeg, agent: str, headers: Headers, at_ms: int
    ) -> list[AnyEvent]:
        """Return the offer that was not seen, from when the agent was called."""
        called_ms = self._reckoned(headers, "cc-agent-called-time", at_ms)
        if agent in leg.offered or called_ms is None:
            return []
        leg.offered.add(agent)
        return [self._events.leg(leg, EventType.OFFERED, called_ms, Detail(agent=agent))]

    def _reckoned(self, headers: Headers, name: str, at_ms: int) -> int | None:
        """Return another instant of an event that has come at ``at_ms``, whole seconds before it.

        The two are apart as the source's own seconds are; 0 is how it writes an instant that never
        was.
        """
        if headers.get(name) in {None, "", "0"}:
            return None
        other_ms = epoch_ms(headers, name)
        own_name = OWN_TIME.get(headers.get("cc-action", "").lower(), "")
        own_ms = epoch_ms(headers, own_name)
        if other_ms is None or own_ms is None:
            return other_ms
        if other_ms > own_ms:
            self._anomalies["negative_duration"] += 1
            return at_ms
        return max(1, at_ms - (own_ms - other_ms))

    # -- legs

    def _leg(self, headers: Headers, at_ms: int) -> FreeswitchLeg:
        member, queue = needed(headers, "cc-member-uuid"), needed(headers, "cc-queue")
        contact = headers.get("cc-member-session-uuid") or member
        leg = self._book.get((contact, member))
        if leg is None:
            name = self._names.queue(queue)
            leg = FreeswitchLeg(contact, name, member, at_ms + MAX_AGE_MS)
            ousted = self._book.add(leg.key, leg)
            if ousted is not None:
                if not ousted.is_over:
                    self._anomalies["book_full"] += 1
                self._forget(ousted)
        return leg

    def _known(self, headers: Headers, at_ms: int) -> tuple[FreeswitchLeg, list[AnyEvent]]:
        """Return the leg of an event; one whose join was not seen is told to have joined."""
        leg = self._leg(headers, at_ms)
        joined_ms = None
        if not leg.is_queued:
            joined_ms = self._reckoned(headers, "cc-member-joined-time", at_ms)
        return leg, [] if joined_ms is None else self._queued(leg, headers, joined_ms)

    def _queued(self, leg: FreeswitchLeg, headers: Headers, at_ms: int) -> list[AnyEvent]:
        leg.is_queued = True
        customer = self._events.customer(headers.get("cc-member-cid-number"))
        return [self._events.leg(leg, EventType.QUEUED, at_ms, Detail(customer=customer))]

    def _talk_by(self, leg: FreeswitchLeg, headers: Headers) -> None:
        channel = headers.get("cc-agent-uuid")
        if channel:
            self._silence(leg)
            leg.agent_channel = channel
            self._by_channel[channel] = leg

    def _put_down(self, leg: FreeswitchLeg) -> None:
        """Wait no longer for a pick-up to come through."""
        if leg.pickup is not None and self._picked_up.get(leg.pickup.agent) is leg:
            del self._picked_up[leg.pickup.agent]
        leg.pickup = None

    def _over(self, leg: FreeswitchLeg, at_ms: int) -> None:
        """Keep a leg that is over a while for stragglers and repeats."""
        leg.is_over = True
        self._book.hasten(leg.key, leg, at_ms + SETTLE_MS)

    # -- what the passing of time decides

    def due(self, now_ms: int) -> Iterator[AnyEvent]:
        """Yield what is decided because nothing more was heard of a leg."""
        for key, leg in self._book.due(now_ms):
            if leg.pickup is not None and not leg.is_over:
                yield from self._came_through(leg)  # nothing says that it failed
                continue
            if not leg.is_over:
                self._anomalies["never_ended"] += 1
            self._book.drop(key)
            self._forget(leg)

    def finish(self) -> Iterator[AnyEvent]:
        """Yield what the end of the input decides: pick-ups of which nothing says they failed."""
        for _, leg in self._book:
            if not leg.is_over:
                yield from self._came_through(leg)

    def _forget(self, leg: FreeswitchLeg) -> None:
        self._put_down(leg)
        self._silence(leg)

    def _silence(self, leg: FreeswitchLeg) -> None:
        """Know the leg by its agent's channel no longer."""
        if leg.agent_channel and self._by_channel.get(leg.agent_channel) is leg:
            del self._by_channel[leg.agent_channel]
