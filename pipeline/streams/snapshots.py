"""Snapshots of partition folds in a compacted topic: each carries its own input offset.

A snapshot is (state, next input offset, watermark, versions). Any snapshot is consistent with
itself; an older one only costs replay, so a zombie worker that writes one does no harm: readers
look at the newest few and take the one that is furthest along.
"""

from __future__ import annotations

import zlib
from collections.abc import Sequence
from typing import Any, Final

import msgspec
from aiokafka import AIOKafkaConsumer, TopicPartition

from pipeline.broker.security import PLAINTEXT, Security
from pipeline.domain.cold_legs import Packing
from pipeline.domain.fold_state import STATE_VERSION
from pipeline.errors import StateLost

LOOK_BACK: Final = 16
"""Newest records of a snapshot partition that are looked at; all, if none of them can be used."""

_ZLIB_LEVEL: Final = 1
_FETCH_BYTES: Final = 24 * 1024 * 1024
_decoder = msgspec.msgpack.Decoder()
_encoder = msgspec.msgpack.Encoder()

LEG_PACKING: Final = Packing(_encoder.encode, _decoder.decode)
"""What the fold of a worker packs its quiet legs with."""


def key(partition: int, config_hash: str) -> bytes:
    """Return the key of a snapshot record: compaction keeps the newest of every configuration."""
    return f"{partition}/{config_hash}".encode()


def pack(state: dict[str, Any], *, config_hash: str, source_topic: str) -> bytes:
    """Return the bytes of a snapshot record."""
    envelope = {"config_hash": config_hash, "source_topic": source_topic, "state": state}
    return zlib.compress(_encoder.encode(envelope), _ZLIB_LEVEL)


def unpack(raw: bytes) -> dict[str, Any]:
    """Return ``{"config_hash", "source_topic", "state"}``; raise StateLost if it is not one."""
    try:
        envelope: dict[str, Any] = _decoder.decode(zlib.decompress(raw))
        envelope["state"]["next_offset"], envelope["config_hash"], envelope["source_topic"]
    except (zlib.error, msgspec.MsgspecError, KeyError, TypeError) as error:
        msg = f"a snapshot record of {len(raw)} bytes is not readable: {error}"
        raise StateLost(msg) from error
    return envelope


async def read_newest(
    bootstrap: str,
    topic: str,
    partition: int,
    *,
    source_topic: str,
    config_hash: str,
    security: Security = PLAINTEXT,
) -> dict[str, Any] | None:
    """Return the snapshot that an input partition goes on from (``nearest``), or None.

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
    best: dict[str, Any] | None = None
    unreadable: StateLost | None = None
    try:
        tp = TopicPartition(topic, partition)
        consumer.assign([tp])
        begin = (await consumer.beginning_offsets([tp]))[tp]
        end = (await consumer.end_offsets([tp]))[tp]
        newest = max(begin, end - LOOK_BACK)
        for start, stop in ((newest, end), (begin, newest)):
            consumer.seek(tp, start)
            while await consumer.position(tp) < stop:
                for record in (await consumer.getmany(tp, timeout_ms=1000)).get(tp, []):
                    if record.value is None or record.offset >= stop:
                        continue
                    try:
                        envelope = unpack(record.value)
                    except StateLost as error:
                        unreadable = error
                        continue
                    if envelope["source_topic"] == source_topic:
                        known = [envelope] if best is None else [best, envelope]
                        best = nearest(known, config_hash)
            if best is not None and is_usable(best, config_hash):
                break
    finally:
        await consumer.stop()
    if best is None and unreadable is not None:
        raise unreadable
    return best


def is_usable(envelope: dict[str, Any], config_hash: str) -> bool:
    """Say whether this code under this config can go on from a snapshot."""
    mine = (config_hash, STATE_VERSION)
    return (envelope["config_hash"], envelope["state"].get("state_version")) == mine


def nearest(found: Sequence[dict[str, Any]], config_hash: str) -> dict[str, Any] | None:
    """Return the snapshot from which there is least to fold, or None if there is none.

    That is the furthest of those that can be gone on from; if there is none, the furthest of the
    others. So a folding again that was cut short is gone on with, and one made ready found.
    """
    return max(
        found,
        key=lambda e: (is_usable(e, config_hash), e["state"]["next_offset"]),
        default=None,
    )
