"""Shows a build the run before of its month, for ``dbt_like_sql/tests/consistency``.

Where neither configuration nor models nor code have changed, a client of whom nothing was landed
since must have the rows it had. One exception: a leg that still waits is judged by how far the log
has come, which other clients move; who had one of less than a day is not compared.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Final

import duckdb

from pipeline.batch.inputs import CUSTOMER_EVENTS, VIEWS
from pipeline.lake import catalog
from pipeline.lake.shape import CALL_EVENTS, LATE
from pipeline.lake.warehouse import literal, put_table

UNCHANGED: Final = "unchanged_clients"
COMPARED: Final = (
    *("fct_settlement_lines", "fct_kpi_months", "fct_queue_months", "fct_queue_days"),
    *("fct_agent_months", "fct_complaint_months"),
)
_DAY_MS: Final = 86_400_000


def find(
    runs: Sequence[catalog.Run], month: str, client: str, *, made_by: str, published: Path
) -> catalog.Run | None:
    """Return the newest run of the month over the same clients, if its rows can be compared."""
    same = [run for run in runs if (run.month, run.client) == (month, client)]
    if not same or same[-1].made_by != made_by:
        return None
    whole = all((published / dataset.path).is_file() for dataset in same[-1].datasets)
    return same[-1] if whole else None


def show(con: duckdb.DuckDBPyConnection, run: catalog.Run, published: Path) -> list[str]:
    """Create the views ``previous.*`` and the table of clients to compare; return these.

    Wants the landed views that the build reads.
    """
    con.execute("create schema if not exists previous")
    paths = {dataset.name: published / dataset.path for dataset in run.datasets}
    for name in (*COMPARED, "fct_leg_facts"):
        source = f"read_parquet({literal(str(paths[name]))}, hive_partitioning = false)"
        con.execute(f"create or replace view previous.{name} as select * from {source}")
    clients = _clients(con) - _changed(con, run) - _waiting(con)
    put_table(con, UNCHANGED, {"client": "VARCHAR"}, [(client,) for client in sorted(clients)])
    return sorted(clients)


def _clients(con: duckdb.DuckDBPyConnection) -> set[str]:
    """Return the clients that had rows."""
    each = " union ".join(f"select client from previous.{name}" for name in COMPARED)
    return {client for (client,) in con.execute(each).fetchall()}


def _changed(con: duckdb.DuckDBPyConnection, run: catalog.Run) -> set[str]:
    """Return the clients of whom there are records beyond the offsets that the run had read."""
    # call events of more days than the month's, as repeat calls see them; late ones lie there too
    views = {**VIEWS, CALL_EVENTS: CUSTOMER_EVENTS}
    found = set()
    for topic, view in views.items():
        if topic == LATE:
            continue
        last_read = run.landed.get(topic, {}).items()
        known = [f"(_partition = {p} and _offset <= {last})" for p, last in last_read]
        read_before = " or ".join(known) or "false"
        rows = con.execute(f"select distinct client from landed.{view} where not ({read_before})")
        found |= {client for (client,) in rows.fetchall()}
    return found


def _waiting(con: duckdb.DuckDBPyConnection) -> set[str]:
    rows = con.execute(
        "select distinct client from previous.fct_leg_facts "
        f"where outcome = 'waiting' and wait_ms < {_DAY_MS}"
    )
    return {client for (client,) in rows.fetchall()}
