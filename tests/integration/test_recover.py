"""``vane recover`` on a published month: counts, patience and volume come from it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import duckdb
import pytest

from pipeline import cli
from pipeline.lake.catalog import open_catalog
from pipeline.settings import Settings
from tests import published_month

NOON = "2025-11-11 12:00"
NOON_MS = 1_762_833_600_000

pytestmark = pytest.mark.timeout(280)


@pytest.fixture(scope="module")
def settings(tmp_path_factory: pytest.TempPathFactory) -> Settings:
    return published_month.publish_month(tmp_path_factory.mktemp("recover"), scale=0.5)


def recover(
    settings: Settings,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    *more: str,
) -> Any:
    monkeypatch.setenv("VANE_HOME", str(settings.home))
    monkeypatch.setenv("VANE_CONFIG", str(settings.config_dir))
    queue = ("--client", "meridian", "--site", "sh", "--queue", "service")
    with pytest.raises(SystemExit) as ended:
        cli.main(["recover", *queue, "--at", NOON, *more, "--json"])
    assert ended.value.code in {None, 0, 3}
    return json.loads(capsys.readouterr().out)


def one_row(con: duckdb.DuckDBPyConnection, sql: str) -> tuple[Any, ...]:
    (row,) = con.execute(sql).fetchall()
    found: tuple[Any, ...] = row
    return found


def test_a_published_month_says_all_but_the_forecast(
    settings: Settings,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    tmp_path: Path,
) -> None:
    forecast = tmp_path / "day.csv"
    rows = [f"service,2025-11-11 {h:02}:00,60,40,240,6" for h in range(9, 21)]
    forecast.write_text("queue,interval_start,interval_min,calls,aht_s,agents\n" + "\n".join(rows))
    found = recover(settings, monkeypatch, capsys, "--forecast", str(forecast))
    whose = "client = 'meridian' and site = 'sh' and queue = 'service'"
    with open_catalog(settings.published) as con:
        counted = one_row(
            con,
            "select sum(answered_within), sum(offered) from fct_queue_intervals "
            f"where {whose} and attribution = 'service_level' and interval_minutes = 15 "
            f"and interval_start_ms >= {NOON_MS} - 12 * 3600000 and interval_start_ms < {NOON_MS}",
        )
        waited, hung_up = one_row(
            con,
            "select sum(wait_ms) / 1000, count(*) filter (where outcome = 'abandoned') "
            f"from fct_leg_facts where {whose} "
            "and outcome in ('answered', 'abandoned', 'flowed_out', 'callback')",
        )
    assert (found["day"]["good"], found["day"]["counted"]) == counted
    assert counted[1] > 50
    assert found["patience_source"] == "estimated"
    assert found["patience_s"] == pytest.approx(waited / hung_up)
    assert any("calls so far from published months" in note for note in found["notes"])
    assert found["month"]["counted"] > found["day"]["counted"]


def test_a_published_month_and_its_log_say_why_a_day_fell(
    settings: Settings,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    tmp_path: Path,
) -> None:
    """Half the calls were planned, of a shorter handle time; agents and handlers by the log."""
    monkeypatch.setenv("VANE_HOME", str(settings.home))
    monkeypatch.setenv("VANE_CONFIG", str(settings.config_dir))
    whose = "client = 'meridian' and site = 'sh' and queue = 'service'"
    nine, late = NOON_MS - 3 * 3_600_000, NOON_MS + 9 * 3_600_000
    with open_catalog(settings.published) as con:
        offered, handled, work_ms = one_row(
            con,
            "select sum(offered), sum(handled), sum(talk_ms + hold_ms + acw_ms) "
            f"from fct_queue_intervals where {whose} and interval_minutes = 15 "
            f"and attribution = 'service_level' and interval_start_ms >= {nine} "
            f"and interval_start_ms < {late}",
        )
        (agents,) = one_row(
            con,
            f"select count(distinct answered_agent) from fct_leg_facts where {whose} "
            f"and answered_at_ms >= {nine} and answered_at_ms < {late}",
        )
    forecast = tmp_path / "day.csv"
    aht_s = 0.8 * work_ms / handled / 1000
    rows = [
        f"service,2025-11-11 {h:02}:00,60,{offered / 24:.3f},{aht_s:.3f},6" for h in range(9, 21)
    ]
    forecast.write_text("queue,interval_start,interval_min,calls,aht_s,agents\n" + "\n".join(rows))
    with pytest.raises(SystemExit) as ended:
        cli.main(
            [
                *("cause", "--client", "meridian", "--site", "sh", "--queue", "service"),
                *("--from", "2025-11-11 09:00", "--to", "2025-11-11 21:00"),
                *("--forecast", str(forecast), "--format", "json"),
            ]
        )
    assert ended.value.code in {None, 0}
    found = json.loads(capsys.readouterr().out)
    points = {row["cause"]: row["points"] for row in found["causes"]}
    parts = {row["cause"]: row["parts"] for row in found["causes"]}
    assert sum(points.values()) + found["remainder"] == pytest.approx(found["fall"], abs=1e-12)
    assert points["environment"] > 0
    assert points["material"] > 0
    # Of the calls beyond plan, those handed over or repeated are no fresh ones.
    assert 0.75 * offered / 2 < sum(p["amount"] for p in parts["environment"]) <= offered / 2
    assert 0 < len({p["name"] for p in parts["material"] if p["kind"] == "agent"}) <= agents + 5
    assert any("agents by the states of the" in note for note in found["notes"])
