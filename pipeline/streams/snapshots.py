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
"""Newest records of a snapshot partition that are looked at."""

_ZLIB_LEVEL: Final = 1
_FETCH_BYTES: Final = 24 * 1024 * 1024
_decoder = msgspec.msgpack.Decoder()
_encoder = msgspec.msgpack.Encoder()

LEG_PACKING: Final = Packing(_encoder.encode, _decoder.decode)
"""What the fold of a worker packs its quiet legs with."""


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
        StateLost: the newest records exist but none of them is readable.
    """
    consumer = AIOKafkaConsumer(
        bootstrap_servers=bootstrap,
        enable_auto_commit=False,
        auto_offset_reset="earliest",
        max_partition_fetch_bytes=_FETCH_BYTES,
        **security.client_arguments(),
    )
    await consumer.start()
    try:
        tp = TopicPartition(topic, partition)
        consumer.assign([tp])
        begin = (await consumer.beginning_offsets([tp]))[tp]
        end = (await consumer.end_offsets([tp]))[tp]
        consumer.seek(tp, max(begin, end - LOOK_BACK))
        found: list[dict[str, Any]] = []
        unreadable: StateLost | None = None
        while await consumer.position(tp) < end:
            for record in (await consumer.getmany(tp, timeout_ms=1000)).get(tp, []):
                if record.value is None:
                    continue
                try:
                    envelope = unpack(record.value)
                except StateLost as error:
                    unreadable = error
                    continue
                if envelope["source_topic"] == source_topic:
                    found.append(envelope)
    finally:
        await consumer.stop()
    if not found and unreadable is not None:
        raise unreadable
    return nearest(found, config_hash)


def nearest(found: Sequence[dict[str, Any]], config_hash: str) -> dict[str, Any] | None:
    """Return the snapshot from which there is least to fold, or None if there is none.

    That is the furthest of those that this code under this config can go on from; if there is
    none, the furthest of the others. So a folding again that was cut short is gone on with.
    """

    def reach(envelope: dict[str, Any]) -> tuple[bool, int]:
        state = envelope["state"]
        mine = (config_hash, STATE_VERSION)
        return (envelope["config_hash"], state.get("state_version")) == mine, state["next_offset"]

    return max(found, key=reach, default=None)
