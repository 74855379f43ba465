"""What the KPI is: SQL over the same log; and how an engine's results differ from it.

Answered or abandoned calls of a queue, and those of them answered within 20 s, in windows of event
time that are half-open and aligned to the epoch. The other engines count a call when it is answered
or abandoned; Vane counts it at its *service-level event*: then, or when 20 s have passed, if
that is earlier. Both are asked of one table of outcomes, which joins each leg's events.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Literal

import duckdb

from benchmarks.streaming.log import Log

THRESHOLD_MS: Final = 20_000

Counts = tuple[int, int]
"""(answered or abandoned, answered within the threshold)."""
Cells = dict[tuple[str, int], Counts]
"""Counts by (queue, start of the window in epoch ms)."""
Attribution = Literal["outcome", "service_level_event"]

_SQL: Final = """
with events as (
    select
        concat_ws('/', client, coalesce(site, ''), queue) as queue,
        contact_id, leg, type, occurred_at_ms as at_ms,
    from read_json(
        $log, format = 'newline_delimited',
        columns = {client: 'varchar', site: 'varchar', queue: 'varchar', contact_id: 'varchar',
                   leg: 'bigint', type: 'varchar', occurred_at_ms: 'bigint'})
),
queued as (
    select contact_id, leg, min(at_ms) as at_ms from events where type = 'queued' group by all
),
ranked as (
    select *, row_number() over (
        partition by contact_id, leg
        order by at_ms, list_position(
            ['answered', 'callback_requested', 'flowed_out', 'abandoned'], type)) as rank
    from events
    where type in ('answered', 'callback_requested', 'flowed_out', 'abandoned')
),
outcomes as (
    select
        ranked.queue, ranked.type,
        greatest(0, ranked.at_ms - queued.at_ms) as wait,
        queued.at_ms as queued_ms,
    from ranked join queued using (contact_id, leg)
    where rank = 1 and type in ('answered', 'abandoned')
),
attributed as (
    select
        queue,
        type = 'answered' and wait <= $threshold as is_within,
        queued_ms + case when $attribution = 'outcome' then wait else least(wait, $threshold) end
            as at_ms,
    from outcomes
),
windows as (
    select queue, is_within, unnest(generate_series(
        at_ms // $hop * $hop - ($size - $hop), at_ms // $hop * $hop, $hop)) as start_ms
    from attributed
)
select queue, start_ms, count(*), count(*) filter (is_within) from windows group by all
"""


@dataclass(frozen=True, slots=True)
class Differences:
    """Windows of results that are not the oracle's."""

    windows: int
    """How many the oracle has."""
    too_high: int
    too_low: int
    missing: int
    calls_over: int
    calls_lost: int

    @property
    def total(self) -> int:
        """Return the number of windows that differ."""
        return self.too_high + self.too_low + self.missing


def cells(log: Log, folder: Path, *, size_ms: int, hop_ms: int, attribution: Attribution) -> Cells:
    """Compute the KPI of a log, without its ticks, for windows of a size every hop."""
    path = folder / "oracle.ndjson"
    path.write_bytes(b"\n".join(event.vane for event in log.events) + b"\n")
    with duckdb.connect() as connection:
        rows = connection.execute(
            _SQL,
            {
                "log": str(path),
                "threshold": THRESHOLD_MS,
                "attribution": attribution,
                "size": size_ms,
                "hop": hop_ms,
            },
        ).fetchall()
    return {(queue, start): (n, within) for queue, start, n, within in rows}


def roll(panes: Mapping[tuple[str, int], Counts], *, size_ms: int, hop_ms: int) -> Cells:
    """Add panes of a hop's length up to rolling windows, as a reader of Vane's panes does."""
    rolled: Cells = {}
    for (queue, pane), (n, within) in panes.items():
        for start in range(pane - size_ms + hop_ms, pane + 1, hop_ms):
            before = rolled.get((queue, start), (0, 0))
            rolled[queue, start] = (before[0] + n, before[1] + within)
    return rolled


def compare(results: Cells, oracle: Cells, *, end_ms: int) -> Differences:
    """Count the windows that start before the log's end and differ from the oracle's."""
    high = low = missing = over = lost = 0
    for cell in oracle.keys() | results.keys():
        if cell[1] >= end_ms:
            continue
        wanted = oracle.get(cell, (0, 0))
        found = results.get(cell, (0, 0))
        over += max(0, found[0] - wanted[0])
        lost += max(0, wanted[0] - found[0])
        if cell not in results:
            missing += 1
        elif found > wanted:
            high += 1
        elif found < wanted:
            low += 1
    return Differences(sum(c[1] < end_ms for c in oracle), high, low, missing, over, lost)
