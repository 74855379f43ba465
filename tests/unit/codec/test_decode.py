"""Decoding: good records become events, every bad one a rejection that says why."""

from __future__ import annotations

from dataclasses import asdict, fields
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.codec.decode import decode_agent_state, decode_call_event
from pipeline.codec.diagnosis import MAX_BYTES
from pipeline.domain.events import CallEvent, EventType, Rejected
from tests.unit.codec.wire import CALL, STATE, attributes, raw, reason_of

BAD_CALLS = [
    ("malformed_json", b""),
    ("malformed_json", b"{"),
    ("malformed_json", b'{"v":1}x'),
    ("malformed_json", b'{"client":"\xff"}'),
    ("malformed_json", b'{"client":"\\ud800"}'),
    ("malformed_json", b"\xef\xbb\xbf" + raw(CALL)),
    ("malformed_json", b"[" * 100_000),
    ("malformed_json", b'{"a":' * 50_000 + b"1" + b"}" * 50_000),
    ("not_an_object", b"[]"),
    ("not_an_object", b"null"),
    ("not_an_object", raw([CALL])),
    ("missing_field", b"{}"),
    ("schema_version", raw(CALL | {"v": 2})),
    ("wrong_type", raw(CALL | {"v": "1"})),
    ("wrong_type", raw(CALL | {"v": True})),
    ("unknown_type", raw(CALL | {"type": "levitated"})),
    ("wrong_type", raw(CALL | {"type": None})),
    ("unknown_type", raw(CALL | {"type": "levitated", "height": 3})),
    ("schema_version", raw(CALL | {"v": 2, "type": "levitated"})),
    ("unknown_field", raw(CALL | {"height": 3})),
    ("wrong_type", raw(CALL | {"leg": "1"})),
    ("wrong_type", raw(CALL | {"leg": 1.5})),
    ("wrong_type", raw(CALL | {"leg": None})),
    ("wrong_type", raw(CALL | {"site": None})),
    ("wrong_type", raw(CALL | {"occurred_at_ms": "2025-11-11T00:00:00Z"})),
    ("wrong_type", raw(CALL | {"agent": {"name": "ann"}})),
    ("wrong_type", raw(CALL | {"hold_seq": True})),
    ("bad_value", raw(CALL | {"leg": 0})),
    ("bad_value", raw(CALL | {"leg": 2**31})),
    ("bad_value", raw(CALL | {"contact_id": ""})),
    ("bad_value", raw(CALL | {"client": ""})),
    ("bad_value", raw(CALL | {"occurred_at_ms": 0})),
    ("bad_value", raw(CALL | {"occurred_at_ms": -1})),
    ("bad_value", raw(CALL | {"occurred_at_ms": 1_762_833_600_000_000})),
    ("bad_value", raw(CALL | {"occurred_at_ms": 10**400})),
    ("bad_value", raw(CALL | {"agent": None})),
    ("bad_value", raw(CALL | {"agent": ""})),
    ("bad_value", raw({k: v for k, v in CALL.items() if k != "agent"})),
    ("bad_value", raw(CALL | {"type": "offered", "agent": None})),
    ("bad_value", raw(CALL | {"type": "hold_started"})),
    ("bad_value", raw(CALL | {"type": "hold_ended", "hold_seq": -1})),
    ("bad_value", raw(CALL | {"type": "flowed_out"})),
    ("bad_value", raw(CALL | {"type": "flowed_out", "reason": ""})),
    ("bad_value", raw(CALL | {"type": "transferred", "transfer_kind": "blind"})),
    ("bad_value", raw(CALL | {"type": "transferred", "transfer_target": "x"})),
    (
        "bad_value",
        raw(CALL | {"type": "transferred", "transfer_target": "x", "transfer_kind": "y"}),
    ),
    ("too_large", b" " * (MAX_BYTES + 1)),
]


@pytest.mark.parametrize(("reason", "record"), BAD_CALLS)
def test_a_bad_call_record_is_rejected_for_its_reason(reason: str, record: bytes) -> None:
    result = decode_call_event(record)
    assert reason_of(result) == reason
    assert isinstance(result, Rejected)
    assert result.raw is record


@pytest.mark.parametrize("name", [name for name in CALL if name not in {"site", "agent"}])
def test_each_required_field_of_a_call_is_missed_by_name(name: str) -> None:
    result = decode_call_event(raw({k: v for k, v in CALL.items() if k != name}))
    assert reason_of(result) == "missing_field"
    assert isinstance(result, Rejected)
    assert result.message.startswith(f"{name}: expected ")


@pytest.mark.parametrize("name", list(STATE))
def test_each_required_field_of_an_agent_state_is_missed_by_name(name: str) -> None:
    result = decode_agent_state(raw({k: v for k, v in STATE.items() if k != name}))
    assert reason_of(result) == "missing_field"
    assert isinstance(result, Rejected)
    assert result.message.startswith(f"{name}: expected ")


@pytest.mark.parametrize(
    ("reason", "record"),
    [
        ("malformed_json", b"nul"),
        ("not_an_object", b"1"),
        ("unknown_type", raw(STATE | {"state": "asleep"})),
        ("unknown_field", raw(STATE | {"queue": "service"})),
        ("bad_value", raw(STATE | {"agent": ""})),
        ("wrong_type", raw(STATE | {"agent": None})),
        ("too_large", b" " * (MAX_BYTES + 1)),
    ],
)
def test_a_bad_agent_state_record_is_rejected_for_its_reason(reason: str, record: bytes) -> None:
    assert reason_of(decode_agent_state(record)) == reason


def test_a_rejection_names_field_value_and_expectation() -> None:
    result = decode_call_event(raw(CALL | {"leg": -7}))
    assert isinstance(result, Rejected)
    assert result.message == "leg: expected an integer from 1 to 2147483647, got -7"


def test_a_rejection_shows_at_most_a_hundred_characters_of_a_value() -> None:
    result = decode_call_event(raw(CALL | {"leg": "x" * 5000}))
    assert isinstance(result, Rejected)
    assert result.message == 'leg: expected an integer from 1 to 2147483647, got "' + "x" * 99


def test_a_record_of_the_largest_size_is_still_read() -> None:
    room = MAX_BYTES - len(raw(CALL | {"reason": ""}))
    assert not isinstance(decode_call_event(raw(CALL | {"reason": "x" * room})), Rejected)
    assert reason_of(decode_call_event(raw(CALL | {"reason": "x" * (room + 1)}))) == "too_large"


@given(st.binary(max_size=200))
def test_no_bytes_make_decoding_raise(junk: bytes) -> None:
    assert isinstance(decode_call_event(junk), Rejected)
    assert isinstance(decode_agent_state(junk), Rejected)


json_values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3)
    ),
    max_leaves=4,
)
interesting = st.sampled_from(
    [None, 0, 1, 2, -1, "", "x", True, "blind", "queued", "offered", "transferred", 2**31, 2**63]
)


@given(
    st.sampled_from(EventType),
    st.dictionaries(
        st.sampled_from([*[field.name for field in fields(CallEvent)], "zz"]),
        json_values | interesting,
        max_size=4,
    ),
    st.sets(st.sampled_from(list(CALL)), max_size=2),
)
def test_parser_and_diagnosis_agree_on_every_mutation(
    kind: EventType, changes: dict[str, Any], gone: set[str]
) -> None:
    record = {k: v for k, v in (CALL | {"type": kind} | changes).items() if k not in gone}
    result = decode_call_event(raw(record))
    if isinstance(result, Rejected):
        # A reason of its own and a field: the diagnosis has found what the parser disliked.
        assert ": expected " in result.message
        assert result.reason in {
            "missing_field",
            "wrong_type",
            "bad_value",
            "unknown_field",
            "unknown_type",
            "schema_version",
        }
    else:
        assert attributes(result) == asdict(CallEvent(**record))
