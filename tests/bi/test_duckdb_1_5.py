"""The catalog, written by DuckDB 2.0, opened by DuckDB 1.5, and by SQLAlchemy, which needs it."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Any

import pytest

from pipeline.lake import catalog
from pipeline.settings import Settings, load_settings
from tests.landed_live import NOON, LiveSide, answered, ask, show

READ = """
import json, sys
import duckdb
con = duckdb.connect(sys.argv[1], read_only=True)
con.execute("set TimeZone = 'UTC'")
cursor = con.execute(sys.stdin.read())
rows = [[str(v) for v in row] + [type(v).__name__ for v in row] for row in cursor.fetchall()]
print(json.dumps([duckdb.__version__, rows]))
"""
ASK_SQLALCHEMY = """
import json, sys
import sqlalchemy as sa
engine = sa.create_engine(f"duckdb:///{sys.argv[1]}", connect_args={"read_only": True})
inspector = sa.inspect(engine)
lines = sa.Table("bi_settlement_lines", sa.MetaData(), autoload_with=engine)
with engine.connect() as connection:
    rows = connection.execute(lines.select().order_by(*lines.c)).fetchall()
    try:
        connection.execute(sa.text("create table t (a integer)"))
        refused = ""
    except sa.exc.DBAPIError as error:
        refused = str(error)
said = [[str(v) for v in row] + [type(v).__name__ for v in row] for row in rows]
kind = str(lines.c.amount.type)
print(json.dumps([inspector.get_view_names("main"), kind, said, refused]))
"""
QUERIES = {
    "settlement": "select client, clause_id, term_from_on, amount, amount_display "
    "from bi_settlement_lines order by all",
    "intervals": "select make_timestamptz(interval_start_ms * 1000), local_start, offered, "
    "service_level from bi_kpi_intervals order by all",
    "months": "from bi_queue_months order by all",
    "runs": "from published_runs order by all",
    "as known": "select sum(amount) from known.bi_settlement_lines",
    "views": "select table_schema, table_name from information_schema.tables order by all",
}


@pytest.mark.parametrize("name", sorted(QUERIES))
def test_duckdb_1_5_reads_what_2_0_reads(older_python: Path, month: Settings, name: str) -> None:
    path = month.published / catalog.CATALOG
    done = subprocess.run(
        [older_python, "-c", READ, path],
        input=QUERIES[name],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    version, rows = json.loads(done.stdout)
    assert version.startswith("1.5.")
    with catalog.open_catalog(month.published) as con:
        expected = con.execute(QUERIES[name]).fetchall()
    assert rows == [_said(row) for row in expected]
    assert rows


LIVE_QUERIES = {
    "panes": "from bi_live_panes order by all",
    "intervals": "from bi_live_queue_intervals order by all",
    "days": "from bi_live_queue_days order by all",
    "alerts": "from bi_live_alerts order by all",
    "freshness": "select * exclude (age_s) from bi_live_freshness order by all",
    "live and months": "from bi_all_queue_intervals order by all",
}


@pytest.fixture(scope="module")
def live(tmp_path_factory: pytest.TempPathFactory) -> Settings:
    """A catalog with live views alone; what is shown came in two files."""
    settings = load_settings({"VANE_HOME": str(tmp_path_factory.mktemp("live"))})
    side = LiveSide(settings)
    for revision in (1, 2):
        side.panes(
            "service-level", {n: answered(revision, 1) for n in range(40)}, revision=revision
        )
        side.panes("handle-time", {3: {"handled": 1, "talk_ms": 9_000}}, revision=revision)
        side.progress(revision)
        side.alert(f"{revision:032x}", "firing", NOON + revision * 900_000)
        show(settings)
    return settings


@pytest.mark.parametrize("name", sorted(LIVE_QUERIES))
def test_duckdb_1_5_reads_the_live_views(older_python: Path, live: Settings, name: str) -> None:
    done = subprocess.run(
        [older_python, "-c", READ, live.published / catalog.CATALOG],
        input=LIVE_QUERIES[name],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    version, rows = json.loads(done.stdout)
    assert version.startswith("1.5.")
    assert rows == [_said(row) for row in ask(live, LIVE_QUERIES[name])]
    assert rows


def test_duckdb_1_5_cannot_write(older_python: Path, month: Settings) -> None:
    done = subprocess.run(
        [older_python, "-c", READ, month.published / catalog.CATALOG],
        input="create table t (a integer)",
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1
    assert "read-only" in done.stderr


def test_sqlalchemy_lists_the_views_and_reads_decimals(older_python: Path, month: Settings) -> None:
    done = subprocess.run(
        [older_python, "-c", ASK_SQLALCHEMY, month.published / catalog.CATALOG],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    views, kind, rows, refused = json.loads(done.stdout.splitlines()[-1])
    assert {"bi_settlement_lines", "bi_queue_months", "published_runs"} <= set(views)
    assert kind == "NUMERIC(18, 2)"
    with catalog.open_catalog(month.published) as con:
        expected = con.execute("from bi_settlement_lines order by all").fetchall()
    assert rows == [_said(row) for row in expected]
    assert rows
    assert "read-only" in refused


def _said(row: tuple[Any, ...]) -> list[str]:
    return [str(v) for v in row] + [type(v).__name__ for v in row]
