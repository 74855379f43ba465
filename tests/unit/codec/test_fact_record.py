"""Facts on the wire: there and back, and every bad record a rejection."""

from __future__ import annotations

import json
from dataclasses import MISSING, fields
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.codec.diagnosis import MAX_BYTES
from pipeline.codec.encode import encode
from pipeline.codec.fact_fields import CLASSES, RULES
from pipeline.codec.fact_record import decode_fact
from pipeline.domain.events import Rejected
from pipeline.domain.fact import FactKind
from tests.facts import a_fact, any_fact

ODD: st.SearchStrategy[Any] = st.sampled_from(
    [None, 0, 1, -1, "", "x", True, 1.5, [], ["a", ""], [1], {}, 2**31, 2**63]
)


@given(any_fact())
def test_a_fact_survives_the_wire_and_has_one_encoding(drawn: tuple[FactKind, Any]) -> None:
    kind, fact = drawn
    raw = encode(fact)
    decoded = decode_fact(kind, raw)
    assert decoded == fact
    assert not isinstance(decoded, Rejected)
    assert encode(decoded) == raw


@given(st.sampled_from(FactKind), st.binary(max_size=200))
def test_no_bytes_make_decoding_raise(kind: FactKind, junk: bytes) -> None:
    assert isinstance(decode_fact(kind, junk), Rejected)


@given(any_fact(), st.data())
def test_parser_and_diagnosis_agree_on_every_mutation(
    drawn: tuple[FactKind, Any], data: st.DataObject
) -> None:
    kind, fact = drawn
    record = json.loads(encode(fact))
    names = st.sampled_from(["v", *RULES[kind], "zz"])
    record |= data.draw(st.dictionaries(names, ODD, max_size=3))
    for name in data.draw(st.sets(names, max_size=2)):
        record.pop(name, None)
    found = decode_fact(kind, json.dumps(record).encode())
    if isinstance(found, Rejected):
        # a field of its own: the diagnosis has found what the parser disliked
        assert ": expected " in found.message


@pytest.mark.parametrize("kind", FactKind)
def test_a_record_too_large_is_not_looked_at(kind: FactKind) -> None:
    found = decode_fact(kind, b" " * (MAX_BYTES + 1))
    assert isinstance(found, Rejected)
    assert found.reason == "too_large"


@pytest.mark.parametrize("kind", FactKind)
def test_what_may_be_left_out_is_what_has_a_default(kind: FactKind) -> None:
    optional = {f.name for f in fields(CLASSES[kind]) if f.default is not MISSING}
    assert optional == {name for name, rule in RULES[kind].items() if rule.is_optional}


def test_an_encoder_refuses_a_fact_that_breaks_the_contract() -> None:
    with pytest.raises(msgspec.ValidationError, match="interval_ms"):
        encode(a_fact(FactKind.FORECAST, interval_ms=0))
