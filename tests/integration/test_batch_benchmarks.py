"""The batch benchmarks' own parts: a torn read, a wrong cell, a lost row must show."""

from __future__ import annotations

import queue
import shutil
import sys
import threading
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import duckdb
import pytest

from benchmarks.batch import bi_queries, curve, landed, parts, peers, reconcile, torn_reads
from benchmarks.batch.built import build
from benchmarks.batch.many import publish_many
from benchmarks.batch.watch import watch
from pipeline.lake import catalog, manifest, warehouse
from pipeline.lake.shape import AGENT_STATES, CALL_EVENTS

SCALE = 0.01


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a small landed month and what the models made of it."""
    home = tmp_path_factory.mktemp("base")
    build(landed.simulate(home, SCALE), home / "build.duckdb")
    return home


@pytest.fixture
def con(base: Path, tmp_path: Path) -> Iterator[duckdb.DuckDBPyConnection]:
    """A copy of the built month, open."""
    shutil.copy(base / "build.duckdb", tmp_path / "build.duckdb")
    with warehouse.connect(tmp_path / "build.duckdb", spill=tmp_path / "spill") as con:
        yield con


def rows_of(con: duckdb.DuckDBPyConnection) -> dict[str, int]:
    return {
        mart: con.execute(f"select count(*) from {mart}").fetchall()[0][0]
        for mart in torn_reads.MARTS
    }


def looks_of(published: Path, rows: dict[str, int]) -> tuple[int, set[int], Counter[str]]:
    """Return what a reader tells who looks once, the publisher having ended."""
    ended, told = threading.Event(), queue.Queue[tuple[int, set[int], Counter[str]]]()
    ended.set()
    torn_reads.read(published, rows, threading.Semaphore(0), ended, told)
    return told.get_nowait()


def test_no_reader_sees_two_runs_while_months_are_published(base: Path, tmp_path: Path) -> None:
    shutil.copy(base / "build.duckdb", tmp_path / "build.duckdb")
    found = torn_reads.race(
        tmp_path / "build.duckdb", tmp_path / "published", 8, 2, torn_reads.publish_run
    )
    assert found.wrong == Counter()
    assert found.looks >= 4
    assert found.seen >= 2  # the first run, and the last


def test_a_publisher_that_writes_in_place_is_caught_between_two_files(
    con: duckdb.DuckDBPyConnection, tmp_path: Path
) -> None:
    published, rows = tmp_path / "published", rows_of(con)
    torn_reads.number(con, 1)
    torn_reads.rewrite_files(con, published, 1)
    assert torn_reads.look(published, rows).wrong == ""
    torn_reads.number(con, 2)
    for name in torn_reads.rewriting(con, published, 2):
        assert "run 1" in torn_reads.look(published, rows).wrong, name
        looks, _, wrong = looks_of(published, rows)
        assert (looks, wrong.total()) == (1, 1)
    assert torn_reads.look(published, rows) == torn_reads.Look(2)


@pytest.mark.parametrize("spoil", ["a row less", "half a file", "no file"])
def test_a_mart_that_lost_something_is_caught(
    con: duckdb.DuckDBPyConnection, tmp_path: Path, spoil: str
) -> None:
    published, rows = tmp_path / "published", rows_of(con)
    torn_reads.number(con, 1)
    torn_reads.publish_run(con, published, 1)
    assert looks_of(published, rows) == (1, {1}, Counter())
    (path,) = published.glob("fct_queue_months/*/*/part-0.parquet")
    if spoil == "a row less":
        con.execute(
            f"copy (from fct_queue_months order by all offset 1) to '{path}' (format parquet)"
        )
    elif spoil == "half a file":
        path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    else:
        path.unlink()
    assert looks_of(published, rows)[2].total() == 1


@pytest.fixture(scope="module")
def parameters(base: Path) -> Path:
    peers.put_parameters(base / "landing", base / "parameters")
    return base / "parameters"


@pytest.mark.parametrize("engine", ["vane", "polars", "pandas"])
def test_an_engine_s_core_is_the_marts(
    base: Path, parameters: Path, con: duckdb.DuckDBPyConnection, tmp_path: Path, engine: str
) -> None:
    peers.run(peers.PEERS[engine], base / "landing", parameters, tmp_path / engine)
    found = peers.compare(con, tmp_path / engine / "out")
    assert all(d.cells > 0 for d in found.values())
    assert {(d.only_mart, d.only_engine) for d in found.values()} == {(0, 0)}


def test_an_engine_that_counts_by_another_threshold_is_found_out(
    base: Path, parameters: Path, con: duckdb.DuckDBPyConnection, tmp_path: Path
) -> None:
    other = tmp_path / "parameters"
    shutil.copytree(parameters, other)
    targets = other / "service_targets.parquet"
    con.execute(
        f"create temp table t as select * replace (threshold_ms - 5000 as threshold_ms) "
        f"from '{targets}'"
    )
    con.execute(f"copy t to '{targets}' (format parquet)")
    peers.run(peers.PEERS["polars"], base / "landing", other, tmp_path / "polars")
    found = peers.compare(con, tmp_path / "polars" / "out")
    assert all(d.only_mart and d.only_engine for d in found.values())


@pytest.mark.parametrize(
    ("change", "only"),
    [
        ("select * replace (talk_ms + 1 as talk_ms) from it", (7, 7)),
        ("from it limit 6", (1, 0)),
        ("from it union all (from it limit 2)", (0, 2)),
    ],
)
def test_a_difference_in_one_result_is_counted(
    con: duckdb.DuckDBPyConnection, tmp_path: Path, change: str, only: tuple[int, int]
) -> None:
    con.execute(f"create temp table it as {peers.MONTHS} limit 7")
    con.execute("delete from fct_queue_months where (client, site, queue) not in "
                "(select (client, site, queue) from it)")  # fmt: skip
    con.execute(f"copy ({peers.INTERVALS}) to '{tmp_path}/intervals.parquet'")
    con.execute(f"copy ({change}) to '{tmp_path}/months.parquet'")
    found = peers.compare(con, tmp_path)
    assert (found["months"].only_mart, found["months"].only_engine) == only
    assert (found["intervals"].only_mart, found["intervals"].only_engine) == (0, 0)


def test_a_landed_month_multiplied_is_the_month_of_more_clients(base: Path, tmp_path: Path) -> None:
    landed.multiply(base / "landing", tmp_path, 3)
    for topic in (CALL_EVENTS, AGENT_STATES):
        once = landed.rows(base / "landing", topic)
        assert landed.rows(tmp_path, topic) == 3 * once
        files = [tmp_path / f.path for f in manifest.files(manifest.read_batches(tmp_path, topic))]
        counted = duckdb.execute(
            "select count(distinct client), count(distinct (_partition, _offset)), "
            f"count(distinct event_id) from read_parquet({[str(f) for f in files]})"
        ).fetchall()
        originals = duckdb.execute(
            "select count(distinct event_id) from read_parquet("
            f"'{base}/landing/topic={topic}/*/*.parquet')"
        ).fetchall()
        assert counted == [(6, 3 * once, 3 * originals[0][0])]


def test_the_parts_of_a_run_are_within_its_time(base: Path, tmp_path: Path) -> None:
    landed.multiply(base / "landing", tmp_path / "landing", 1)
    point = curve.measure(tmp_path, "1GB")
    assert set(point.parts) == set(parts.PARTS)
    assert all(seconds > 0 for seconds in point.parts.values())
    assert sum(point.parts.values()) <= point.watched.seconds
    assert point.watched.peak_mb > 100
    assert point.events == landed.rows(base / "landing", CALL_EVENTS)


def test_a_command_that_fails_says_so(tmp_path: Path) -> None:
    with pytest.raises(RuntimeError, match=r"exit code 3:\nno such month"):
        watch(
            [sys.executable, "-c", "import sys; print('no such month'); sys.exit(3)"],
            env={},
            folder=tmp_path,
        )


def test_answers_of_bi_are_those_of_an_unsorted_file(base: Path, tmp_path: Path) -> None:
    run = publish_many(base / "build.duckdb", tmp_path, clients=2, queues=3)
    once = duckdb.connect(str(base / "build.duckdb"), read_only=True)
    legs = once.execute("select count(*) from fct_leg_facts").fetchall()[0][0]
    assert {d.name: d.rows for d in run.datasets}["fct_leg_facts"] == 6 * legs
    unsorted = tmp_path / "unsorted.parquet"
    bi_queries.write_unsorted(tmp_path / "published", unsorted, tmp_path / "spill")
    questions = [replace(question, times=2) for question in bi_queries.QUESTIONS]
    with catalog.open_catalog(tmp_path / "published") as con:
        for question in questions:
            assert len(bi_queries.ask(con, unsorted, question).published) == 2
        other = tmp_path / "other.parquet"
        half = f"from '{unsorted}' where hash(contact_id) % 2 = 0"
        con.execute(f"copy ({half}) to '{other}' (format parquet)")
        for question in questions:
            with pytest.raises(ValueError, match=r"rows here"):
                bi_queries.ask(con, other, question)


def test_a_percentile_is_a_value_that_was_measured() -> None:
    assert bi_queries.percentile([5, 1, 3, 2, 4], 0.5) == 3
    assert bi_queries.percentile([float(n) for n in range(1, 101)], 0.99) == 99
    assert bi_queries.percentile([7], 0.99) == 7


def test_planted_variances_are_found_in_a_published_month(base: Path, tmp_path: Path) -> None:
    reconcile.prepare(tmp_path, base / "build.duckdb", 3_000)
    told, *_ = reconcile.measure(tmp_path)
    assert {line["status"] for line in told["lines"]} == {"within_tolerance"}
    scores = reconcile.judge(tmp_path)
    assert len(scores) == 10
    assert reconcile.report(scores)
    scores[0]["right_class"] = 0
    assert not reconcile.report(scores)
