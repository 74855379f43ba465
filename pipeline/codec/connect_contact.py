"""What Amazon Connect's three feeds have in common: how they name contacts, legs and people.

Every transfer, queue transfer and callback is a contact of its own to Connect, chained by
``InitialContactId``. Here the whole chain is one contact, and each of Connect's contacts a leg.
"""

from __future__ import annotations

import hashlib
from typing import Final

from pipeline.codec.adapter import Origin
from pipeline.codec.json_document import folded
from pipeline.codec.leg_sheet import UNQUEUED, LegSheet, named

_LEGS: Final = 2**31 - 3

MONITOR: Final = "MONITOR"
"""A supervisor listening in."""
EXTERNAL_OUTBOUND: Final = "EXTERNAL_OUTBOUND"
"""A third party that an agent or a flow called into a contact."""
ARRIVES: Final = frozenset({"INBOUND", "WEBRTC_API"})
"""Initiation methods of a customer who calls."""
NOT_HANDLED: Final = frozenset({MONITOR, EXTERNAL_OUTBOUND})
"""Initiation methods of contacts in which no customer is handled."""

AGENT_QUEUE: Final = "/queue/agent/"
"""Within the ARN of a queue that is an agent's own: a transfer to the agent goes through it."""

CUSTOMER_LEFT: Final = frozenset({"", "CUSTOMER_DISCONNECT", "CUSTOMER_CONNECTION_NOT_ESTABLISHED"})
"""Disconnect reasons that, in a queue, are an abandon; older records give none."""

_HUMAN: Final = frozenset({"HUMAN_ANSWERED"})
_MACHINE: Final = frozenset({"VOICEMAIL_BEEP", "VOICEMAIL_NO_BEEP", "FAX_MACHINE_DETECTED"})
_NOBODY: Final = frozenset(
    {"AMD_UNANSWERED", "SIT_TONE_BUSY", "SIT_TONE_INVALID_NUMBER", "SIT_TONE_DETECTED"}
)


def leg_number(contact_id: str, initial_id: str) -> int:
    """Return a leg's number: 1 of the contact that began the chain, of others a hash of their id.

    No feed numbers the contacts of a chain, and files cut chains apart; the hash is the same in
    every feed and file. Legs are put in order by their times, never by their numbers.
    """
    if not initial_id or initial_id == contact_id:
        return 1
    digest = hashlib.blake2b(contact_id.encode(), digest_size=8).digest()
    return 2 + int.from_bytes(digest) % _LEGS


def leg_sheet(origin: Origin, contact_id: str, initial_id: str, queue: str) -> LegSheet:
    """Return the sheet of one of Connect's contacts in a queue."""
    return LegSheet(
        origin=origin,
        contact_id=initial_id or contact_id,
        leg=leg_number(contact_id, initial_id),
        queue=queue or named(origin.names.queues, UNQUEUED),
        native=contact_id,
    )


def queue_name(origin: Origin, name: str, arn: str) -> str:
    """Return a queue's canonical name; empty if there is none. Agents' own queues have no name."""
    return named(origin.names.queues, name, arn, _last(arn)) if name or arn else ""


def agent_name(origin: Origin, username: str, arn: str) -> str:
    """Return an agent's canonical name; empty if there is none."""
    return named(origin.names.agents, username, arn, _last(arn)) if username or arn else ""


def address_of(endpoint: object) -> str:
    """Return the telephone number of an endpoint; empty if it is anything else.

    Looked at with care: no message of a fault may show what stands here.
    """
    fields = folded(endpoint) if isinstance(endpoint, dict) else {}
    address = fields.get("address")
    is_number = fields.get("type") == "TELEPHONE_NUMBER" and isinstance(address, str)
    return str(address) if is_number else ""


def picked_up_by(status: str) -> str | None:
    """Return who answered an outbound call by its answering machine detection; None: nobody did."""
    if status in _NOBODY:
        return None
    if status in _HUMAN:
        return "human"
    return "machine" if status in _MACHINE else "unknown"


def _last(arn: str) -> str:
    return arn.rpartition("/")[2]
