"""What happened: the canonical leg events and agent-state events.

One *leg* is one entry of a contact into one queue. A call that overflows into a second
queue, or is transferred, is a second leg of the same contact.

These dataclasses are the wire contract in Python; ``schemas/events/*.v1.schema.json`` is the
same contract as data, and a test holds the two together. This module knows no broker and no codec.
"""

from __future__ import annotations

import hashlib
import hmac
from dataclasses import dataclass
from enum import StrEnum
from typing import final

SCHEMA_VERSION = 1


class EventType(StrEnum):
    """Past-tense names of everything that can happen to a leg."""

    QUEUED = "queued"
    OFFERED = "offered"
    RING_NO_ANSWER = "ring_no_answer"
    ANSWERED = "answered"
    HOLD_STARTED = "hold_started"
    HOLD_ENDED = "hold_ended"
    ABANDONED = "abandoned"
    FLOWED_OUT = "flowed_out"
    TRANSFERRED = "transferred"
    ENDED = "ended"
    WRAPUP_STARTED = "wrapup_started"
    WRAPUP_ENDED = "wrapup_ended"
    CALLBACK_REQUESTED = "callback_requested"
    COMPLAINT_FLAGGED = "complaint_flagged"
    REFUSED = "refused"
    DIALED = "dialed"
    CONNECTED = "connected"


class AgentState(StrEnum):
    """What an agent is doing; exactly one state at a time."""

    AVAILABLE = "available"
    RINGING = "ringing"
    ON_CONTACT = "on_contact"
    AFTER_CALL_WORK = "after_call_work"
    BREAK = "break"
    MEAL = "meal"
    TRAINING = "training"
    MEETING = "meeting"
    BACK_OFFICE = "back_office"
    OTHER = "other"
    LOGGED_OUT = "logged_out"


class TransferKind(StrEnum):
    """How a leg was handed over."""

    BLIND = "blind"
    ATTENDED = "attended"


BEFORE_QUEUE = "before_queue"
"""``reason`` of an ``abandoned`` event whose caller hung up before entering the queue (IVR)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CallEvent:
    """One thing that happened to one leg.

    ``occurred_at_ms`` is epoch milliseconds UTC by the source's clock. ``event_id`` is a hash of
    source and native identity, so a redelivery has the same id. ``agent`` is required on
    ``offered``, ``ring_no_answer`` and ``answered``; ``hold_seq`` on hold events; ``reason`` on
    ``flowed_out``, ``refused`` and ``connected``; ``transfer_kind`` and ``transfer_target`` on
    ``transferred``.

    ``refused``: the queue did not take the call (full, closed, nobody logged in: the words that
    ``refusal.py`` knows are counted apart); the leg never queued.
    A ``transfer_target`` says what it is in front, where the source tells: ``queue:``, ``agent:``
    or ``external:``.

    ``dialed`` and ``connected`` belong to an outbound leg: the attempt, and the moment the called
    party picked up, with ``reason`` ``human`` or ``machine`` (``unknown`` where the
    dialer cannot tell).
    """

    v: int
    event_id: str
    type: EventType
    occurred_at_ms: int
    client: str
    queue: str
    contact_id: str
    leg: int
    source: str
    source_position: str
    site: str = ""
    agent: str | None = None
    hold_seq: int | None = None
    reason: str | None = None
    transfer_kind: TransferKind | None = None
    transfer_target: str | None = None
    customer_ref: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class AgentStateEvent:
    """An agent entered a state; it lasts until the agent's next event."""

    v: int
    event_id: str
    state: AgentState
    occurred_at_ms: int
    client: str
    agent: str
    source: str
    source_position: str
    site: str = ""
    reason: str | None = None


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class Rejected:
    """A record that is not an event: why, and the bytes it came as.

    ``reason`` is a short stable code (``malformed_json``, ``unknown_type`` …) to count by;
    ``message`` is for people.
    """

    reason: str
    message: str
    raw: bytes


def event_id(source: str, native_identity: str) -> str:
    """Return the deterministic id of a source record: 32 hex digits.

    ``native_identity`` must be what makes the record unique inside ``source`` (its own id, or
    position plus kind), never an arrival time, so that a redelivery has the same id.
    """
    raw = f"{source}\x1f{native_identity}".encode()
    return hashlib.blake2b(raw, digest_size=16).hexdigest()


def customer_ref(key: bytes, number: str) -> str | None:
    """Return a keyed hash that stands for a caller's number, or None for a withheld number.

    Keyed (HMAC-SHA-256, truncated to 24 hex digits) because telephone numbers are few enough
    to be guessed from a plain hash. Only digits count, so ``+49 30-1`` equals ``49301``.
    """
    digits = "".join(c for c in number if c.isdigit())
    if not digits.strip("0"):
        return None
    return hmac.new(key, digits.encode(), hashlib.sha256).hexdigest()[:24]


def routing_domain(client: str, site: str) -> str:
    """Return the Kafka key that keeps queues, legs and transfers of a domain together."""
    return f"{client}/{site}" if site else client
