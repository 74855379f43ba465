"""Folds partitions again beside the live workers, by the live configuration and by another one."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from typing import Final

from aiokafka.errors import KafkaError

from pipeline.broker.knock import failure, unavailable
from pipeline.domain.fold import GapInLogError, PartitionFold
from pipeline.errors import StateLost
from pipeline.replay.comparison import Changed, Comparison
from pipeline.replay.handover import Handover
from pipeline.replay.plan import Plan, Span, spans
from pipeline.replay.source import Chunk, landed_chunks, log_chunks
from pipeline.settings import Settings
from pipeline.streams.publisher import Publisher

SETTLE_EVERY: Final = 200_000
"""Records between two looks for panes that can be judged and let go of."""

Report = Callable[[int, int], None]
"""Told how many records were folded since, and how many there are in all."""


@dataclass(slots=True)
class Replayed:
    """What came of it; ``live`` are the configurations that the newest snapshots are of."""

    comparison: Comparison
    folds: dict[int, PartitionFold] = field(default_factory=dict)
    """By the new configuration, of each partition."""
    live: set[str] = field(default_factory=set)


async def replay(
    settings: Settings, plan: Plan, *, report: Report, on_changed: Callable[[Changed], None]
) -> Replayed:
    """Fold every partition by both configurations and compare; switch if that is the plan.

    Raises:
        InputError: no such topic, or an offset that a partition does not hold.
        StateLost: records that would be needed are neither landed nor in the log.
        BrokerUnavailable: no broker answers.
        AccessDenied: it does not let us in, or not read or write there.
    """
    try:
        return await _replay(settings, plan, report, on_changed)
    except KafkaError as error:
        told = failure(settings.bootstrap, error) or unavailable(settings.bootstrap, error)
        raise told from error


async def _replay(
    settings: Settings, plan: Plan, report: Report, on_changed: Callable[[Changed], None]
) -> Replayed:
    comparison = Comparison((plan.before.targets.history, plan.after.targets.history), on_changed)
    done = Replayed(comparison)
    found = await spans(settings, plan)
    total = sum(max(0, span.log.end - span.first) for span in found)
    report(0, total)
    publisher = Publisher(settings.bootstrap, settings.security)
    if plan.switch:
        await publisher.start()
    try:
        for span in found:
            if span.live is not None:
                done.live.add(span.live)
            handover = Handover(settings, plan, span, publisher) if plan.switch else None
            chunks = _chunks(settings, span)
            done.folds[span.log.partition] = await _fold(
                plan, span, chunks, comparison, handover, lambda n: report(n, total)
            )
    finally:
        await publisher.stop()
    comparison.finish()
    return done


async def _chunks(settings: Settings, span: Span) -> AsyncIterator[Chunk]:
    for batch in span.batches:
        for chunk in landed_chunks(settings.landing, batch):
            kept = [record for record in chunk if record[0] >= span.first]
            if kept:
                yield kept
    rest = log_chunks(settings.bootstrap, settings.security, span.log, span.landed_until)
    async for chunk in rest:
        yield chunk


async def _fold(
    plan: Plan,
    span: Span,
    chunks: AsyncIterator[Chunk],
    comparison: Comparison,
    handover: Handover | None,
    report: Callable[[int], None],
) -> PartitionFold:
    """Fold one partition by both configurations; return the fold by the new one."""
    new = plan.after.new_fold(span.first)
    old = plan.before.new_fold(span.first) if plan.compares else None
    unsettled = 0
    async for chunk in chunks:
        if old is not None:
            _fold_chunk(old, chunk, span)
            comparison.note(0, old.take_outbox())
        _fold_chunk(new, chunk, span)
        box = new.take_outbox()
        if old is not None:
            comparison.note(1, box)
        if handover is not None:
            await handover.publish(new, box)
        report(len(chunk))
        unsettled += len(chunk)
        if old is not None and unsettled >= SETTLE_EVERY:
            comparison.settle([old, new])
            unsettled = 0
    if handover is not None:
        await handover.finish(new, comparison)
    return new


def _fold_chunk(fold: PartitionFold, chunk: Chunk, span: Span) -> None:
    try:
        fold.fold(chunk)
    except GapInLogError as gap:
        msg = f"{span} has no records from offset {gap.expected} to {gap.found - 1}"
        raise StateLost(msg) from gap
