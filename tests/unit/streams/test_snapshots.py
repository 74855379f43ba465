"""Snapshot records: what is packed comes back, and what is not a snapshot is refused."""

from __future__ import annotations

import zlib

import msgspec
import pytest
from hypothesis import given, settings

from pipeline.domain.fold import PartitionFold, Record
from pipeline.domain.fold_state import dump, load
from pipeline.errors import StateLost
from pipeline.streams import snapshots
from tests.factories import history
from tests.strategies import logs


@settings(max_examples=50)
@given(logs())
def test_a_packed_state_comes_back_as_it_was(log: list[Record]) -> None:
    fold = PartitionFold(history)
    fold.fold(log)
    fold.take_outbox()
    packed = snapshots.pack(dump(fold), config_hash="abc", source_topic="acd.events")
    envelope = snapshots.unpack(packed)
    assert (envelope["config_hash"], envelope["source_topic"]) == ("abc", "acd.events")
    assert dump(load(envelope["state"], history)) == dump(fold)


def test_the_same_state_gives_the_same_bytes() -> None:
    one, other = (
        snapshots.pack(dump(PartitionFold(history)), config_hash="a", source_topic="t")
        for _ in range(2)
    )
    assert one == other


def packed(value: object) -> bytes:
    return zlib.compress(msgspec.msgpack.encode(value))


GOOD = snapshots.pack(dump(PartitionFold(history)), config_hash="a", source_topic="t")
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
