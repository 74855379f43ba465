"""An engine whose log and publisher only write down what is asked of them.

They stand in for a broker to bring about what a real one does rarely and never on demand; how
the engine does with a real one is in ``tests/integration``.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeAlias

from aiokafka.structs import ConsumerRecord
from faust.types import TP

from pipeline.codec.encode import encode
from pipeline.config_files import AlertRules, QueueEntry, Targets
from pipeline.domain.events import CallEvent
from pipeline.domain.fold import PartitionFold
from pipeline.streams.engine import Engine
from pipeline.streams.outgoing import PaneTemplates
from pipeline.streams.part import Part
from pipeline.streams.publisher import Outgoing, Publisher
from tests.factories import NOON, an_event, history

Record: TypeAlias = "ConsumerRecord[bytes, bytes]"
INPUT = "test.acd.events"
SNAPSHOTS = "test.vane.snapshots"


@dataclass
class RecordingLog:
    """Where the engine sought to, and what the log holds."""

    sought: list[dict[TP, int]] = field(default_factory=list)
    begin: int = 0
    end: int = 1_000_000

    async def seek_wait(self, partitions: Mapping[TP, int]) -> None:
        self.sought.append(dict(partitions))

    async def earliest_offsets(self, *partitions: TP) -> Mapping[TP, int]:
        return dict.fromkeys(partitions, self.begin)

    async def highwaters(self, *partitions: TP) -> Mapping[TP, int]:
        return dict.fromkeys(partitions, self.end)


class RecordingPublisher(Publisher):
    """Every call in order; fails where it is told to."""

    def __init__(self) -> None:
        super().__init__("nowhere")
        self.calls: list[tuple[Any, ...]] = []
        self.sent: list[tuple[str, int, Outgoing]] = []
        self.fails_on: str | None = None

    async def stop(self) -> None:
        self.calls.append(("stop",))

    async def publish(self, topic: str, partition: int, records: Iterable[Outgoing]) -> None:
        self.calls.append(("publish", topic, partition))
        if topic == self.fails_on:
            msg = f"no {topic} today"
            raise ConnectionError(msg)
        self.sent += [(topic, partition, record) for record in records]

    async def flush(self, partition: int) -> None:
        self.calls.append(("flush", partition))
        if self.fails_on == "flush":
            self.fails_on = None  # as in the real one, what failed is forgotten
            msg = "not delivered"
            raise ConnectionError(msg)

    def values(self, topic: str) -> list[dict[str, Any]]:
        return [
            json.loads(value) for name, _, (_, value, _) in self.sent if name == f"test.{topic}"
        ]

    def offered(self) -> int:
        """Return the calls offered by what a reader of the upserts holds."""
        newest = {v["pane_start_ms"]: v["offered"] for v in self.values("kpi.service-level")}
        return sum(newest.values())

    def snapshots(self) -> list[bytes]:
        return [value for topic, _, (_, value, _) in self.sent if topic == SNAPSHOTS]


@dataclass
class Live:
    """An engine with partition 0 recovered, its publisher and its log."""

    engine: Engine
    publisher: RecordingPublisher
    log: RecordingLog

    @property
    def part(self) -> Part:
        return self.engine.parts[0]

    def recovered(self, partition: int, first_offset: int = 0, generation: int = 1) -> Part:
        """Give the engine a partition that starts empty at an offset."""
        fold = PartitionFold(history, first_offset=first_offset)
        templates = PaneTemplates(partition, self.engine.basis.config_hash)
        part = Part(TP(INPUT, partition), fold, generation, templates, first_offset)
        self.engine.parts[partition] = part
        return part


def targets(version: str = "targets00") -> Targets:
    return Targets((QueueEntry("*", "*", "*", "UTC", history()),), version)


def an_engine(version: str = "targets00") -> Live:
    engine = Engine(
        bootstrap="nowhere:9",
        topic=lambda name: f"test.{name}",
        targets=targets(version),
        rules=AlertRules((), "rules0000"),
    )
    publisher, log = RecordingPublisher(), RecordingLog()
    engine.publisher, engine.log = publisher, log
    return Live(engine, publisher, log)


def a_record(
    offset: int,
    event: CallEvent | None = None,
    *,
    value: bytes | None = None,
    appended: int | None = None,
    partition: int = 0,
    key: bytes | None = b"",
) -> Record:
    """Return a record as the consumer gives it; a call of its own unless told what it holds."""
    found = event or an_event("abandoned", offset, contact_id=f"c{offset}")
    value = encode(found) if value is None else value
    stamp = found.occurred_at_ms if appended is None else appended
    key = found.client.encode() if key == b"" else key
    sizes = (len(key or b""), len(value))
    return ConsumerRecord(INPUT, partition, offset, stamp, 0, key, value, None, *sizes, ())


def a_chunk(first: int, end: int) -> list[Record]:
    """Return records ``[first, end)``: each pair of offsets is one abandoned call."""
    found = []
    for offset in range(first, end):
        kind = "abandoned" if offset % 2 else "queued"
        event = an_event(kind, offset * 10, contact_id=f"c{offset // 2}")
        found.append(a_record(offset, event, appended=NOON + offset * 10))
    return found
