"""Writes the events of one leg, all with the leg's names and an id that a redelivery has too.

An event's id is a hash of the source's own name of the contact (or whatever the record calls
itself), what happened, when, and what tells two such happenings of one instant apart. So a fact
read twice has one id, and a fact that a later record corrects has another.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

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

UNQUEUED: Final = "unqueued"
"""Queue of what never was in one (a menu, a call that an agent dialed), where the source has no
other name for it; ``Origin.names`` may give it a better one."""
UNKNOWN: Final = "unknown"
"""Agent or reason that the source leaves out though the event has to have one."""

_PHONE: Final = re.compile(r"(?:tel:|sip:)?\+?[\d\s().\-/]{5,}(?:@.*)?", re.IGNORECASE)


@dataclass(frozen=True, slots=True, kw_only=True)
class LegSheet:
    """The names that all events of a leg share; ``native`` identifies it within the source."""

    origin: Origin
    contact_id: str
    leg: int
    queue: str
    native: str

    def event(
        self,
        kind: EventType,
        at_ms: int,
        *,
        agent: str | None = None,
        hold_seq: int | None = None,
        reason: str | None = None,
        transfer: tuple[TransferKind, str] | None = None,
        customer: str | None = None,
    ) -> CallEvent:
        """Return one event; ``customer`` is a hash already, ``transfer`` its kind and target."""
        part = "" if hold_seq is None else f"/{hold_seq}"
        position = f"{self.native}/{kind}{part}"
        handed = "" if transfer is None else f"{transfer[0]}:{transfer[1]}"
        identity = f"{position}|{self.leg}|{self.queue}|{at_ms}|{agent}|{reason}|{handed}"
        return CallEvent(
            v=SCHEMA_VERSION,
            event_id=event_id(self.origin.source, identity),
            type=kind,
            occurred_at_ms=at_ms,
            client=self.origin.client,
            queue=self.queue,
            contact_id=self.contact_id,
            leg=self.leg,
            source=self.origin.source,
            source_position=position,
            site=self.origin.site,
            agent=agent,
            hold_seq=hold_seq,
            reason=reason,
            transfer_kind=None if transfer is None else transfer[0],
            transfer_target=None if transfer is None else transfer[1],
            customer_ref=customer,
        )


def state_event(
    origin: Origin,
    agent: str,
    *,
    state: AgentState,
    at_ms: int,
    reason: str | None = None,
    native: str,
    part: str = "",
) -> AgentStateEvent:
    """Return an agent-state event; ``native`` is the record's own id.

    ``part`` names one of several things that a source says of an agent at once; each is a source
    of its own to the ledger, whose precedence decides between them.
    """
    source = f"{origin.source}/{part}" if part else origin.source
    return AgentStateEvent(
        v=SCHEMA_VERSION,
        event_id=event_id(source, f"{native}|{agent}|{state}|{at_ms}|{reason}"),
        state=state,
        occurred_at_ms=at_ms,
        client=origin.client,
        agent=agent,
        source=source,
        source_position=native,
        site=origin.site,
        reason=reason,
    )


def named(names: Mapping[str, str], *natives: str) -> str:
    """Return the canonical name that the first listed of a thing's own names has.

    Without one in the list the first that the source gives stands; the empty text if it gives none.
    """
    for native in natives:
        if native and (known := names.get(native)):
            return known
    return next((native for native in natives if native), "")


def caller_ref(origin: Origin, address: str) -> str | None:
    """Return the hash that stands for a caller's number; None for what is no number."""
    return customer_ref(origin.customer_key, address) if _PHONE.fullmatch(address) else None


def outside(origin: Origin, address: str) -> str:
    """Return a transfer target outside the contact centre, its number as a hash."""
    return f"external:{caller_ref(origin, address) or UNKNOWN}"
