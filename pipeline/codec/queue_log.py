"""Asterisk ``queue_log`` records to canonical events: lines of a file, or rows of the table.

What the log tells of a leg or an agent is put together by ``queue_log_stitcher``; here each change
is told as the events that it comes to, each once. An event's id is made of what happened, when, to
which call in which queue: the same record gives the same ids wherever it lies.
``docs/formats/queue-log.md`` has the verbs, the quirks and how each is treated.
"""

from __future__ import annotations

import heapq
from collections import Counter
from collections.abc import Iterator
from typing import Final, NamedTuple

from pipeline.codec.adapter import Origin
from pipeline.codec.queue_log_agents import Presence
from pipeline.codec.queue_log_fields import (
    AGENT,
    VERB,
    NoEventError,
    UnusableError,
    read_line,
)
from pipeline.codec.queue_log_leg import (
    Instants,
    LoggedLeg,
    Transfer,
    ended_by,
    instants,
    out_reason,
)
from pipeline.codec.queue_log_stitcher import Stitcher
from pipeline.codec.queue_log_table import Header, read_header, read_row
from pipeline.domain.events import (
    SCHEMA_VERSION,
    AgentState,
    AgentStateEvent,
    CallEvent,
    EventType,
    Rejected,
    customer_ref,
    event_id,
)

Event = CallEvent | AgentStateEvent | Rejected

_REASONS_KEPT: Final = 500
_LONGEST_EXTENSION: Final = 6
"""Digits beyond so many are a telephone number, which must not reach an event."""
_STATES: Final = {str(state): state for state in AgentState}


class _Happened(NamedTuple):
    """Something of a leg that is to be told."""

    kind: EventType
    at: int
    agent: str | None = None
    reason: str | None = None
    transfer: Transfer | None = None


class QueueLogAdapter:
    """Turns the lines of a ``queue_log`` file, in order, into events; see ``codec.adapter``."""

    def __init__(self, origin: Origin) -> None:
        """Read on behalf of ``origin``; its zone is not needed, as lines have epoch seconds."""
        self.skipped: Counter[str] = Counter()
        self.anomalies: Counter[str] = Counter()
        self._origin = origin
        self._stitcher = Stitcher(note=self._note, over=_forget, spent=_pass_over)
        self.newest_ms = 0
        self._states: dict[str, AgentState] = {}
        self._turns: dict[str, tuple[int, int]] = {}
        """When an agent's state was told last, and how often at that instant."""
        self._wrapups: list[tuple[int, str]] = []
        self._wrapped_until: dict[str, int] = {}

    def feed(self, record: bytes) -> list[Event]:
        """Take one line without its end."""
        try:
            text = record.decode()
        except UnicodeDecodeError as error:
            return [_rejected("not_utf8", f"expected text in UTF-8: {error}", record)]
        try:
            at, fields = self._read(text)
            return self._take(at, fields)
        except NoEventError as error:
            self._skip(error.reason)
        except UnusableError as error:
            return [_rejected(error.reason, str(error), record)]
        return []

    def due(self, now_ms: int) -> Iterator[AgentStateEvent]:
        """Tell the ends of wrap-up that have come."""
        return self._wrapped_up(now_ms)

    def finish(self) -> list[Event]:
        """Tell the ends of wrap-up that are still to come; open calls and logins stay open."""
        found: list[Event] = [*self._wrapped_up(1 << 62)]
        self._stitcher.kept.finish()
        return found

    def _read(self, text: str) -> tuple[int, list[str]]:
        return read_line(text)

    def _take(self, at: int, fields: list[str]) -> list[Event]:
        stitcher = self._stitcher
        if at < self.newest_ms:
            self._note("time_went_back")
            stitcher.kept.went_back(at)
        else:
            self.newest_ms = at
        if at >= stitcher.kept.due_at:
            stitcher.kept.turn(at)
        found: list[Event] = list(self._wrapped_up(at))
        spoken_of = stitcher.take(at, fields)
        if isinstance(spoken_of, LoggedLeg):
            found.extend(self._leg_events(spoken_of))
        if fields[VERB] == "WRAPUPSTART":
            found.extend(self._begin_wrapup(at, fields))
        found.extend(self._agent_events(at, fields[AGENT]))
        if fields[VERB] == "ENTERQUEUE":
            found.extend(self._left_legs(at, fields[1]))
        return found

    # --- legs ----------------------------------------------------------------------------------

    def _left_legs(self, at: int, call: str) -> Iterator[Event]:
        """Tell the ends of legs that a call left by entering a queue again."""
        for leg in self._stitcher.kept.legs_of(call):
            if leg.rare is not None and leg.rare.left_at is not None:
                yield from self._leg_events(leg)
                if leg.connected is not None:
                    yield from self._agent_events(at, leg.agent)

    def _leg_events(self, leg: LoggedLeg) -> Iterator[CallEvent]:
        """Yield what has not been told of a leg."""
        if leg.told is None:
            leg.told = set()
        for happened in _story(leg, instants(leg)):
            what = f"{happened.kind}/{happened.at}/{happened.agent or happened.reason or ''}"
            if what not in leg.told:
                leg.told.add(what)
                yield self._call_event(leg, happened, what)

    def _call_event(self, leg: LoggedLeg, happened: _Happened, what: str) -> CallEvent:
        origin, names = self._origin, self._origin.names
        kind, transfer = happened.kind, happened.transfer
        position = f"{leg.call}/{leg.queue}/{what}"
        caller = None
        if kind is EventType.QUEUED and leg.caller:
            caller = customer_ref(origin.customer_key, leg.caller)
        return CallEvent(
            v=SCHEMA_VERSION,
            event_id=event_id(origin.source, position),
            type=kind,
            occurred_at_ms=happened.at,
            client=origin.client,
            queue=names.queue(leg.queue),
            contact_id=leg.call,
            leg=leg.number,
            source=origin.source,
            source_position=position,
            site=origin.site,
            agent=None if happened.agent is None else names.agent(happened.agent),
            reason=happened.reason,
            transfer_kind=None if transfer is None else transfer.kind,
            transfer_target=None if transfer is None else self._target(transfer),
            customer_ref=caller,
        )

    def _target(self, transfer: Transfer) -> str:
        names, target = self._origin.names, transfer.target
        if transfer.is_queue or target in names.queues:
            return f"queue:{names.queue(target)}"
        if target in names.agents:
            return f"agent:{names.agent(target)}"
        if sum(character.isdigit() for character in target) > _LONGEST_EXTENSION:
            return f"external:{customer_ref(self._origin.customer_key, target) or 'unknown'}"
        return target or "unknown"

    # --- agents --------------------------------------------------------------------------------

    def _begin_wrapup(self, at: int, fields: list[str]) -> Iterator[Event]:
        agent = fields[AGENT]
        length = self._stitcher.length(fields[5])
        if length:
            self._wrapped_until[agent] = at + length
            heapq.heappush(self._wrapups, (at + length, agent))
        for leg in self._stitcher.kept.legs_of(fields[1]):
            yield from self._leg_events(leg)

    def _wrapped_up(self, at: int) -> Iterator[AgentStateEvent]:
        while self._wrapups and self._wrapups[0][0] <= at:
            until, agent = heapq.heappop(self._wrapups)
            if self._wrapped_until.get(agent) == until:
                del self._wrapped_until[agent]
                yield from self._agent_events(until, agent)

    def _agent_events(self, at: int, agent: str) -> Iterator[AgentStateEvent]:
        """Yield the state that an agent is in, if it is not the one told last."""
        presence = self._stitcher.agents.get(agent)
        if presence is None:
            return
        state, reason = self._state(agent, presence)
        if state is self._states.get(agent, AgentState.LOGGED_OUT):
            return
        self._states[agent] = state
        before, turn = self._turns.get(agent, (0, 0))
        turn = turn + 1 if before == at else 1
        self._turns[agent] = at, turn
        origin = self._origin
        position = f"{agent}/{at}/{turn}/{state}"
        yield AgentStateEvent(
            v=SCHEMA_VERSION,
            event_id=event_id(origin.source, position),
            state=state,
            occurred_at_ms=at,
            client=origin.client,
            agent=origin.names.agent(agent),
            source=origin.source,
            source_position=position,
            site=origin.site,
            reason=reason,
        )

    def _state(self, agent: str, presence: Presence) -> tuple[AgentState, str | None]:
        if presence.talking is not None:
            return AgentState.ON_CONTACT, None
        if agent in self._wrapped_until:
            return AgentState.AFTER_CALL_WORK, None
        if presence.paused_at is not None:
            reason = presence.pause_reason
            otherwise = _STATES.get(reason.lower(), AgentState.BREAK)
            return self._origin.names.state(reason, otherwise), reason or None
        if presence.logged_in_at is None and presence.last_off is not None:
            return AgentState.LOGGED_OUT, None
        return AgentState.AVAILABLE, None

    # --- counts --------------------------------------------------------------------------------

    def _note(self, code: str) -> None:
        self.anomalies[code] += 1

    def _skip(self, reason: str) -> None:
        if reason not in self.skipped and len(self.skipped) >= _REASONS_KEPT:
            reason = "(other)"
        self.skipped[reason] += 1


class QueueLogTableAdapter(QueueLogAdapter):
    """The same for the rows of a CSV export of the table; the first record is its header."""

    def __init__(self, origin: Origin) -> None:
        """Read on behalf of ``origin``, whose zone is that of times without an offset."""
        super().__init__(origin)
        self._header: Header | None = None

    def _read(self, text: str) -> tuple[int, list[str]]:
        line = text.removesuffix("\r")
        if not line or line.isspace():
            raise NoEventError("blank")
        if self._header is None:
            self._header = read_header(line.removeprefix("\ufeff"))
            if self._header is None:
                msg = "expected a header with time, callid, queuename, agent, event, data1 …"
                raise UnusableError("no_header", msg)
            raise NoEventError("header")
        found = read_row(line, self._header, self._origin.zone)
        if found.anomaly is not None:
            self._note(found.anomaly)
        return found.at_ms, found.fields


def _story(leg: LoggedLeg, times: Instants) -> Iterator[_Happened]:
    """Yield all that is known to have happened to a leg, in the order it is told."""
    rare = leg.rare
    if rare is not None and rare.refused is not None:
        yield _Happened(EventType.REFUSED, *rare.refused[:1], reason=rare.refused[1])
    queued = times.queued
    if queued is not None:
        yield _Happened(EventType.QUEUED, queued)
    for offer in [] if rare is None else rare.offers:
        rang = max(offer.at - offer.ring_ms, offer.at if queued is None else min(queued, offer.at))
        yield _Happened(EventType.OFFERED, rang, offer.agent)
        yield _Happened(EventType.RING_NO_ANSWER, offer.at, offer.agent, offer.reason)
    if times.answered is not None:
        rang = max(times.answered - leg.ring_ms, min(queued or 0, times.answered))
        yield _Happened(EventType.OFFERED, rang, leg.agent)
        yield _Happened(EventType.ANSWERED, times.answered, leg.agent)
    if times.out is not None:
        kind = leg.out_as if leg.out_at is not None else EventType.FLOWED_OUT
        reason = out_reason(leg) if kind is EventType.FLOWED_OUT else None
        yield _Happened(kind, times.out, None, reason)
    if rare is not None and rare.transfer is not None:
        yield _Happened(EventType.TRANSFERRED, rare.transfer.at, transfer=rare.transfer)
    if times.ended is not None:
        yield _Happened(EventType.ENDED, times.ended, None, ended_by(leg))
    for start, length in [] if rare is None else rare.wrapups:
        yield _Happened(EventType.WRAPUP_STARTED, start)
        yield _Happened(EventType.WRAPUP_ENDED, start + length)


def _rejected(reason: str, message: str, raw: bytes) -> Rejected:
    return Rejected(reason=reason, message=message, raw=raw)


def _forget(_call: object) -> None:
    """Let a call go: its events have been told."""


def _pass_over(_agent: str, _what: str, _start: int, _end: int) -> None:
    """Do without a span: agents' states tell it."""
