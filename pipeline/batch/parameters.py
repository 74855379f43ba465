"""Puts dated configuration and the month's bounds into the build database, as rows.

The live side asks ``TargetHistory.at`` per leg; SQL joins the same history as half-open ranges.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from types import MappingProxyType
from typing import Any, Final

import duckdb

from pipeline.batch.definitions import (
    EARLIEST_MS,
    LATEST_MS,
    Queue,
    Terms,
    put_definitions,
    terms_of,
    zone_in_force,
)
from pipeline.config_files import Targets
from pipeline.domain.business_time import Month, offsets
from pipeline.lake.warehouse import put_table

__all__ = ["EARLIEST_MS", "LATEST_MS", "QUEUES", "Queue", "put_parameters"]

_DAY_MS: Final = 86_400_000

QUEUE: Final = {"client": "VARCHAR", "site": "VARCHAR", "queue": "VARCHAR"}
QUEUES: Final = {
    **QUEUE,
    "zone": "VARCHAR",
    "month_start_ms": "BIGINT",
    "month_end_ms": "BIGINT",
}
SERVICE_TARGETS: Final = {
    **QUEUE,
    "from_ms": "BIGINT",
    "to_ms": "BIGINT",
    "threshold_ms": "BIGINT",
    "inclusive": "BOOLEAN",
    "answer_shift_ms": "BIGINT",
    "short_abandon_ms": "BIGINT",
    "long_hold_ms": "BIGINT",
    "goal_permille": "BIGINT",
}
WATERMARKS: Final = {
    "_partition": "INTEGER",
    "watermark_ms": "BIGINT",
    "first_offset": "BIGINT",
    "next_offset": "BIGINT",
}
ZONE_OFFSETS: Final = {
    "zone": "VARCHAR",
    "from_ms": "BIGINT",
    "to_ms": "BIGINT",
    "offset_ms": "BIGINT",
}
SITES: Final = {
    "client": "VARCHAR",
    "site": "VARCHAR",
    "zone": "VARCHAR",
    "month_start_ms": "BIGINT",
    "month_end_ms": "BIGINT",
}
AGENT_ZONES: Final = {"client": "VARCHAR", "site": "VARCHAR", "zone": "VARCHAR"}
DAYS: Final = {"zone": "VARCHAR", "business_on": "DATE", "from_ms": "BIGINT", "to_ms": "BIGINT"}


def target_rows(queues: Iterable[Queue], targets: Targets) -> Iterator[tuple[Any, ...]]:
    """Yield the targets of the queues; the first term also holds before its start."""
    for client, site, queue in queues:
        for start, end, t in terms_of(targets.history(client, site, queue)):
            waits = (t.threshold_ms, t.inclusive, t.answer_shift_ms, t.short_abandon_ms)
            yield (client, site, queue, start, end, *waits, t.long_hold_ms, t.goal_permille)


def put_parameters(  # noqa: PLR0913 - what all parameters are made of
    con: duckdb.DuckDBPyConnection,
    *,
    month: Month,
    targets: Targets,
    queues: Iterable[Queue],
    agent_sites: Iterable[tuple[str, str]],
    watermarks: Mapping[int, tuple[int, int, int]],
    closed: Mapping[Queue, Terms] = MappingProxyType({}),
    fact_sites: Iterable[tuple[str, str]] = (),
    closed_zones: Mapping[tuple[str, str], str] = MappingProxyType({}),
) -> list[Queue]:
    """Write all parameter tables but the settlement's.

    Args:
        con: the build database.
        month: the month that is closed.
        targets: dated service targets and zones.
        queues: every queue that occurs in the input.
        agent_sites: every (client, site) that agents occur in.
        watermarks: partition to (event time reached, first and next offset folded).
        closed: the terms that queues' months were closed with, where they were.
        fact_sites: every (client, site) that facts are about.
        closed_zones: the zones that sites' months were closed in, where they were.

    Returns:
        The queues whose closed terms differ from those of ``targets``.
    """
    known = sorted(set(queues))
    zone_of = {queue: zone_in_force(queue, targets, closed) for queue in known}
    with_agents = set(agent_sites)
    everywhere = {*((c, s) for c, s, _ in known), *with_agents, *fact_sites}
    sites = [
        (*site, closed_zones.get(site) or targets.zone(*site, "*")) for site in sorted(everywhere)
    ]
    agents = [site for site in sites if site[:2] in with_agents]
    zones = sorted({*zone_of.values(), *(zone for _, _, zone in sites)})
    put_table(con, "queues", QUEUES, ((*q, zone_of[q], *month.bounds(zone_of[q])) for q in known))
    put_table(con, "service_targets", SERVICE_TARGETS, target_rows(known, targets))
    put_table(con, "watermarks", WATERMARKS, ((p, *wm) for p, wm in sorted(watermarks.items())))
    put_table(con, "sites", SITES, ((*site, *month.bounds(site[-1])) for site in sites))
    put_table(con, "agent_zones", AGENT_ZONES, agents)
    put_table(con, "days", DAYS, ((z, *day) for z in zones for day in month.days(z)))
    put_table(con, "zone_offsets", ZONE_OFFSETS, _zone_offsets(zones, month))
    return put_definitions(con, month=month, targets=targets, queues=known, closed=closed)


def _zone_offsets(zones: Iterable[str], month: Month) -> Iterator[tuple[Any, ...]]:
    # Legs of the month may end after it: offsets are known for some days around it, and the
    # outermost hold beyond.
    for zone in zones:
        start, end = month.bounds(zone)
        found = list(offsets(zone, start - 4 * _DAY_MS, end + 4 * _DAY_MS))
        for i, (from_ms, to_ms, offset_ms) in enumerate(found):
            yield (
                zone,
                EARLIEST_MS if i == 0 else from_ms,
                LATEST_MS if i == len(found) - 1 else to_ms,
                offset_ms,
            )
