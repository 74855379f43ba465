"""Runs one fold per assigned partition: recover, fold, publish, snapshot.

The rules that make it exact:

* A partition is folded only after its own snapshot has been recovered, and from exactly that
  offset: a chunk from further on (prefetched before a seek) is never folded and never merely
  skipped; it makes the engine seek again.
* Outputs are acknowledged before the snapshot that covers them is written, and a snapshot is
  never older than one already known.
* A state that the log can no longer continue (trimmed, or topic made anew) is a loud stop.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Mapping
from typing import Any, Final, Protocol

import structlog
from faust.types import TP

from pipeline import tracing
from pipeline.broker.security import PLAINTEXT, Security
from pipeline.codec.judge import judge_chunk
from pipeline.config_files import AlertRules, Targets
from pipeline.domain.fold import GapInLogError
from pipeline.domain.fold_state import Plain
from pipeline.domain.forecast_book import QueueForecast, QueueKey
from pipeline.errors import StateLost
from pipeline.streams import outgoing, snapshots
from pipeline.streams.key_watch import key_watch
from pipeline.streams.meters import Meters, timed
from pipeline.streams.part import Part, copy_state
from pipeline.streams.publisher import Publisher
from pipeline.streams.record import Records
from pipeline.streams.recovery import Basis, fold_of

log = structlog.get_logger(__name__)

SLICE_RECORDS: Final = 500
"""Decoded and folded at a time: few enough to stay in the processor's cache in between."""

SEEK_AGAIN_AFTER_S: Final = 5.0
SEEKS_BEFORE_GIVING_UP: Final = 5


class Log(Protocol):
    """What the engine needs of the consumer."""

    async def seek_wait(self, partitions: Mapping[TP, int]) -> None:
        """Move the read position."""
        ...

    async def earliest_offsets(self, *partitions: TP) -> Mapping[TP, int]:
        """Return the first offset that the log still holds."""
        ...

    async def highwaters(self, *partitions: TP) -> Mapping[TP, int]:
        """Return the offset after the newest record."""
        ...


class Engine:
    """The folds of this worker; ``positions`` is what the transport asks after a rebalance."""

    def __init__(
        self,
        *,
        bootstrap: str,
        topic: Callable[[str], str],
        targets: Targets,
        rules: AlertRules,
        forecasts: Mapping[QueueKey, QueueForecast] | None = None,
        security: Security = PLAINTEXT,
    ) -> None:
        """Prepare; ``topic`` maps one of our topic names to the broker's."""
        self._bootstrap = bootstrap
        self._security = security
        self._topic = topic
        self.basis = Basis(targets, rules, forecasts or {})
        self._keys = key_watch(rules)
        self._stopping = False
        self.input_topic = topic("acd.events")
        self.publisher = Publisher(bootstrap, security)
        self.meters = Meters()
        self.parts: dict[int, Part] = {}
        self.log: Log | None = None
        self._revoked_at: float | None = None
        self.assigned: frozenset[int] | None = None
        """Input partitions that the group has given to this worker; None while it has not."""
        self.seeks_back = 0
        """How often a chunk from beyond the state's offset made the engine seek again."""

    # --- assignment --------------------------------------------------------------------------

    async def positions(
        self, assigned: set[TP], generation: int, committed: Mapping[TP, int] | None = None
    ) -> Mapping[TP, int]:
        """Recover what is newly assigned; return the next offset of every input partition.

        A partition that this worker held in the generation just before is kept as it is: no
        other worker can have had it in between. ``committed`` is what the group has committed,
        by which is told how much is folded again.
        """
        wanted = {tp for tp in assigned if tp.topic == self.input_topic}
        self.assigned = frozenset(tp.partition for tp in wanted)
        log.info("partitions assigned", partitions=sorted(self.assigned), generation=generation)
        for partition in set(self.parts) - {tp.partition for tp in wanted}:
            del self.parts[partition]
        for tp in sorted(wanted):
            part = self.parts.get(tp.partition)
            if part is None or generation - part.generation > 1:
                self.parts[tp.partition] = await self._recover(
                    tp, generation, (committed or {}).get(tp) or 0
                )
            else:
                part.generation = generation
        if self._revoked_at is not None:
            self.meters.rebalance.observe(time.monotonic() - self._revoked_at)
            self._revoked_at = None
        return {part.tp: part.fold.next_offset for part in self.parts.values()}

    async def _recover(self, tp: TP, generation: int, committed: int) -> Part:
        with tracing.span("recover", tracing.of_partition(*tp)):
            return await self._recovered(tp, generation, committed)

    async def _recovered(self, tp: TP, generation: int, committed: int) -> Part:
        started = time.monotonic()
        source = self._consumer()
        begin = (await source.earliest_offsets(tp))[tp]
        end = (await source.highwaters(tp))[tp]
        envelope = await snapshots.read_newest(
            self._bootstrap,
            self._topic("vane.snapshots"),
            tp.partition,
            source_topic=tp.topic,
            config_hash=self.basis.config_hash,
            security=self._security,
        )
        fold = fold_of(envelope, tp, begin, end, self.basis)
        replayed = max(0, min(committed, end) - fold.next_offset)
        self.meters.recovery.observe(time.monotonic() - started)
        log.info(
            "partition recovered",
            partition=tp.partition,
            offset=fold.next_offset,
            behind=end - fold.next_offset,
            replayed=replayed,
            legs=fold.live_legs,
            seconds=round(time.monotonic() - started, 3),
        )
        templates = outgoing.PaneTemplates(tp.partition, self.basis.config_hash)
        appended = max((at for _, at in fold.watermark.sources.values()), default=0)
        return Part(
            tp,
            fold,
            generation,
            templates,
            fold.next_offset,
            appended_ms=appended,
            replayed=replayed,
        )

    async def revoke(self, revoked: set[TP]) -> None:
        """Write a last snapshot of partitions that are being taken away."""
        self.assigned = None  # until the group has agreed anew
        self._revoked_at = time.monotonic()
        log.info("partitions revoked", partitions=sorted(tp.partition for tp in revoked))
        for tp in revoked:
            part = self.parts.get(tp.partition)
            if part is not None and tp.topic == self.input_topic:
                await self.snapshot(part)

    # --- folding -----------------------------------------------------------------------------

    async def on_chunk(self, partition: int, records: Records) -> None:
        """Fold one chunk of a partition and publish what comes of it.

        If that fails or is cancelled the partition is given up: it has to be recovered before
        anything more of it is folded or snapshotted.

        Raises:
            StateLost: the log has a hole at the offset the state needs.
        """
        part = self.parts.get(partition)
        if part is None:
            return  # not recovered, so not ours to fold: the seek after recovery brings it again
        async with part.lock:
            if self._stopping or self.parts.get(partition) is not part:
                return  # recovered anew meanwhile: its new place in the log decides
            fold = part.fold
            if records[-1].offset < fold.next_offset:
                return
            if records[0].offset > fold.next_offset:
                await self._seek_back(part, records[0].offset)
                return
            part.seeks = 0
            try:
                await self._fold_and_publish(part, records)
            except BaseException:
                # Folded but not (all) published: a snapshot of it would lose what was not.
                self._give_up(part)
                raise
            part.appended_ms = records[-1].timestamp

    async def _fold_and_publish(self, part: Part, records: Records) -> None:
        about = _of_chunk(part.tp, records)
        self._keys.look(part.tp.partition, records)
        try:
            with timed(self.meters.fold), tracing.span("fold", about):
                for start in range(0, len(records), SLICE_RECORDS):
                    part.fold.fold(judge_chunk(records[start : start + SLICE_RECORDS]))
        except GapInLogError as gap:
            await self._publish(part, records)
            raise self._hole(part, gap.found) from gap
        with timed(self.meters.publish), tracing.span("publish", about):
            await self._publish(part, records)

    async def _seek_back(self, part: Part, found: int) -> None:
        now = time.monotonic()
        if part.seeks and now - part.sought_at < SEEK_AGAIN_AFTER_S:
            return  # prefetched before the seek that is under way
        if part.seeks >= SEEKS_BEFORE_GIVING_UP:
            raise self._hole(part, found)
        part.seeks += 1
        part.sought_at = now
        self.seeks_back += 1
        wanted = part.fold.next_offset
        log.info("seeking back", partition=part.tp.partition, offset=wanted, found=found)
        await self._consumer().seek_wait({part.tp: wanted})

    @staticmethod
    def _hole(part: Part, found: int) -> StateLost:
        msg = (
            f"partition {part.tp.partition} of {part.tp.topic} has no records from offset "
            f"{part.fold.next_offset} to {found - 1}. The input must be neither compacted nor "
            "transactional, and its retention must be longer than a worker's absence."
        )
        return StateLost(msg)

    async def _publish(self, part: Part, records: Records) -> None:
        fold, partition = part.fold, part.tp.partition
        box = fold.take_outbox()
        revision = fold.next_offset
        publish, topic = self.publisher.publish, self._topic
        upserts = outgoing.pane_upserts(box, revision, part.templates)
        for name, found in zip(outgoing.KPI_TOPICS, upserts, strict=True):
            if found:
                await publish(topic(name), partition, found)
        if box.alerts:
            alerts = [
                outgoing.alert_record(a, revision=revision, partition=partition) for a in box.alerts
            ]
            await publish(topic("kpi.alerts"), partition, alerts)
        sides: tuple[tuple[list[Any], str, Callable[..., Any]], ...] = (
            (box.rejected, "acd.events.dlq", outgoing.rejected_records),
            (box.late, "acd.late", outgoing.late_records),
            (box.quarantined, "acd.quarantine", outgoing.quarantined_records),
        )
        for found_any, name, build in sides:
            if found_any:
                await publish(topic(name), partition, build(box, records, part.tp))
        done = outgoing.progress(fold, partition, self.basis.config_hash)
        await publish(topic("kpi.progress"), partition, [done])

    # --- snapshots ---------------------------------------------------------------------------

    async def snapshot(self, part: Part) -> None:
        """Write a snapshot unless nothing has been folded since the last one.

        The partition waits only while its state is copied, a few milliseconds at a time; it is
        folded on while what the copy covers is acknowledged and the copy is packed and written.
        """
        async with part.snapshotting:
            async with part.lock:
                if self.parts.get(part.tp.partition) is not part:
                    return  # given up, or recovered anew, while this one waited for the lock
                if part.fold.next_offset <= part.snapshot_offset:
                    return
                state = await copy_state(part.fold)
            try:
                where = tracing.of_partition(*part.tp)
                with timed(self.meters.snapshot), tracing.span("snapshot", where):
                    await self._write_snapshot(part, state)
            except BaseException:
                # What could not be delivered would look delivered to the next attempt.
                self._give_up(part)
                raise

    def _give_up(self, part: Part) -> None:
        if self.parts.get(part.tp.partition) is part:
            del self.parts[part.tp.partition]

    async def _write_snapshot(self, part: Part, state: Plain) -> None:
        partition = part.tp.partition
        await self.publisher.flush(partition)
        record = await asyncio.to_thread(
            snapshots.record,
            partition,
            state,
            config_hash=self.basis.config_hash,
            source_topic=part.tp.topic,
        )
        if self.parts.get(partition) is not part:
            return  # given up meanwhile: it may be that what the copy covers was not delivered
        await self.publisher.publish(self._topic("vane.snapshots"), partition, [record])
        await self.publisher.flush(partition)
        part.snapshot_offset = state["next_offset"]
        part.snapshot_at = time.monotonic()
        part.snapshot_bytes = len(record[1])
        where = {"partition": partition, "offset": part.snapshot_offset}
        log.info("snapshot written", **where, bytes=len(record[1]))

    async def snapshot_all(self) -> None:
        """Write the snapshots that are due."""
        for part in list(self.parts.values()):
            await self.snapshot(part)

    async def stop(self) -> None:
        """Take no more chunks, write the last snapshots and close the outputs."""
        self._stopping = True
        await self.snapshot_all()
        await self.publisher.stop()
        log.info("stopped", offsets={p: part.snapshot_offset for p, part in self.parts.items()})

    def _consumer(self) -> Log:
        if self.log is None:
            msg = "engine used before it was given a log"
            raise AssertionError(msg)
        return self.log


def _of_chunk(tp: TP, records: Records) -> dict[str, str | int]:
    return {
        **tracing.of_partition(*tp),
        "messaging.kafka.offset": records[0].offset,
        "messaging.batch.message_count": len(records),
    }
