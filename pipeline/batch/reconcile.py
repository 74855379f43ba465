"""Live against month, pane by pane, field by field, in integers.

Which panes: those whose start lies in the month by the queue's contract zone, built from *all*
landed events and not from the month's, so that a leg that crosses the month's edge counts on
both sides alike. Which events: those the live side admitted, that is, offsets it has folded,
less those it sent to ``acd.late``; which watermark: its own. A pane that one side lacks is a
pane of zeros. What late or not yet folded events add is listed apart, as a delta of the
published month, never as a difference.
"""

from __future__ import annotations

import shutil
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Final

import duckdb

from pipeline.batch import inputs, models
from pipeline.batch.definitions import closed_terms
from pipeline.config_files import load_targets
from pipeline.domain.business_time import Month
from pipeline.domain.kpi import KPI_FIELDS
from pipeline.errors import ReconcileError
from pipeline.lake import catalog, live, warehouse
from pipeline.settings import Settings

SHOWN: Final = 10
OPEN_FIELDS: Final = {"offered", "waiting_over", "out_of_hours"}
"""Fields that depend on the watermark: a leg still waiting may be over by one and not the other."""

Cell = tuple[str, str, str, int, str, int, int]
"""(client, site, queue, pane start, field, one value, the other value)."""


@dataclass(slots=True, kw_only=True)
class Reconciliation:
    """What a comparison found; ``differences`` and ``delta`` hold the first cells only."""

    month: str
    panes: int
    cells: int
    difference_count: int
    differences: list[Cell]
    late: int
    not_folded: int
    not_landed: int
    delta_count: int | None = None
    delta: list[Cell] = field(default_factory=list)
    unexplained_count: int = 0
    seconds: float = 0.0


def reconcile(settings: Settings, month: Month, *, report: Callable[[str], None]) -> Reconciliation:
    """Compare the landed live panes of a month with panes built from the landed log.

    Raises:
        InputError: nothing was landed.
        ReconcileError: the live side has said nothing, landed files are damaged, or the two
            sides work by different targets.
    """
    started = time.monotonic()
    work = settings.home / "build" / f"reconcile-{month}-{time.time_ns():x}"
    work.mkdir(parents=True)
    database = work / "build.duckdb"
    found = inputs.find(settings.landing, None)
    if found.damaged:
        listed = "\n".join(f"  {damage}" for damage in found.damaged)
        msg = f"landed files are damaged; land them again with: vane land --repair\n{listed}"
        raise ReconcileError(msg)
    targets = load_targets(settings.config_dir / "queues.yaml")
    with warehouse.connect(database, spill=work / "spill") as con:
        inputs.show(con, found, None)
        live.show(con, settings.landing)
        progress = live.read_progress(con, targets_version=targets.version)
        inputs.put_all_parameters(
            con,
            month=month,
            targets=targets,
            contracts=(),
            watermarks={
                p.partition: (p.watermark_ms, p.first_offset, p.next_offset) for p in progress
            },
            closed=closed_terms(catalog.read_runs(settings.published), month, targets),
        )
    report(f"live: {sum(p.next_offset - p.first_offset for p in progress):,} offsets folded")
    models.build(
        settings.dbt_dir,
        database,
        work=work,
        parsed=settings.parsed_models,
        variables={"month": str(month), "admitted_only": True},
        select=["+fct_kpi_panes"],
        report=lambda line: report(f"  {line}"),
    )
    with warehouse.connect(database, spill=work / "spill") as con:
        result = _compare(con, month, settings)
        ends = found.last_offsets["acd.events"]
        result.not_landed = sum(
            max(0, p.next_offset - 1 - ends.get(str(p.partition), -1)) for p in progress
        )
    shutil.rmtree(work)
    result.seconds = time.monotonic() - started
    return result


def _compare(con: duckdb.DuckDBPyConnection, month: Month, settings: Settings) -> Reconciliation:
    con.execute(
        "create temp view month_panes as select * from fct_kpi_panes"
    )  # the model keeps to the month's panes
    result = Reconciliation(
        month=str(month),
        panes=0,
        cells=0,
        difference_count=0,
        differences=[],
        late=_count(
            con, "select count(distinct (origin_partition, origin_offset)) from landed.late_events"
        ),
        not_folded=_count(
            con,
            "select count(*) from landed.call_events e left join params.watermarks w "
            "using (_partition) where w._partition is null or e._offset >= w.next_offset "
            "or e._offset < w.first_offset",
        ),
        not_landed=0,
    )
    for kpi, fields in KPI_FIELDS.items():
        live_panes = (
            f"select l.* from landed.{live.view_name(kpi)} l join params.queues q "
            "using (client, site, queue) where l.pane_start_ms >= q.month_start_ms "
            "and l.pane_start_ms < q.month_end_ms"
        )
        panes, count, cells = _differences(con, live_panes, "select * from month_panes", fields)
        result.panes += panes
        result.cells += panes * len(fields)
        result.difference_count += count
        result.differences += cells[: SHOWN - len(result.differences)]
    published = _published(month, settings)
    if published is not None:
        result.delta_count = 0
        for fields in KPI_FIELDS.values():
            _, count, cells = _differences(con, "select * from month_panes", published, fields)
            result.delta_count += count
            result.delta += cells[: SHOWN - len(result.delta)]
            if not result.late and not result.not_folded:
                result.unexplained_count += sum(cell[4] not in OPEN_FIELDS for cell in cells)
    return result


def _published(month: Month, settings: Settings) -> str | None:
    runs = catalog.in_force(catalog.read_runs(settings.published)).get(str(month))
    if not runs:
        return None
    return " union all by name ".join(
        catalog.selects(str(settings.published.resolve()), runs)["fct_kpi_panes"]
    )


def _differences(
    con: duckdb.DuckDBPyConnection, one: str, other: str, fields: tuple[str, ...]
) -> tuple[int, int, list[Cell]]:
    """Return panes compared, cells that differ, and the first of them; no pane is all zeros."""
    any_set = " or ".join(f"{f} <> 0" for f in fields)
    sums = ", ".join(f"coalesce(a.{f}, 0) as a_{f}, coalesce(b.{f}, 0) as b_{f}" for f in fields)
    con.execute(
        f"create or replace temp table joined as "
        f"with a as (select * from ({one}) where {any_set}), "
        f"b as (select * from ({other}) where {any_set}) "
        f"select {live.QUEUE}, {sums} from a full outer join b using ({live.QUEUE})"
    )
    panes = _count(con, "select count(*) from joined")
    cells = " union all ".join(
        f"select {live.QUEUE}, '{f}' as field, a_{f} as one, b_{f} as other from joined "
        f"where a_{f} <> b_{f}"
        for f in fields
    )
    count = _count(con, f"select count(*) from ({cells})")
    listed: list[Any] = con.execute(f"{cells} order by all limit {SHOWN}").fetchall()
    return panes, count, listed


def _count(con: duckdb.DuckDBPyConnection, sql: str) -> int:
    return int(con.execute(sql).fetchall()[0][0])
