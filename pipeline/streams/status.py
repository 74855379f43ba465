"""The live numbers of this worker as plain data, for the status page and for probes.

Rolling windows are sums of panes and end at the partition's watermark: they move with the log,
not with the wall clock, so a replay shows what was true then.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from pipeline.domain import kpi
from pipeline.domain.alert_scope import Scope
from pipeline.domain.definition import KpiDefinition
from pipeline.domain.fold import PartitionFold
from pipeline.domain.outcome import is_waiting
from pipeline.domain.queue_state import QueueState
from pipeline.domain.service_level import sl8
from pipeline.domain.wait_histogram import WAIT_FIELDS, percentile
from pipeline.streams.engine import Engine
from pipeline.streams.part import Part

PAGE = Path(__file__).with_name("status.html")


def snapshot(engine: Engine) -> dict[str, Any]:
    """Return queues and partitions of this worker as JSON-ready data."""
    parts = sorted(engine.parts.values(), key=lambda part: part.tp.partition)
    return {
        "config_hash": engine.basis.config_hash,
        "queues": [row for part in parts for row in queue_rows(part.fold)],
        "partitions": [_partition_row(part) for part in parts],
    }


def queue_rows(fold: PartitionFold) -> Iterable[dict[str, Any]]:
    """Yield one row per queue: rolling KPIs, calls waiting now, alerts that fire."""
    now = fold.watermark.ms
    waiting: dict[QueueState, list[int]] = {}
    over: Counter[QueueState] = Counter()
    for leg in fold.legs.values():
        if is_waiting(leg.facts):
            queued = leg.facts.queued_at or 0
            waiting.setdefault(leg.queue, []).append(now - queued)
            # by the terms it queued under, as it will be counted
            over[leg.queue] += leg.queue.history.at(queued).has_passed(now - queued)
    firing = _firing(fold)
    for queue in sorted(fold.queues.values(), key=lambda q: q.key):
        target = queue.history.at(now)
        windows = {str(w): _window(queue, now, w * 1000, target.rules) for w in kpi.WINDOWS_S}
        waits = waiting.get(queue, [])
        yield {
            "client": queue.client,
            "site": queue.site,
            "queue": queue.queue,
            "goal": target.goal_permille / 1000,
            "definition": target.rules.name,
            "service_level_formula": target.rules.service_level,
            "is_as_in_the_month": target.rules.is_live,
            "watermark_ms": now,
            "waiting": len(waits),
            "waiting_over": over[queue],
            "service_level_now": kpi.ratio(*sl8(len(waits), over[queue])),
            "longest_wait_ms": max(waits, default=0),
            "windows": windows,
            "firing": firing.get(queue, []),
        }


def _firing(fold: PartitionFold) -> dict[QueueState, list[str]]:
    """Return the rules that fire for each queue alone."""
    return {
        subject.queues[0]: sorted(name for name, state in subject.alerts.items() if state.firing)
        for place, subject in fold.subjects.items()
        if place.scope is Scope.QUEUE
    }


def _window(queue: QueueState, now: int, width_ms: int, rules: KpiDefinition) -> dict[str, Any]:
    end = kpi.pane_start(now) + kpi.PANE_MS
    counts: dict[str, int] = {}
    for panes, fields in zip(queue.panes, kpi.KPI_FIELDS.values(), strict=True):
        inside = (
            panes[start] for start in range(end - width_ms, end, kpi.PANE_MS) if start in panes
        )
        counts.update(zip(fields, kpi.add_vectors(inside, len(fields)), strict=True))
    waits = [counts.pop(field) for field in WAIT_FIELDS]
    return {
        **counts,
        "service_level": kpi.ratio(*rules.service_level_parts(counts)),
        "abandon_rate": kpi.ratio(*rules.abandon_parts(counts)),
        "answered_rate": kpi.ratio(*rules.answered_parts(counts)),
        "average_speed_of_answer_ms": kpi.average_speed_of_answer_ms(counts),
        "wait_p50_below_ms": _below_ms(waits, 500),
        "wait_p90_below_ms": _below_ms(waits, 900),
        "average_handle_time_ms": kpi.average_handle_time_ms(counts),
        "average_hold_of_held_ms": kpi.average_hold_of_held_ms(counts),
        "average_hold_of_handled_ms": kpi.average_hold_of_handled_ms(counts),
        "complaints_per_thousand": kpi.complaints_per_thousand(counts),
        "connect_rate": kpi.connect_rate(counts),
        "dialer_abandon_rate": kpi.dialer_abandon_rate(counts),
    }


def _below_ms(waits: list[int], permille: int) -> int | None:
    """Return the upper edge of a percentile's bucket; None of no waits, or of the open last."""
    found = percentile(waits, permille)
    return None if found is None else found.below_ms


def _partition_row(part: Part) -> dict[str, Any]:
    fold = part.fold
    c = fold.counters
    return {
        "partition": part.tp.partition,
        "first_offset": fold.first_offset,
        "next_offset": fold.next_offset,
        "snapshot_offset": part.snapshot_offset,
        "watermark_ms": fold.watermark.ms,
        "legs": fold.live_legs,
        "accepted": c.accepted,
        "duplicate": c.duplicate,
        "late": c.late,
        "rejected": c.rejected,
        "quarantined": c.quarantined,
    }
