"""Asterisk Manager Interface (AMI) queue events to canonical events.

One record is one AMI message: a block of ``Key: value`` lines, or one JSON object of the same keys.
``docs/formats/ami.md`` says what becomes of which event, and what AMI does not tell. The rules are
in ``ami_calls.py`` (queues), ``ami_dialplan.py`` (why a caller left), ``ami_transfers.py`` and
``ami_agents.py``.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterable
from typing import Final

from pipeline.codec.adapter import Origin
from pipeline.codec.ami_agents import AmiAgents
from pipeline.codec.ami_calls import AmiCalls, Told
from pipeline.codec.ami_dialplan import AmiDialplan
from pipeline.codec.ami_members import Members
from pipeline.codec.ami_transfers import AmiTransfers
from pipeline.codec.headers import (
    MAX_BYTES,
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
from pipeline.domain.events import Rejected

_NAME: Final = re.compile(rb"(?im)^[ \t]*event[ \t]*:[ \t]*([\w-]{1,64})[ \t]*\r?$")
_JSON_NAME: Final = re.compile(rb'(?i)"event"\s*:\s*"([\w-]{1,64})"')
_NO_EVENT: Final = re.compile(rb'(?im)^[ \t]*(response|action|asterisk call manager)\b|"response"')
_TELLING: Final = {"varset": b"QUEUESTATUS", "newexten": b"Queue"}
"""What must stand in a message of these very frequent kinds for it to be worth reading."""
_CHANNELS: Final = frozenset(
    ("newchannel", "newstate", "dialbegin", "dialend", "bridgeenter", "hangup", "hanguprequest")
)
"""Events by which to see that the stream has those of channels."""

Rule = Callable[[Headers, int], Told]


class AmiAdapter:
    """Turns AMI messages of one Asterisk into events, in the order they come.

    ``taken`` counts the messages that gave events; ``skipped`` and what was rejected are the rest.
    """

    def __init__(self, origin: Origin, *, wrapup_s: int = 0) -> None:
        """Read on behalf of an origin.

        Args:
            origin: whose messages they are.
            wrapup_s: the queues' ``wrapuptime`` in queues.conf, seconds, which no message tells;
                a member's own, which one does, comes first. 0 for none.
        """
        self.skipped: Counter[str] = Counter()
        self.anomalies: Counter[str] = Counter()
        self.taken = 0
        events = Events(origin)
        self._members = Members(events, origin.names, wrapup_s)
        self._calls = AmiCalls(events, origin.names, self._members, self.anomalies)
        self._rules = _rules(self._calls, AmiAgents(self._members, origin.names))
        self.newest_ms = 0

    def feed(self, record: bytes) -> Iterable[AnyEvent | Rejected]:
        """Take one message. Never raises."""
        try:
            return self._feed(record)
        except BadMessageError as error:
            raw = without_numbers(record[:MAX_BYTES])
            return [Rejected(reason=error.reason, message=str(error), raw=raw)]

    def _feed(self, record: bytes) -> list[AnyEvent | Rejected]:
        if len(record) > MAX_BYTES:
            msg = f"expected a message of at most {MAX_BYTES} bytes, got {len(record)}"
            raise BadMessageError("too_large", msg)
        found = (_JSON_NAME if is_json(record) else _NAME).search(record)
        kind = "" if found is None else found[1].decode("ascii", "replace").lower()
        rule = self._rules.get(kind)
        telling = _TELLING.get(kind)
        if kind in _CHANNELS:
            self._calls.endings.sees_channels = True
        elif telling is not None:
            self._calls.endings.sees_dialplan = True
        if rule is None or (telling is not None and telling not in record):
            self._skip(record, found)
            return []
        headers = self._read(record)
        if headers.get("event", "").lower() != kind:
            msg = f"expected one event in a message, got {kind!r} beside another"
            raise BadMessageError("malformed_message", msg)
        at_ms = self._time(headers)
        told: list[AnyEvent | Rejected] = [*self.due(at_ms)]
        try:
            own = rule(headers, at_ms)
        except BadMessageError as error:
            raw = without_numbers(record)
            message = f"{headers['event']}: {error}"
            return [*told, Rejected(reason=error.reason, message=message, raw=raw)]
        if isinstance(own, str):
            count(self.skipped, own, headers["event"])
            return told
        self.taken += 1
        return [*told, *own]

    def _skip(self, record: bytes, found: re.Match[bytes] | None) -> None:
        if found is not None:
            count(self.skipped, "other_event", found[1].decode("ascii", "replace"))
        elif not record.strip():
            self.skipped["blank"] += 1
        elif _NO_EVENT.search(record):
            self.skipped["response"] += 1
        else:
            if is_json(record):
                read_json(text_of(record)[0])
            msg = "expected a message with an Event, a Response, or Asterisk's greeting"
            raise BadMessageError("no_event", msg)

    def _read(self, record: bytes) -> Headers:
        text, is_odd = text_of(record)
        headers = read_json(text) if is_json(record) else read_lines(text)
        if is_odd:
            self.anomalies["not_utf8"] += 1
        return headers

    def _time(self, headers: Headers) -> int:
        at_ms = epoch_ms(headers, "timestamp")
        if at_ms is None:
            at_ms = epoch_ms(headers, RECEIVED)
        if at_ms is None:
            msg = (
                f"{needed(headers, 'event')}: expected a time, Timestamp (timestampevents=yes in"
                " manager.conf) or Vane-Received, got neither"
            )
            raise BadMessageError("no_time", msg)
        if at_ms < self.newest_ms:
            self.anomalies["time_went_back"] += 1
        self.newest_ms = at_ms
        return at_ms

    def due(self, now_ms: int) -> list[AnyEvent]:
        """Say what is decided by the source's time having come so far."""
        return [*self._members.due(now_ms), *self._calls.endings.due(now_ms)]

    def finish(self) -> Iterable[AnyEvent | Rejected]:
        """Say what the end of the input decides; the instance is not fed afterwards."""
        return [*self._calls.endings.finish(self.newest_ms), *self._members.finish()]


def _rules(calls: AmiCalls, agents: AmiAgents) -> dict[str, Rule]:
    """Return the rule of each event, by its name in lower case; names before Asterisk 12 too."""
    dialplan, transfers = AmiDialplan(calls), AmiTransfers(calls)
    rules: dict[str, Rule] = {
        "queuecallerjoin": calls.joined,
        "join": calls.joined,
        "queuecallerleave": calls.left,
        "leave": calls.left,
        "queuecallerabandon": calls.abandoned,
        "queueentry": calls.waiting,
        "agentcalled": calls.called,
        "agentringnoanswer": calls.rang_out,
        "agentconnect": calls.connected,
        "agentcomplete": calls.completed,
        "agentdump": calls.dumped,
        "blindtransfer": transfers.blind,
        "attendedtransfer": transfers.attended,
        "hold": transfers.held,
        "unhold": transfers.unheld,
        "hangup": dialplan.hung_up,
        "hanguprequest": dialplan.asked_to_hang_up,
        "varset": dialplan.variable_set,
        "newexten": dialplan.stepped,
        "queuememberremoved": agents.removed,
        "agentlogin": agents.logged_in,
        "agentlogoff": agents.logged_off,
    }
    for name in ("added", "pause", "paused", "status", "penalty", "ringinuse", ""):
        rules[f"queuemember{name}"] = agents.told
    return rules
