"""Snapshots of partition folds in a compacted topic: each carries its own input offset.

A snapshot is (state, next input offset, watermark, versions). Any snapshot is consistent with
itself; an older one only costs replay, so a zombie worker that writes one does no harm: readers
look at the newest few and take the one that is furthest along. A header, the *label*, says what
has to be known for that, so that only the one taken is unpacked: tens of megabytes in a busy hour.
"""

from __future__ import annotations

import asyncio
import zlib
from collections.abc import AsyncIterator, Iterable
from typing import Any, Final, TypeAlias

import msgspec
from aiokafka import AIOKafkaConsumer, ConsumerRecord, TopicPartition

from pipeline.broker.security import PLAINTEXT, Security
from pipeline.domain.cold_legs import Packing
from pipeline.domain.fold_state import STATE_VERSION
from pipeline.errors import StateLost
from pipeline.streams.publisher import Outgoing

LOOK_BACK: Final = 16
"""Newest records of a snapshot partition that are looked at; all, if none of them can be used."""

LABEL: Final = "snapshot.label"
"""Name of the header with the label, as JSON."""

_ZLIB_LEVEL: Final = 1
_FETCH_BYTES: Final = 24 * 1024 * 1024


class PackedRows:
    """Rows of a state, packed as they come.

    A whole state packed at once, and let go at once, holds the worker up for a tenth of a second.
    """

    __slots__ = ("_data", "_rows")

    def __init__(self) -> None:
        """Hold none."""
        self._data = bytearray()
        self._rows = 0

    def extend(self, rows: list[Any]) -> None:
        """Take some more, in order."""
        packed = _encoder.encode(rows)
        self._data += memoryview(packed)[len(_array_header(len(rows))) :]
        self._rows += len(rows)

    def raw(self) -> msgspec.Raw:
        """Return the array of all rows, for msgpack to take as it is."""
        return msgspec.Raw(_array_header(self._rows) + self._data)


def _array_header(length: int) -> bytes:
    """Return how msgpack begins an array (specification, "array format family")."""
    if length < 1 << 4:
        return bytes([0x90 | length])
    if length < 1 << 16:
        return b"\xdc" + length.to_bytes(2, "big")
    return b"\xdd" + length.to_bytes(4, "big")


def _raw_rows(value: object) -> msgspec.Raw:
    if isinstance(value, PackedRows):
        return value.raw()
    msg = f"expected what msgpack knows, got {type(value).__name__}"
    raise TypeError(msg)


_decoder = msgspec.msgpack.Decoder()
_encoder = msgspec.msgpack.Encoder(enc_hook=_raw_rows)

Found: TypeAlias = "tuple[Label, bytes]"

LEG_PACKING: Final = Packing(_encoder.encode, _decoder.decode)
"""What the fold of a worker packs its quiet legs with."""


def key(partition: int, config_hash: str) -> bytes:
    """Return the key of a snapshot record: compaction keeps the newest of every configuration."""
    return f"{partition}/{config_hash}".encode()


class Label(msgspec.Struct, frozen=True, kw_only=True):
    """What of a snapshot decides whether it is the one to go on from."""

    config_hash: str
    source_topic: str
    state_version: int
    next_offset: int

    def is_usable(self, config_hash: str) -> bool:
        """Say whether this code under this config can go on from it."""
        return (self.config_hash, self.state_version) == (config_hash, STATE_VERSION)


_labels = msgspec.json.Decoder(Label)


def record(
    partition: int, state: dict[str, Any], *, config_hash: str, source_topic: str
) -> Outgoing:
    """Return the record of a snapshot: key, state packed, label."""
    envelope = {"config_hash": config_hash, "source_topic": source_topic, "state": state}
    packed = zlib.compress(_encoder.encode(envelope), _ZLIB_LEVEL)
    headers = [(LABEL, msgspec.json.encode(label(envelope)))]
    return key(partition, config_hash), packed, headers


def unpack(raw: bytes) -> dict[str, Any]:
    """Return ``{"config_hash", "source_topic", "state"}``; raise StateLost if it is not one."""
    try:
        envelope: dict[str, Any] = _decoder.decode(zlib.decompress(raw))
        envelope["state"]["next_offset"], envelope["config_hash"], envelope["source_topic"]
    except (zlib.error, msgspec.MsgspecError, KeyError, TypeError) as error:
        msg = f"a snapshot record of {len(raw)} bytes is not readable: {error}"
        raise StateLost(msg) from error
    return envelope


def label_of(value: bytes, headers: Iterable[tuple[str, bytes]]) -> Label:
    """Return the label of a snapshot record; one without a header is unpacked for it.

    Raises:
        StateLost: there is none, and the value is no snapshot.
    """
    for name, found in headers:
        if name == LABEL:
            try:
                return _labels.decode(found)
            except msgspec.MsgspecError as error:
                msg = f"a snapshot record has a label that is not readable: {error}"
                raise StateLost(msg) from error
    return label(unpack(value))


def label(envelope: dict[str, Any]) -> Label:
    """Return the label of a snapshot that is unpacked."""
    state = envelope["state"]
    return Label(
        config_hash=envelope["config_hash"],
        source_topic=envelope["source_topic"],
        state_version=state.get("state_version", 0),
        next_offset=state["next_offset"],
    )


async def read_newest(
    bootstrap: str,
    topic: str,
    partition: int,
    *,
    source_topic: str,
    config_hash: str,
    security: Security = PLAINTEXT,
) -> dict[str, Any] | None:
    """Return the snapshot that an input partition goes on from (``nearest_first``), or None.

    Raises:
        StateLost: there are records but none of them is readable.
    """
    consumer = AIOKafkaConsumer(
        bootstrap_servers=bootstrap,
        enable_auto_commit=False,
        auto_offset_reset="earliest",
        max_partition_fetch_bytes=_FETCH_BYTES,
        **security.client_arguments(),
    )
    await consumer.start()
    unreadable: StateLost | None = None
    best: dict[str, Any] | None = None
    try:
        tp = TopicPartition(topic, partition)
        consumer.assign([tp])
        begin = (await consumer.beginning_offsets([tp]))[tp]
        end = (await consumer.end_offsets([tp]))[tp]
        newest = max(begin, end - LOOK_BACK)
        found: list[Found] = []
        for start, stop in ((newest, end), (begin, newest)):
            async for snapshot in _between(consumer, tp, start, stop):
                try:
                    labelled = label_of(snapshot.value, snapshot.headers)
                except StateLost as error:
                    unreadable = error
                    continue
                if labelled.source_topic == source_topic:
                    found.append((labelled, snapshot.value))
            best = None
            for labelled, value in nearest_first(found, config_hash):
                try:
                    best = await asyncio.to_thread(unpack, value)
                except StateLost as error:
                    unreadable = error
                    continue
                if labelled.is_usable(config_hash):
                    return best
                break
    finally:
        await consumer.stop()
    if best is None and unreadable is not None:
        raise unreadable
    return best


async def _between(
    consumer: AIOKafkaConsumer, tp: TopicPartition, start: int, stop: int
) -> AsyncIterator[ConsumerRecord]:
    """Yield the records of a partition from ``start`` to before ``stop``."""
    consumer.seek(tp, start)
    while await consumer.position(tp) < stop:
        for found in (await consumer.getmany(tp, timeout_ms=1000)).get(tp, []):
            if found.value is not None and found.offset < stop:
                yield found


def nearest_first(found: Iterable[Found], config_hash: str) -> list[Found]:
    """Return snapshots in the order in which they are tried: least left to fold, first.

    Those that can be gone on from come before the others, each by how far they are. So a folding
    again that was cut short is gone on with, and one made ready found.
    """
    return sorted(
        found,
        key=lambda labelled: (labelled[0].is_usable(config_hash), labelled[0].next_offset),
        reverse=True,
    )
