"""Records as they stand on the wire, and strategies for the events behind them."""

from __future__ import annotations

import json
from typing import Any

import msgspec
from hypothesis import strategies as st

from pipeline.domain.events import (
    AgentState,
    AgentStateEvent,
    CallEvent,
    EventType,
    Rejected,
    TransferKind,
)

CALL: dict[str, Any] = {
    "v": 1,
    "event_id": "00112233445566778899aabbccddeeff",
    "type": "answered",
    "occurred_at_ms": 1_762_833_600_000,
    "client": "acme",
    "queue": "service",
    "contact_id": "c-1",
    "leg": 1,
    "source": "acd",
    "source_position": "17",
    "site": "north",
    "agent": "ann",
}
STATE: dict[str, Any] = {
    "v": 1,
    "event_id": "00112233445566778899aabbccddeeff",
    "state": "break",
    "occurred_at_ms": 1_762_833_600_000,
    "client": "acme",
    "agent": "ann",
    "source": "acd",
    "source_position": "17",
}

REASONED = {EventType.FLOWED_OUT, EventType.REFUSED, EventType.CONNECTED}

names = st.text(min_size=1, max_size=8)
counts = st.integers(1, 2**31 - 1)
instants = st.integers(1, 253_402_300_799_999)


@st.composite
def call_events(draw: st.DrawFn) -> CallEvent:
    """Draw any event the contract allows."""
    kind = draw(st.sampled_from(list(EventType)))
    is_offer = kind in {EventType.OFFERED, EventType.RING_NO_ANSWER, EventType.ANSWERED}
    is_hold = kind in {EventType.HOLD_STARTED, EventType.HOLD_ENDED}
    is_transfer = kind is EventType.TRANSFERRED
    maybe_name = st.none() | names
    return CallEvent(
        v=1,
        event_id=draw(names),
        type=kind,
        occurred_at_ms=draw(instants),
        client=draw(names),
        queue=draw(names),
        contact_id=draw(names),
        leg=draw(counts),
        source=draw(names),
        source_position=draw(st.text(max_size=5)),
        site=draw(st.text(max_size=5)),
        agent=draw(names if is_offer else maybe_name),
        hold_seq=draw(counts if is_hold else st.none() | st.integers(0, 2**31 - 1)),
        reason=draw(names if kind in REASONED else st.none() | st.text(max_size=5)),
        transfer_kind=draw(
            st.sampled_from(TransferKind)
            if is_transfer
            else st.none() | st.sampled_from(TransferKind)
        ),
        transfer_target=draw(names if is_transfer else maybe_name),
        customer_ref=draw(maybe_name),
    )


agent_states = st.builds(
    AgentStateEvent,
    v=st.just(1),
    event_id=names,
    state=st.sampled_from(AgentState),
    occurred_at_ms=instants,
    client=names,
    agent=names,
    source=names,
    source_position=st.text(max_size=5),
    site=st.text(max_size=5),
    reason=st.none() | st.text(max_size=5),
)


def raw(record: object) -> bytes:
    """Encode a record as a careless producer would."""
    return json.dumps(record).encode()


def attributes(event: object) -> dict[str, Any]:
    """Return what readers of a decoded event can see."""
    return msgspec.structs.asdict(event)  # type: ignore[arg-type]


def reason_of(result: object) -> str:
    """Return the reason code of what must be a rejection."""
    assert isinstance(result, Rejected), result
    return result.reason
