"""Runs documents through an adapter and says what the domain makes of the events."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any

from pipeline.codec.adapter import Adapter, Origin
from pipeline.codec.decode import decode_agent_state, decode_call_event
from pipeline.codec.encode import encode
from pipeline.codec.names import Names
from pipeline.domain.events import AgentStateEvent, CallEvent, Rejected
from pipeline.domain.leg import LegFacts, apply
from pipeline.domain.outcome import Handling, Outcome, classify, handling
from tests.factories import a_target

Make = Callable[[Origin], Adapter]

KEY = b"a key of the tests"
Leg = tuple[str, int, str]
"""Contact, number, queue."""


def an_origin(names: Names | None = None, **fields: Any) -> Origin:
    values = {"client": "acme", "source": "acd", "customer_key": KEY} | fields
    return Origin(**values, names=names or Names())


@dataclass(slots=True)
class Adapted:
    """What came of some documents."""

    calls: list[CallEvent] = field(default_factory=list)
    states: list[AgentStateEvent] = field(default_factory=list)
    rejected: list[Rejected] = field(default_factory=list)
    skipped: dict[str, int] = field(default_factory=dict)
    anomalies: dict[str, int] = field(default_factory=dict)

    @property
    def facts(self) -> dict[Leg, LegFacts]:
        legs: dict[Leg, LegFacts] = {}
        for event in self.calls:
            apply(legs.setdefault((event.contact_id, event.leg, event.queue), LegFacts()), event)
        return legs

    @property
    def only(self) -> LegFacts:
        (facts,) = self.facts.values()
        return facts

    def of(self, queue: str) -> LegFacts:
        (facts,) = (facts for leg, facts in self.facts.items() if leg[2] == queue)
        return facts

    @property
    def told(self) -> list[str]:
        """Return the kinds of the events in order of time."""
        return [e.type for e in sorted(self.calls, key=lambda e: e.occurred_at_ms)]


def outcome(facts: LegFacts) -> Outcome:
    found = classify(facts, a_target(), 0)
    assert found is not None
    return found


def seconds(facts: LegFacts) -> tuple[float, float, float, float]:
    """Return wait, talk, hold and after-call work of a completed leg, in seconds."""
    done: Handling | None = handling(facts)
    assert done is not None
    parts = (outcome(facts).wait_ms, done.talk_ms, done.hold_ms, done.acw_ms)
    return tuple(part / 1000 for part in parts)  # type: ignore[return-value]


def adapt(make: Make, documents: Iterable[Any], origin: Origin | None = None) -> Adapted:
    """Feed documents (bytes, or what becomes JSON) and finish; each event must be valid."""
    adapter, found = make(origin or an_origin()), Adapted()
    for document in documents:
        raw = document if isinstance(document, bytes) else json.dumps(document).encode()
        take(found, adapter.feed(raw))
    take(found, adapter.finish())
    found.skipped, found.anomalies = dict(adapter.skipped), dict(adapter.anomalies)
    return found


def take(found: Adapted, events: Iterable[CallEvent | AgentStateEvent | Rejected]) -> None:
    for event in events:
        if isinstance(event, Rejected):
            found.rejected.append(event)
        elif isinstance(event, CallEvent):
            assert not isinstance(decode_call_event(encode(event)), Rejected), event
            found.calls.append(event)
        else:
            assert not isinstance(decode_agent_state(encode(event)), Rejected), event
            found.states.append(event)
