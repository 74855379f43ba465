"""The live views: newest revisions, what is appended once, what stops it, and generations."""

from __future__ import annotations

import resource
import shutil
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import duckdb
import pytest

from pipeline.batch import live
from pipeline.batch.collect import collect
from pipeline.domain.kpi import PANE_MS
from pipeline.errors import StateLost, TerminalError
from pipeline.lake import catalog, generation, manifest
from pipeline.settings import Settings, load_settings
from tests.landed_live import NOON, LiveSide, answered, ask, show

HOUR = 3_600_000
PANES = "select pane_start_ms, offered, handled from bi_live_panes order by all"


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    found = load_settings({"VANE_HOME": str(tmp_path / "home")})
    shutil.copytree(found.config_dir, tmp_path / "config")
    return replace(found, config_dir=tmp_path / "config")


@pytest.fixture
def side(settings: Settings) -> LiveSide:
    return LiveSide(settings)


@pytest.fixture
def few_files(monkeypatch: pytest.MonkeyPatch) -> None:
    """Begin a generation anew with every second append."""
    monkeypatch.setattr(live, "MOST_FILES", 2)


@pytest.fixture
def reader(settings: Settings, side: LiveSide) -> Iterator[duckdb.DuckDBPyConnection]:
    """A connection that was opened when one call was shown, and stays open."""
    side.panes("service-level", {0: answered(1, 1)})
    side.progress(1)
    show(settings)
    with catalog.open_catalog(settings.published) as con:
        yield con


def offered(con: duckdb.DuckDBPyConnection) -> int:
    return int(con.execute("select sum(offered) from bi_live_panes").fetchall()[0][0])


def test_of_each_pane_the_highest_revision_is_shown(settings: Settings, side: LiveSide) -> None:
    side.panes("service-level", {0: answered(1, 1)}, revision=5)
    side.panes("service-level", {0: answered(3, 2)}, revision=9)
    side.progress(10)
    show(settings)
    side.panes("service-level", {0: answered(2, 2)}, revision=7)
    side.panes("handle-time", {1: {"handled": 4}}, revision=9)
    show(settings)
    assert ask(settings, PANES) == [(NOON, 3, 0), (NOON + PANE_MS, 0, 4)]


def test_a_new_file_needs_no_new_catalog(
    settings: Settings, side: LiveSide, reader: duckdb.DuckDBPyConnection
) -> None:
    before = (settings.published / catalog.CATALOG).stat()
    side.panes("service-level", {1: answered(2, 1)})
    live.step(settings, now_ms=NOON)
    assert offered(reader) == 3
    assert (settings.published / catalog.CATALOG).stat() == before


def test_what_was_shown_is_not_written_again(settings: Settings, side: LiveSide) -> None:
    side.panes("service-level", {0: answered(1, 1), 1: answered(1, 1)})
    side.progress(1)
    first = show(settings)
    assert (first.rows["service-level"], first.rows["progress"]) == (2, 1)
    again = show(settings)
    assert (again.rows.total(), again.files.total(), again.begun) == (0, 0, [])


def test_before_anything_is_landed_the_views_are_there_and_empty(settings: Settings) -> None:
    show(settings)
    for view in ("panes", "queue_intervals", "queue_days", "alerts", "freshness"):
        assert ask(settings, f"from bi_live_{view}") == []
    assert ask(settings, "from bi_all_queue_intervals") == []
    assert ask(settings, "from published_runs") == []


def test_a_generation_holds_the_newest_rows_of_the_one_before(
    settings: Settings, side: LiveSide, few_files: None
) -> None:
    side.progress(1)
    for revision in range(1, 4):
        side.panes("service-level", {0: answered(revision, 1)}, revision=revision)
        show(settings)
    first, second = generation.generations(settings.published)
    (base,) = generation.files(settings.published, second, "service-level")
    assert duckdb.read_parquet(str(base)).select("offered").fetchall() == [(3,)]
    names = {p.name for p in generation.files(settings.published, first, "service-level")}
    assert base.name in names  # who reads the old catalog sees what is new, too
    assert ask(settings, PANES) == [(NOON, 3, 0)]


def test_a_reader_of_an_old_catalog_sees_what_is_new(
    settings: Settings, side: LiveSide, reader: duckdb.DuckDBPyConnection, few_files: None
) -> None:
    for number in range(1, 9):
        side.panes("service-level", {number: answered(1, 1)})
        live.step(settings, now_ms=NOON + number)
        assert offered(reader) == number + 1
    found = generation.generations(settings.published)
    assert len(found) > 3
    at_first = len(generation.files(settings.published, found[0], "service-level"))
    assert at_first <= 2 * (live.MOST_FILES + 1)  # replaced by their sums, not piled up


def test_an_old_generation_is_kept_a_day_and_then_removed(
    settings: Settings, side: LiveSide, reader: duckdb.DuckDBPyConnection, few_files: None
) -> None:
    for number in (1, 2):
        side.panes("service-level", {number: answered(1, 1)})
        live.step(settings, now_ms=NOON)
    assert generation.generations(settings.published) == [1, 2]
    side.panes("service-level", {3: answered(1, 1)})
    live.step(settings, now_ms=NOON + 24 * HOUR)
    assert generation.generations(settings.published) == [1, 2]
    assert offered(reader) == 4
    side.panes("service-level", {4: answered(1, 1)})
    live.step(settings, now_ms=NOON + 24 * HOUR + 1)
    assert 1 not in generation.generations(settings.published)
    with pytest.raises(duckdb.IOException, match="No files found"):
        offered(reader)


def test_what_clears_old_runs_away_leaves_live_files_alone(
    settings: Settings, reader: duckdb.DuckDBPyConnection
) -> None:
    assert collect(settings.published, settings.home / "build", keep_days=0, dry_run=False) == []
    assert offered(reader) == 1


def test_a_new_generation_leaves_out_what_is_long_ago(settings: Settings, side: LiveSide) -> None:
    a_day = 2_880  # panes
    side.panes("service-level", {0: answered(1, 1), -46 * a_day: answered(1, 1)})
    side.panes("service-level", {-44 * a_day: answered(1, 1)})
    side.alert("a" * 32, "firing", NOON - 46 * 24 * HOUR)
    side.progress(1, watermark_ms=NOON)
    show(settings)
    shown = [(NOON - 44 * 24 * HOUR, 1, 0), (NOON, 1, 0)]
    assert ask(settings, PANES) == shown
    assert ask(settings, "from bi_live_alerts") == []


def test_another_configuration_is_waited_for_and_then_replaces_all(
    settings: Settings, side: LiveSide
) -> None:
    side.panes("service-level", {0: answered(1, 1), 1: answered(1, 1)})
    side.progress(2)
    show(settings)
    queues = settings.config_dir / "queues.yaml"
    queues.write_text(queues.read_text().replace("threshold_s: 20", "threshold_s: 7"))
    side.panes("service-level", {2: answered(1, 1)})
    waiting = show(settings)
    assert "expected one that begins with" in waiting.waits_for
    assert waiting.files.total() == 0

    other = LiveSide(settings)  # as the worker after its restart: folds again from the beginning
    assert other.config_hash != side.config_hash
    other.panes("service-level", {0: answered(1, 0)}, revision=1)
    other.progress(1)
    assert show(settings).waits_for != ""  # it has not caught up
    other.panes("service-level", {1: answered(2, 0)}, revision=3)
    other.progress(4)
    assert show(settings).waits_for == ""
    assert ask(settings, PANES) == [(NOON, 1, 0), (NOON + PANE_MS, 2, 0)]


def test_who_goes_back_to_a_configuration_finds_its_panes(
    settings: Settings, side: LiveSide, few_files: None
) -> None:
    side.panes("service-level", {0: answered(1, 1)})
    side.progress(2)
    show(settings)
    before = (settings.config_dir / "queues.yaml").read_text()
    (settings.config_dir / "queues.yaml").write_text(before.replace("_s: 20", "_s: 7"))
    other = LiveSide(settings)
    other.panes("service-level", {0: answered(1, 0)}, revision=2)
    other.progress(3)
    for revision in range(3, 8):
        other.panes("service-level", {1: answered(revision, 0)}, revision=revision)
        show(settings)
    assert ask(settings, PANES)[0] == (NOON, 1, 0)
    assert ask(settings, "select sum(answered_within) from bi_live_panes") == [(0,)]
    (settings.config_dir / "queues.yaml").write_text(before)
    side.progress(9)  # from its old snapshot on: what it said before is not said again
    assert show(settings).waits_for == ""
    assert ask(settings, PANES) == [(NOON, 1, 0)]
    assert ask(settings, "select sum(answered_within) from bi_live_panes") == [(1,)]


def test_a_folder_landed_anew_is_noticed_and_shown_anew(settings: Settings, side: LiveSide) -> None:
    side.panes("service-level", {0: answered(1, 1)})
    side.progress(1)
    show(settings)
    shutil.rmtree(settings.landing)
    side.panes("service-level", {1: answered(2, 2), 2: answered(2, 2)})
    side.progress(1)
    with pytest.raises(StateLost, match="vane live --anew"):
        live.start(settings, now_ms=NOON)
    live.start(settings, now_ms=NOON, anew=True)
    assert ask(settings, "select sum(offered) from bi_live_panes") == [(4,)]


def test_a_topic_landed_anew_is_noticed_while_following(
    settings: Settings, side: LiveSide, reader: duckdb.DuckDBPyConnection
) -> None:
    shutil.rmtree(manifest.folder(settings.landing, "kpi.progress", 0))
    side.say("progress", side.progress_row(1), topic_id="id-2")
    side.say("progress", side.progress_row(2), topic_id="id-2")
    with pytest.raises(StateLost, match=r"kpi\.progress partition 0: shown up to offset 0"):
        live.step(settings, now_ms=NOON)


def test_a_damaged_landed_file_stops_it(settings: Settings, side: LiveSide) -> None:
    side.panes("service-level", {0: answered(1, 1)})
    side.progress(1)
    (batch,) = manifest.read_batches(settings.landing, "kpi.service-level")
    path = settings.landing / batch.files[0].path
    path.write_bytes(path.read_bytes()[:-1])
    with pytest.raises(TerminalError, match="vane land --repair"):
        show(settings)
    assert generation.generations(settings.published) == []


def test_a_damaged_file_of_its_own_is_named(
    settings: Settings, reader: duckdb.DuckDBPyConnection
) -> None:
    path = generation.files(settings.published, 1, "progress")[-1]
    path.write_bytes(b"PAR1 and no more")
    with pytest.raises(StateLost, match=rf"{path.name}: expected a file of the live views"):
        live.start(settings, now_ms=NOON)


def test_of_two_at_a_time_one_is_refused(settings: Settings) -> None:
    with (
        live.one_at_a_time(settings.published),
        pytest.raises(TerminalError, match="another vane live is at work"),
        live.one_at_a_time(settings.published),
    ):
        pass


def test_of_two_who_append_one_stops(
    settings: Settings, side: LiveSide, reader: duckdb.DuckDBPyConnection,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    side.panes("service-level", {1: answered(1, 1)})
    known = {d: generation.files(settings.published, 1, d) for d in generation.DATASETS}
    live.step(settings, now_ms=NOON)
    monkeypatch.setattr(generation, "files", lambda _published, _number, dataset: known[dataset])
    with pytest.raises(TerminalError, match="another vane live has written this file"):
        live.step(settings, now_ms=NOON)
    monkeypatch.undo()
    assert offered(reader) == 2


def test_a_disk_that_takes_no_more_leaves_nothing(
    settings: Settings, side: LiveSide, reader: duckdb.DuckDBPyConnection
) -> None:
    side.panes("service-level", {n: answered(n, 1) for n in range(2_000)})
    unlimited = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (4_096, unlimited[1]))  # as a full disk does
    try:
        with pytest.raises(TerminalError, match="make room there and run vane live again"):
            live.step(settings, now_ms=NOON)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, unlimited)
    assert list(settings.published.rglob(".*.tmp")) == []
    assert offered(reader) == 1
    live.step(settings, now_ms=NOON)
    assert offered(reader) == sum(range(2_000))


def test_after_a_release_that_writes_other_columns_it_begins_anew(
    settings: Settings, side: LiveSide, monkeypatch: pytest.MonkeyPatch
) -> None:
    side.panes("service-level", {0: answered(1, 1)})
    side.progress(1)
    show(settings)
    monkeypatch.setattr(generation, "LAYOUT", "of the next release")
    catalog.write(settings.published, [])  # as a month run does: without views it cannot make
    assert ask(settings, "from published_runs") == []
    with pytest.raises(duckdb.CatalogException, match="bi_live_panes"):
        ask(settings, PANES)
    assert show(settings).begun == [2]
    assert ask(settings, PANES) == [(NOON, 1, 0)]
