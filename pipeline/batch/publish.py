"""Publishes a built month: immutable files, then the catalog, then the run's manifest.

A failure before the catalog's swap leaves what was published untouched; files of an unfinished
run are in no catalog and no manifest.
"""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator, Sequence
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
    "fct_leg_facts": "client, site, queue, queued_at_ms, contact_id, leg",
    "fct_calls": "client, started_at_ms, contact_id",
    "fct_queue_intervals": "client, site, queue, interval_minutes, attribution, interval_start_ms",
    "fct_queue_months": "client, site, queue",
    "fct_kpi_intervals": "client, site, queue, registry, term_from_ms, interval_start_ms",
    "fct_kpi_months": "client, site, queue, registry",
    "dim_kpi_definitions": "client, site, queue, registry, term_from_ms",
    "fct_agent_intervals": "client, site, agent, interval_minutes, interval_start_ms",
    "fct_agent_days": "client, site, agent, business_on",
    "fct_agent_months": "client, site, agent",
    "fct_agent_exclusions": "client, site, agent, business_on, measure, excluded_by, state, reason",
    "fct_complaint_months": "client, site, queue, attribution",
    "fct_evaluations": "client, site, agent, evaluated_at_ms, evaluation",
    "fct_excluded_spans": "client, site, queue, started_at_ms",
    "fct_forecast_intervals": "client, site, queue, interval_start_ms",
    "dim_people": "client, site, agent, valid_from_ms",
    "fct_kpi_panes": "client, site, queue, pane_start_ms",
    "fct_settlement_lines": "client, clause_id, term_from_on",
    "bi_queue_intervals": "client, site, queue, interval_minutes, attribution, interval_start_ms",
    "bi_queue_months": "client, site, queue",
    "bi_kpi_intervals": "client, site, queue, registry, term_from_ms, interval_start_ms",
    "bi_kpi_months": "client, site, queue, registry",
    "bi_agent_intervals": "client, site, agent, interval_minutes, interval_start_ms",
    "bi_agent_days": "client, site, agent, business_on",
    "bi_agent_months": "client, site, agent",
    "bi_complaint_months": "client, site, queue, attribution",
    "bi_settlement_lines": "client, clause_id, term_from_on",
}
"""What is published, and how it is sorted: the filters people use first."""


def export(
    con: duckdb.DuckDBPyConnection, published: Path, month: str, run_id: str
) -> list[catalog.Dataset]:
    """Write every dataset of a build into the run's own folders, durably."""
    written = []
    for name, order in DATASETS.items():
        folder = published / name / f"month={month}" / f"run={run_id}"
        folder.mkdir(parents=True)
        path = folder / "part-0.parquet"
        con.execute(
            f"copy (select * from {name} order by {order}) to {literal(str(path))} "
            "(format parquet, compression zstd, row_group_size 122880)"
        )
        with path.open("rb") as file:
            os.fsync(file.fileno())
        sync_folder(folder)
        found = con.execute(f"select count(*) from {name}").fetchall()
        relative = str(path.relative_to(published))
        written.append(
            catalog.Dataset(name=name, path=relative, rows=found[0][0], sha256=sha256(path))
        )
    return written


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
