"""What each agent of an Asterisk PBX does, put together from their memberships in queues.

Asterisk has no states of agents: a member of a queue is added, removed, paused, has a device that
rings or is in use, and takes calls, in each queue apart.
``_state_of`` says how that makes one state.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Final

from pipeline.codec.ami_leg import AmiLeg, LegKey
from pipeline.codec.leg_events import AnyEvent, Events
from pipeline.codec.names import Names
from pipeline.codec.wrapups import Wrapup, Wrapups
from pipeline.domain.events import AgentState, EventType

MOST_AGENTS: Final = 100_000
UNAVAILABLE: Final = frozenset({4, 5})
"""Device states AST_DEVICE_INVALID and AST_DEVICE_UNAVAILABLE: no phone to ring."""
IN_USE: Final = frozenset({2, 3, 8})
"""AST_DEVICE_INUSE, AST_DEVICE_BUSY, AST_DEVICE_ONHOLD."""
RINGING: Final = frozenset({6, 7})
"""AST_DEVICE_RINGING, AST_DEVICE_RINGINUSE."""
IDLE: Final = 1


@dataclass(slots=True)
class Membership:
    """An agent in one queue; ``wrapup_s`` is the member's own wrap-up time, seconds."""

    is_paused: bool = False
    reason: str = ""
    wrapup_s: int = 0


@dataclass(slots=True)
class Member:
    """An agent: memberships by queue, the device's state, the legs that ring or are talked.

    ``queues`` is None until a membership is told, so that an agent known only from a call is not
    taken for one who has left every queue. ``is_logged_in`` is what ``AgentLogin`` tells.
    """

    queues: dict[str, Membership] | None = None
    device: int = IDLE
    is_logged_in: bool | None = None
    rings: set[LegKey] = field(default_factory=set)
    talks: set[LegKey] = field(default_factory=set)
    said: tuple[AgentState, str | None] | None = None


class Members:
    """All agents of one PBX, and their wrap-ups."""

    def __init__(self, events: Events, names: Names, wrapup_s: int) -> None:
        """Begin with no agent; ``wrapup_s`` is for those who have no wrap-up time of their own."""
        self._events = events
        self._names = names
        self._wrapup_s = wrapup_s
        self._members: dict[str, Member] = {}
        self._wrapups: Wrapups[AmiLeg] = Wrapups()

    def get(self, agent: str) -> Member:
        """Return an agent, made known if it was not."""
        member = self._members.get(agent)
        if member is None:
            if len(self._members) >= MOST_AGENTS:
                del self._members[next(iter(self._members))]
            member = self._members[agent] = Member()
        return member

    def say(self, agent: str, at_ms: int) -> list[AnyEvent]:
        """Return the event of the agent's state if it changed, and of a wrap-up that it cut."""
        member = self.get(agent)
        told: list[AnyEvent] = []
        state, reason = self._state_of(member, is_wrapping=agent in self._wrapups)
        if state is not AgentState.AFTER_CALL_WORK:
            told += self._wrapup_ended(self._wrapups.cut(agent, at_ms))
        if member.said != (state, reason):
            member.said = (state, reason)
            told.append(self._events.agent(agent, state, at_ms, reason))
        return told

    def _state_of(self, member: Member, *, is_wrapping: bool) -> tuple[AgentState, str | None]:  # noqa: PLR0911 - an order of precedence
        if member.talks:
            return AgentState.ON_CONTACT, None
        if member.is_logged_in is False or (member.queues is not None and not member.queues):
            return AgentState.LOGGED_OUT, None
        if member.device in UNAVAILABLE:
            return AgentState.LOGGED_OUT, "unavailable"
        if member.queues and all(queue.is_paused for queue in member.queues.values()):
            reason = next((q.reason for q in member.queues.values() if q.reason), "")
            return self._names.state(reason, AgentState.BREAK), reason or None
        if is_wrapping:
            return AgentState.AFTER_CALL_WORK, None
        if member.rings or member.device in RINGING:
            return AgentState.RINGING, None
        if member.device in IN_USE:
            return self._names.state("in_use", AgentState.OTHER), "in_use"
        return AgentState.AVAILABLE, None

    def ring(self, agent: str, leg: AmiLeg, at_ms: int) -> list[AnyEvent]:
        """Note that a leg rings at an agent."""
        self.get(agent).rings.add(leg.key)
        return self.say(agent, at_ms)

    def rang_out(self, agents: Iterable[str], leg: AmiLeg, at_ms: int) -> list[AnyEvent]:
        """Note that a leg rings at the agents no longer, whatever their phones still say."""
        told: list[AnyEvent] = []
        for agent in agents:
            member = self.get(agent)
            member.rings.discard(leg.key)
            if member.device in RINGING:
                member.device = IDLE
            told += self.say(agent, at_ms)
        return told

    def talk(self, agent: str, leg: AmiLeg, at_ms: int) -> list[AnyEvent]:
        """Note that an agent took a leg."""
        member = self.get(agent)
        member.rings.discard(leg.key)
        member.talks.add(leg.key)
        return self.say(agent, at_ms)

    def talked(self, agent: str, leg: AmiLeg, at_ms: int) -> list[AnyEvent]:
        """Note that an agent's part in a leg is over; wrap-up begins where its length is known."""
        member = self.get(agent)
        member.talks.discard(leg.key)
        member.device = IDLE
        told: list[AnyEvent] = []
        membership = (member.queues or {}).get(leg.queue)
        wrapup_s = self._wrapup_s if membership is None else membership.wrapup_s or self._wrapup_s
        if wrapup_s > 0 and not member.talks:
            told += self._wrapup_ended(self._wrapups.cut(agent, at_ms))
            told.append(self._events.leg(leg, EventType.WRAPUP_STARTED, at_ms))
            end_ms = at_ms + wrapup_s * 1000
            self._wrapups.start(Wrapup(agent, leg, at_ms, end_ms))
        return told + self.say(agent, at_ms)

    def forget(self, leg: AmiLeg) -> None:
        """Note that a leg is followed no longer: it occupies nobody from here on."""
        for agent in (*leg.rings, *([] if leg.agent is None else [leg.agent])):
            member = self.get(agent)
            member.rings.discard(leg.key)
            member.talks.discard(leg.key)

    def due(self, now_ms: int) -> Iterator[AnyEvent]:
        """Yield what follows from wrap-ups that have run out."""
        for wrapup in self._wrapups.due(now_ms):
            yield from self._wrapup_ended(wrapup)
            yield from self.say(wrapup.agent, wrapup.end_ms)

    def finish(self) -> Iterator[AnyEvent]:
        """Yield the ends of the wrap-ups that run: as long as configured, nothing cut them."""
        for wrapup in self._wrapups.rest():
            yield from self._wrapup_ended(wrapup)
            yield from self.say(wrapup.agent, wrapup.end_ms)

    def _wrapup_ended(self, wrapup: Wrapup[AmiLeg] | None) -> list[AnyEvent]:
        if wrapup is None:
            return []
        return [self._events.leg(wrapup.leg, EventType.WRAPUP_ENDED, wrapup.end_ms)]
