"""From login to logout in one source, and how it ended if nobody logged out.

A *source* is one system that says what an agent does; within it an agent is in one state at a
time. A *session* is an unbroken stretch of such states. Rules, for one agent and source:

* An event that was delivered again (same ``event_id``) counts once, where it first stood in the
  log. Of the events of one instant the last of the log stands; heart-beats only if alone.
* A *heart-beat* is an event with reason ``heartbeat``: it repeats the state, keeps the reason the
  state began with, and proves presence. A source that has sent one for the agent *beats*.
* A state lasts until the next event. It is *lost* if there is none, or if it comes later than the
  source's silence may last: ``lost_after_ms`` where the source beats, else ``longest_silence_ms``.
* A lost state ends at the silence it may last (``heartbeat_loss``); without heart-beats at the end
  of the shift it began in (``shift_end``), if one is known, else where it began (``last_event``).
  Time after the last sign of life is *presumed*.

SQL mirrors this file in ``dbt_like_sql/models/intermediate/int_agent_source_spells.sql``.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from pipeline.domain.agent_terms import AgentTermHistory, AgentTimeTerms
from pipeline.domain.events import AgentState, AgentStateEvent

HEARTBEAT: Final = "heartbeat"
"""``reason`` of an agent-state event that says nothing new but that the agent is still there."""


class ClosedBy(StrEnum):
    """How a session ended."""

    LOGOUT = "logout"
    HEARTBEAT_LOSS = "heartbeat_loss"
    SHIFT_END = "shift_end"
    LAST_EVENT = "last_event"


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceSpell:
    """One state of an agent as one source has it, ``[start_ms, end_ms)``, never empty."""

    start_ms: int
    end_ms: int
    state: AgentState
    reason: str | None
    is_presumed: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Session:
    """An unbroken stretch of states, ``[login_ms, end_ms)``; empty if one event is all there is.

    ``last_sign_ms`` is the last sign of life (the logout, if there was one).
    """

    source: str
    login_ms: int
    last_sign_ms: int
    end_ms: int
    closed_by: ClosedBy
    spells: tuple[SourceSpell, ...]


def sessions(
    events: Iterable[AgentStateEvent],
    history: AgentTermHistory,
    shifts: Sequence[tuple[int, int]] = (),
) -> list[Session]:
    """Return the sessions of one agent, all sources, in order of source and login.

    Args:
        events: the agent's events in the order of the log; any order of time, repeats allowed.
        history: the dated terms of the agent's client.
        shifts: (start, end) of the agent's shifts where a schedule is known, epoch milliseconds.
    """
    by_source: dict[str, list[AgentStateEvent]] = {}
    for event in events:
        by_source.setdefault(event.source, []).append(event)
    return [
        session
        for _, listed in sorted(by_source.items())
        for session in _of_one_source(listed, history, shifts)
    ]


def _of_one_source(
    events: list[AgentStateEvent], history: AgentTermHistory, shifts: Sequence[tuple[int, int]]
) -> list[Session]:
    changes = _changes(events)
    beats = any(event.reason == HEARTBEAT for event in events)
    found: list[Session] = []
    spells: list[SourceSpell] = []
    login, state, reason = 0, AgentState.LOGGED_OUT, None
    for event, after in zip(changes, [*changes[1:], None], strict=True):
        if event.state is AgentState.LOGGED_OUT:
            continue
        if state is AgentState.LOGGED_OUT:
            login = event.occurred_at_ms
        if event.reason != HEARTBEAT:
            reason = event.reason or None
        elif event.state is not state:
            reason = None
        state = event.state
        end, closed_by = _end(event, after, history.at(event.occurred_at_ms), beats, shifts)
        is_presumed = closed_by in {ClosedBy.HEARTBEAT_LOSS, ClosedBy.SHIFT_END}
        if end > event.occurred_at_ms:
            spells.append(
                SourceSpell(
                    start_ms=event.occurred_at_ms,
                    end_ms=end,
                    state=state,
                    reason=reason,
                    is_presumed=is_presumed,
                )
            )
        if closed_by is not None:
            found.append(
                Session(
                    source=event.source,
                    login_ms=login,
                    last_sign_ms=end if closed_by is ClosedBy.LOGOUT else event.occurred_at_ms,
                    end_ms=end,
                    closed_by=closed_by,
                    spells=tuple(spells),
                )
            )
            spells = []
            state, reason = AgentState.LOGGED_OUT, None
    return found


def _changes(events: list[AgentStateEvent]) -> list[AgentStateEvent]:
    """Return one event per instant, ascending."""
    seen: set[str] = set()
    at: dict[int, AgentStateEvent] = {}
    for event in events:
        if event.event_id in seen:
            continue
        seen.add(event.event_id)
        stands = at.get(event.occurred_at_ms)
        if stands is None or event.reason != HEARTBEAT or stands.reason == HEARTBEAT:
            at[event.occurred_at_ms] = event
    return [at[instant] for instant in sorted(at)]


def _end(
    event: AgentStateEvent,
    after: AgentStateEvent | None,
    terms: AgentTimeTerms,
    beats: bool,  # noqa: FBT001 - a fact about the source, not a choice of behaviour
    shifts: Sequence[tuple[int, int]],
) -> tuple[int, ClosedBy | None]:
    """Return when a state ends, and how the session ended if it ends with it."""
    start = event.occurred_at_ms
    silence = terms.lost_after_ms if beats else terms.longest_silence_ms
    if after is not None and (silence is None or after.occurred_at_ms - start <= silence):
        is_logout = after.state is AgentState.LOGGED_OUT
        return after.occurred_at_ms, ClosedBy.LOGOUT if is_logout else None
    if beats:
        return start + terms.lost_after_ms, ClosedBy.HEARTBEAT_LOSS
    for shift_start, shift_end in shifts:
        if shift_start <= start < shift_end:
            end = shift_end if after is None else min(shift_end, after.occurred_at_ms)
            return end, ClosedBy.SHIFT_END
    return start, ClosedBy.LAST_EVENT
