"""A month run again is held against the run before: nothing may change by itself."""

from __future__ import annotations

from pathlib import Path

import duckdb
import pytest

from pipeline.lake import catalog, manifest
from pipeline.lake.shape import CALL_EVENTS
from pipeline.settings import Settings
from tests.integration.test_month import close, deploy, land, one_call

CHANGED = "queue_months_are_those_of_the_run_before"


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    """Two clients have a call each; the month was run once."""
    settings = deploy(tmp_path)
    others = [{**event, "client": "globex"} for event in one_call("g1")]
    land(settings, CALL_EVENTS, [*one_call(), *others])
    close(settings)
    return settings


def _remarks(run: catalog.Run) -> list[str]:
    return [warning for warning in run.warnings if "run_before" in warning]


def _spoil(settings: Settings, client: str) -> None:
    """Let the newest run have counted one offered call more."""
    run = catalog.read_runs(settings.published)[-1]
    (path,) = (d.path for d in run.datasets if d.name == "fct_queue_months")
    file = settings.published / path
    duckdb.execute(
        f"copy (select * replace (offered + (client = '{client}')::int as offered) "
        f"from read_parquet('{file}', hive_partitioning = false)) to '{file}.new' (format parquet)"
    )
    Path(f"{file}.new").replace(file)


def _land_more(settings: Settings, client: str) -> int:
    """Land another call of a client; return its last offset."""
    newest = manifest.read_partition(settings.landing, CALL_EVENTS, 0)[-1]
    call = [{**event, "client": client} for event in one_call(f"more{newest.last}")]
    return land(settings, CALL_EVENTS, call, after=newest).last


def test_run_again_a_month_is_the_same(settings: Settings) -> None:
    again = close(settings).run
    assert again.made_by == catalog.read_runs(settings.published)[0].made_by != ""
    assert _remarks(again) == []


def test_a_count_that_changed_by_itself_is_told(settings: Settings) -> None:
    _spoil(settings, "acme")
    run = close(settings).run
    (remark,) = _remarks(run)
    assert CHANGED in remark
    assert "2" in remark  # the row as it was, and as it is
    assert CHANGED in (settings.published / run.report).read_text()


def test_only_clients_without_new_records_are_compared(settings: Settings) -> None:
    first = catalog.read_runs(settings.published)[0]
    _spoil(settings, "acme")
    more = _land_more(settings, "acme")
    assert more > first.landed[CALL_EVENTS]["0"]
    assert _remarks(close(settings).run) == []
    _spoil(settings, "acme")
    _land_more(settings, "globex")
    assert len(_remarks(close(settings).run)) == 1


def test_another_configuration_is_not_compared(settings: Settings) -> None:
    _spoil(settings, "acme")
    queues = settings.config_dir / "queues.yaml"
    queues.write_text(queues.read_text().replace("goal_pct: 80", "goal_pct: 81"))
    assert _remarks(close(settings).run) == []
