"""Twilio TaskRouter events to leg events and agent states.

Takes the parameters of an event callback (a form or JSON) and the CloudEvents of Event Streams, one
or a list. A task is a contact, each of its entries into a queue a leg. Events say the task's queue
but not which entry they are about; that is the memory kept: the entries of each open task.
"""

from __future__ import annotations

import re
from bisect import bisect_right, insort
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Final
from urllib.parse import parse_qsl

import msgspec

from pipeline.codec.adapter import Origin
from pipeline.codec.json_document import Part, UnusableError, feed_documents, folded
from pipeline.codec.leg_sheet import UNKNOWN, LegSheet, caller_ref, named, state_event
from pipeline.codec.recent import Recent
from pipeline.codec.timestamp import Clock
from pipeline.domain.events import (
    AgentState,
    AgentStateEvent,
    CallEvent,
    EventType,
    Rejected,
    TransferKind,
)

PREFIX: Final = "com.twilio.taskrouter."
MOST_TASKS: Final = 100_000
MOST_NAMES: Final = 50_000
MOST_ENTRIES: Final = 256
"""Entries of one task that are told apart; a workflow that loops faster than that is broken."""

_QUIET: Final = frozenset(
    {
        *("task.created", "task.updated", "task.deleted", "task.system-deleted"),
        *("task.transfer-initiated", "task.transfer-failed", "task.transfer-canceled"),
        *("task.transfer-attempt-failed", "workflow.entered", "workflow.target-matched"),
        *("worker.created", "worker.deleted", "worker.attributes.update"),
        *("worker.capacity.update", "worker.channel.availability.update"),
    }
)
"""Events that say nothing of a leg or an agent's state."""
_QUIET_KINDS: Final = ("activity.", "workflow.", "workspace.", "task-channel.", "task-queue.")
_REFUSED: Final = {"reservation.timeout": "timeout", "reservation.rejected": "rejected"}
_HANDLED: Final = {
    "reservation.wrapup": (EventType.ENDED, EventType.WRAPUP_STARTED),
    "task.wrapup": (EventType.ENDED, EventType.WRAPUP_STARTED),
    "reservation.completed": (EventType.ENDED, EventType.WRAPUP_ENDED),
    "task.completed": (EventType.ENDED, EventType.WRAPUP_ENDED),
}
RESERVATIONS: Final = "reservations"
_ENGAGED: Final = {
    "reservation.created": AgentState.RINGING,
    "reservation.accepted": AgentState.ON_CONTACT,
    "reservation.wrapup": AgentState.AFTER_CALL_WORK,
    **dict.fromkeys(
        (
            *("reservation.completed", "reservation.timeout", "reservation.rejected"),
            *("reservation.canceled", "reservation.rescinded", "reservation.failed"),
        ),
        AgentState.LOGGED_OUT,
    ),
}
"""What a reservation makes of its worker; the last event stands of one who has several."""
_LEFT: Final = {
    "task-queue.timeout": "timeout",
    "task-queue.moved": "moved",
    "workflow.timeout": "workflow_timeout",
    "workflow.skipped": "workflow_skipped",
}
_ACTIVITIES: Final = {
    "available": AgentState.AVAILABLE,
    "idle": AgentState.AVAILABLE,
    "reserved": AgentState.RINGING,
    "busy": AgentState.ON_CONTACT,
    "wrapup": AgentState.AFTER_CALL_WORK,
    "break": AgentState.BREAK,
    "offline": AgentState.LOGGED_OUT,
}
"""Activities that Twilio's own set-ups begin with; every workspace may name its own."""

_HUNG_UP: Final = re.compile(r"hang ?up|hung ?up|abandon|caller|customer|disconnect|completed")
_CALLED_BACK: Final = re.compile(r"call ?-?back")
_TAKEN_OUT: Final = re.compile(
    r"time ?out|timed out|ttl|workflow|redirect|voicemail|transfer|overflow|closed|target"
)


@dataclass(slots=True)
class _Task:
    """A task's entries into queues, in order of time: (instant, the queue's name)."""

    entries: list[tuple[int, str]] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class _Told:
    """One event: what it is, when, and its parameters by names in lower case, no underscores."""

    kind: str
    at_ms: int
    part: Part
    native: str


class TaskrouterAdapter:
    """Turns TaskRouter events into leg events and agent states."""

    def __init__(self, origin: Origin) -> None:
        """Begin with no task known."""
        self._origin = origin
        self.skipped: Counter[str] = Counter()
        self.anomalies: Counter[str] = Counter()
        self._clock = Clock(origin.zone, self.anomalies)
        self._tasks: Recent[_Task] = Recent(MOST_TASKS, self.anomalies, "task_forgotten")
        self._names: Recent[str] = Recent(MOST_NAMES, self.anomalies, "name_forgotten")

    def feed(self, record: bytes) -> Iterator[CallEvent | AgentStateEvent | Rejected]:
        """Take one event: form parameters, JSON, or CloudEvents; never raises."""
        raw = record.strip()
        if raw[:1] in {b"{", b"["} or b"=" not in raw:
            return iter(list(feed_documents(record, self.skipped, self._take)))
        try:
            pairs = parse_qsl(raw.decode(), keep_blank_values=True, errors="strict")
            return iter(list(self._take(dict(pairs))))
        except UnusableError as error:
            return iter([Rejected(reason=error.reason, message=str(error), raw=record)])
        except ValueError as error:
            message = f"expected form parameters in UTF-8: {error}"
            return iter([Rejected(reason="malformed_form", message=message, raw=record)])

    def finish(self) -> Iterable[CallEvent]:
        """Nothing is held back."""
        return ()

    def _take(self, fields: dict[str, object]) -> Iterable[CallEvent | AgentStateEvent]:
        kind, parameters = _unwrapped(fields, self._clock)
        part = Part(parameters, self._clock, keep_case=False)
        kind = (kind or part.required("eventtype")).lower()
        if kind in _QUIET or (kind.startswith(_QUIET_KINDS) and not self._is_of_leg(kind)):
            self.skipped[f"no_fact:{kind[:60]}"] += 1
            return ()
        if not (self._is_of_leg(kind) or kind == "worker.activity.update"):
            self.skipped[f"unknown_event:{kind[:60]}"] += 1
            return ()
        at = part.instant("timestampms")
        at = part.instant("timestamp") if at is None else at
        if at is None:
            raise UnusableError("missing_field", "Timestamp: expected a time, got nothing")
        native = part.text("sid") or f"{part.text('resourcesid')}/{kind}/{at}"
        told = _Told(kind, at, part, native)
        if kind == "worker.activity.update":
            return [self._activity(told)]
        legs = [] if kind in _TAKEN_BACK else self._leg(told)
        events: list[CallEvent | AgentStateEvent] = [*legs, *self._engaged(told)]
        if not events:
            self.skipped[f"no_fact:{kind}"] += 1
        return events

    @staticmethod
    def _is_of_leg(kind: str) -> bool:
        return kind in _ENGAGED or kind in _HANDLED or kind in _LEFT or kind in _OTHERS

    def _activity(self, told: _Told) -> AgentStateEvent:
        activity = told.part.required("workeractivityname")
        otherwise = _ACTIVITIES.get(activity.lower(), AgentState.OTHER)
        state = self._origin.names.state(activity, otherwise)
        plain = {AgentState.AVAILABLE, AgentState.LOGGED_OUT}
        return state_event(
            self._origin,
            self._agent(told.part),
            state=state,
            at_ms=told.at_ms,
            reason=None if state in plain else activity,
            native=told.native,
        )

    def _engaged(self, told: _Told) -> Iterator[AgentStateEvent]:
        if told.kind in _ENGAGED and (told.part.text("workersid") or told.part.text("workername")):
            yield state_event(
                self._origin,
                self._agent(told.part),
                state=_ENGAGED[told.kind],
                at_ms=told.at_ms,
                native=told.native,
                part=RESERVATIONS,
            )

    def _agent(self, part: Part) -> str:
        sid, name = part.text("workersid"), part.text("workername")
        return named(self._origin.names.agents, self._named(sid, name), sid) or UNKNOWN

    def _queue(self, part: Part) -> str:
        sid, name = part.text("taskqueuesid"), part.text("taskqueuename")
        return named(self._origin.names.queues, self._named(sid, name), sid)

    def _named(self, sid: str, name: str) -> str:
        """Return the name that goes with a SID, from this event or one before it."""
        if sid and name:
            self._names.put(sid, name)
        return name or (self._names.get(sid) or "" if sid else "")

    def _leg(self, told: _Told) -> Iterator[CallEvent]:
        task_id, queue = told.part.required("tasksid"), self._queue(told.part)
        task = self._tasks.get(task_id)
        if task is None:
            task = _Task()
            self._tasks.put(task_id, task)
        if told.kind == "task-queue.entered":
            yield from self._entered(told, task_id, task, queue)
            return
        entry = self._entry(told, task, queue)
        sheet = self._sheet(task_id, task, entry)
        agent, at = self._agent(told.part), told.at_ms
        if told.kind == "reservation.created":
            yield sheet.event(EventType.OFFERED, at, agent=agent)
        elif told.kind == "reservation.accepted":
            yield sheet.event(EventType.ANSWERED, at, agent=agent)
        elif told.kind in _REFUSED:
            reason = _REFUSED[told.kind]
            yield sheet.event(EventType.RING_NO_ANSWER, at, agent=agent, reason=reason)
        elif told.kind in _HANDLED:
            for kind in _HANDLED[told.kind]:
                yield sheet.event(kind, at)
        elif told.kind in _LEFT:
            yield sheet.event(EventType.FLOWED_OUT, at, reason=_LEFT[told.kind])
        elif told.kind == "task.canceled":
            yield self._canceled(told, sheet)
        else:
            yield self._transferred(told, sheet)

    def _entered(self, told: _Told, task_id: str, task: _Task, queue: str) -> Iterator[CallEvent]:
        if not queue:
            raise UnusableError("missing_field", "TaskQueueSid: expected a text, got nothing")
        entry = (told.at_ms, queue)
        if entry not in task.entries:
            if len(task.entries) >= MOST_ENTRIES:
                raise UnusableError(
                    "too_many_entries", f"expected at most {MOST_ENTRIES} entries of a task"
                )
            insort(task.entries, entry)
        place = task.entries.index(entry)
        yield self._sheet(task_id, task, entry).event(
            EventType.QUEUED, told.at_ms, customer=self._customer(told.part)
        )
        # Whatever queue the task was in, it has left; of one that answered, that changes nothing.
        for before, after in ((place - 1, place), (place, place + 1)):
            if before >= 0 and after < len(task.entries):
                sheet = self._sheet(task_id, task, task.entries[before])
                yield sheet.event(EventType.FLOWED_OUT, task.entries[after][0], reason="moved")

    def _entry(self, told: _Told, task: _Task, queue: str) -> tuple[int, str]:
        """Return which entry an event is about: the last into its queue so far, or the last."""
        entries = task.entries[: bisect_right(task.entries, (told.at_ms, "\U0010ffff"))]
        own = [entry for entry in entries if entry[1] == queue]
        if told.kind == "task-queue.moved" and own and own[-1][0] == told.at_ms:
            # It names the queue moved to; the one before has been left.
            entries, own = [entry for entry in entries if entry != own[-1]], []
        if own:
            return own[-1]
        if entries and (not queue or told.kind == "task-queue.moved"):
            return entries[-1]
        return (told.at_ms, queue or named(self._origin.names.queues, UNKNOWN))

    def _sheet(self, task_id: str, task: _Task, entry: tuple[int, str]) -> LegSheet:
        earlier = sum(at < entry[0] for at, queue in task.entries if queue == entry[1])
        number = earlier + 1 if entry in task.entries else max(1, earlier)
        return LegSheet(
            origin=self._origin,
            contact_id=task_id,
            leg=number,
            queue=entry[1],
            native=task_id,
        )

    def _canceled(self, told: _Told, sheet: LegSheet) -> CallEvent:
        word = (told.part.text("taskcanceledreason") or told.part.text("reason")).lower()
        if _CALLED_BACK.search(word):
            return sheet.event(EventType.CALLBACK_REQUESTED, told.at_ms)
        if _TAKEN_OUT.search(word):
            # What people write there is not passed on: it may hold a number.
            is_late = re.search(r"time ?out|timed out|ttl", word)
            reason = "timeout" if is_late else "canceled"
            return sheet.event(EventType.FLOWED_OUT, told.at_ms, reason=reason)
        if word and not _HUNG_UP.search(word):
            self.anomalies["unknown_cancel_reason"] += 1
        return sheet.event(EventType.ABANDONED, told.at_ms)

    def _transferred(self, told: _Told, sheet: LegSheet) -> CallEvent:
        part = told.part
        mode = (part.text("transfermode") or part.text("tasktransfermode")).upper()
        to = part.text("transferto") or part.text("tasktransferto")
        name = self._names.get(to) or "" if to else ""
        names = self._origin.names
        target = UNKNOWN
        if to.startswith("WK"):
            target = f"agent:{named(names.agents, name, to)}"
        elif to.startswith("WQ"):
            target = f"queue:{named(names.queues, name, to)}"
        kind = TransferKind.ATTENDED if mode == "WARM" else TransferKind.BLIND
        return sheet.event(EventType.TRANSFERRED, told.at_ms, transfer=(kind, target))

    def _customer(self, part: Part) -> str | None:
        found = part.get("taskattributes")
        if isinstance(found, str) and found.strip():
            try:
                found = msgspec.json.decode(found)
            except (ValueError, RecursionError):
                self.anomalies["bad_task_attributes"] += 1
        attributes = found if isinstance(found, dict) else {}
        is_outbound = str(attributes.get("direction", "")).startswith("outbound")
        for name in ("to", "called", "outbound_to") if is_outbound else ("from", "caller"):
            number = attributes.get(name)
            if isinstance(number, str) and (known := caller_ref(self._origin, number)):
                return known
        return None


_OTHERS: Final = frozenset({"task-queue.entered", "task.canceled", "task.transfer-completed"})
_TAKEN_BACK: Final = frozenset(
    {"reservation.canceled", "reservation.rescinded", "reservation.failed"}
)
"""Reservations that end by nobody's doing: the worker is free again, the leg waits on."""


def _unwrapped(fields: dict[str, object], clock: Clock) -> tuple[str, dict[str, object]]:
    """Return type and parameters of an event; of a CloudEvent its type and what it carries."""
    name = fields.get("type")
    if "specversion" not in fields or not isinstance(name, str):
        return "", folded(fields)
    data = Part(fields, clock).part("data")
    payload = data.get("payload")
    if isinstance(payload, str):
        try:
            payload = msgspec.json.decode(payload)
        except (ValueError, RecursionError):
            raise UnusableError("malformed_json", "data.payload: expected JSON") from None
    if payload is None:
        payload = data.fields
    if not isinstance(payload, dict):
        raise data.fault("payload", "wrong_type", "an object")
    if not name.startswith(PREFIX):
        return name, folded(payload)
    return name.removeprefix(PREFIX), folded(payload)
