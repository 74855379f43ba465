"""Rows of the live views: intervals and days as the domain has them, parts by the definition."""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from random import Random

import duckdb
import pyarrow as pa
import pytest

from pipeline.batch import live_rows
from pipeline.config_files import Targets, load_targets
from pipeline.domain.business_time import Month, offsets
from pipeline.domain.intervals import Grain, Grid
from pipeline.domain.kpi import KPI_FIELDS, PANE_MS, SERVICE_LEVEL
from pipeline.lake.live_views import PARTS
from pipeline.settings import PROJECT_ROOT
from tests.landed_live import NOON

ZONES = {
    "Asia/Shanghai": "2025-11",
    "Europe/Berlin": "2025-10",  # an hour twice
    "America/New_York": "2025-03",  # an hour left out
    "Australia/Lord_Howe": "2025-10",  # half an hour left out
    "Africa/Cairo": "2025-04",  # midnight left out
    "America/Havana": "2025-11",  # back over midnight's hour
    "Asia/Kathmandu": "2025-06",  # a quarter of an hour beside the others
}
FORMULAS = ("SL1", "SL2", "SL3", "SL4", "SL5", "SL6", "SL7")


def rows_of(
    panes: list[Mapping[str, object]],
    targets: Targets,
    config_hash: str | None = None,
    since_ms: int = -(2**62),
) -> list[dict[str, object]]:
    """Pass panes through as records of service level."""
    con = duckdb.connect()
    landed = [
        {
            "client": "acme",
            "site": "",
            "queue": "service",
            "config_hash": targets.version[:8] if config_hash is None else config_hash,
            "partition": 0,
            "revision": 1,
            "_partition": 0,
            **dict.fromkeys(("_offset", "_appended_at_ms", "_ingested_at_ms"), n),
            **dict.fromkeys(KPI_FIELDS[SERVICE_LEVEL], 0),
            **pane,
        }
        for n, pane in enumerate(panes)
    ]
    con.register("landed", pa.Table.from_pylist(landed))
    sql = live_rows.newest(SERVICE_LEVEL, "landed", since_ms=since_ms)
    tables = live_rows.read(con, SERVICE_LEVEL, sql, targets, since_ms=since_ms, now_ms=NOON)
    return [row for table in tables for row in table.to_pylist()]


@pytest.mark.parametrize("zone", ZONES)
def test_intervals_and_days_are_those_of_the_domain(zone: str) -> None:
    targets = load_targets(PROJECT_ROOT / "config" / "queues.yaml")
    entries = tuple(replace(e, zone=zone) for e in targets.entries)
    month = Month(*map(int, ZONES[zone].split("-")))
    changes = [at for at, _, _ in offsets(zone, *month.bounds(zone))][1:]
    assert changes or zone in {"Asia/Shanghai", "Asia/Kathmandu"}
    drawn = Random(1)  # noqa: S311 - drawn alike each time
    start, end = month.bounds(zone)
    instants = {drawn.randrange(start, end) // PANE_MS * PANE_MS for _ in range(50)}
    instants |= {start, end - PANE_MS}
    instants |= {at + n * PANE_MS for at in changes for n in range(-130, 130)}
    found = rows_of([{"pane_start_ms": at} for at in instants], Targets(entries, targets.version))
    assert len(found) == len(instants)
    grids = {grain: Grid(zone, grain) for grain in (Grain.QUARTER_HOUR, Grain.HALF_HOUR, Grain.DAY)}
    for row in found:
        at = row["pane_start_ms"]
        assert isinstance(at, int)
        quarter, half, day = (grid.at(at) for grid in grids.values())
        assert (row["interval_15_ms"], row["interval_30_ms"]) == (quarter.start_ms, half.start_ms)
        assert (row["day_start_ms"], row["day_end_ms"]) == (day.start_ms, day.end_ms)
        local = datetime.fromtimestamp(at / 1000, UTC) + timedelta(milliseconds=row["offset_ms"])  # type: ignore[arg-type]
        assert local.replace(tzinfo=None) == grids[Grain.DAY].local(at).replace(tzinfo=None)
        assert isinstance(row["business_on"], date)
        assert row["business_on"] == _day_of(month, zone, day.start_ms)


def _day_of(month: Month, zone: str, start_ms: int) -> date:
    return next(day for day, start, _ in month.days(zone) if start == start_ms)


@pytest.fixture
def config(tmp_path: Path) -> Path:
    """Configuration in which a definition of every formula is agreed, one after another."""
    target = tmp_path / "config"
    shutil.copytree(PROJECT_ROOT / "config", target)
    out = "[service_level, abandon_rate]"
    definitions = "".join(
        f"\n  - name: f{n}\n    title: {name}\n    service_level: {name}\n"
        f"    abandon_rate: {('queued', 'handled', 'offered')[n % 3]}\n"
        + (f"    short_abandons_out_of: {out}\n" if n % 2 or name == "SL5" else "")
        + (f"    callbacks: {'in' if n % 2 else 'out'}\n")
        for n, name in enumerate(FORMULAS)
    )
    kpis = target / "kpis.yaml"
    kpis.write_text(kpis.read_text().rstrip() + "\n" + definitions)
    terms = "".join(
        f"      - from: 2025-11-{n + 1:02d}\n        threshold_s: 20\n        goal_pct: 80\n"
        f"        definition: f{n}\n        long_hold_s: 120\n"
        for n in range(len(FORMULAS))
    )
    queues = target / "queues.yaml"
    entry = '  - client: acme\n    site: "*"\n    queue: "*"\n    zone: Europe/Berlin\n    terms:\n'
    queues.write_text(queues.read_text().rstrip() + "\n\n" + entry + terms)
    return target


def test_parts_are_those_of_the_definition_in_force(config: Path) -> None:
    targets = load_targets(config / "queues.yaml")
    drawn = Random(2)  # noqa: S311
    start = Month(2025, 11).bounds("Europe/Berlin")[0]
    panes: list[Mapping[str, object]] = [
        {
            "pane_start_ms": start + drawn.randrange(8 * 2_880) * PANE_MS,
            **{name: drawn.randrange(50) for name in KPI_FIELDS[SERVICE_LEVEL]},
        }
        for _ in range(200)
    ]
    found = rows_of(panes, targets)
    seen = set()
    for row in found:
        target = targets.history("acme", "", "service").at(row["pane_start_ms"])  # type: ignore[arg-type]
        seen.add(target.rules.service_level)
        counts = {name: int(str(row[name])) for name in KPI_FIELDS[SERVICE_LEVEL]}
        expected = (
            *target.rules.service_level_parts(counts),
            *target.rules.abandon_parts(counts),
        )
        assert tuple(row[name] for name in PARTS) == expected
    assert seen == set(FORMULAS)


def test_what_is_kept_is_whole_days(config: Path) -> None:
    targets = load_targets(config / "queues.yaml")
    panes: list[Mapping[str, object]] = [
        {"pane_start_ms": NOON + hours * 3_600_000} for hours in (-24, -1, 1, 24)
    ]
    midnight = rows_of(panes[-1:], targets)[0]["day_start_ms"]
    found = rows_of(panes, targets, since_ms=NOON)
    assert [row["day_start_ms"] for row in found] == [midnight]


def test_a_count_that_an_earlier_release_had_not_is_none(config: Path) -> None:
    targets = load_targets(config / "queues.yaml")
    pane: dict[str, object] = {"pane_start_ms": NOON, "offered": 3, "answered_within": 2}
    pane["callbacks_within"] = None
    row, _ = rows_of([pane, {"pane_start_ms": NOON + PANE_MS}], targets)
    assert (row["service_level_numerator"], row["service_level_denominator"]) == (2, 3)


def test_parts_under_another_configuration_are_unknown(config: Path) -> None:
    targets = load_targets(config / "queues.yaml")
    (row,) = rows_of([{"pane_start_ms": NOON, "offered": 3}], targets, "ffffffff")
    assert [row[name] for name in PARTS] == [None] * 4


def test_rows_written_before_keep_what_was_decided_then(config: Path) -> None:
    targets = load_targets(config / "queues.yaml")
    decided = {"offset_ms": 7, **dict.fromkeys(PARTS, 7)}
    before = {"pane_start_ms": NOON, "offered": 9, **decided, "_live_at_ms": 5}
    (other,) = rows_of([before], targets, "ffffffff")
    assert {name: other[name] for name in (*decided, "_live_at_ms")} == decided | {"_live_at_ms": 5}
    (ours,) = rows_of([before], targets)
    names = ("offset_ms", "service_level_denominator", "_live_at_ms")
    assert [ours[name] for name in names] == [3_600_000, 9, 5]
