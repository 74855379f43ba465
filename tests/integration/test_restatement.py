"""A billed month stands; what is known since is beside it, with the events that changed it."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import duckdb
import pytest
from typer.testing import CliRunner

from pipeline.batch import differences, publish
from pipeline.batch.collect import collect
from pipeline.commands import month, month_runs
from pipeline.errors import InputError
from pipeline.lake import catalog
from pipeline.lake.billing import Billed
from pipeline.lake.shape import CALL_EVENTS
from pipeline.settings import Settings, load_settings
from tests.integration.test_month import ask, close, deploy, land, one_call

RUN = CliRunner()


@pytest.fixture(scope="module")
def closed_twice(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """November billed with one call; a redelivery and another call became known afterwards."""
    folder = tmp_path_factory.mktemp("closed_twice")
    settings = deploy(folder)
    before = land(settings, CALL_EVENTS, one_call())
    first = close(settings)
    billed = Billed(month="2025-11", run_id=first.run.run_id, at_ms=0, by="Li Na")
    publish.bill(settings.published, billed)
    again = {**one_call()[0], "event_id": f"{CALL_EVENTS}00000", "source_position": "0"}
    land(settings, CALL_EVENTS, [again, *one_call("c2")], after=before)
    close(settings)
    return folder


@pytest.fixture
def restated(closed_twice: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Settings:
    """A copy of it: of its own, and its catalog names its own files."""
    folder = tmp_path / "copy"
    shutil.copytree(closed_twice, folder)
    settings = replace(
        load_settings({"VANE_HOME": str(folder / "home")}), config_dir=folder / "config"
    )
    catalog.write(settings.published, catalog.read_runs(settings.published))
    monkeypatch.setattr(month_runs, "load_settings", lambda: settings)
    return settings


def asked_json(*command: str) -> Any:
    found = RUN.invoke(month.app, [*command, "--json"])
    assert found.exit_code in {0, 1}, found.output
    return json.loads(found.output)


def test_a_billed_month_stands_and_the_adjustment_is_told(restated: Settings) -> None:
    assert ask(restated, "select offered from bi_queue_months") == [(1,)]
    assert ask(restated, "select offered from known.bi_queue_months") == [(2,)]
    assert ask(
        restated,
        "select clause_id, billed_quantity::text, known_quantity::text, billed_amount::text, "
        "known_amount::text, adjustment::text, currency from settlement_adjustments",
    ) == [("1", "1.0000", "2.0000", "3.34", "6.67", "3.33", "EUR")]
    first, second = asked_json("runs", "--month", "2025-11")
    shown = ("shown", "known", "billed", "kept")
    assert [[run[name] for name in shown] for run in (first, second)] == [
        [True, False, True, True],
        [False, True, False, True],
    ]


def test_what_was_billed_stays_and_saying_it_again_changes_nothing(restated: Settings) -> None:
    first, second = (run.run_id for run in catalog.read_runs(restated.published))
    same = RUN.invoke(month.app, ["bill", "--month", "2025-11", "--run", first])
    assert f"billed by run {first} (Li Na)" in same.output
    other = RUN.invoke(month.app, ["bill", "--month", "2025-11", "--run", second])
    assert isinstance(other.exception, InputError)
    assert f"was billed by run {first} (Li Na)" in str(other.exception)
    missing = RUN.invoke(month.app, ["bill", "--month", "2025-11", "--run", "2025-11-none"])
    assert "expected one of its runs" in str(missing.exception)
    unknown = RUN.invoke(month.app, ["bill", "--month", "2025-10"])
    assert "vane month run --month 2025-10" in str(unknown.exception)
    assert ask(restated, "select offered from bi_queue_months") == [(1,)]


def test_a_difference_names_cells_and_the_events_behind_them(
    restated: Settings, tmp_path: Path
) -> None:
    found = asked_json("diff", "--month", "2025-11", "--out", str(tmp_path / "cells.parquet"))
    rows = {r["dataset"]: (r["added"], r["removed"], r["changed"]) for r in found["rows"]}
    assert rows["fct_leg_facts"] == (1, 0, 1)  # redelivery is counted in the leg, and in no KPI
    assert rows["fct_queue_months"] == (0, 0, 1)
    assert rows["fct_settlement_lines"] == (0, 0, 1)
    assert rows["dim_kpi_definitions"] == (0, 0, 0)
    amount = {
        "dataset": "fct_settlement_lines",
        "key": {"client": "acme", "clause_id": "1", "term_from_on": "2025-11-01"},
        "change": "changed",
        "column_name": "amount",
        "before": "3.34",
        "after": "6.67",
    }
    assert amount in [cell for cell in found["cells"] if cell["column_name"] == "amount"]
    assert not found["is_config_changed"]
    causes = [(c["contact_id"], c["type"], c["_offset"]) for c in found["causes"]]
    assert causes == [
        ("c1", "queued", 3),
        ("c2", "queued", 4),
        ("c2", "answered", 5),
        ("c2", "ended", 6),
    ]
    kept = duckdb.execute(f"select count(*) from '{tmp_path}/cells.parquet'").fetchall()
    assert kept == [(len(found["cells"]),)]
    table = RUN.invoke(month.app, ["diff", "--month", "2025-11"])
    assert table.exit_code == 1
    assert "Events behind changed legs (4 of 4, UTC)" in table.output


def test_runs_that_cannot_be_compared_are_refused(restated: Settings) -> None:
    second = catalog.read_runs(restated.published)[1].run_id
    for wrong, said in (
        (["--run", "x", "--run", second], "vane month runs"),
        (["--run", second], "two runs to compare"),
        ([], "expected --month, or --run twice"),
        (["--month", "2025-12"], "two runs to compare"),
    ):
        refused = RUN.invoke(month.app, ["diff", *wrong])
        assert said in str(refused.exception)


def test_a_leg_changed_by_its_definition_has_no_event_of_its_own(restated: Settings) -> None:
    queues = restated.config_dir / "queues.yaml"
    text = queues.read_text()
    assert "long_hold_s: 120" in text
    before = catalog.read_runs(restated.published)[-1]
    queues.write_text(text.replace("threshold_s: 20", "threshold_s: 5"))
    close(restated)
    after = catalog.read_runs(restated.published)[-1]
    found = differences.compare(restated, before, after, spill=restated.home)
    assert found.is_config_changed
    causes = found.con.execute("select contact_id, event_id from causes order by all").fetchall()
    assert causes == [("c1", None), ("c2", None)]


def test_only_files_that_no_view_shows_are_collected(restated: Settings) -> None:
    builds = restated.home / "build"
    close(restated)
    second, third = (r.run_id for r in catalog.read_runs(restated.published)[1:])
    same = RUN.invoke(month.app, ["diff", "--run", second, "--run", third])
    assert same.exit_code == 0, same.output
    assert "0 differences" in same.output
    failed = builds / "2025-11-failed"
    failed.mkdir()
    unfinished = restated.published / "fct_calls" / "month=2025-11" / "run=unfinished"
    unfinished.mkdir()
    asked = ("select offered from bi_queue_months", "select offered from known.bi_queue_months")
    before = [ask(restated, sql) for sql in asked]

    assert collect(restated.published, builds, keep_days=1, dry_run=False) == []
    told = collect(restated.published, builds, keep_days=0, dry_run=True)
    assert all(one.path.is_dir() for one in told)
    done = collect(restated.published, builds, keep_days=0, dry_run=False)
    assert done == told
    assert not any(one.path.exists() for one in done)
    replaced = catalog.read_runs(restated.published)[1]
    expected = {restated.published / Path(d.path).parent for d in replaced.datasets}
    assert {one.path for one in done} == expected | {failed, unfinished}
    assert [ask(restated, sql) for sql in asked] == before
    assert [run["kept"] for run in asked_json("runs")] == [True, False, True]
    gone = RUN.invoke(month.app, ["diff", "--run", replaced.run_id, "--run", replaced.run_id])
    assert "collected or lost" in str(gone.exception)
    assert "0 folders removed" in RUN.invoke(month.app, ["gc", "--keep-days", "0"]).output
    assert "expected 0 or more" in str(RUN.invoke(month.app, ["gc", "--keep-days", "-1"]).exception)
