"""What each agent of a FreeSWITCH call centre does, from status, state and calls.

The *status* is what the agent chose (Available, On Break, Logged Out), the *state* what the module
does with the agent (Waiting, Receiving, In a queue call, Idle, Reserved). ``_state_of`` puts the
two together.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from pipeline.codec.freeswitch_leg import FreeswitchLeg
from pipeline.codec.leg_events import AnyEvent, Events
from pipeline.codec.names import Names
from pipeline.codec.wrapups import Wrapup, Wrapups
from pipeline.domain.events import AgentState, EventType

MOST_AGENTS: Final = 100_000
LOGGED_OUT: Final = "logged out"
AVAILABLE: Final = frozenset({"available", "available (on demand)"})
IN_CALL: Final = "in a queue call"
RINGING: Final = frozenset({"receiving", "reserved"})
IDLE: Final = "idle"

Stand = tuple[AgentState, str | None]
"""A state and the reason of it."""


@dataclass(slots=True)
class Agent:
    """An agent's status and state as the module writes them, "" where not told yet."""

    status: str = ""
    state: str = ""
    said: Stand | None = None


class FreeswitchAgents:
    """All agents of one call centre, and their wrap-ups of ``wrapup_ms`` each (0: none)."""

    def __init__(self, events: Events, names: Names, wrapup_ms: int) -> None:
        """Begin with no agent."""
        self._events = events
        self._names = names
        self._wrapup_ms = wrapup_ms
        self._agents: dict[str, Agent] = {}
        self._wrapups: Wrapups[FreeswitchLeg] = Wrapups()

    def _get(self, agent: str) -> Agent:
        found = self._agents.get(agent)
        if found is None:
            if len(self._agents) >= MOST_AGENTS:
                del self._agents[next(iter(self._agents))]
            found = self._agents[agent] = Agent()
        return found

    def added(self, agent: str, at_ms: int) -> list[AnyEvent]:
        """Note an agent newly configured: logged out, unless more is known."""
        known = self._get(agent)
        known.status = known.status or "Logged Out"
        return self._say(agent, at_ms)

    def is_status(self, agent: str, status: str, at_ms: int) -> list[AnyEvent]:
        """Note an agent's status."""
        self._get(agent).status = status
        return self._say(agent, at_ms)

    def is_state(self, agent: str, state: str, at_ms: int) -> list[AnyEvent]:
        """Note an agent's state."""
        self._get(agent).state = state
        return self._say(agent, at_ms)

    def talked(self, agent: str, leg: FreeswitchLeg, at_ms: int) -> list[AnyEvent]:
        """Note that a call is over: the state that says so follows; wrap-up begins."""
        known = self._get(agent)
        if known.state.lower() == IN_CALL:
            known.state = "Waiting"
        told: list[AnyEvent] = []
        if self._wrapup_ms > 0:
            told += self._wrapup_ended(self._wrapups.cut(agent, at_ms))
            told.append(self._events.leg(leg, EventType.WRAPUP_STARTED, at_ms))
            self._wrapups.start(Wrapup(agent, leg, at_ms, at_ms + self._wrapup_ms))
        return told + self._say(agent, at_ms)

    def took_call(self, agent: str, at_ms: int) -> list[AnyEvent]:
        """Note that an agent talks, whether or not the state has said so."""
        return self.is_state(agent, "In a queue call", at_ms)

    def _say(self, agent: str, at_ms: int) -> list[AnyEvent]:
        """Return the event of the agent's state if it changed, and of a wrap-up that it cut."""
        known = self._get(agent)
        told: list[AnyEvent] = []
        found = self._state_of(known, is_wrapping=agent in self._wrapups)
        if found is not None and found[0] is not AgentState.AFTER_CALL_WORK:
            told += self._wrapup_ended(self._wrapups.cut(agent, at_ms))
        if found is not None and known.said != found:
            known.said = found
            told.append(self._events.agent(agent, found[0], at_ms, found[1]))
        return told

    def _state_of(self, known: Agent, *, is_wrapping: bool) -> Stand | None:  # noqa: PLR0911 - an order of precedence
        status, state = known.status.lower(), known.state.lower()
        if state == IN_CALL:
            return AgentState.ON_CONTACT, None
        if status == LOGGED_OUT:
            return AgentState.LOGGED_OUT, None
        if status and status not in AVAILABLE:
            otherwise = AgentState.BREAK if status == "on break" else AgentState.OTHER
            return self._names.state(status, otherwise), known.status
        if is_wrapping:
            return AgentState.AFTER_CALL_WORK, None
        if state in RINGING:
            return AgentState.RINGING, None
        if state == IDLE:
            return self._names.state(IDLE, AgentState.OTHER), known.state
        return (AgentState.AVAILABLE, None) if status or known.said else None

    def due(self, now_ms: int) -> Iterator[AnyEvent]:
        """Yield what follows from wrap-ups that have run out."""
        for wrapup in self._wrapups.due(now_ms):
            yield from self._wrapup_ended(wrapup)
            yield from self._say(wrapup.agent, wrapup.end_ms)

    def finish(self) -> Iterator[AnyEvent]:
        """Yield the ends of the wrap-ups that run: as long as configured, nothing cut them."""
        for wrapup in self._wrapups.rest():
            yield from self._wrapup_ended(wrapup)
            yield from self._say(wrapup.agent, wrapup.end_ms)

    def _wrapup_ended(self, wrapup: Wrapup[FreeswitchLeg] | None) -> list[AnyEvent]:
        if wrapup is None:
            return []
        return [self._events.leg(wrapup.leg, EventType.WRAPUP_ENDED, wrapup.end_ms)]
