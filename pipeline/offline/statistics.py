"""Interval statistics of queues and agents from rows: documents in, JSON values out.

Formulas are ``pipeline.domain.interval_statistics``'; the shapes are wazo-call-logd's API's, so
that what reads that API can read this. Described in ``docs/interval-statistics.md``.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from datetime import timedelta
from typing import Any

from pipeline.codec.statistics_query import StatisticsQuery, check_length, parse_query
from pipeline.codec.statistics_rows import Rows, Subject
from pipeline.domain.business_time import midnight_ms
from pipeline.domain.interval_statistics import (
    AgentFigures,
    QueueFigures,
    agent_figures,
    queue_figures,
    wait_buckets,
)
from pipeline.domain.intervals import Grain, Grid
from pipeline.domain.statistics_frame import Frames, Selection
from pipeline.errors import InputError

Item = dict[str, Any]
Figures = Callable[[Rows, Subject, Frames, StatisticsQuery], list[Item]]


def queue_statistics(
    rows: Rows, parameters: Mapping[str, object], *, queue_id: int | None = None, now_ms: int
) -> Item:
    """Return the figures of one queue per interval and in all, or of every queue in all.

    ``{"items": [...], "total": how many}``; the last item of one queue is the whole range. Raises
    InputError for a bad parameter and for a queue that no row speaks of.
    """
    return _answer(rows, parameters, "queue", queue_id, now_ms, _queue_items)


def queue_wait_statistics(
    rows: Rows, parameters: Mapping[str, object], *, queue_id: int, now_ms: int
) -> Item:
    """Return the answered and abandoned calls of a queue by how long they waited."""
    return _answer(rows, parameters, "queue", queue_id, now_ms, _wait_items)


def agent_statistics(
    rows: Rows, parameters: Mapping[str, object], *, agent_id: int | None = None, now_ms: int
) -> Item:
    """Return the figures of one agent per interval and in all, or of every agent in all."""
    return _answer(rows, parameters, "agent", agent_id, now_ms, _agent_items)


def _answer(
    rows: Rows,
    parameters: Mapping[str, object],
    kind: str,
    wanted: int | None,
    now_ms: int,
    figures: Figures,
) -> Item:
    query = parse_query(parameters)
    known = rows.queues if kind == "queue" else rows.agents
    subjects = [s for s in known.values() if _is_visible(s, query)]
    if wanted is None:
        if query.grain is not None:
            msg = f"interval: expected the id of one {kind}; all of them are summed up whole"
            raise InputError(msg)
        chosen = sorted(subjects, key=lambda s: s.shown_id)
    else:
        chosen = [s for s in subjects if s.shown_id == wanted]
        if not chosen:
            msg = f"{kind}_id: expected one of {sorted(s.shown_id for s in subjects)}"
            raise InputError(f"{msg}, got {wanted}")
    items = [item for s in chosen for item in _of_subject(rows, s, kind, query, now_ms, figures)]
    return {"items": items, "total": len(items)}


def _is_visible(subject: Subject, query: StatisticsQuery) -> bool:
    return not subject.is_deleted and (query.tenants is None or subject.tenant in query.tenants)


def _of_subject(
    rows: Rows,
    subject: Subject,
    kind: str,
    query: StatisticsQuery,
    now_ms: int,
    figures: Figures,
) -> list[Item]:
    """Return a subject's items: each interval's and the range's figures under their bounds."""
    grid = Grid(query.zone, Grain.DAY)
    start = _oldest(rows, subject, kind) if query.from_ms is None else query.from_ms
    tomorrow = midnight_ms(grid.local(now_ms).date() + timedelta(days=1), query.zone)
    until = tomorrow if query.until_ms is None else query.until_ms
    if query.from_ms is not None and query.from_ms >= until:
        msg = f"from: expected an instant before tomorrow, {grid.label_at(until)}, if there is no"
        raise InputError(f"{msg} until; got {grid.label_at(query.from_ms)}")
    # Without any row and without a bound, the range is empty and has no start.
    first = until if start is None else min(start, until)
    check_length(query, first, until)
    selection = Selection(
        zone=query.zone,
        from_ms=first,
        until_ms=until,
        day_hours=query.day_hours,
        week_days=query.week_days,
    )
    frames = Frames(selection, query.grain, query.dialect)
    found = figures(rows, subject, frames, query)
    label = {
        "tenant_uuid": subject.tenant,
        f"{kind}_id": subject.shown_id,
        "queue_name" if kind == "queue" else "agent_number": subject.name,
    }
    items = [
        {
            "from": grid.label_at(frame.start_ms),
            "until": grid.label_at(frame.end_ms),
            **label,
            **item,
        }
        for frame, item in zip(frames.listed, found, strict=True)
    ]
    if start is None:
        items[-1]["from"] = None
    return items


def _oldest(rows: Rows, subject: Subject, kind: str) -> int | None:
    times: Iterable[int]
    if kind == "queue":
        times = (hour.at_ms for hour in rows.queue_hours if hour.queue == subject.row_id)
    else:
        times = (hour.at_ms for hour in rows.agent_hours if hour.agent == subject.row_id)
    return min(times, default=None)


def _queue_items(
    rows: Rows, subject: Subject, frames: Frames, query: StatisticsQuery
) -> list[Item]:
    found = queue_figures(
        (hour for hour in rows.queue_hours if hour.queue == subject.row_id),
        (call for call in rows.calls if call.queue == subject.row_id),
        frames,
        threshold_ms=query.threshold_ms,
    )
    return [_queue_item(figures, query.threshold_ms) for figures in found]


def _queue_item(figures: QueueFigures, threshold_ms: int | None) -> Item:
    within = None if threshold_ms is None else figures.answered_within
    return {
        "received": figures.total,
        "answered": figures.answered,
        "abandoned": figures.abandoned,
        "closed": figures.closed,
        "not_answered": figures.timeout,
        "saturated": figures.saturated,
        "blocked": figures.blocked,
        "average_waiting_time": whole_seconds(figures.wait_ms, figures.waited),
        "answered_rate": percent(figures.answered, figures.answerable),
        "quality_of_service": percent(within, figures.answered),
    }


def _wait_items(rows: Rows, subject: Subject, frames: Frames, query: StatisticsQuery) -> list[Item]:
    calls = (call for call in rows.calls if call.queue == subject.row_id)
    return [
        {
            "quality_of_service": [
                {
                    "min": bucket.min_ms // 1000,
                    "max": None if bucket.max_ms is None else bucket.max_ms // 1000,
                    "answered": bucket.answered,
                    "abandoned": bucket.abandoned,
                }
                for bucket in buckets
            ]
        }
        for buckets in wait_buckets(calls, frames, query.thresholds_ms)
    ]


def _agent_items(
    rows: Rows,
    subject: Subject,
    frames: Frames,
    query: StatisticsQuery,  # noqa: ARG001 - as the others are called
) -> list[Item]:
    found = agent_figures(
        (hour for hour in rows.agent_hours if hour.agent == subject.row_id),
        (call for call in rows.calls if call.agent == subject.row_id),
        frames,
    )
    return [
        {
            **_agent_item(figures),
            "queues": [
                {"queue_id": shown, **_agent_item(of_queue)}
                for shown, _, of_queue in sorted(
                    (
                        (
                            rows.queues[queue].shown_id if queue in rows.queues else queue,
                            queue,
                            part,
                        )
                        for queue, part in figures.queues.items()
                    ),
                    key=lambda found: found[:2],  # two queues may be shown by one id
                )
            ],
        }
        for figures in found
    ]


def _agent_item(figures: AgentFigures) -> Item:
    return {
        "answered": figures.answered,
        "conversation_time": figures.talk_ms // 1000,
        "login_time": figures.login_ms // 1000,
        "pause_time": figures.pause_ms // 1000,
        "wrapup_time": figures.wrapup_ms // 1000,
    }


def whole_seconds(total_ms: int, count: int) -> int | None:
    """Return a mean in whole seconds for display: two digits, then cut off, as Wazo's API does."""
    return int(round(total_ms / 1000 / count, 2)) if count else None


def percent(part: int | None, whole: int) -> float | None:
    """Return a part in percent to two digits for display; None if there is nothing to divide by."""
    return None if part is None or whole == 0 else round(100.0 * part / whole, 2)
