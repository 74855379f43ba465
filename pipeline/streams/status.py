"""The live numbers of this worker as plain data, for the status page and for probes.

Rolling windows are sums of panes and end at the partition's watermark: they move with the log,
not with the wall clock, so a replay shows what was true then.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

from pipeline.domain import kpi
from pipeline.domain.fold import PartitionFold
from pipeline.domain.queue_state import QueueState
from pipeline.streams.engine import Engine, Part

PAGE = Path(__file__).with_name("status.html")


def snapshot(engine: Engine) -> dict[str, Any]:
    """Return queues and partitions of this worker as JSON-ready data."""
    parts = sorted(engine.parts.values(), key=lambda part: part.tp.partition)
    return {
        "config_hash": engine.config_hash,
        "queues": [row for part in parts for row in queue_rows(part.fold)],
        "partitions": [_partition_row(part) for part in parts],
    }


def queue_rows(fold: PartitionFold) -> Iterable[dict[str, Any]]:
    """Yield one row per queue: rolling KPIs, calls waiting now, alerts that fire."""
    now = fold.watermark.ms
    waiting: dict[QueueState, list[int]] = {}
    for leg in fold.legs.values():
        facts = leg.facts
        if facts.queued_at is not None and not (
            facts.answered or facts.abandoned_at or facts.flowed_out or facts.callback_at
        ):
            waiting.setdefault(leg.queue, []).append(now - facts.queued_at)
    for queue in sorted(fold.queues.values(), key=lambda q: q.key):
        windows = {str(w): _window(queue, now, w * 1000) for w in kpi.WINDOWS_S}
        waits = waiting.get(queue, [])
        yield {
            "client": queue.client,
            "site": queue.site,
            "queue": queue.queue,
            "goal": queue.history.at(now).goal_permille / 1000,
            "watermark_ms": now,
            "waiting": len(waits),
            "longest_wait_ms": max(waits, default=0),
            "windows": windows,
            "firing": sorted(name for name, state in queue.alerts.items() if state.firing),
        }


def _window(queue: QueueState, now: int, width_ms: int) -> dict[str, Any]:
    end = kpi.pane_start(now) + kpi.PANE_MS
    counts: dict[str, int] = {}
    for panes, fields in zip(queue.panes, kpi.KPI_FIELDS.values(), strict=True):
        inside = (
            panes[start] for start in range(end - width_ms, end, kpi.PANE_MS) if start in panes
        )
        counts.update(zip(fields, kpi.add_vectors(inside, len(fields)), strict=True))
    return {
        **counts,
        "service_level": kpi.service_level(counts),
        "abandon_rate": kpi.abandon_rate(counts),
        "average_speed_of_answer_ms": kpi.average_speed_of_answer_ms(counts),
        "average_handle_time_ms": kpi.average_handle_time_ms(counts),
    }


def _partition_row(part: Part) -> dict[str, Any]:
    fold = part.fold
    c = fold.counters
    return {
        "partition": part.tp.partition,
        "first_offset": fold.first_offset,
        "next_offset": fold.next_offset,
        "snapshot_offset": part.snapshot_offset,
        "watermark_ms": fold.watermark.ms,
        "legs": len(fold.legs),
        "accepted": c.accepted,
        "duplicate": c.duplicate,
        "late": c.late,
        "rejected": c.rejected,
        "quarantined": c.quarantined,
    }
