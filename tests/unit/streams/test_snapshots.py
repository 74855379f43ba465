"""Snapshot records: what is packed comes back, and what is not a snapshot is refused."""

from __future__ import annotations

import asyncio
import zlib

import msgspec
import pytest
from hypothesis import given, settings

from pipeline.domain.fold import PartitionFold, Record
from pipeline.domain.fold_state import dump, load
from pipeline.errors import StateLost
from pipeline.streams import snapshots
from pipeline.streams.part import copy_state
from tests.factories import history
from tests.strategies import logs


@settings(max_examples=50)
@given(logs())
def test_a_packed_state_comes_back_as_it_was(log: list[Record]) -> None:
    fold = PartitionFold(history)
    fold.fold(log)
    fold.take_outbox()
    key, packed, headers = snapshots.record(
        3, dump(fold), config_hash="abc", source_topic="acd.events"
    )
    envelope = snapshots.unpack(packed)
    assert key == b"3/abc"
    assert (envelope["config_hash"], envelope["source_topic"]) == ("abc", "acd.events")
    assert dump(load(envelope["state"], history)) == dump(fold)
    label = snapshots.label_of(packed, headers)
    assert label.is_usable("abc")
    assert not label.is_usable("abd")
    assert (label.source_topic, label.next_offset) == ("acd.events", fold.next_offset)
    assert snapshots.label_of(packed, []) == label


@settings(max_examples=50)
@given(logs())
def test_a_state_packed_in_steps_is_the_same_to_the_byte(log: list[Record]) -> None:
    fold = PartitionFold(history)
    fold.fold(log)
    fold.take_outbox()
    whole, in_steps = (
        snapshots.record(3, state, config_hash="abc", source_topic="acd.events")
        for state in (dump(fold), asyncio.run(copy_state(fold)))
    )
    assert in_steps == whole


@pytest.mark.parametrize("steps", [[], [0], [15], [7, 9], [500, 65_035], [65_535, 1, 70_000]])
def test_rows_packed_in_steps_are_one_array(steps: list[int]) -> None:
    rows = snapshots.PackedRows()
    for count in steps:
        rows.extend([[i, str(i)] for i in range(count)])
    whole = [[i, str(i)] for count in steps for i in range(count)]
    assert bytes(memoryview(rows.raw())) == msgspec.msgpack.encode(whole)


def test_a_state_with_what_msgpack_does_not_know_is_refused() -> None:
    state = dump(PartitionFold(history)) | {"legs": object()}
    with pytest.raises(TypeError, match="expected what msgpack knows, got object"):
        snapshots.record(0, state, config_hash="a", source_topic="t")


def test_the_same_state_gives_the_same_bytes() -> None:
    one, other = (
        snapshots.record(0, dump(PartitionFold(history)), config_hash="a", source_topic="t")
        for _ in range(2)
    )
    assert one == other


def packed(value: object) -> bytes:
    return zlib.compress(msgspec.msgpack.encode(value))


_, GOOD, HEADERS = snapshots.record(
    0, dump(PartitionFold(history)), config_hash="a", source_topic="t"
)
CORRUPT = {
    "empty": b"",
    "not compressed": b"{}",
    "cut off": GOOD[:-9],
    "one byte changed": GOOD[:20] + bytes([GOOD[20] ^ 0xFF]) + GOOD[21:],
    "not msgpack": zlib.compress(b"\xc1"),
    "msgpack cut off": zlib.compress(zlib.decompress(GOOD)[:-5]),
    "a list": packed([1, 2]),
    "a number": packed(7),
    "no state": packed({"config_hash": "a", "source_topic": "t"}),
    "state of another kind": packed({"config_hash": "a", "source_topic": "t", "state": 5}),
    "no offset": packed({"config_hash": "a", "source_topic": "t", "state": {}}),
}


@pytest.mark.parametrize("raw", CORRUPT.values(), ids=CORRUPT)
def test_bytes_that_are_not_a_snapshot_are_lost_state_with_their_size(raw: bytes) -> None:
    with pytest.raises(StateLost, match=f"a snapshot record of {len(raw)} bytes is not readable"):
        snapshots.unpack(raw)


@pytest.mark.parametrize("missing", ["config_hash", "source_topic"])
def test_an_envelope_without_its_labels_is_lost_state(missing: str) -> None:
    envelope = {"config_hash": "a", "source_topic": "t", "state": {"next_offset": 1}}
    del envelope[missing]
    with pytest.raises(StateLost, match="not readable"):
        snapshots.unpack(packed(envelope))


def test_a_label_is_taken_without_unpacking_and_must_be_one() -> None:
    assert snapshots.label_of(b"not looked at", HEADERS) == snapshots.label_of(GOOD, [])
    with pytest.raises(StateLost, match="a label that is not readable"):
        snapshots.label_of(GOOD, [(snapshots.LABEL, b'{"config_hash":"a"}')])
    with pytest.raises(StateLost, match="not readable"):
        snapshots.label_of(b"?", [("other", b"")])
