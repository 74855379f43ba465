"""The wire records: the domain's events as msgspec decodes and encodes them.

Twins of ``CallEvent`` and ``AgentStateEvent`` with the same attributes in the same order (a test
holds them equal). They exist for speed: msgspec fills a Struct in a quarter of the time it needs
for a dataclass, and refuses unknown fields and bad values while it parses. Whoever receives one
reads attributes only; its type is stated as the domain's.

What a field alone can show wrong is stated here; what depends on the event's type is in
``decode.py``.
"""

# No `from __future__ import annotations`: msgspec reads these annotations when it is imported.
from typing import Annotated, Final

import msgspec

from pipeline.domain.events import SCHEMA_VERSION, AgentState, EventType, TransferKind

MAX_INSTANT_MS: Final = 253_402_300_799_999
"""The last millisecond of the year 9999: what every calendar downstream can still express."""
MAX_COUNT: Final = 2**31 - 1

Version = Annotated[int, msgspec.Meta(ge=SCHEMA_VERSION, le=SCHEMA_VERSION)]
Name = Annotated[str, msgspec.Meta(min_length=1)]
InstantMs = Annotated[int, msgspec.Meta(ge=1, le=MAX_INSTANT_MS)]
Ordinal = Annotated[int, msgspec.Meta(ge=1, le=MAX_COUNT)]
Sequence = Annotated[int, msgspec.Meta(ge=0, le=MAX_COUNT)]


class CallRecord(
    msgspec.Struct,
    frozen=True,
    kw_only=True,
    forbid_unknown_fields=True,
    omit_defaults=True,
    gc=False,
):
    """A ``CallEvent`` on the wire."""

    v: Version
    event_id: Name
    type: EventType
    occurred_at_ms: InstantMs
    client: Name
    queue: Name
    contact_id: Name
    leg: Ordinal
    source: Name
    source_position: str
    site: str = ""
    agent: Name | None = None
    hold_seq: Sequence | None = None
    reason: str | None = None
    transfer_kind: TransferKind | None = None
    transfer_target: Name | None = None
    customer_ref: Name | None = None


class AgentStateRecord(
    msgspec.Struct,
    frozen=True,
    kw_only=True,
    forbid_unknown_fields=True,
    omit_defaults=True,
    gc=False,
):
    """An ``AgentStateEvent`` on the wire."""

    v: Version
    event_id: Name
    state: AgentState
    occurred_at_ms: InstantMs
    client: Name
    agent: Name
    source: Name
    source_position: str
    site: str = ""
    reason: str | None = None
