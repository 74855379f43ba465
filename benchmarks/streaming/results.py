"""Reads an engine's results as they come: the newest value of each window, and when it came."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from types import TracebackType
from typing import Final, Self

from aiokafka import AIOKafkaConsumer, TopicPartition

from benchmarks.streaming.log import PARTITIONS
from benchmarks.streaming.oracle import Cells, Counts

Cell = tuple[str, int]
KeyReader = Callable[[bytes], Cell]
"""Bytes of a key to (queue, start of the window in epoch ms)."""
ValueReader = Callable[[bytes], Counts | None]
"""Bytes of a value to counts; None for a record that takes an older one back."""

_POLL_MS: Final = 50


@dataclass(slots=True)
class Results:
    """What has come so far; a context manager that reads in a thread of its own."""

    bootstrap: str
    topic: str
    read_key: KeyReader
    keep_all: bool
    """Whether to keep every record with its arrival, for latencies, or the newest alone."""
    newest: dict[str, int] = field(default_factory=dict)
    """Newest window of each queue that has a result, start in epoch ms."""
    last: dict[Cell, bytes] = field(default_factory=dict)
    arrived: list[tuple[float, Cell, bytes]] = field(default_factory=list)
    """(epoch ms, cell, value)."""
    count: int = 0
    _stop: threading.Event = field(default_factory=threading.Event)
    _thread: threading.Thread | None = None

    def __enter__(self) -> Self:
        """Start reading from the topic's first record, once there is such a topic."""
        self._thread = threading.Thread(target=lambda: asyncio.run(self._read()), daemon=True)
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Stop reading."""
        self._stop.set()
        if self._thread is not None:
            self._thread.join(30)

    def cells(self, read_value: ValueReader) -> Cells:
        """Return the counts of the newest record of each window."""
        read = {cell: read_value(value) for cell, value in self.last.items()}
        return {cell: counts for cell, counts in read.items() if counts is not None}

    async def _read(self) -> None:
        # What a transaction has not committed is no result yet.
        consumer = AIOKafkaConsumer(
            bootstrap_servers=self.bootstrap, auto_offset_reset="earliest",
            fetch_max_wait_ms=_POLL_MS, isolation_level="read_committed",
        )  # fmt: skip
        await consumer.start()
        try:
            while self.topic not in await consumer.topics():
                if self._stop.is_set():
                    return
                await asyncio.sleep(0.2)
            consumer.assign([TopicPartition(self.topic, p) for p in range(PARTITIONS)])
            while not self._stop.is_set():
                batches = await consumer.getmany(timeout_ms=_POLL_MS)
                now = time.time() * 1000
                for records in batches.values():
                    for record in records:
                        if record.value is not None:
                            self._take(now, self.read_key(record.key), record.value)
        finally:
            await consumer.stop()

    def _take(self, now: float, cell: Cell, value: bytes) -> None:
        queue, start = cell
        self.count += 1
        self.last[cell] = value
        if start > self.newest.get(queue, 0):
            self.newest[queue] = start
        if self.keep_all:
            self.arrived.append((now, cell, value))
