"""FreeSWITCH call-centre events (mod_callcenter) to canonical events.

One record is one event: a block of ``Key: value`` lines with URL-encoded values (event socket,
``event plain``), with or without the socket's envelope, or one JSON object (``event json``).
``docs/formats/freeswitch.md`` says what becomes of which action, and what the module does not tell.
The rules are in ``freeswitch_calls.py`` and ``freeswitch_agents.py``.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterable
from typing import Final
from urllib.parse import unquote

from pipeline.codec.adapter import Origin
from pipeline.codec.freeswitch_agents import IN_CALL, FreeswitchAgents
from pipeline.codec.freeswitch_calls import OWN_TIME, FreeswitchCalls, Told
from pipeline.codec.headers import (
    MAX_BYTES,
    MAX_INSTANT_MS,
    RECEIVED,
    BadMessageError,
    Headers,
    epoch_ms,
    is_json,
    needed,
    read_json,
    read_lines,
    text_of,
    without_numbers,
)
from pipeline.codec.leg_events import AnyEvent, Events, count
from pipeline.codec.names import Names
from pipeline.domain.events import Rejected

SUBCLASS: Final = "callcenter::info"
SAY_NOTHING: Final = frozenset(
    (b"agent-uuid-get", b"agent-contact-change", b"agent-max-no-answer", b"members-count")
)
"""Actions that tell nothing of a leg or of what an agent does, or nothing that others do not."""
_ACTION: Final = re.compile(rb"CC-Action\"?:[ \t]*\"?([\w-]{0,64})")
_NAME: Final = re.compile(rb"(?i)\bevent-name\"?[ \t]*:[ \t]*\"?([\w-]{1,64})")
_ENVELOPE: Final = re.compile(r"(?i)(?:[\w-]+:[^\n]*\n)*?content-type:[ \t]*text/event-\w+\s*?\n")
_NO_EVENT: Final = re.compile(rb"(?i)\b(content-type|reply-text)\b")
_DECODED: Final = frozenset(("event-name", "event-subclass", "unique-id"))
_DIGITS: Final = re.compile(r"[0-9]{1,18}")

Rule = Callable[[Headers, int], Told]


class FreeswitchAdapter:
    """Turns call-centre events of one FreeSWITCH into canonical ones, in the order they come.

    ``taken`` counts the records that gave events; ``skipped`` and what was rejected are the rest.
    """

    def __init__(self, origin: Origin, *, wrapup_s: int = 0) -> None:
        """Read on behalf of an origin.

        Args:
            origin: whose events they are.
            wrapup_s: the agents' ``wrap-up-time`` in callcenter.conf, seconds, which no event
                tells; 0 for none.
        """
        self.skipped: Counter[str] = Counter()
        self.anomalies: Counter[str] = Counter()
        self.taken = 0
        events = Events(origin)
        self._agents = FreeswitchAgents(events, origin.names, wrapup_s * 1000)
        self._calls = FreeswitchCalls(events, origin.names, self._agents, self.anomalies)
        self._rules = _rules(self._calls, self._agents, origin.names)
        self.newest_ms = 0

    def feed(self, record: bytes) -> Iterable[AnyEvent | Rejected]:
        """Take one event. Never raises."""
        try:
            return self._feed(record)
        except BadMessageError as error:
            raw = without_numbers(record[:MAX_BYTES])
            return [Rejected(reason=error.reason, message=str(error), raw=raw)]

    def _feed(self, record: bytes) -> list[AnyEvent | Rejected]:
        if len(record) > MAX_BYTES:
            msg = f"expected an event of at most {MAX_BYTES} bytes, got {len(record)}"
            raise BadMessageError("too_large", msg)
        action = _ACTION.search(record)
        if action is None and b"HOLD" not in record:
            self._skip(record)
            return []
        if action is not None and action[1] in SAY_NOTHING:
            count(self.skipped, "context", action[1].decode())
            return []
        headers = self._read(record)
        kind = _kind(headers)
        rule = self._rules.get(kind)
        if rule is None:
            self._count_other(headers, kind)
            return []
        at_ms = self._time(headers, kind)
        told: list[AnyEvent | Rejected] = [*self.due(at_ms)]
        try:
            own = rule(headers, at_ms)
        except BadMessageError as error:
            raw = without_numbers(record)
            return [*told, Rejected(reason=error.reason, message=f"{kind}: {error}", raw=raw)]
        if isinstance(own, str):
            count(self.skipped, own, kind)
            return told
        self.taken += 1
        return [*told, *own]

    def _count_other(self, headers: Headers, kind: str) -> None:
        if headers.get("event-subclass", SUBCLASS).lower() == SUBCLASS and "cc-action" in headers:
            count(self.skipped, "unknown_verb", kind or "none")
        else:
            count(self.skipped, "other_event", kind or headers.get("event-name", "none"))

    def _skip(self, record: bytes) -> None:
        found = _NAME.search(record)
        if found is not None:
            count(self.skipped, "other_event", found[1].decode("ascii", "replace"))
        elif not record.strip():
            self.skipped["blank"] += 1
        elif _NO_EVENT.search(record):
            self.skipped["response"] += 1
        else:
            if is_json(record):
                read_json(text_of(record)[0])
            raise BadMessageError("no_event", "expected an event with an Event-Name, got none")

    def _read(self, record: bytes) -> Headers:
        text, is_odd = text_of(record)
        if is_odd:
            self.anomalies["not_utf8"] += 1
        if is_json(record):
            return read_json(text)
        if text[:8].lower() == "content-":
            text = text.replace("\r\n", "\n")
            if _ENVELOPE.match(text) is not None:
                _, _, text = text.partition("\n\n")
                if text[:1] == "{":
                    return read_json(text)
        return _decoded(read_lines(text))

    def _time(self, headers: Headers, kind: str) -> int:
        """Return when an event happened, by the first of three clocks that it has.

        Event-Date-Timestamp to the millisecond; the action's own CC-…-Time to the second (an
        export without the event's head); when it was received.
        """
        at_ms = _microseconds(headers)
        if at_ms is None:
            at_ms = epoch_ms(headers, OWN_TIME.get(kind, ""))
        if at_ms is None:
            at_ms = epoch_ms(headers, RECEIVED)
        if at_ms is None:
            msg = f"{kind}: expected a time, Event-Date-Timestamp or Vane-Received, got neither"
            raise BadMessageError("no_time", msg)
        if at_ms < self.newest_ms:
            self.anomalies["time_went_back"] += 1
        self.newest_ms = at_ms
        return at_ms

    def due(self, now_ms: int) -> list[AnyEvent]:
        """Say what is decided by the source's time having come so far."""
        return [*self._agents.due(now_ms), *self._calls.due(now_ms)]

    def finish(self) -> Iterable[AnyEvent | Rejected]:
        """Say what the end of the input decides; the instance is not fed afterwards."""
        return [*self._calls.finish(), *self._agents.finish()]


def _decoded(headers: Headers) -> Headers:
    """Decode the URL-encoded values that are used; an event has scores of others."""
    for key, value in headers.items():
        if "%" in value and (key[:3] == "cc-" or key in _DECODED):
            # Nearly all escapes are of these; what has another is decoded in full.
            plain = value.replace("%20", " ").replace("%40", "@").replace("%3A", ":")
            headers[key] = unquote(value) if "%" in plain else plain
    return headers


def _kind(headers: Headers) -> str:
    name = headers.get("event-name", "").lower()
    if name in {"channel_hold", "channel_unhold"}:
        return name
    if headers.get("event-subclass", SUBCLASS).lower() != SUBCLASS:
        return headers["event-subclass"]
    return headers.get("cc-action", "").lower()


def _microseconds(headers: Headers) -> int | None:
    value = headers.get("event-date-timestamp")
    if not value:
        return None
    if _DIGITS.fullmatch(value) and 0 < int(value) // 1000 <= MAX_INSTANT_MS:
        return int(value) // 1000
    msg = (
        "event-date-timestamp: expected microseconds since 1970 such as 1735689600123456,"
        f" got {value[:40]!r}"
    )
    raise BadMessageError("bad_time", msg)


def _rules(calls: FreeswitchCalls, agents: FreeswitchAgents, names: Names) -> dict[str, Rule]:
    """Return the rule of each action, and of the two channel events that tell of holds."""

    def agent(headers: Headers) -> str:
        return names.agent(needed(headers, "cc-agent"))

    def status(headers: Headers, at_ms: int) -> Told:
        word = needed(headers, "cc-agent-status")
        return agents.is_status(agent(headers), word, at_ms) or "no_change"

    def state(headers: Headers, at_ms: int) -> Told:
        word = needed(headers, "cc-agent-state")
        told = calls.talks(agent(headers)) if word.lower() == IN_CALL else []
        return told + agents.is_state(agent(headers), word, at_ms) or "no_change"

    def added(headers: Headers, at_ms: int) -> Told:
        return agents.added(agent(headers), at_ms) or "no_change"

    return {
        "member-queue-start": calls.joined,
        "member-queue-resume": calls.joined,
        "agent-offering": calls.offered,
        "bridge-agent-start": calls.picked_up,
        "bridge-agent-end": calls.bridge_ended,
        "bridge-agent-fail": calls.not_answered,
        "member-queue-end": calls.queue_ended,
        "channel_hold": calls.held,
        "channel_unhold": calls.unheld,
        "agent-status-change": status,
        "agent-status-get": status,
        "agent-state-change": state,
        "agent-state-get": state,
        "agent-add": added,
    }
