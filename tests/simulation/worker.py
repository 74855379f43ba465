"""A worker of the simulation: the real engine between a consumer and a producer in memory.

Whatever the engine awaits of the outside is a gate that a schedule opens. So a worker can be
killed or frozen wherever a real one waits for the network.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Coroutine, Iterable, Mapping
from contextlib import suppress
from typing import Any

from aiokafka.errors import KafkaError
from faust.types import TP

from pipeline.config_files import AlertRules
from pipeline.domain.alert_rule import DropRule
from pipeline.errors import StateLost
from pipeline.streams.engine import Engine
from pipeline.streams.publisher import Outgoing, Publisher
from tests.simulation.broker import PREFIX, Broker, Record
from tests.unit.streams.live import targets

RULE = DropRule(
    name="drop",
    version="1",
    severity="page",
    runbook="",
    window_ms=300_000,
    enter_margin_permille=100,
    leave_margin_permille=0,
    min_offered=1,
)
MOST_BUFFERED = 3


class Output(Publisher):
    """Batches on their way: delivered in order per topic and partition, or failed."""

    def __init__(self, worker: Worker) -> None:
        super().__init__("nowhere")
        self.worker = worker
        self.under_way: dict[tuple[str, int], deque[tuple[list[Outgoing], asyncio.Future[None]]]]
        self.under_way = {}
        self.slow: str | None = None
        """A topic whose batches do not arrive for the time being."""
        self.fails_next = False

    async def start(self) -> None:
        """Nothing to connect."""

    async def stop(self) -> None:
        """Nothing to close."""

    async def publish(self, topic: str, partition: int, records: Iterable[Outgoing]) -> None:
        batch = list(records)
        await self.worker.gate()
        future: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self.under_way.setdefault((topic, partition), deque()).append((batch, future))
        await self._track(partition, future)  # type: ignore[arg-type]

    def lanes(self) -> list[tuple[str, int]]:
        found = (lane for lane, batches in self.under_way.items() if batches)
        return sorted(lane for lane in found if lane[0] != self.slow)

    def deliver(self, lane: tuple[str, int], broker: Broker) -> None:
        if self.fails_next:
            self.fails_next = False
            self.fail(lane)
            return
        batch, future = self.under_way[lane].popleft()
        for record in batch:
            broker.write(lane[0], lane[1], record)
        if not future.done():
            future.set_result(None)

    def fail(self, lane: tuple[str, int]) -> None:
        """Lose a batch and, as an idempotent producer would, what comes after it."""
        while self.under_way[lane]:
            _, future = self.under_way[lane].popleft()
            if not future.done():
                future.set_exception(KafkaError("lost"))
                future.exception()  # looked at, whether anybody waits for it or not


class Worker:
    """One process; ``dead`` once it was killed or ended."""

    def __init__(self, number: int, broker: Broker, loop: asyncio.AbstractEventLoop) -> None:
        self.number = number
        self.broker = broker
        self.loop = loop
        self.dead = False
        self.frozen = False
        self.lost: StateLost | None = None
        self.waiting: list[asyncio.Future[None]] = []
        self.fetch_from: dict[int, int] = {}
        self.buffers: dict[int, deque[list[Record]]] = {}
        self.tasks: dict[str, asyncio.Task[None]] = {}
        self.engine = Engine(
            bootstrap="nowhere:9",
            topic=lambda name: f"{PREFIX}{name}",
            targets=targets(),
            rules=AlertRules((RULE,), "rules0000"),
        )
        self.output = Output(self)
        self.engine.publisher, self.engine.log = self.output, self

    # --- what the engine asks of the consumer -------------------------------------------------

    async def seek_wait(self, partitions: Mapping[TP, int]) -> None:
        await self.gate()
        self.fetch_from |= {tp.partition: offset for tp, offset in partitions.items()}

    async def earliest_offsets(self, *partitions: TP) -> Mapping[TP, int]:
        await self.gate()
        return {tp: self.broker.logs[tp.partition].start for tp in partitions}

    async def highwaters(self, *partitions: TP) -> Mapping[TP, int]:
        await self.gate()
        return {tp: self.broker.logs[tp.partition].end for tp in partitions}

    # --- what a schedule does to it -----------------------------------------------------------

    async def gate(self) -> None:
        future: asyncio.Future[None] = self.loop.create_future()
        self.waiting.append(future)
        await future

    def open_gate(self, which: int) -> None:
        future = self.waiting.pop(which % len(self.waiting))
        if not future.done():
            future.set_result(None)

    def is_idle(self, name: str) -> bool:
        task = self.tasks.get(name)
        return task is None or task.done()

    def spawn(self, name: str, work: Coroutine[Any, Any, None]) -> None:
        """Begin something; what fails ends the worker, as ``app.crash`` does."""
        self.tasks[name] = self.loop.create_task(self._guarded(work))

    async def _guarded(self, work: Coroutine[Any, Any, None]) -> None:
        try:
            await work
        except StateLost as error:
            self.lost = error
            await self._crash()
        except (KafkaError, MemoryError):
            await self._crash()

    async def _crash(self) -> None:
        """Stop in good order, as far as that goes, and end."""
        with suppress(KafkaError):
            await self.engine.stop()
        self.end()

    def end(self) -> None:
        """Be gone, with all that is still under way."""
        self.dead = True
        self.output.under_way.clear()

    async def rebalance(self, mine: set[TP], generation: int) -> None:
        """Leave what was held, then recover what is assigned and read on from there."""
        await self.engine.revoke({part.tp for part in self.engine.parts.values()})
        offsets = await self.engine.positions(mine, generation)
        await self.seek_wait(offsets)

    def fetch(self, partition: int, most: int) -> None:
        """Fetch ahead of the fold, as far as the buffer goes."""
        buffer = self.buffers.setdefault(partition, deque())
        at = self.fetch_from.get(partition)
        if at is None or len(buffer) >= MOST_BUFFERED:
            return
        records = self.broker.logs[partition].read(at, most)
        if records:
            buffer.append(records)
            self.fetch_from[partition] = records[-1].offset + 1

    def take_chunk(self, partition: int) -> None:
        name = f"chunk {partition}"
        if self.buffers.get(partition) and self.is_idle(name):
            chunk = self.buffers[partition].popleft()
            self.spawn(name, self.engine.on_chunk(partition, chunk))

    def take_snapshots(self) -> None:
        if self.is_idle("snapshots"):
            self.spawn("snapshots", self.engine.snapshot_all())
