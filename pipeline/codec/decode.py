"""Bytes of a Kafka record to an event, or to a ``Rejected`` that says why not. Never raises.

The way of a good record is one msgspec call and one look at its type. Only a record that fails
is taken apart a second time, in ``diagnosis.py``, to name field, value and expectation.

What comes back as an event is a ``record.CallRecord`` (a ``record.AgentStateRecord``), which has
the attributes of the domain's dataclass: tell the two results apart by
``isinstance(result, Rejected)``, never by the event's class.
"""

from __future__ import annotations

from typing import Final, cast

import msgspec

from pipeline.codec import diagnosis
from pipeline.codec.diagnosis import MAX_BYTES
from pipeline.codec.record import AgentStateRecord, CallRecord
from pipeline.domain.events import AgentStateEvent, CallEvent, EventType, Rejected

# Bound once: attribute access on an enum class is slow and this is the hot path.
_OFFERED = EventType.OFFERED
_RING_NO_ANSWER = EventType.RING_NO_ANSWER
_ANSWERED = EventType.ANSWERED
_HOLD_STARTED = EventType.HOLD_STARTED
_HOLD_ENDED = EventType.HOLD_ENDED
_FLOWED_OUT = EventType.FLOWED_OUT
_TRANSFERRED = EventType.TRANSFERRED
_REFUSED = EventType.REFUSED
_CONNECTED = EventType.CONNECTED

# Typed as the domain's events, whose attributes the records have; see the module's docstring.
_call: Final = cast("msgspec.json.Decoder[CallEvent]", msgspec.json.Decoder(CallRecord))
_agent_state: Final = cast(
    "msgspec.json.Decoder[AgentStateEvent]", msgspec.json.Decoder(AgentStateRecord)
)
_decode_call: Final = _call.decode
_decode_agent_state: Final = _agent_state.decode

# UnicodeDecodeError is a ValueError, as all of msgspec's are; RecursionError: nested too deep.
_UNREADABLE: Final = (ValueError, RecursionError)


def decode_call_event(raw: bytes) -> CallEvent | Rejected:
    """Decode a record of ``acd.events``; every bad record becomes a ``Rejected``."""
    if len(raw) > MAX_BYTES:
        return diagnosis.too_large(raw)
    try:
        event = _decode_call(raw)
    except _UNREADABLE as error:
        return diagnosis.of_call_event(raw, error)
    kind = event.type
    if kind is _OFFERED or kind is _ANSWERED or kind is _RING_NO_ANSWER:
        if event.agent is None:
            return diagnosis.of_call_event(raw, None)
    elif kind is _HOLD_STARTED or kind is _HOLD_ENDED:
        if event.hold_seq is None:
            return diagnosis.of_call_event(raw, None)
    elif ((kind is _FLOWED_OUT or kind is _REFUSED or kind is _CONNECTED) and not event.reason) or (
        kind is _TRANSFERRED and (event.transfer_kind is None or event.transfer_target is None)
    ):
        return diagnosis.of_call_event(raw, None)
    return event


def decode_agent_state(raw: bytes) -> AgentStateEvent | Rejected:
    """Decode a record of ``acd.agent-states``; every bad record becomes a ``Rejected``."""
    if len(raw) > MAX_BYTES:
        return diagnosis.too_large(raw)
    try:
        return _decode_agent_state(raw)
    except _UNREADABLE as error:
        return diagnosis.of_agent_state(raw, error)
