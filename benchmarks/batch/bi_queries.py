"""What BI asks of a published month of ten million legs, beside one unsorted Parquet file of it.

    make bench-bi                       (or: python -m benchmarks.batch.bi_queries --clients 10)

A small month is simulated and built by the models, repeated as further clients and queues, and
published by the product's own code. Each query runs through the catalog and over one file that
holds the same legs in no order, by turns in one process with warm files; both answers must agree.
"""

from __future__ import annotations

import argparse
import random
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import duckdb

from benchmarks.batch import landed
from benchmarks.batch.built import build
from benchmarks.batch.many import publish_many
from benchmarks.batch.watch import size_mb
from benchmarks.measure import machine
from pipeline.domain.business_time import parse_month
from pipeline.lake import catalog, warehouse
from pipeline.lake.warehouse import literal

DAY_MS: Final = 86_400_000
WARM_UP: Final = 3
COUNTS: Final = """
    count(*) filter (
        where service_level_at_ms is not null and counts_as <> 'out_of_hours'
    ) as offered,
    count(*) filter (where counts_as = 'answered') as answered,
    count(*) filter (where counts_as = 'answered' and is_within) as answered_within,
    count(completed_at_ms) as handled,
    coalesce(sum(talk_ms + hold_ms + acw_ms), 0) as handle_ms
"""
OF_INTERVALS: Final = """
    sum(offered) as offered, sum(answered) as answered, sum(answered_within) as answered_within
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """Something a BI tool asks: SQL over ``{legs}`` or a published mart, with ``{client}``, …."""

    name: str
    goal_ms: float | None
    sql: str
    beside: str = ""
    """The same of the unsorted file's legs; empty if the SQL itself is."""
    times: int


@dataclass(slots=True)
class Times:
    """Milliseconds of one question, through the catalog and over the unsorted file."""

    published: list[float] = field(default_factory=list)
    unsorted: list[float] = field(default_factory=list)


QUESTIONS: Final = (
    Question(
        name="a client's day of legs, by queue",
        goal_ms=20,
        sql=f"select site, queue, {COUNTS} from {{legs}} where client = {{client}} "
        "and queued_at_ms >= {from_ms} and queued_at_ms < {to_ms} group by all order by all",
        times=200,
    ),
    Question(
        name="a client's day by quarter hour",
        goal_ms=20,
        sql=f"select interval_start_ms, {OF_INTERVALS} from bi_queue_intervals "
        "where client = {client} and interval_minutes = 15 and attribution = 'arrival' "
        "and interval_start_ms >= {from_ms} and interval_start_ms < {to_ms} "
        "group by all order by all",
        beside="select queued_at_ms - queued_at_ms % 900000 as interval_start_ms, "
        f"{COUNTS.rpartition('count(completed')[0].rstrip().rstrip(',')} from {{legs}} "
        "where client = {client} and queued_at_ms >= {from_ms} and queued_at_ms < {to_ms} "
        "group by all order by all",
        times=200,
    ),
    Question(
        name="the month by client and queue, of the month's mart",
        goal_ms=150,
        sql="select client, site, queue, offered, answered, answered_within, handled, "
        "talk_ms + hold_ms + acw_ms as handle_ms from bi_queue_months order by all",
        beside=f"select client, site, queue, {COUNTS} from {{legs}} group by all order by all",
        times=30,
    ),
    Question(
        name="the month by client and queue, of every leg",
        goal_ms=150,
        sql=f"select client, site, queue, {COUNTS} from {{legs}} group by all order by all",
        times=30,
    ),
    Question(
        name="the month by client, of every leg",
        goal_ms=150,
        sql="select client, count(*) as legs, count(*) filter (where is_within) as within, "
        "sum(wait_ms) as wait_ms from {legs} group by all order by all",
        times=30,
    ),
)


def write_unsorted(published: Path, target: Path, spill: Path) -> None:
    """Write the published legs into one file, in no order."""
    with warehouse.connect(":memory:", spill=spill) as con:
        con.execute(f"attach {literal(str(published / catalog.CATALOG))} as months (read_only)")
        con.execute(
            "copy (from months.fct_leg_facts order by hash(client, queue, contact_id, leg)) "
            f"to {literal(str(target))} (format parquet, compression zstd)"
        )


def ask(con: duckdb.DuckDBPyConnection, unsorted: Path, question: Question) -> Times:
    """Ask through the catalog and of the unsorted file, by turns.

    Raises:
        ValueError: two answers differ, or all are empty.
    """
    rng = random.Random(1)  # noqa: S311 - the same clients and days every time
    known = con.execute("select distinct client from bi_queue_months order by all").fetchall()
    clients = [client for (client,) in known]
    first_ms, _ = parse_month(landed.MONTH).bounds("UTC")
    times, answered = Times(), 0
    file = f"read_parquet({literal(str(unsorted))})"
    for turn in range(-WARM_UP, question.times):
        from_ms = first_ms + rng.randrange(1, 29) * DAY_MS
        chosen = {"client": literal(rng.choice(clients)), "from_ms": from_ms}
        chosen["to_ms"] = from_ms + DAY_MS
        here, took = timed(con, question.sql.format(legs="fct_leg_facts", **chosen))
        beside = (question.beside or question.sql).format(legs=file, **chosen)
        there, took_there = timed(con, beside)
        if here != there:
            msg = f"{question.name}, {chosen}: {len(here)} rows here, {len(there)} there, or others"
            raise ValueError(msg)
        answered += len(here)
        if turn >= 0:
            times.published.append(took)
            times.unsorted.append(took_there)
    if not answered:
        msg = f"{question.name}: expected rows of some client and day, found none"
        raise ValueError(msg)
    return times


def timed(con: duckdb.DuckDBPyConnection, sql: str) -> tuple[list[Any], float]:
    """Return the rows and the milliseconds until they were fetched."""
    started = time.perf_counter()
    rows = con.execute(sql).fetchall()
    return rows, (time.perf_counter() - started) * 1000


def percentile(values: Sequence[float], share: float) -> float:
    """Return the smallest value with at least this share of the values at or below it."""
    ordered = sorted(values)
    return ordered[max(0, -(-int(share * 1000) * len(ordered) // 1000) - 1)]


def main() -> int:
    """Publish once per home, ask, print a table; return 1 if a goal was missed."""
    options = argparse.ArgumentParser(description=str(__doc__).splitlines()[0])
    options.add_argument("--scale", type=float, default=1.7, help="of the month that is repeated")
    options.add_argument("--clients", type=int, default=10, help="copies of its clients")
    options.add_argument("--queues", type=int, default=10, help="copies of their queues")
    options.add_argument("--home", type=Path, help="folder to keep; a temporary one by default")
    chosen = options.parse_args()
    with tempfile.TemporaryDirectory(prefix="vane-bench-") as scratch:
        home = (chosen.home or Path(scratch)).resolve()
        unsorted = home / "unsorted.parquet"
        if not unsorted.exists():
            database = home / "build.duckdb"
            step("built", lambda: build(landed.simulate(home, chosen.scale), database))
            copies = {"clients": chosen.clients, "queues": chosen.queues}
            step("published", lambda: publish_many(database, home, **copies))
            step("unsorted", lambda: write_unsorted(home / "published", unsorted, home / "spill"))
        with catalog.open_catalog(home / "published") as con:
            legs = con.execute("select count(*) from fct_leg_facts").fetchall()[0][0]
            print(f"{machine()}; {legs:,} legs", flush=True)
            sizes = size_mb(home / "published" / "fct_leg_facts"), unsorted.stat().st_size / 1e6
            print(f"legs published {sizes[0]:,.0f} MB, unsorted {sizes[1]:,.0f} MB")
            print("| question | published p50 | p99 | unsorted p50 | p99 | ratio | goal |")
            print("|---|---|---|---|---|---|---|")
            met = [report(question, ask(con, unsorted, question)) for question in QUESTIONS]
            return int(not all(met))


def report(question: Question, times: Times) -> bool:
    """Print a row; return whether the median meets the goal."""
    here, there = statistics.median(times.published), statistics.median(times.unsorted)
    cells = [
        question.name,
        f"{here:.1f} ms",
        f"{percentile(times.published, 0.99):.1f} ms",
        f"{there:.1f} ms",
        f"{percentile(times.unsorted, 0.99):.1f} ms",
        f"{there / here:.1f}",
        "" if question.goal_ms is None else f"{question.goal_ms:.0f} ms",
    ]
    print(f"| {' | '.join(cells)} |", flush=True)
    return question.goal_ms is None or here <= question.goal_ms


def step(name: str, do: Callable[[], object]) -> None:
    """Do something and say how long it took."""
    started = time.monotonic()
    do()
    sys.stderr.write(f"{name} in {time.monotonic() - started:.0f} s\n")


if __name__ == "__main__":
    sys.exit(main())
