"""A Faust transport that delivers chunks: one message per partition and up to 2,000 records.

Faust's per-event path costs tens of microseconds of event-loop bookkeeping per record; a chunk
pays it once. Rebalancing, flow control, generation checks, acknowledgement and timers stay
Faust's own. The URL scheme is ``vane://host:port`` (entry point group ``faust.transports``).

The consumer knows nothing of KPIs. After a rebalance it asks ``app.positions`` where to read
each partition from: the recovered state decides, not the group's committed offsets, which are
kept for lag dashboards only.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from typing import Any, Final

from aiokafka import AIOKafkaConsumer
from aiokafka.consumer import fetcher
from aiokafka.errors import KafkaError
from faust.serializers.schemas import Schema
from faust.transport.drivers import aiokafka as driver
from faust.types import TP, AppT
from faust.types.tuples import ConsumerMessage

from pipeline.streams.record import Record

CHUNK_RECORDS: Final = 2000

FETCH_MAX_WAIT_MS: Final = 50
"""aiokafka has one fetch under way per broker, so a poll for idle partitions holds up the busy
ones: with Faust's 1,500 ms a worker with an idle partition ran at a tenth of its speed."""


Positions = Callable[[set[TP], int, Mapping[TP, int]], Awaitable[Mapping[TP, int]]]
"""Recovers the state of the assigned partitions, given the group's generation and what it has
committed; returns the next offset of each."""


class ChunkSchema(Schema):
    """Hands the chunk on as it is: records are decoded by our codec, errors being values."""

    def compile(self, app: AppT, **_options: Any) -> Any:  # noqa: ANN401, D102 - Faust's signature
        create_event = app.create_event

        async def decode(message: ConsumerMessage, *, propagate: bool = False) -> Any:  # noqa: ANN401, ARG001
            return create_event(None, message.value, message.headers, message)

        return decode


def as_parsed(value: bytes) -> bytes:
    """Mark, as a consumer's value deserializer, that it takes records as the parser makes them."""
    return value


class LeanRecords(fetcher.PartitionRecords):
    """Records of a fetch, handed on as parsed to a consumer that asks for that.

    A ``ConsumerRecord`` with its eleven fields costs more than parsing the record did.
    """

    def _consumer_record(self, tp: Any, record: Any) -> Any:  # noqa: ANN401 - aiokafka's signature
        if self._value_deserializer is as_parsed:
            return record
        return super()._consumer_record(tp, record)


fetcher.PartitionRecords = LeanRecords  # the fetcher looks its class up by this name


class ConsumerThread(driver.AIOKafkaConsumerThread):
    """Faust's consumer thread with a shorter long poll, and records as they are parsed."""

    def _create_worker_consumer(self, transport: driver.Transport) -> AIOKafkaConsumer:
        consumer = super()._create_worker_consumer(transport)
        consumer._fetch_max_wait_ms = FETCH_MAX_WAIT_MS  # noqa: SLF001 - Faust fixes it at 1500
        consumer._value_deserializer = as_parsed  # noqa: SLF001 - Faust passes none on
        return consumer


class Consumer(driver.Consumer):
    """aiokafka consumer whose messages are chunks; see the module's docstring."""

    def _new_consumer_thread(self) -> ConsumerThread:
        return ConsumerThread(self, loop=self.loop, beacon=self.beacon)

    async def perform_seek(self) -> None:
        """Seek to where the recovered state goes on, not to the committed offsets."""
        await super().perform_seek()
        assigned = {tp for tp in self.assignment() if not self._is_changelog_tp(tp)}
        source: Positions | None = getattr(self.app, "positions", None)
        if source is None:
            return
        committed = {tp: n for tp, n in self._committed_offset.items() if n is not None}
        offsets = await source(assigned, self.app.consumer_generation_id, committed)
        if offsets:
            self._committed_offset.update(offsets)
            await self.seek_wait(offsets)

    async def getmany(self, timeout: float) -> AsyncIterator[tuple[TP, ConsumerMessage]]:  # noqa: ASYNC109 - Faust's signature
        """Yield (partition, chunk) until the fetched records are used up or the flow stops."""
        try:
            records, active = await self._wait_next_records(timeout)
        except KafkaError as error:
            await self.app.crash(error)
            raise
        generation = self.app.consumer_generation_id
        if records is None or self.should_stop:
            return
        if not self.flow_active:
            return  # a rebalance is on its way; it seeks when it is done
        for tp, found in records.items():
            if not (active is None or tp in active or tp in self._buffered_partitions):
                continue
            self.app.monitor.track_tp_end_offset(tp, self.highwater(tp))
            for start in range(0, len(found), CHUNK_RECORDS):
                if not self.flow_active or self.app.consumer_generation_id != generation:
                    return
                yield tp, self._chunk(tp, found[start : start + CHUNK_RECORDS], generation)

    @staticmethod
    def _chunk(tp: TP, records: Sequence[Record], generation: int) -> ConsumerMessage:
        last = records[-1]
        return ConsumerMessage(
            tp.topic,
            tp.partition,
            last.offset,
            last.timestamp / 1000.0,
            last.timestamp_type,
            (),
            None,
            records,
            None,
            0,
            0,
            tp,
            generation_id=generation,
        )

    def on_buffer_full(self, tp: TP) -> None:
        """Leave the partition active: a full buffer holds the drain back by itself.

        Faust would stop asking for the partition and then wait a whole second for the others.
        """

    def on_buffer_drop(self, tp: TP) -> None:
        """Nothing was taken out, so nothing comes back."""

    async def _add_gap(self, tp: TP, offset_from: int, offset_to: int) -> None:
        """Chunks are numbered by their last offset, so Faust's gaps mean nothing."""

    def _new_offset(self, tp: TP) -> int | None:
        """Return the offset after the newest acknowledged chunk (for lag only)."""
        acked = self._acked[tp]
        if not acked:
            return None
        newest: int = max(acked)
        acked.clear()
        self._acked_index[tp].clear()
        return newest + 1


class Transport(driver.Transport):
    """aiokafka transport with chunked delivery."""

    Consumer = Consumer
