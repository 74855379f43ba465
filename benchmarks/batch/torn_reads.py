"""Reads during publishing: does any reader ever see rows of two runs, or fail?

    make bench-torn-reads              (or: python -m benchmarks.batch.torn_reads --publishes 300)
    python -m benchmarks.batch.torn_reads --in-place    # a publisher that must be caught

A small month is built once. Each publish sets every count of legs in two marts to the publish's own
number and publishes all datasets by the product's own code. A look opens the catalog, as a BI tool
does, asks it which run is in force, and reads both marts in statements of their own: every row must
have that run's number, and the sums be rows times number.
"""

from __future__ import annotations

import argparse
import multiprocessing
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import duckdb

from benchmarks.batch import landed
from benchmarks.batch.built import build, run_of
from benchmarks.measure import machine
from pipeline.batch import publish
from pipeline.lake import catalog, warehouse

MARTS: Final = ("fct_queue_intervals", "fct_queue_months")
SCALE: Final = 0.01
Publisher = Callable[[duckdb.DuckDBPyConnection, Path, int], None]


@dataclass(frozen=True, slots=True)
class Look:
    """What one opening of the catalog showed: the run's number, and what was wrong, if anything."""

    number: int
    wrong: str = ""


def prepare(home: Path) -> Path:
    """Build a small month; return its database."""
    database = home / "build.duckdb"
    build(landed.simulate(home, SCALE), database)
    return database


def number(con: duckdb.DuckDBPyConnection, value: int) -> None:
    """Set the count of legs in every row to the number of a publish."""
    for mart in MARTS:
        con.execute(f"update {mart} set offered = {value}").fetchall()


def publish_run(con: duckdb.DuckDBPyConnection, published: Path, value: int) -> None:
    """Publish as a month run does."""
    run_id = f"{landed.MONTH}-{value:06d}"
    datasets = publish.export(con, published, landed.MONTH, run_id)
    publish.read_back(con, published, datasets)
    publish.publish(published, run_of(run_id, datasets))


def rewrite_files(con: duckdb.DuckDBPyConnection, published: Path, value: int) -> None:
    """Publish as it must not be done: new rows into the files that the catalog names."""
    for _ in rewriting(con, published, value):
        pass


def rewriting(con: duckdb.DuckDBPyConnection, published: Path, value: int) -> Iterator[str]:
    """Rewrite one file after the other, then the catalog; yield the name of each as it is done.

    The first publish is the product's, so that there is something to overwrite.
    """
    runs = catalog.read_runs(published)
    if not runs:
        publish_run(con, published, value)
        return
    (run,) = runs
    for name in MARTS:
        (path,) = (dataset.path for dataset in run.datasets if dataset.name == name)
        con.execute(f"copy {name} to {warehouse.literal(str(published / path))} (format parquet)")
        yield name
    (published / catalog.RUNS / f"{run.run_id}.json").unlink()
    renamed = run_of(f"{landed.MONTH}-{value:06d}", run.datasets)
    publish.publish(published, renamed)


def look(published: Path, rows: dict[str, int]) -> Look:
    """Open the catalog once and read both marts; ``rows`` is how many each has.

    Raises:
        duckdb.Error: the catalog or a file cannot be read.
    """
    with catalog.open_catalog(published) as con:
        (run,) = con.execute("select run_id from published_runs where is_in_force").fetchall()
        due = int(run[0].rpartition("-")[2])
        for mart in MARTS:
            query = f"select count(*), min(offered), max(offered), sum(offered) from {mart}"
            found = tuple(con.execute(query).fetchall()[0])
            expected = (rows[mart], due, due, due * rows[mart])
            if found != expected:
                return Look(due, f"run {due}, {mart}: expected {expected}, found {found}")
    return Look(due)


def read(published: Path, rows: dict[str, int], ready: Any, ended: Any, results: Any) -> None:  # noqa: ANN401
    """Look until the publisher has ended, and once more; say when the first look is over.

    Puts (looks, numbers of the runs seen, what was wrong and how often) into ``results``.
    """
    looks, seen, wrong = 0, set(), Counter[str]()
    is_last = False
    while not is_last:
        is_last = ended.is_set()
        try:
            found = look(published, rows)
        except duckdb.Error as error:
            wrong[f"{type(error).__name__}: {str(error).splitlines()[0]}"] += 1
        else:
            seen.add(found.number)
            if found.wrong:
                wrong[found.wrong] += 1
        looks += 1
        if looks == 1:
            ready.release()
    results.put((looks, seen, wrong))


@dataclass(frozen=True, slots=True, kw_only=True)
class Race:
    """What readers saw while months were published."""

    publishes: int
    seconds: float
    looks: int
    seen: int
    """How many of the runs some reader saw."""
    wrong: Counter[str]
    """What was torn or could not be read, and how often."""


def race(database: Path, published: Path, publishes: int, readers: int, by: Publisher) -> Race:
    """Publish so many times, one run after the other, while readers look."""
    spawn = multiprocessing.get_context("spawn")
    ready, ended, results = spawn.Semaphore(0), spawn.Event(), spawn.Queue()
    with warehouse.connect(database, spill=database.parent / "spill") as con:
        rows = {
            mart: con.execute(f"select count(*) from {mart}").fetchall()[0][0] for mart in MARTS
        }
        number(con, 1)
        by(con, published, 1)
        arguments = (published, rows, ready, ended, results)
        processes = [spawn.Process(target=read, args=arguments) for _ in range(readers)]
        for process in processes:
            process.start()
        for _ in processes:
            ready.acquire()
        started = time.monotonic()
        for value in range(2, publishes + 1):
            number(con, value)
            by(con, published, value)
        seconds = time.monotonic() - started
    ended.set()
    found = [results.get() for _ in processes]
    for process in processes:
        process.join()
    return Race(
        publishes=publishes,
        seconds=seconds,
        looks=sum(looks for looks, _, _ in found),
        seen=len(set[int]().union(*(seen for _, seen, _ in found))),
        wrong=sum((wrong for _, _, wrong in found), Counter[str]()),
    )


def main() -> int:
    """Race once; return 1 if anything was wrong, or if a publisher in place was not caught."""
    options = argparse.ArgumentParser(description=str(__doc__).splitlines()[0])
    options.add_argument("--publishes", type=int, default=300)
    options.add_argument("--readers", type=int, default=3)
    options.add_argument("--in-place", action="store_true", help="a publisher that must be caught")
    chosen = options.parse_args()
    with tempfile.TemporaryDirectory(prefix="vane-bench-") as scratch:
        home = Path(scratch)
        by = rewrite_files if chosen.in_place else publish_run
        database = prepare(home)
        found = race(database, home / "published", chosen.publishes, chosen.readers, by)
    print(machine())
    print(
        f"{found.publishes} publishes in {found.seconds:.1f} s, {chosen.readers} readers: "
        f"{found.looks:,} looks, {found.seen} runs seen, {found.wrong.total():,} torn or failed"
    )
    for wrong, times in found.wrong.most_common(5):
        print(f"  {times:,} times {wrong}")
    return int(bool(found.wrong) != chosen.in_place)


if __name__ == "__main__":
    sys.exit(main())
