"""Laws of the cloud adapters: nothing raises or vanishes, order and repeats change nothing."""

from __future__ import annotations

import json
import random
from dataclasses import replace
from typing import Any
from urllib.parse import urlencode

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from benchmarks.cloud_documents import CSV_HEADER, FORMATS, MAKERS, adapter, csv_row, documents
from tests.adapted import Adapted, adapt, an_origin, take

JSON_FORMATS = tuple(MAKERS)

NUMBERS = st.integers(5 * 10**11, 10**12)
"""Digits of a number that no instant of the documents has."""

json_values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**70), 2**70)
    | st.floats(allow_nan=False)
    | st.sampled_from(
        ["", "INBOUND", "OUTBOUND", "9999-12-31T23:59:59Z", "0001-01-01T00:00:00Z", "1e400", "{"]
    )
    | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner),
    max_leaves=6,
)


def paths(value: Any, at: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """Return where the values of a document stand, at any depth."""
    inner = value.items() if isinstance(value, dict) else enumerate(value)
    found = []
    for key, item in inner if isinstance(value, dict | list) else ():
        found.append((*at, key))
        if isinstance(item, dict | list):
            found += paths(item, (*at, key))
    return found


def put(document: Any, path: tuple[Any, ...], value: Any) -> None:
    """Replace a value, unless what it stood in has been replaced itself."""
    for key in path[:-1]:
        document = document[key]
    if isinstance(document, dict | list):
        document[path[-1]] = value


@st.composite
def odd_documents(draw: st.DrawFn, name: str) -> dict[str, Any]:
    """Draw a good document with some of its values replaced by whatever JSON may have."""
    document: dict[str, Any] = json.loads(json.dumps(MAKERS[name][1](draw(st.integers(0, 60)))))
    for _ in range(draw(st.integers(1, 3))):
        put(document, draw(st.sampled_from(paths(document))), draw(json_values))
    return document


@pytest.mark.parametrize("name", JSON_FORMATS)
@given(data=st.data())
@settings(max_examples=60, deadline=None)
def test_any_values_in_a_document_never_raise_and_the_document_is_accounted_for(
    name: str, data: st.DataObject
) -> None:
    document = data.draw(odd_documents(name))
    raw = json.dumps(document).encode()
    reader, found = adapter(name)(an_origin()), Adapted()
    take(found, reader.feed(raw))
    take(found, reader.finish())
    is_told = bool(found.calls or found.states or reader.anomalies["predecessor_unseen"])
    assert len(found.rejected) + sum(reader.skipped.values()) + is_told == 1


@pytest.mark.parametrize("name", FORMATS)
@given(raw=st.binary(max_size=200) | st.text(max_size=80).map(str.encode))
@settings(max_examples=40, deadline=None)
def test_any_bytes_never_raise_and_are_accounted_for(name: str, raw: bytes) -> None:
    found = adapt(adapter(name), [raw])
    assert len(found.rejected) + sum(found.skipped.values()) == 1
    assert found.calls == []
    assert found.states == []


@pytest.mark.parametrize("name", FORMATS)
@given(index=st.integers(0, 30), cut=st.integers(0, 2000))
@settings(max_examples=30, deadline=None)
def test_a_truncated_document_never_raises_and_is_accounted_for(
    name: str, index: int, cut: int
) -> None:
    whole = list(documents(name, 31))[index + (name == "csv_calls")]
    raw = whole[: cut % len(whole)]
    reader, found = adapter(name)(an_origin()), Adapted()
    if name == "csv_calls":
        take(found, reader.feed(CSV_HEADER))
        reader.skipped.clear()
    take(found, reader.feed(raw))
    take(found, reader.finish())
    told = {e.contact_id for e in found.calls}
    assert len(found.rejected) + sum(reader.skipped.values()) + len(told) == 1


@given(text=st.text(max_size=100), separator=st.sampled_from(",;\t"))
@settings(max_examples=60, deadline=None)
def test_any_row_of_a_table_never_raises_and_every_line_is_accounted_for(
    text: str, separator: str
) -> None:
    header = CSV_HEADER.replace(b",", separator.encode())
    lines = [header, *text.encode(errors="replace").split(b"\n"), csv_row(1)]
    found = adapt(adapter("csv_calls"), lines)
    told = {e.contact_id for e in found.calls}
    assert len(found.rejected) + sum(found.skipped.values()) + len(told) == len(lines)


@pytest.mark.parametrize("name", FORMATS)
@given(seed=st.integers(0, 2**32), count=st.integers(1, 40))
@settings(max_examples=10, deadline=None)
def test_repeats_and_any_order_give_the_same_facts_with_the_same_ids(
    name: str, seed: int, count: int
) -> None:
    made = list(documents(name, count))
    head, rest = (made[:1], made[1:]) if name == "csv_calls" else ([], made)
    plain = adapt(adapter(name), head + rest)
    mixed = rest + rest
    random.Random(seed).shuffle(mixed)  # noqa: S311 - a test's order
    found = adapt(adapter(name), head + mixed)
    assert found.facts == plain.facts
    assert {e.event_id for e in found.calls} == {e.event_id for e in plain.calls}
    assert {e.event_id for e in found.states} == {e.event_id for e in plain.states}


def told_texts(found: Adapted) -> str:
    """Return every text and number of every event, and every message."""
    values = [str(e) for e in (*found.calls, *found.states)]
    values += [r.message for r in found.rejected]
    return "\n".join([*values, str(found.skipped), str(found.anomalies)])


@pytest.mark.parametrize("name", JSON_FORMATS)
@given(data=st.data(), digits=NUMBERS)
@settings(max_examples=30, deadline=None)
def test_a_callers_number_is_in_no_event_and_no_message(
    name: str, data: st.DataObject, digits: int
) -> None:
    index = data.draw(st.integers(0, 60))
    document = json.loads(json.dumps(MAKERS[name][1](index)))
    spelt = data.draw(st.sampled_from([f"+{digits}", f"tel:+{digits}", str(digits), digits]))
    holders = {"Address", "address", "ani", "dnis", "remote", "caller", "from"}
    holders |= data.draw(st.sampled_from([set(), {"CustomerEndpoint", "TransferredToEndpoint"}]))
    for path in paths(document):
        if path[-1] in holders:
            put(document, path, spelt)
        if path[-1] == "TaskAttributes":
            put(document, path, json.dumps({"from": spelt, "caller": spelt, "name": spelt}))
    found = adapt(adapter(name), [document])
    if name == "taskrouter":
        form = urlencode(document).encode()
        found.calls += adapt(adapter(name), [form]).calls
    assert str(digits) not in told_texts(found)


@given(
    digits=NUMBERS,
    odd=st.sampled_from(["", "2026-03-02T10:00:00Z", "x"]),
    contact=st.sampled_from(["c", "{}-1", "call-{}"]),
)
@settings(max_examples=30, deadline=None)
def test_a_callers_number_in_a_table_is_in_no_event_and_no_message(
    digits: int, odd: str, contact: str
) -> None:
    header = b"contact_id,queue,queued_at,ended_at,caller,transfer_target,hold_s"
    row = f"{contact.format(digits)},q,1772445600,{odd},+{digits},external:{digits},3".encode()
    assert str(digits) not in told_texts(adapt(adapter("csv_calls"), [header, row]))


def test_the_harness_sees_an_event_that_is_not_of_the_contract() -> None:
    (first, *_) = adapt(adapter("genesys"), documents("genesys", 2)).calls
    with pytest.raises(msgspec.ValidationError, match="queue"):
        take(Adapted(), [replace(first, queue="")])
