"""Which records of each partition are folded again, and whether they are all still there."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from pipeline.broker.log import Log, describe
from pipeline.errors import InputError, StateLost
from pipeline.lake import manifest
from pipeline.lake.shape import CALL_EVENTS
from pipeline.settings import Settings
from pipeline.streams import snapshots
from pipeline.streams.recovery import Basis


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What to fold again.

    ``after`` is the configuration to fold by and ``before`` the live one, equal to it where only
    state is to be rebuilt. Of the partitions in ``begin`` only what is from that offset on, of the
    others all there is.
    """

    before: Basis
    after: Basis
    from_landing: bool = False
    begin: Mapping[int, int] = field(default_factory=dict)
    switch: bool = False

    @property
    def compares(self) -> bool:
        """Whether there is anything to compare."""
        return self.before.config_hash != self.after.config_hash


@dataclass(frozen=True, slots=True, kw_only=True)
class Span:
    """What is folded of one partition: landed batches from ``first`` on, then the log to its end.

    ``live`` and ``live_next`` say by which configuration the newest snapshot is, and how far; None
    and 0 where there is none.
    """

    log: Log
    first: int
    batches: tuple[manifest.Batch, ...]
    live: str | None
    live_next: int

    @property
    def landed_until(self) -> int:
        """Return the offset from which on records come from the log."""
        return self.batches[-1].last + 1 if self.batches else self.first

    def __str__(self) -> str:
        """Name the partition."""
        return _name(self.log)


async def spans(settings: Settings, plan: Plan) -> list[Span]:
    """Return what is to be folded of every partition.

    Raises:
        InputError: no such topic, or an offset that a partition does not hold.
        StateLost: records that would be needed are neither landed nor in the log.
        BrokerUnavailable: no broker answers.
        AccessDenied: it does not let us in, or not read there.
    """
    name = settings.topic(CALL_EVENTS)
    names = {name: CALL_EVENTS}
    logs = await asyncio.to_thread(describe, settings.bootstrap, names, settings.security)
    unknown = sorted(plan.begin.keys() - {log.partition for log in logs})
    if not logs:
        msg = f"expected the topic {name!r} to exist; create all topics with: vane topics apply"
        raise InputError(msg)
    if unknown:
        msg = f"expected partitions from 0 to {len(logs) - 1} of {name}, got {unknown}"
        raise InputError(msg)
    return [await _span(settings, plan, log) for log in logs]


async def _span(settings: Settings, plan: Plan, log: Log) -> Span:
    batches = _landed(settings.landing, log) if plan.from_landing else []
    begin = min(batches[0].first, log.start) if batches else log.start
    first = plan.begin.get(log.partition, begin)
    if not begin <= first <= log.end:
        msg = f"{_name(log)}: expected an offset from {begin} to {log.end}, got {first}"
        raise InputError(msg)
    batches = [batch for batch in batches if batch.last >= first]
    if batches and log.start > batches[-1].last + 1:
        gone = f"{batches[-1].last + 1} to {log.start - 1}"
        msg = f"{_name(log)}: offsets {gone} are neither landed nor in the log any more"
        raise StateLost(msg)
    newest = await snapshots.read_newest(
        settings.bootstrap,
        settings.topic("vane.snapshots"),
        log.partition,
        source_topic=log.name,
        config_hash=plan.before.config_hash,
        security=settings.security,
    )
    live_first = first if newest is None else newest["state"]["first_offset"]
    if plan.switch and log.partition not in plan.begin and first > live_first:
        msg = (
            f"{_name(log)}: the live numbers begin at offset {live_first}, but what is left begins "
            f"at {first}; use --from-landing, or give up what was before with --from-offset "
            f"{log.partition}:{first}"
        )
        raise StateLost(msg)
    return Span(
        log=log,
        first=first,
        batches=tuple(batches),
        live=None if newest is None else newest["config_hash"],
        live_next=0 if newest is None else newest["state"]["next_offset"],
    )


def _landed(landing: Path, log: Log) -> list[manifest.Batch]:
    batches = manifest.read_partition(landing, CALL_EVENTS, log.partition)
    other = {batch.topic_id for batch in batches} - {log.topic_id}
    if other:
        msg = (
            f"{_name(log)}: landed from a topic with the id {', '.join(sorted(other))}, but the "
            f"broker's has {log.topic_id}: it was made anew"
        )
        raise StateLost(msg)
    return batches


def _name(log: Log) -> str:
    return f"partition {log.partition} of {log.name}"
