"""The live views of the catalog: sums, attributions, ratios, alerts, and live beside published."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import duckdb
import pytest

from pipeline.domain import kpi
from pipeline.domain.business_time import Month
from pipeline.lake import catalog
from pipeline.lake.billing import Billed, record_billed
from pipeline.settings import Settings, load_settings
from tests.landed_live import NOON, LiveSide, answered, ask, show

QUARTER = 900_000
DAY = 86_400_000
TODAY = NOON - NOON % DAY
"""Midnight of 11 November, UTC: the zone of every queue without an entry."""


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return load_settings({"VANE_HOME": str(tmp_path / "home")})


@pytest.fixture
def side(settings: Settings) -> LiveSide:
    return LiveSide(settings)


def rows(settings: Settings, sql: str) -> list[dict[str, Any]]:
    with catalog.open_catalog(settings.published) as con:
        cursor = con.execute(sql)
        names = [column[0] for column in cursor.description or ()]
        return [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]


def publish(
    settings: Settings, offered: dict[int, int], *, at_ms: int, client: str = "",
    of: str = "acme", run_id: str = "r1", read_at_ms: int = 0,
) -> None:  # fmt: skip
    """Publish intervals, by their start, of one client's queue, as a month run does."""
    path = settings.published / "bi_queue_intervals" / "month=2025-11" / f"run={run_id}"
    path.mkdir(parents=True)
    with duckdb.connect() as con:
        con.execute("create table intervals as " + _shape(settings))
        for start, count in offered.items():
            con.execute(
                "insert into intervals by name select '2025-11' as month, ? as client, '' as site, "
                "'service' as queue, 15 as interval_minutes, 'service_level' as attribution, "
                "? as interval_start_ms, make_timestamp(? * 1000) as local_start, ? as offered",
                [of, start, start, count],
            )
        con.execute(f"copy intervals to '{path}/part-0.parquet'")
    run = catalog.Run(
        run_id=run_id,
        month="2025-11",
        client=client,
        published_at_ms=at_ms,
        read_at_ms=read_at_ms,
        config_hash="",
        landed={},
        warnings=[],
        datasets=[
            catalog.Dataset(
                name="bi_queue_intervals",
                path=str((path / "part-0.parquet").relative_to(settings.published)),
                rows=len(offered),
                sha256="",
            )
        ],
    )
    catalog.write(settings.published, [*catalog.read_runs(settings.published), run])
    catalog.record(settings.published, run)


def _shape(settings: Settings) -> str:
    """Return SQL of an empty table with the columns of the model, by its description."""
    import yaml

    path = settings.dbt_dir / "models" / "bi" / "bi_queue_intervals.yml"
    columns = [c["name"] for c in yaml.safe_load(path.read_text())["models"][0]["columns"]]
    kinds = {
        **dict.fromkeys(("month", "client", "site", "queue", "attribution"), "varchar"),
        "local_start": "timestamp",
        "interval_minutes": "integer",
        **dict.fromkeys(columns[columns.index("service_level") :], "double"),
    }
    named = ", ".join(f"null::{kinds.get(name, 'bigint')} as {name}" for name in columns)
    return f"select {named} where false"


def test_intervals_add_panes_up_and_divide_last(settings: Settings, side: LiveSide) -> None:
    side.panes("service-level", {0: answered(10, 9, 4_000), 29: answered(2, 0, 60_000)})
    side.panes("service-level", {30: answered(1, 1), 61: answered(1, 0)})
    side.panes("handle-time", {1: {"handled": 3, "talk_ms": 300_000, "acw_ms": 60_000, "held": 1}})
    side.progress(1)
    show(settings)
    found = rows(
        settings,
        "from bi_live_queue_intervals where attribution = 'live' order by interval_minutes, "
        "interval_start_ms",
    )
    shown = [(r["interval_minutes"], r["interval_start_ms"], r["offered"]) for r in found]
    assert shown == [
        *((15, NOON, 12), (15, NOON + QUARTER, 1), (15, NOON + 2 * QUARTER, 1)),
        *((30, NOON, 13), (30, NOON + 2 * QUARTER, 1)),
    ]
    first = found[0]
    counts = {name: first[name] for name in ("answered", "wait_answered_ms", "handled")}
    counts |= {name: first[name] for name in ("talk_ms", "hold_ms", "acw_ms")}
    asa, aht = kpi.average_speed_of_answer_ms(counts), kpi.average_handle_time_ms(counts)
    assert asa is not None
    assert aht is not None
    assert (first["asa_s"], first["aht_s"]) == (asa / 1000, aht / 1000)
    assert (first["service_level_numerator"], first["service_level_denominator"]) == (9, 12)
    assert first["service_level"] == kpi.ratio(9, 12)
    assert found[1]["aht_s"] is None  # nothing to divide by


def test_a_count_stands_under_the_attribution_it_was_counted_by(
    settings: Settings, side: LiveSide
) -> None:
    side.panes("service-level", {0: answered(4, 4)})
    side.panes("handle-time", {0: {"handled": 3, "no_answers": 2}})
    side.panes("complaint-signals", {0: {"complaints": 1, "transfers": 2}})
    side.progress(1)
    show(settings)
    columns = "attribution, offered, handled, transfers, complaints, no_answers, offers"
    expected = [
        ("completion", None, 3, None, None, None, None),
        ("live", 4, 3, 2, 1, 2, None),
        ("service_level", 4, None, None, None, None, None),
    ]
    fifteen = "where interval_minutes = 15 order by attribution"
    assert ask(settings, f"select {columns} from bi_live_queue_intervals {fifteen}") == expected
    days = f"select {columns} from bi_live_queue_days order by attribution"
    assert ask(settings, days) == expected


def test_columns_are_called_as_the_months(settings: Settings) -> None:
    show(settings)
    publish(settings, {}, at_ms=0)
    with catalog.open_catalog(settings.published) as con:
        kinds = {
            view: [(n, k) for n, k, *_ in con.execute(f"describe {view}").fetchall()]
            for view in ("bi_queue_intervals", "bi_live_queue_intervals", "bi_all_queue_intervals")
        }
    published = kinds["bi_queue_intervals"]
    assert [c for c in kinds["bi_live_queue_intervals"] if c in published] == published
    assert kinds["bi_all_queue_intervals"] == [*published, ("is_live", "BOOLEAN")]


def test_a_pane_that_became_zeros_leaves_no_row(settings: Settings, side: LiveSide) -> None:
    side.panes("service-level", {0: answered(4, 4)}, revision=1)
    side.panes("service-level", {0: {}}, revision=2)
    side.progress(3)
    show(settings)
    assert ask(settings, "from bi_live_queue_intervals") == []
    assert ask(settings, "from bi_live_queue_days") == []


def test_an_alert_is_shown_once_and_firing_until_resolved(
    settings: Settings, side: LiveSide
) -> None:
    side.alert("a" * 32, "firing", NOON)
    show(settings)
    side.alert("a" * 32, "firing", NOON)  # said again by a worker that took over
    show(settings)
    sql = "select alert_id[1], status, service_level, is_firing from bi_live_alerts order by at_ms"
    assert ask(settings, sql) == [("a", "firing", 0.5, True)]
    side.alert("b" * 32, "resolved", NOON + QUARTER)
    show(settings)
    expected = [("a", "firing", 0.5, False), ("b", "resolved", 0.5, False)]
    assert ask(settings, sql) == expected


def test_programmes_of_a_client_fire_each_for_itself(settings: Settings, side: LiveSide) -> None:
    side.alert("a1", "firing", NOON, queue="", scope="programme", programme="retail")
    side.alert("b1", "firing", NOON, queue="", scope="programme", programme="rest")
    side.alert("b2", "resolved", NOON + QUARTER, queue="", scope="programme", programme="rest")
    side.alert("c1", "firing", NOON, programme="retail")
    side.alert("c2", "resolved", NOON + QUARTER)  # the queue has come to no programme meanwhile
    show(settings)
    sql = "select alert_id, scope, programme from bi_live_alerts where is_firing"
    assert ask(settings, sql) == [("a1", "programme", "retail")]
    assert ask(settings, "select scope from bi_live_alerts where alert_id = 'c2'") == [("queue",)]


def test_freshness_says_how_far_each_partition_is(settings: Settings, side: LiveSide) -> None:
    side.panes("service-level", {0: answered(1, 1)}, partition=2)
    side.progress(7, watermark_ms=NOON - 5, partition=2)
    side.progress(9, watermark_ms=NOON + 5, partition=2)
    show(settings, now_ms=NOON + 12_000)
    (row,) = rows(settings, "from bi_live_freshness")
    assert (row["partition"], row["next_offset"], row["progress_offset"]) == (2, 9, 1)
    assert (row["watermark_ms"], row["delay_s"], row["pane_shown_at_ms"]) == (
        NOON + 5, 12.0, NOON + 12_000,
    )  # fmt: skip
    assert row["age_s"] > 0


@pytest.fixture
def two_days(settings: Settings, side: LiveSide) -> None:
    """Eight calls of yesterday, five of today; beside them another client's."""
    side.panes("service-level", {-2_880: answered(8, 8), 0: answered(5, 5)})
    side.panes("service-level", {-2_880: answered(70, 1), 0: answered(60, 1)}, queue="beta//sales")
    side.progress(1)
    show(settings)


ALL = (
    "select client, interval_start_ms, offered, is_live from bi_all_queue_intervals "
    "where attribution = 'service_level' and interval_minutes = 15 order by all"
)


def test_alerts_of_a_rule_that_was_edited_stand_in_place_of_the_earlier_ones(
    settings: Settings, side: LiveSide
) -> None:
    side.panes("service-level", {0: answered(1, 1)})
    side.alert("a1", "firing", NOON - QUARTER)
    side.alert("b1", "firing", NOON)
    side.alert("b2", "resolved", NOON + QUARTER)
    # The rule was edited, and the log folded again from noon on.
    side.alert("c1", "firing", NOON, version="1" * 12)
    side.alert("c2", "resolved", NOON + 2 * QUARTER, version="1" * 12)
    side.progress(1)
    show(settings)
    told = "select alert_id from bi_live_alerts order by at_ms"
    assert ask(settings, told) == [("a1",), ("c1",), ("c2",)]
    # It was put back: what the first version says again stands.
    side.alert("b1", "firing", NOON)
    side.alert("b2", "resolved", NOON + QUARTER)
    show(settings)
    assert ask(settings, told) == [("a1",), ("b1",), ("b2",)]


BETA = [("beta", NOON - DAY, 70, True), ("beta", NOON, 60, True)]


def test_without_a_month_all_is_live(settings: Settings, two_days: None) -> None:
    assert ask(settings, ALL) == [
        ("acme", NOON - DAY, 8, True), ("acme", NOON, 5, True), *BETA
    ]  # fmt: skip


def test_days_before_a_run_are_the_runs_and_its_own_day_is_live(
    settings: Settings, two_days: None
) -> None:
    # Published within the day: of today it has half.
    publish(settings, {NOON - DAY: 9, NOON: 2, NOON - QUARTER: 1}, at_ms=NOON)
    assert ask(settings, ALL) == [("acme", NOON - DAY, 9, False), ("acme", NOON, 5, True), BETA[1]]


def test_a_run_covers_what_it_had_read_not_what_came_while_it_ran(
    settings: Settings, two_days: None
) -> None:
    publish(settings, {NOON: 2}, at_ms=TODAY + DAY, read_at_ms=TODAY + DAY - 1)
    assert ("acme", NOON, 5, True) in ask(settings, ALL)
    publish(settings, {NOON: 5}, at_ms=TODAY + DAY, read_at_ms=TODAY + DAY, run_id="r2")
    assert ("acme", NOON, 5, False) in ask(settings, ALL)


def test_a_billed_month_is_shown_as_billed_whenever_its_run_was(
    settings: Settings, two_days: None
) -> None:
    publish(settings, {NOON: 2}, at_ms=NOON)
    billed = Billed(month="2025-11", run_id="r1", at_ms=NOON, by="anna")
    record_billed(settings.published, billed)
    catalog.write(settings.published, catalog.read_runs(settings.published))
    assert ask(settings, ALL) == [("acme", NOON, 2, False)]


def test_a_closed_month_is_published_wholly(settings: Settings, two_days: None) -> None:
    publish(settings, {NOON: 6}, at_ms=Month(2025, 11).bounds("UTC")[1])
    assert ask(settings, ALL) == [("acme", NOON, 6, False)]


def test_a_day_ends_by_the_clock_of_its_queue(settings: Settings, side: LiveSide) -> None:
    side.panes("service-level", {0: answered(5, 5)}, queue="meridian//orders")  # Shanghai
    side.panes("service-level", {0: answered(5, 5)})
    side.progress(1)
    show(settings)
    publish(settings, {}, at_ms=TODAY + DAY - 8 * 3_600_000)  # midnight there
    assert ask(settings, ALL) == [("acme", NOON, 5, True)]


def test_a_run_of_one_client_covers_its_days_alone(settings: Settings, two_days: None) -> None:
    publish(settings, {NOON: 6}, at_ms=TODAY + DAY, client="acme")
    assert ask(settings, ALL) == [("acme", NOON, 6, False), *BETA]
    publish(settings, {NOON: 65}, at_ms=TODAY + DAY, client="beta", of="beta", run_id="r2")
    assert ask(settings, ALL) == [("acme", NOON, 6, False), ("beta", NOON, 65, False)]


def test_a_published_day_that_live_knows_nothing_of_stays(
    settings: Settings, two_days: None
) -> None:
    publish(settings, {NOON: 2, NOON + DAY: 3}, at_ms=NOON)  # of events ahead of the clock
    found = [row for row in ask(settings, ALL) if row[0] == "acme"]
    assert found == [("acme", NOON, 5, True), ("acme", NOON + DAY, 3, False)]


def test_the_views_read_under_any_name_that_a_client_attaches(
    settings: Settings, two_days: None
) -> None:
    with duckdb.connect() as con:
        con.execute(f"attach '{settings.published / catalog.CATALOG}' as vane (read_only)")
        found = con.execute("select sum(offered) from vane.bi_live_panes").fetchall()
    assert found == [(143,)]


def test_a_catalog_for_elsewhere_has_no_live_views(
    settings: Settings, two_days: None, tmp_path: Path
) -> None:
    publish(settings, {NOON: 6}, at_ms=NOON)
    draft = tmp_path / "pushed.duckdb"
    catalog.build(draft, str(settings.published), catalog.read_runs(settings.published), {})
    with duckdb.connect(str(draft), read_only=True) as con:
        names = [name for (name,) in con.execute("select view_name from duckdb_views()").fetchall()]
    assert "bi_queue_intervals" in names
    assert [name for name in names if "live" in name or "_all_" in name] == []
