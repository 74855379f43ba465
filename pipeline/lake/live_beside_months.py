"""``bi_all_queue_intervals``: published months, and the live side of days that no run has wholly.

A day of a queue is of one side wholly. A run covers the days of its month that had ended, by the
queue's zone, when it read what was landed; what it has of its own day gives way to the live side.
So a month that is closed or billed is published and nothing else.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Final

from pipeline.lake.live_views import COUNTS, RATIO_NAMES
from pipeline.lake.warehouse import literal

Covered = tuple[str, str, Sequence[str], int]
"""Month, client ('' for all but those left out), clients left out, up to when it has read (ms)."""

INTERVALS: Final = "bi_queue_intervals"
QUEUE: Final = "client, site, queue"


def statements(covered: Iterable[Covered], *, has_months: bool) -> Iterator[str]:
    """Yield the statements that make the view, in order; the live views are there already.

    Args:
        covered: the runs that count.
        has_months: whether there is a view of the months' intervals.
    """
    yield f"create view live.covered as {_covered(covered)}"
    yield f"create view bi_all_queue_intervals as {_all_intervals(has_months=has_months)}"


def _covered(covered: Iterable[Covered]) -> str:
    rows = [
        f"({literal(month)}, {literal(client)}, "
        f"[{', '.join(map(literal, without))}]::varchar[], {at_ms}::bigint)"
        for month, client, without, at_ms in covered
    ]
    columns = "month, client, without, read_at_ms"
    if not rows:
        return (
            "select ''::varchar as month, ''::varchar as client, []::varchar[] as without, "
            "0::bigint as read_at_ms where false"
        )
    return f"select * from (values {', '.join(rows)}) t({columns})"


def _all_intervals(*, has_months: bool) -> str:
    """Return published intervals, and live ones of days that no run has read to their end.

    A day of a queue is of one side wholly: what a run has of a day that went on gives way to the
    live side.
    """
    open_days = f"""
with open_days as (
    select distinct {QUEUE}, day_start_ms, day_end_ms from bi_live_queue_intervals l
    where not exists (
        select 1 from live.covered c
        where c.month = l.month and (c.client = '' or c.client = l.client)
            and not list_contains(c.without, l.client) and c.read_at_ms >= l.day_end_ms
    )
)
"""
    ratios = ", ".join(RATIO_NAMES)
    shared = (
        f"month, {QUEUE}, interval_minutes, attribution, interval_start_ms, local_start, "
        f"{', '.join(COUNTS)}, {ratios}"
    )
    live = (
        f"select {shared}, true as is_live from bi_live_queue_intervals "
        f"semi join open_days using ({QUEUE}, day_start_ms, day_end_ms)"
    )
    if not has_months:
        return f"{open_days} {live}"
    return (
        f"{open_days} select {shared}, false as is_live from {INTERVALS} p where not exists ("
        "select 1 from open_days o where o.client = p.client and o.site = p.site "
        "and o.queue = p.queue and p.interval_start_ms >= o.day_start_ms "
        f"and p.interval_start_ms < o.day_end_ms) union all {live}"
    )
