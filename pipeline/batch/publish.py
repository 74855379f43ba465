"""Publishes a built month: immutable files, then the catalog, then the run's manifest.

A failure before the catalog's swap leaves what was published untouched; files of an unfinished
run are in no catalog and no manifest.
"""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from decimal import Decimal
from pathlib import Path
from typing import Final

import duckdb

from pipeline.errors import InputError
from pipeline.lake import catalog
from pipeline.lake.billing import Billed, read_billed, record_billed
from pipeline.lake.manifest import sha256, sync_folder
from pipeline.lake.warehouse import literal

DATASETS: Final = {
    "fct_leg_facts": "client, queued_at_ms, site, queue, contact_id, leg",
    "fct_calls": "client, started_at_ms, contact_id",
    "fct_abandoned_calls": "client, site, queue, abandoned_at_ms, contact_id, leg",
    "fct_repeat_calls": "client, first_site, first_queue, started_at_ms, contact_id",
    "fct_queue_intervals": "client, site, queue, interval_minutes, attribution, interval_start_ms",
    "fct_queue_days": "client, site, queue, attribution, business_on",
    "fct_queue_months": "client, site, queue",
    "fct_kpi_intervals": "client, site, queue, registry, term_from_ms, interval_start_ms",
    "fct_kpi_months": "client, site, queue, registry",
    "dim_kpi_definitions": "client, site, queue, registry, term_from_ms",
    "fct_agent_intervals": "client, site, agent, interval_minutes, interval_start_ms",
    "fct_agent_days": "client, site, agent, business_on",
    "fct_agent_months": "client, site, agent",
    "fct_agent_exclusions": "client, site, agent, business_on, measure, excluded_by, state, reason",
    "fct_complaints": "client, site, queue, received_at_ms, complaint",
    "fct_complaint_months": "client, site, queue, attribution",
    "fct_complaint_signals": "client, site, queue, signalled_at_ms, contact_id, leg, signal",
    "fct_contact_risks": "client, started_at_ms, contact_id",
    "fct_customer_risk_days": "client, business_on, place",
    "fct_risk_concentration": "client, dimension, value",
    "fct_wind_vane_quality": "client",
    "fct_evaluations": "client, site, agent, evaluated_at_ms, evaluation",
    "fct_incidents": "client, site, started_at_ms, incident",
    "fct_excluded_spans": "client, site, queue, started_at_ms",
    "fct_alerts": "client, site, queue, fired_at_ms, alert_id",
    "fct_forecast_intervals": "client, site, queue, interval_start_ms",
    "dim_people": "client, site, agent, valid_from_ms",
    "fct_kpi_panes": "client, site, queue, pane_start_ms",
    "fct_settlement_lines": "client, clause_id, term_from_on",
    "bi_abandoned_calls": "client, site, queue, abandoned_at_ms, contact_id, leg",
    "bi_repeat_calls": "client, first_site, first_queue, started_at_ms, contact_id",
    "bi_queue_intervals": "client, site, queue, interval_minutes, attribution, interval_start_ms",
    "bi_queue_days": "client, site, queue, attribution, business_on",
    "bi_queue_months": "client, site, queue",
    "bi_kpi_intervals": "client, site, queue, registry, term_from_ms, interval_start_ms",
    "bi_kpi_months": "client, site, queue, registry",
    "bi_agent_intervals": "client, site, agent, interval_minutes, interval_start_ms",
    "bi_agent_days": "client, site, agent, business_on",
    "bi_agent_months": "client, site, agent",
    "bi_complaints": "client, site, queue, received_at_ms, complaint",
    "bi_complaint_months": "client, site, queue, attribution",
    "bi_complaint_signals": "client, site, queue, signalled_at_ms, contact_id, leg, signal",
    "bi_at_risk_customers": "client, business_on, place",
    "bi_incidents": "client, site, started_at_ms, incident",
    "bi_alerts": "client, site, queue, fired_at_ms, alert_id",
    "bi_forecast_intervals": "client, site, queue, interval_start_ms",
    "bi_settlement_lines": "client, clause_id, term_from_on",
}
"""What is published, and how it is sorted: the filters people use first."""


def export(
    con: duckdb.DuckDBPyConnection, published: Path, month: str, run_id: str
) -> list[catalog.Dataset]:
    """Write every dataset of a build into the run's own folders, durably.

    Sorting uses every core and compressing one, so two are written at a time.
    """

    def write(dataset: tuple[str, str]) -> catalog.Dataset:
        name, order = dataset
        folder = published / name / f"month={month}" / f"run={run_id}"
        folder.mkdir(parents=True)
        path = folder / "part-0.parquet"
        with con.cursor() as own:
            own.execute(
                f"copy (select * from {name} order by {order}) to {literal(str(path))} "
                "(format parquet, compression zstd, compression_level 1, row_group_size 122880)"
            )
            found = own.execute(f"select count(*) from {name}").fetchall()
        with path.open("rb") as file:
            os.fsync(file.fileno())
        sync_folder(folder)
        relative = str(path.relative_to(published))
        return catalog.Dataset(name=name, path=relative, rows=found[0][0], sha256=sha256(path))

    with ThreadPoolExecutor(max_workers=2) as pool:
        return list(pool.map(write, DATASETS.items()))


def read_back(
    con: duckdb.DuckDBPyConnection, published: Path, datasets: Sequence[catalog.Dataset]
) -> dict[str, int]:
    """Return what the gate on written files is told: how many are not what their model is."""
    unreadable = other_rows = other_columns = other_amounts = 0
    for dataset in datasets:
        path = literal(str(published / dataset.path))
        source = f"read_parquet({path}, hive_partitioning = false)"
        try:
            rows = con.execute(f"select count(*) from {source}").fetchall()[0][0]
            columns = _columns(con, source)
        except duckdb.Error:
            unreadable += 1
            continue
        other_rows += rows != dataset.rows
        other_columns += columns != _columns(con, dataset.name)
        if dataset.name == catalog.SETTLEMENT:
            other_amounts += _amounts(con, source) != _amounts(con, dataset.name)
    return {
        "files_unreadable": unreadable,
        "files_with_other_rows": other_rows,
        "files_with_other_columns": other_columns,
        "amounts_that_differ": other_amounts,
    }


def _columns(con: duckdb.DuckDBPyConnection, source: str) -> list[tuple[str, str]]:
    described = con.execute(f"describe select * from {source}").fetchall()
    return [(name, kind) for name, kind, *_ in described]


def _amounts(con: duckdb.DuckDBPyConnection, source: str) -> list[tuple[str, Decimal]]:
    return con.execute(
        f"select client, sum(amount) from {source} group by client order by client"
    ).fetchall()


def publish(published: Path, run: catalog.Run) -> Sequence[catalog.Run]:
    """Swap in a catalog that has the run, then record the run; return all runs."""
    with alone(published):
        runs = [*catalog.read_runs(published), run]
        catalog.write(published, runs)
        catalog.record(published, run)
    return runs


def bill(published: Path, billed: Billed) -> None:
    """Let a month's views stay at one run for good.

    A crash between the record and the swap is made good by the next of either.

    Raises:
        InputError: there is no such run of the month, or the month was billed by another.
    """
    with alone(published):
        runs = catalog.read_runs(published)
        ids = [run.run_id for run in runs if run.month == billed.month]
        if billed.run_id not in ids:
            msg = f"{billed.month}: expected one of its runs, {ids or 'none yet'}: {billed.run_id}"
            raise InputError(msg)
        before = read_billed(published).get(billed.month)
        if before is None or before.run_id != billed.run_id:
            record_billed(published, billed)
        catalog.write(published, runs)


@contextmanager
def alone(published: Path) -> Iterator[None]:
    """Let one process at a time swap the catalog."""
    published.mkdir(parents=True, exist_ok=True)
    with (published / ".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield
