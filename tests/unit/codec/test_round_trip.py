"""The wire records and the way there and back."""

from __future__ import annotations

import json
from dataclasses import asdict, fields

import msgspec
import pytest
from hypothesis import given

from pipeline.codec.decode import decode_agent_state, decode_call_event
from pipeline.codec.encode import encode
from pipeline.codec.record import AgentStateRecord, CallRecord
from pipeline.domain.events import AgentStateEvent, CallEvent, EventType, Rejected
from tests.unit.codec.wire import CALL, agent_states, attributes, call_events, raw


def test_wire_records_have_the_fields_and_defaults_of_the_domain() -> None:
    for event, record in ((CallEvent, CallRecord), (AgentStateEvent, AgentStateRecord)):
        twin = {field.name: field for field in msgspec.structs.fields(record)}
        assert list(twin) == [field.name for field in fields(event)]
        for field in fields(event):
            is_required = twin[field.name].default is msgspec.NODEFAULT
            assert is_required == (field.default.__class__.__name__ == "_MISSING_TYPE"), field.name
            if not is_required:
                assert twin[field.name].default == field.default


@given(call_events())
def test_a_call_event_survives_the_wire(event: CallEvent) -> None:
    decoded = decode_call_event(encode(event))
    assert attributes(decoded) == asdict(event)


@given(agent_states)
def test_an_agent_state_event_survives_the_wire(event: AgentStateEvent) -> None:
    decoded = decode_agent_state(encode(event))
    assert attributes(decoded) == asdict(event)


@given(call_events())
def test_an_event_has_one_encoding_whether_built_or_decoded(event: CallEvent) -> None:
    once = encode(event)
    decoded = decode_call_event(once)
    assert not isinstance(decoded, Rejected)
    assert encode(decoded) == once


def test_encoding_leaves_out_what_says_nothing() -> None:
    event = CallEvent(**{**CALL, "type": EventType.QUEUED, "site": "", "agent": None})
    assert json.loads(encode(event)).keys() == CALL.keys() - {"site", "agent"}


def test_an_encoder_refuses_an_event_that_breaks_the_contract() -> None:
    with pytest.raises(msgspec.ValidationError, match="leg"):
        encode(CallEvent(**{**CALL, "type": EventType.ANSWERED, "leg": 0}))


def test_enum_members_are_decoded_as_themselves() -> None:
    event = decode_call_event(raw(CALL))
    assert not isinstance(event, Rejected)
    assert event.type is EventType.ANSWERED


def test_null_says_the_same_as_absence() -> None:
    event = decode_call_event(raw(CALL | {"reason": None, "customer_ref": None}))
    assert event == decode_call_event(raw(CALL))
