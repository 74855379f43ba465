"""Worker, ``vane land --follow``, ``vane live --follow``: one catalog of now and before.

What the views show is compared with a clean fold of the log, and with the month that is published
of the same log.
"""

from __future__ import annotations

import contextlib
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from statistics import median
from typing import Any

import duckdb
import pytest

from pipeline.domain.kpi import KPI_FIELDS
from pipeline.lake import catalog, generation
from pipeline.settings import Settings
from tests.integration.live import (
    Panes,
    clean_fold,
    counted,
    differing,
    environment,
    log_size,
    running,
    vane,
)

pytestmark = pytest.mark.integration
LATEST_S = 30
"""Generous: no test of speed."""
SERVICE_LEVEL = (
    "offered, answered, answered_within, abandoned, abandoned_within, abandoned_short, flowed_out, "
    "callbacks, callbacks_within, waiting_over, wait_answered_ms, out_of_hours, service_level, "
    "abandon_rate, asa_s"
)
COMPLETION = "handled, talk_ms, hold_ms, acw_ms, held, aht_s, hold_of_held_s, hold_of_handled_s"


@contextlib.contextmanager
def following(settings: Settings, *arguments: str) -> Iterator[subprocess.Popen[bytes]]:
    """Run a command that goes on until stopped; it must not end before."""
    log = settings.home / f"{arguments[0]}-{time.monotonic_ns()}.log"
    log.parent.mkdir(parents=True, exist_ok=True)
    with log.open("wb") as out:
        process = subprocess.Popen(
            [sys.executable, "-m", "pipeline", *arguments],
            env=environment(settings),
            stdout=out,
            stderr=out,
        )
    try:
        yield process
        assert process.poll() in {None, -signal.SIGKILL}, log.read_text()[-3000:]
    finally:
        if process.poll() is None:
            process.send_signal(signal.SIGINT)
            process.wait(30)


def ask(settings: Settings, sql: str) -> list[tuple[Any, ...]]:
    with catalog.open_catalog(settings.published) as con:
        return con.execute(sql).fetchall()


def shown_panes(con: duckdb.DuckDBPyConnection) -> Panes:
    """Return the panes of the catalog, as a reader of the upserts holds them."""
    found: Panes = {}
    for kpi, fields in KPI_FIELDS.items():
        rows = con.execute(
            "select client || '/' || site || '/' || queue, pane_start_ms, "
            f"{', '.join(fields)} from bi_live_panes"
        ).fetchall()
        found |= {(kpi, row[0], row[1]): dict(zip(fields, row[2:], strict=True)) for row in rows}
    return counted(found)


def delays_s(settings: Settings) -> list[float]:
    """Return, of each upsert shown, the time from the broker to the view."""
    newest = generation.generations(settings.published)[-1]
    paths = [
        str(path)
        for kpi in KPI_FIELDS
        for path in generation.files(settings.published, newest, kpi)
    ]
    rows = duckdb.execute(
        "select (_live_at_ms - _appended_at_ms) / 1000 from "
        "read_parquet(?, union_by_name = true, hive_partitioning = false)",
        [paths],
    ).fetchall()
    return [delay for (delay,) in rows]


def test_the_catalog_shows_today_as_the_log_has_it_and_then_the_month(
    settings: Settings, tmp_path: Path
) -> None:
    sim = tmp_path / "sim"
    vane(settings, "simulate", "--days", "1", "--scale", "0.1", "--out", str(sim))
    live = ("live", "--follow", "--every", "0.5")
    with (
        running(settings) as worker,
        following(settings, "land", "--follow", "--max-delay", "2"),
    ):
        with following(settings, *live) as first:
            vane(settings, "ingest", "--format", "canonical", str(sim))
            size = log_size(settings)
            path = settings.published / catalog.CATALOG
            worker.wait_for(lambda w: w.folded() >= size // 2 and path.is_file())
            first.kill()  # whenever it is: the next one goes on
            first.wait(10)
        with following(settings, *live):
            worker.wait_for(lambda w: w.folded() >= size)
            clean = clean_fold(settings)
            with catalog.open_catalog(settings.published) as con:  # once: files need no new one
                deadline = time.monotonic() + 60
                while shown_panes(con) != clean.panes and time.monotonic() < deadline:
                    time.sleep(0.5)
                assert differing(shown_panes(con), clean.panes) == []
            folded = "select sum(next_offset) from bi_live_freshness"
            while ask(settings, folded) != [(size,)] and time.monotonic() < deadline:
                time.sleep(0.5)
            assert ask(settings, folded) == [(size,)]
        assert worker.stop() == 0
    delays = delays_s(settings)
    print(f"from the broker to the view: median {median(delays):.1f} s, most {max(delays):.1f} s")  # noqa: T201
    assert median(delays) < LATEST_S
    alerts = {alert for (alert,) in ask(settings, "select alert_id from bi_live_alerts")}
    assert alerts == clean.alert_ids

    before = ask(settings, "from bi_all_queue_intervals order by all")
    assert {row[-1] for row in before} == {True}
    vane(settings, "land")
    vane(settings, "month", "run", "--month", "2025-11")
    after = ask(settings, "from bi_all_queue_intervals order by all")
    assert {row[-1] for row in after} == {False}
    for attribution, columns in (("service_level", SERVICE_LEVEL), ("completion", COMPLETION)):
        live_and_month = [
            ask(
                settings,
                "select month, client, site, queue, interval_minutes, interval_start_ms, "
                f"local_start, {columns} from {view} where attribution = '{attribution}' "
                "order by all",
            )
            for view in ("bi_live_queue_intervals", "bi_queue_intervals")
        ]
        assert len(live_and_month[0]) > 20
        assert live_and_month[0] == live_and_month[1]
