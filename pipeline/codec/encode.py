"""An event or a fact to the bytes of a Kafka record: the inverse of ``decode.py``.

Canonical: fields in the contract's order, no spaces, and a field that holds its default (null,
or the empty ``site``) left out. One event has one encoding.
"""

from __future__ import annotations

from typing import Final

import msgspec

from pipeline.codec.fact_record import encode_fact
from pipeline.codec.record import AgentStateRecord, CallRecord
from pipeline.domain.events import AgentStateEvent, CallEvent
from pipeline.domain.fact import Fact

_encode: Final = msgspec.json.Encoder().encode


def encode(event: CallEvent | AgentStateEvent | Fact) -> bytes:
    """Encode an event, also one that came from ``decode.py``.

    Raises:
        msgspec.ValidationError: a field breaks the contract; a bug of whoever built the event.
    """
    if isinstance(event, CallEvent):
        return _encode(msgspec.convert(event, CallRecord, from_attributes=True))
    if isinstance(event, AgentStateEvent):
        return _encode(msgspec.convert(event, AgentStateRecord, from_attributes=True))
    if isinstance(event, Fact):
        return encode_fact(event)
    return _encode(event)
