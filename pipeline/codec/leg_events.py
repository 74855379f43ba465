"""Makes the events of a leg and of an agent, with ids that depend on the source's facts alone.

An event's identity is what, of which leg, whose, and when by the source: so a message read twice
gives the same id, and a fact inferred (a join reckoned back from a waiting time) gives another id
than the same fact observed.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from dataclasses import dataclass
from typing import Final, Protocol

from pipeline.codec.adapter import Origin
from pipeline.domain.events import (
    SCHEMA_VERSION,
    AgentState,
    AgentStateEvent,
    CallEvent,
    EventType,
    TransferKind,
    customer_ref,
    event_id,
)

AnyEvent = CallEvent | AgentStateEvent

MOST_REASONS: Final = 500
MAX_LEG: Final = 2**31 - 1


class LegName(Protocol):
    """What names a leg."""

    contact: str
    queue: str
    number: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Detail:
    """What an event says beside its kind, leg and instant."""

    agent: str | None = None
    hold_seq: int | None = None
    reason: str | None = None
    transfer_kind: TransferKind | None = None
    transfer_target: str | None = None
    customer: str | None = None


NOTHING: Final = Detail()


class Events:
    """Makes events of one origin."""

    def __init__(self, origin: Origin) -> None:
        """Make events of an origin."""
        self._origin = origin

    def leg(self, leg: LegName, kind: EventType, at_ms: int, detail: Detail = NOTHING) -> CallEvent:
        """Return an event of a leg at an instant (epoch milliseconds)."""
        origin = self._origin
        position = f"{leg.contact}/{leg.number}/{kind}"
        identity = f"{leg.contact}/{leg.queue}/{leg.number}/{kind}/{at_ms}/{detail.agent or ''}"
        return CallEvent(
            v=SCHEMA_VERSION,
            event_id=event_id(origin.source, identity),
            type=kind,
            occurred_at_ms=at_ms,
            client=origin.client,
            queue=leg.queue,
            contact_id=leg.contact,
            leg=leg.number,
            source=origin.source,
            source_position=position,
            site=origin.site,
            agent=detail.agent,
            hold_seq=detail.hold_seq,
            reason=detail.reason,
            transfer_kind=detail.transfer_kind,
            transfer_target=detail.transfer_target,
            customer_ref=detail.customer,
        )

    def agent(
        self, agent: str, state: AgentState, at_ms: int, reason: str | None = None
    ) -> AgentStateEvent:
        """Return the event that an agent entered a state."""
        origin = self._origin
        identity = f"agent/{agent}/{state}/{reason or ''}/{at_ms}"
        return AgentStateEvent(
            v=SCHEMA_VERSION,
            event_id=event_id(origin.source, identity),
            state=state,
            occurred_at_ms=at_ms,
            client=origin.client,
            agent=agent,
            source=origin.source,
            source_position=f"agent/{agent}",
            site=origin.site,
            reason=reason,
        )

    def customer(self, number: str | None) -> str | None:
        """Return the hash that stands for a caller's number, None for a withheld one."""
        return customer_ref(self._origin.customer_key, number) if number else None


def hold(since_ms: int) -> Detail:
    """Return what both ends of a hold say: its number is the second at which it began."""
    return Detail(hold_seq=since_ms // 1000 % 2**31)


def hashed_number(identity: str) -> int:
    """Return a leg number that depends on the identity alone: 1 to 2^31 - 1."""
    digest = hashlib.blake2b(identity.encode(), digest_size=8).digest()
    return int.from_bytes(digest) % MAX_LEG + 1


def count(counter: Counter[str], kind: str, word: str) -> None:
    """Count ``kind:word``; beyond a few hundred different words all others are ``kind:*``."""
    key = f"{kind}:{word[:64]}"
    if key not in counter and len(counter) >= MOST_REASONS:
        key = f"{kind}:*"
    counter[key] += 1
