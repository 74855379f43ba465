"""Why a queue's service level in a month is what it is: definitions, counts, other formulas.

Reads what was published, and the configuration now; computes ratios from published counts, never
from calls.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Final

import duckdb

from pipeline.batch.definitions import (
    CURRENT,
    Queue,
    Terms,
    closed_terms,
    is_same,
    terms_of,
    thaw,
    zone_in_force,
)
from pipeline.config_files import load_targets
from pipeline.domain.business_time import Month
from pipeline.domain.service_level import Parts
from pipeline.domain.target import ServiceTarget
from pipeline.domain.units import UNIT_FIELDS
from pipeline.errors import InputError
from pipeline.lake import catalog
from pipeline.lake.warehouse import literal
from pipeline.settings import Settings

_COUNTS: Final = ", ".join(f"cast(coalesce(sum(i.{f}), 0) as bigint) as {f}" for f in UNIT_FIELDS)


@dataclass(frozen=True, slots=True, kw_only=True)
class TermFigure:
    """What one term counts in the month."""

    from_ms: int
    to_ms: int
    target: ServiceTarget
    counts: dict[str, int]

    @property
    def parts(self) -> Parts:
        """Return numerator and denominator of service level by the term's definition."""
        return self.target.rules.service_level_parts(self.counts)


@dataclass(frozen=True, slots=True, kw_only=True)
class Registry:
    """The figure by one set of definitions: ``closed`` or ``current``."""

    name: str
    is_in_force: bool
    terms: tuple[TermFigure, ...]

    @property
    def parts(self) -> Parts:
        """Return the month's numerator and denominator: sums over its terms."""
        found = [term.parts for term in self.terms]
        return Parts(sum(p.numerator for p in found), sum(p.denominator for p in found))


@dataclass(slots=True, kw_only=True)
class Explanation:
    """Everything ``vane kpi explain`` prints."""

    queue: Queue
    month: Month
    registries: list[Registry]
    closing_run: str | None = None
    """The run that closed the month, if it is closed."""
    closing_parts: Parts | None = None
    """What that run published."""
    current: list[tuple[int, ServiceTarget]] = field(default_factory=list)
    """The configuration's terms (start, target), where they differ from all that was computed."""


def explain(settings: Settings, name: str, month: Month) -> Explanation:
    """Explain one queue's month.

    Args:
        settings: where configuration and published months are.
        name: ``client/site/queue``, ``client/queue``, or a queue's name if only one has it.
        month: a published month.

    Raises:
        InputError: nothing is published, or no queue, or more than one, has that name.
    """
    targets = load_targets(settings.config_dir / "queues.yaml")
    closed = closed_terms(catalog.read_runs(settings.published), month, targets)
    with catalog.open_catalog(settings.published) as con:
        queue = _queue(con, name, month)
        zone = zone_in_force(queue, targets, closed)
        registries = _registries(con, queue, month, zone)
    found = Explanation(queue=queue, month=month, registries=registries)
    bounds = month.bounds(zone)
    _add_closing(found, settings, bounds[1])
    now = terms_of(targets.history(*queue))
    known = next((r for r in registries if r.name == CURRENT), registries[0])
    computed: Terms = [(t.from_ms, t.to_ms, t.target) for t in known.terms]
    if not is_same(computed, now, bounds):
        found.current = [(s, t) for s, e, t in now if s < bounds[1] and e > bounds[0]]
    return found


def _queue(con: duckdb.DuckDBPyConnection, name: str, month: Month) -> Queue:
    rows: list[Any] = []
    views = con.execute("select view_name from duckdb_views()").fetchall()
    if ("dim_kpi_definitions",) in views:  # no: all months were published by an older version
        rows = con.execute(
            "select distinct client, site, queue from dim_kpi_definitions "
            "where month = ? order by all",
            [str(month)],
        ).fetchall()
    queues: list[Queue] = [(client, site, queue) for client, site, queue in rows]
    if not queues:
        msg = f"{month} has no definitions published; run: vane month run --month {month}"
        raise InputError(msg)
    matching = [q for q in queues if name in {_path(q), q[2]}]
    if len(matching) != 1:
        listed = ", ".join(map(_path, matching or queues))
        what = "more than one queue" if matching else "no queue"
        msg = f"{what} is called {name!r} in {month}; expected one of: {listed}"
        raise InputError(msg)
    return matching[0]


def _path(queue: Queue) -> str:
    return "/".join(part for part in queue if part)


def _registries(
    con: duckdb.DuckDBPyConnection, queue: Queue, month: Month, zone: str
) -> list[Registry]:
    rows = con.execute(
        "select d.registry, d.is_in_force, d.term_from_ms, d.term_to_ms, d.definition_name, "
        f"d.definition, d.definition_hash, d.threshold_ms, d.goal_permille, {_COUNTS} "
        "from dim_kpi_definitions d left join fct_kpi_intervals i "
        "using (month, registry, client, site, queue, term_from_ms) "
        "where d.month = ? and d.client = ? and d.site = ? and d.queue = ? "
        "group by all order by d.registry, d.term_from_ms",
        [str(month), *queue],
    ).fetchall()
    found: dict[tuple[str, bool], list[TermFigure]] = {}
    for registry, in_force, *row in rows:
        found.setdefault((registry, in_force), []).append(_term(queue, row, zone))
    return [
        Registry(name=name, is_in_force=in_force, terms=tuple(figures))
        for (name, in_force), figures in found.items()
    ]


def _term(queue: Queue, row: list[Any], zone: str) -> TermFigure:
    start, end, name, definition, content_hash, threshold, goal, *counts = row
    frozen = catalog.FrozenTerm(
        client=queue[0],
        site=queue[1],
        queue=queue[2],
        from_ms=start,
        to_ms=end,
        name=name,
        definition=definition,
        definition_hash=content_hash,
        threshold_ms=threshold,
        goal_permille=goal,
        long_hold_ms=0,
    )
    return TermFigure(
        from_ms=start,
        to_ms=end,
        target=thaw(frozen, zone),
        counts=dict(zip(UNIT_FIELDS, counts, strict=True)),
    )


def _add_closing(found: Explanation, settings: Settings, end: int) -> None:
    """Add what the run that closed the month, the first that read after its end, said then."""
    for run in catalog.read_runs(settings.published):
        has_queue = any((t.client, t.site, t.queue) == found.queue for t in run.definitions)
        if run.month != str(found.month) or run.seen_until_ms < end or not has_queue:
            continue
        path = next(d.path for d in run.datasets if d.name == "fct_kpi_months")
        file = literal(str((settings.published / path).resolve()))
        with duckdb.connect(":memory:") as con:
            rows = con.execute(
                "select service_level_numerator, service_level_denominator "
                f"from read_parquet({file}, hive_partitioning = false) "
                "where is_in_force and client = ? and site = ? and queue = ?",
                list(found.queue),
            ).fetchall()
        found.closing_run = run.run_id
        found.closing_parts = Parts(*rows[0]) if rows else Parts(0, 0)
        return
