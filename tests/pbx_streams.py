"""Streams of Asterisk and FreeSWITCH as tests write them, and what the domain makes of them."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple
from urllib.parse import quote

from pipeline.codec.adapter import Adapter, Origin
from pipeline.codec.names import Names
from pipeline.domain.events import AgentState, AgentStateEvent, CallEvent, Rejected
from pipeline.domain.leg import LegFacts, apply
from pipeline.domain.outcome import Handling, OutcomeKind, classify, handling
from tests.factories import a_target

START = 1_735_689_600
"""2025-01-01 00:00 UTC, epoch seconds; instants of streams are seconds after it."""
KEY = b"a key of tests"
NUMBER = "+4930901820"
HEAD = "Asterisk Call Manager/5.0.2"


def an_origin(**names: Any) -> Origin:
    return Origin(client="acme", source="pbx", customer_key=KEY, names=Names(**names))


def ami(event: str, at: float | None, **fields: Any) -> bytes:
    """Return an AMI message as it stands on the wire, ``at`` seconds after START."""
    lines = [f"Event: {event}", "Privilege: agent,all"]
    if at is not None:
        lines.append(f"Timestamp: {START + at:.6f}")
    lines += [f"{name.replace('_', '-')}: {value}" for name, value in fields.items()]
    return "\r\n".join(lines).encode()


def caller(number: int = 1, queue: str = "sales", **fields: Any) -> dict[str, Any]:
    """Return the fields of a caller's channel, whose call began at START."""
    unique = f"{START}.{number}"
    return {
        "Channel": f"PJSIP/trunk-{number:08x}",
        "CallerIDNum": NUMBER,
        "CallerIDName": "Evelyn",
        "Uniqueid": unique,
        "Linkedid": unique,
        "Queue": queue,
        "Position": 1,
        "Count": 1,
        **fields,
    }


def member(name: str = "ann", **fields: Any) -> dict[str, Any]:
    """Return the fields of an agent's channel in a queue's event."""
    channel = f"{START}.9{sum(name.encode())}"
    return {
        "MemberName": name,
        "Interface": f"PJSIP/{name}",
        "DestUniqueid": channel,
        **fields,
    }


def status(name: str = "ann", queue: str = "sales", **fields: Any) -> dict[str, Any]:
    """Return the fields of a QueueMember event: not paused, phone not in use."""
    return {
        "Queue": queue,
        "MemberName": name,
        "Interface": f"PJSIP/{name}",
        "Status": 1,
        "Paused": 0,
        "PausedReason": "",
        "Wrapuptime": 0,
        "InCall": 0,
        **fields,
    }


def a_call(**fields: Any) -> list[bytes]:
    """Return a call that joins at 5.25 s, rings at 6.5, is answered at 12.5 and ends at 60.5."""
    who = caller(**fields)
    return [
        ami("QueueCallerJoin", 5.25, **who),
        ami("AgentCalled", 6.5, **who, **member()),
        ami("QueueCallerLeave", 10.5, **who),
        ami("AgentConnect", 12.5, **who, **member(), HoldTime=7, RingTime=4),
        ami("AgentComplete", 60.5, **who, **member(), HoldTime=7, TalkTime=48, Reason="agent"),
    ]


def freeswitch(action: str, at: float | None, **fields: Any) -> bytes:
    """Return a ``callcenter::info`` event as ``event plain`` has it; ``_`` stands for ``-``."""
    lines = ["Event-Subclass: callcenter%3A%3Ainfo", "Event-Name: CUSTOM"]
    if at is not None:
        lines.append(f"Event-Date-Timestamp: {int((START + at) * 1_000_000)}")
    values = {"CC-Action": action} | {n.replace("_", "-"): v for n, v in fields.items()}
    lines += [f"{name}: {quote(str(value))}" for name, value in values.items()]
    return "\n".join(lines).encode()


def a_member(number: int = 1, queue: str = "support@default", **fields: Any) -> dict[str, Any]:
    """Return the fields of a member of a call-centre queue."""
    return {
        "CC_Queue": queue,
        "CC_Member_UUID": f"member-{number}",
        "CC_Member_Session_UUID": f"session-{number}",
        "CC_Member_CID_Name": "Evelyn",
        "CC_Member_CID_Number": NUMBER,
        **fields,
    }


def times(**seconds: int) -> dict[str, int]:
    """Return CC-…-Time fields, seconds after START: ``joined``, ``called``, ``answered`` …"""
    names = {
        "joined": "CC_Member_Joined_Time",
        "leaving": "CC_Member_Leaving_Time",
        "called": "CC_Agent_Called_Time",
        "answered": "CC_Agent_Answered_Time",
        "aborted": "CC_Agent_Aborted_Time",
        "terminated": "CC_Bridge_Terminated_Time",
    }
    return {names[name]: START + at for name, at in seconds.items()}


def as_json(record: bytes) -> bytes:
    """Return an AMI message as a JSON object."""
    pairs = [line.split(": ", 1) for line in record.decode().split("\r\n")]
    return json.dumps(dict(pairs)).encode()


class Read(NamedTuple):
    """What an adapter made of a stream."""

    calls: list[CallEvent]
    states: list[AgentStateEvent]
    rejected: list[Rejected]

    def kinds(self) -> list[str]:
        return [str(event.type) for event in self.calls]

    def at(self, kind: str) -> list[float]:
        """Return when events of a kind happened, seconds after START."""
        return [since_start(e.occurred_at_ms) for e in self.calls if e.type == kind]

    def of(self, kind: str) -> CallEvent:
        (found,) = [event for event in self.calls if event.type == kind]
        return found

    def stands(self, agent: str = "ann") -> list[tuple[float, AgentState]]:
        """Return an agent's states in order of time."""
        return [
            (since_start(event.occurred_at_ms), event.state)
            for event in sorted(self.states, key=lambda event: event.occurred_at_ms)
            if event.agent == agent
        ]

    def ids(self) -> list[str]:
        return [e.event_id for e in self.calls] + [e.event_id for e in self.states]


def since_start(at_ms: int) -> float:
    return (at_ms - START * 1000) / 1000


def read(adapter: Adapter, records: Iterable[bytes], *, finish: bool = True) -> Read:
    """Feed a stream."""
    found = Read([], [], [])
    events = [event for record in records for event in adapter.feed(record)]
    for event in [*events, *(adapter.finish() if finish else ())]:
        if isinstance(event, CallEvent):
            found.calls.append(event)
        elif isinstance(event, AgentStateEvent):
            found.states.append(event)
        else:
            found.rejected.append(event)
    return found


class Fate(NamedTuple):
    """What the domain says of a leg: outcome, wait and, if completed, the agent's time (ms)."""

    queue: str
    outcome: OutcomeKind
    wait_ms: int
    handling: Handling | None


def fates(events: Sequence[CallEvent]) -> dict[tuple[str, int, str], Fate]:
    """Fold events through the domain, leg by leg, in the order in which legs first appear."""
    legs: dict[tuple[str, int, str], LegFacts] = {}
    for event in events:
        key = (event.contact_id, event.leg, event.queue)
        apply(legs.setdefault(key, LegFacts()), event)
    watermark = max((event.occurred_at_ms for event in events), default=0)
    found = {}
    for key, facts in legs.items():
        outcome = classify(facts, a_target(), watermark)
        if outcome is not None:
            found[key] = Fate(key[2], outcome.kind, outcome.wait_ms, handling(facts))
    return found


def fate(events: Sequence[CallEvent]) -> Fate:
    """Return the fate of the one leg there is."""
    (found,) = fates(events).values()
    return found
