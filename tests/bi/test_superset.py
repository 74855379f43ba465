"""Superset with the provisioned dashboards on a published month: every chart, by its REST API.

The figures expected are asked of the marts (``fct_*``) by plain SQL that is written here, not by
the datasets' metrics.
"""

from __future__ import annotations

import json
import os
import re
import select
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import pytest

from pipeline.bi.superset import Place, prepare
from pipeline.lake import catalog
from pipeline.lake.billing import Billed, record_billed
from pipeline.settings import PROJECT_ROOT, Settings
from tests.bi.superset_client import Refused, Superset, wait_until_up
from tests.published_month import close

FIGURES = """
    sum(offered) as calls_offered, sum(answered) as calls_answered,
    sum(abandoned) as calls_abandoned,
    sum(service_level_numerator) / nullif(sum(service_level_denominator), 0) as service_level,
    max(goal_permille) / 1000 as target,
    sum(abandon_numerator) / nullif(sum(abandon_denominator), 0) as abandon_rate,
    sum(wait_answered_ms) / nullif(sum(answered), 0) / 1000 as asa_s,
    sum(talk_ms + hold_ms + acw_ms) / nullif(sum(handled), 0) / 1000 as aht_s
    from fct_kpi_intervals where is_in_force
"""


def figure(name: str, by: str = "") -> str:
    """Return SQL for one figure of the operations, by some columns."""
    keys = ", ".join(word.strip().split(" ")[-1] for word in by.split(",")) if by else ""
    inner = f"select {by + ', ' if by else ''}{FIGURES} {'group by all' if by else ''}"
    return f"select {keys + ', ' if keys else ''}{name} from ({inner})"


DAILY = "local_start::date::timestamp as local_start"
LINE = (
    "month, client, clause_id, title, term_from_on, quantity, unit, unit_price, amount, currency "
    "from fct_settlement_lines"
)
EXPECTED = {
    "Service level": [figure("service_level")],
    "Offered": [figure("calls_offered")],
    "Abandon rate": [figure("abandon_rate")],
    "Average handle time": [figure("aht_s")],
    "Service level by queue and day, with target": [
        figure("target", f"client, {DAILY}"),
        figure("service_level", f"client, queue, {DAILY}"),
    ],
    "Volume by day": [
        (
            f"select {DAILY}, sum(answered) as calls_answered, "
            "sum(abandoned) as calls_abandoned, sum(flowed_out) as calls_flowed_out "
            "from fct_kpi_intervals where is_in_force group by all"
        )
    ],
    "Abandon rate by queue and day": [figure("abandon_rate", f"client, queue, {DAILY}")],
    "Average handle time by queue and day": [figure("aht_s", f"client, queue, {DAILY}")],
    "Queues of the month": [
        figure(
            "calls_offered, calls_answered, calls_abandoned, service_level, target, abandon_rate, "
            "asa_s, aht_s",
            "month, client, site, queue",
        )
    ],
    "Totals by client": [
        (
            "select month, client, currency, count(*) as lines, "
            "sum(greatest(amount, 0)) as charged, "
            "sum(least(amount, 0)) as deducted, sum(amount) as total "
            "from fct_settlement_lines group by all"
        )
    ],
    "Totals by month": [
        (
            "select month, client, currency, sum(amount) as total "
            "from fct_settlement_lines group by all"
        )
    ],
    "Lines": [f"select {LINE}"],
    "Deductions": [f"select {LINE} where amount < 0"],
    "Adjustments of billed months": [
        (
            "select k.month, k.client, k.clause_id, k.title, b.quantity as billed_quantity, "
            "k.quantity as known_quantity, b.amount as billed_amount, k.amount as known_amount, "
            "k.amount - b.amount as adjustment, k.currency from known.fct_settlement_lines as k "
            "join fct_settlement_lines as b using (month, client, clause_id, term_from_on) "
            "where k.amount <> b.amount"
        )
    ],
}
EMPTY = {"Deductions"}
"""No contract has lines below zero yet."""


@dataclass(frozen=True)
class Served:
    url: str
    password: str
    client: Superset


@pytest.fixture(scope="module")
def served(month: Settings, place: Place) -> Iterator[Served]:
    """`vane bi superset`, started as a user does; ended as one does, by Ctrl-C."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    environment = os.environ | {"VANE_HOME": str(month.home), "PYTHONPATH": str(PROJECT_ROOT)}
    process = subprocess.Popen(
        [sys.executable, "-m", "pipeline", "bi", "superset", "--port", str(port)],
        stdout=subprocess.PIPE,
        text=True,
        env=environment,
        cwd=PROJECT_ROOT,
    )
    try:
        said = _lines(process, 2, 240)
        url = re.fullmatch(r"Superset: (http://127.0.0.1:\d+)/", said[0])
        password = re.fullmatch(r"account: admin, password \(shown once\): (\S{20})", said[1])
        assert url, said
        assert password, said
        wait_until_up(url[1], 120)
        yield Served(url[1], password[1], Superset(url[1], password[1]))
        process.send_signal(signal.SIGINT)
        assert process.wait(30) == 0
    finally:
        process.kill()
        process.communicate()


def _lines(process: subprocess.Popen[str], count: int, seconds: float) -> list[str]:
    assert process.stdout
    ends = time.monotonic() + seconds
    found: list[str] = []
    while len(found) < count:
        left = max(ends - time.monotonic(), 0)
        ready, _, _ = select.select([process.stdout], [], [], left)
        line = process.stdout.readline() if ready else ""
        assert line, f"expected {count} lines within {seconds} s, got {found}"
        found.append(line.strip())
    return found


@pytest.fixture(scope="module")
def restated(month: Settings, served: Served) -> Settings:
    """The month billed, and known otherwise since: published while Superset serves."""
    assert served.client.data(served.client.charts()["Adjustments of billed months"]) == [[]]
    (run,) = catalog.read_runs(month.published)
    billed = Billed(month="2025-11", run_id=run.run_id, at_ms=0, by="Li Na")
    record_billed(month.published, billed)
    contract = month.config_dir / "contracts" / "meridian.yaml"
    contract.write_text(contract.read_text().replace('"6.80"', '"6.90"'))
    close(month)
    return month


@pytest.mark.timeout(600)
@pytest.mark.parametrize("name", sorted(EXPECTED))
def test_a_chart_has_the_figures_of_the_mart(served: Served, restated: Settings, name: str) -> None:
    found = served.client.data(served.client.charts()[name])
    with catalog.open_catalog(restated.published) as con:
        expected = []
        for sql in EXPECTED[name]:
            cursor = con.execute(sql)
            names = [c[0] for c in cursor.description or ()]
            expected.append([dict(zip(names, row, strict=True)) for row in cursor.fetchall()])
    assert [_ordered(rows) for rows in found] == [_ordered(rows) for rows in expected]
    assert all(rows for rows in found) or name in EMPTY


def _ordered(rows: list[dict[str, Any]]) -> list[str]:
    return sorted(
        json.dumps({k: _as_json(v) for k, v in row.items()}, sort_keys=True) for row in rows
    )


def _as_json(value: Any) -> Any:
    """Return a value as Superset's JSON has it: times in epoch ms, decimals as numbers."""
    if isinstance(value, datetime):
        return float(value.replace(tzinfo=UTC).timestamp() * 1000)
    if isinstance(value, date):
        return float(datetime(value.year, value.month, value.day, tzinfo=UTC).timestamp() * 1000)
    if isinstance(value, Decimal | int) and not isinstance(value, bool):
        return float(value)
    return value


def test_every_chart_is_on_a_dashboard_and_tested(served: Served) -> None:
    assert set(served.client.charts()) == set(EXPECTED)
    on = [
        chart["slice_name"]
        for slug in ("vane-operations", "vane-settlement")
        for chart in served.client.get(f"/api/v1/dashboard/{slug}/charts")["result"]
    ]
    assert sorted(on) == sorted(EXPECTED)


def test_sql_lab_reads_the_views_and_no_file_beside(served: Served, month: Settings) -> None:
    rows = served.client.sql("select count(*) as n from bi_queue_months")
    assert rows[0]["n"] > 0
    secret = month.home / "superset" / "secret"
    for sql in (
        f"select * from read_text('{secret}')",
        f"select * from read_text('{month.published}/../superset/secret')",
        f"copy (select 1) to '{month.published}/x.parquet'",
        f"attach '{month.home}/other.duckdb' as other",
        "create view v as select 1",
        "set enable_external_access = true",
    ):
        with pytest.raises(Refused) as refused:
            served.client.sql(sql)
        assert re.search(
            "Permission Error|expected a query that reads|does not allow", refused.value.said
        ), sql
    assert not (month.published / "x.parquet").exists()


def test_a_wrong_password_is_refused(served: Served) -> None:
    with pytest.raises(Refused, match="401"):
        Superset(served.url, "wrong")


def test_pages_may_load_nothing_from_other_hosts(served: Served) -> None:
    with urllib.request.urlopen(f"{served.url}/login/", timeout=60) as answer:
        policy = answer.headers["Content-Security-Policy"]
        page = answer.read().decode()
    assert "default-src 'self'" in policy
    assert "http" not in policy
    assert re.findall(r'(?:src|href)="https?://[^"]*"', page) == []


def test_prepared_once_nothing_is_done_again(served: Served, place: Place) -> None:
    told: list[str] = []
    assert prepare(place, told.append) is None
    assert told == []
    assert (place.home / "secret").stat().st_mode & 0o777 == 0o600
