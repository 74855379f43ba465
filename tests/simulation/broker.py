"""A broker in memory: the input log, output topics, and the snapshot topic as a consumer sees it.

Nothing happens here by itself or by a clock: a schedule says what is appended, delivered,
compacted or trimmed, and when.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any, TypeAlias

from aiokafka.structs import ConsumerRecord
from faust.types import TP

from pipeline.codec.encode import encode
from pipeline.domain.events import CallEvent
from pipeline.domain.fold import Record as Judged
from pipeline.streams.publisher import Outgoing

PREFIX = "sim."
INPUT = f"{PREFIX}acd.events"
SNAPSHOTS = f"{PREFIX}vane.snapshots"

TORN = b"?"
"""A snapshot that nobody can read."""

Record: TypeAlias = "ConsumerRecord[bytes, bytes]"


@dataclass
class Log:
    """One partition of the input: all that will ever be in it, and what is there now."""

    partition: int
    records: list[Record]
    start: int = 0
    end: int = 0

    @property
    def tp(self) -> TP:
        return TP(INPUT, self.partition)

    def read(self, first: int, most: int) -> list[Record]:
        """Return what a fetch gives: nothing of what retention has taken."""
        return self.records[max(first, self.start) : min(first + most, self.end)]


@dataclass
class Broker:
    """What is written; outputs are (partition, record) in the order they arrived."""

    logs: list[Log]
    outputs: dict[str, list[tuple[int, Outgoing]]] = field(default_factory=dict)
    snapshots: dict[int, list[Outgoing | None]] = field(default_factory=dict)
    """By partition, what is at each offset; None is compacted away."""

    def write(self, topic: str, partition: int, record: Outgoing) -> None:
        if topic == SNAPSHOTS:
            self.snapshots.setdefault(partition, []).append(record)
        else:
            self.outputs.setdefault(topic, []).append((partition, record))

    def compact(self, partition: int) -> bool:
        """Leave the newest record of each key; say whether any went."""
        found = self.snapshots.get(partition, [])
        newest = {record[0]: at for at, record in enumerate(found) if record is not None}
        kept = set(newest.values())
        self.snapshots[partition] = [r if at in kept else None for at, r in enumerate(found)]
        return self.snapshots[partition] != found

    def repeat(self, partition: int, which: int) -> bool:
        """Write an old snapshot again, as a worker that lives on does; say whether there is one."""
        found = [record for record in self.snapshots.get(partition, ()) if record is not None]
        if found:
            self.snapshots[partition].append(found[which % len(found)])
        return bool(found)


def records_of(partition: int, judged: Sequence[Judged]) -> list[Record]:
    """Return the bytes of a log that Hypothesis drew."""
    found = []
    for offset, appended, event in judged:
        if isinstance(event, CallEvent):
            key, value = event.client.encode(), encode(event)
        else:
            key, value = b"?", event.raw
        found.append(
            ConsumerRecord(
                INPUT, partition, offset, appended, 1, key, value, None, len(key), len(value), ()
            )
        )
    return found


class SnapshotConsumer:
    """Reads the snapshot topic as AIOKafkaConsumer does, a few records at a time."""

    broker: Broker

    def __init__(self, **_: Any) -> None:
        self.at: dict[Any, int] = {}

    def _there(self, partition: int) -> list[Outgoing | None]:
        return self.broker.snapshots.get(partition, [])

    async def start(self) -> None:
        await asyncio.sleep(0)

    async def stop(self) -> None:
        """Nothing to give back."""

    def assign(self, tps: Sequence[Any]) -> None:
        self.at = dict.fromkeys(tps, 0)

    async def beginning_offsets(self, tps: Sequence[Any]) -> Mapping[Any, int]:
        return {tp: self._first(self._there(tp.partition)) for tp in tps}

    @staticmethod
    def _first(found: Sequence[object]) -> int:
        return next((at for at, record in enumerate(found) if record is not None), len(found))

    async def end_offsets(self, tps: Sequence[Any]) -> Mapping[Any, int]:
        return {tp: len(self._there(tp.partition)) for tp in tps}

    def seek(self, tp: Any, offset: int) -> None:
        self.at[tp] = offset

    async def position(self, tp: Any) -> int:
        return self.at[tp]

    async def getmany(self, tp: Any, timeout_ms: int) -> Mapping[Any, Sequence[Any]]:
        assert timeout_ms
        await asyncio.sleep(0)
        found = self._there(tp.partition)
        batch = range(self.at[tp], min(self.at[tp] + 2, len(found)))
        self.at[tp] = batch.stop
        there = [(at, record) for at in batch if (record := found[at]) is not None]
        return {
            tp: [
                SimpleNamespace(offset=at, value=record[1], headers=record[2])
                for at, record in there
            ]
        }
