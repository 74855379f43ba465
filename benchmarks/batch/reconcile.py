"""A million calls against a client's million, 2 % of every class of variance planted.

    make bench-reconcile                    (or: python -m benchmarks.batch.reconcile --contacts N)

The month is published by the product's own code, the client's file is CSV, and the command runs in
a process of its own: reading the file, hashing numbers, matching, classing, writing every variance.
Three of ten rows have no id and are found by the caller's number and the time.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

import duckdb

from benchmarks.batch import landed, planted
from benchmarks.batch.built import build, run_of
from benchmarks.batch.watch import watch
from benchmarks.measure import machine
from pipeline.batch import publish
from pipeline.lake import warehouse
from pipeline.lake.warehouse import literal
from pipeline.reconcile.money import amount
from pipeline.settings import PROJECT_ROOT

CONTACTS: Final = 940_000
"""Some of two legs: a million legs."""
SMALL: Final = 0.01
TOLERANT: Final = 'tolerance: {amount: "999999999"}\n'
"""So that the exit code is 0, whatever is planted."""
CONTRACT: Final = """client: harbour
zone: Asia/Shanghai
currency: CNY
clauses:
  - id: "3.1"
    title: Answered calls, service
    kind: per_call
    queues: [service]
    terms: [{from: 2025-01-01, unit_price: "6.80"}]
  - id: "3.2"
    title: Answered calls, orders
    kind: per_call
    queues: [orders]
    terms: [{from: 2025-01-01, unit_price: "5.40"}, {from: 2025-11-11, unit_price: "5.95"}]
  - id: "5.2"
    title: Handle minutes, cards
    kind: per_minute
    measure: handle
    increment_s: 6
    minimum_s: 30
    queues: [cards]
    terms: [{from: 2025-01-01, unit_price: "1.35"}]
"""
LEGS: Final = """
insert into fct_leg_facts by name
select
    '2025-11' as month, 'harbour' as client, '' as site, queue, contact_id, leg, queued_at_ms,
    answered_at_ms as outcome_at_ms, answered_at_ms as service_level_at_ms, completed_at_ms,
    queued_at_ms as belongs_at_ms, 'answered' as outcome, 'answered' as counts_as, wait_ms,
    true as is_within, false as is_short_abandon, true as is_completed, talk_ms, hold_ms, acw_ms,
    false as is_long_hold, answered_at_ms, 'li' as answered_agent, transferred_at_ms, ended_at_ms,
    customer_ref, 1 as offer_count, 0 as no_answer_count, 0 as complaint_count,
    0 as before_queue_count, 5 as event_count, queued_at_ms as first_ms,
    completed_at_ms as last_ms, completed_at_ms as known_at_ms
from planted_legs
"""


def lines_sql() -> str:
    """Return SQL that fills the settlement lines, each rounded once, in decimals."""
    parts = []
    for clause, queue, kind, term, from_ms, to_ms, price in planted.PRICES:
        worth = planted.worth("queue", "queued_at_ms", "handle_ms")
        unit = "call" if kind == "per_call" else "minute"
        parts.append(f"""
select
    '2025-11' as month, 'harbour' as client, '{clause}' as clause_id, '' as title,
    '{kind}' as kind, date '{term}' as term_from_on, count(*) as fact_rows,
    cast(sum({worth}) / {price} as decimal(18, 4)) as quantity, '{unit}' as unit,
    cast({price} as decimal(10, 4)) as unit_price, 'CNY' as currency,
    cast(round(sum({worth}), 2) as decimal(18, 2)) as amount
from planted_legs
where queue = '{queue}' and queued_at_ms >= {from_ms} and queued_at_ms < {to_ms}""")
    return "insert into fct_settlement_lines by name" + " union all ".join(parts)


def prepare(home: Path, base: Path, contacts: int) -> None:
    """Publish the planted month below ``home`` and write the client's file and the truth.

    ``base`` is a built month, which has every mart.
    """
    config = home / "config"
    shutil.copytree(PROJECT_ROOT / "config", config)
    (config / "contracts" / "harbour.yaml").write_text(CONTRACT)
    (home / "mapping.yaml").write_text(planted.MAPPING + TOLERANT)
    with warehouse.connect(home / "planted.duckdb", spill=home / "spill") as con:
        con.execute(f"attach {literal(str(base))} as build (read_only)")
        for name in publish.DATASETS:
            con.execute(f"create table {name} as select * from build.{name} where false")
        planted.plant(con, contacts)
        con.execute(LEGS)
        con.execute(lines_sql())
        datasets = publish.export(con, home / "published", landed.MONTH, f"{landed.MONTH}-planted")
        publish.publish(home / "published", run_of(f"{landed.MONTH}-planted", datasets))
        planted.write_rows(con, home / "theirs.csv")
        con.execute("copy truth to " + literal(str(home / "truth.parquet")) + " (format parquet)")


def measure(home: Path) -> tuple[dict[str, Any], float, float, float]:
    """Run the command; return what it says, seconds, CPU seconds and peak memory (MB)."""
    env = os.environ | {
        "VANE_HOME": str(home),
        "VANE_CONFIG": str(home / "config"),
        "VANE_CUSTOMER_KEY": planted.KEY.decode(),
        "PYTHONPATH": str(PROJECT_ROOT),
    }
    command = [sys.executable, "-m", "pipeline", "reconcile", "client", str(home / "theirs.csv")]
    options = ["--mapping", str(home / "mapping.yaml"), "--month", landed.MONTH, "--json"]
    watched = watch([*command, *options, "--out", str(home / "variances.parquet")], env=env)
    return json.loads(watched.out), watched.seconds, watched.cpu_s, watched.peak_mb


def judge(home: Path) -> list[dict[str, Any]]:
    """Return the score of each class."""
    with duckdb.connect() as con:
        con.execute(f"create table truth as from {literal(str(home / 'truth.parquet'))}")
        return planted.score(con, literal(str(home / "variances.parquet")))


def report(scores: Sequence[dict[str, Any]]) -> bool:
    """Print a table of Markdown; return whether 99 % of each class are right, money to the cent."""
    print("| class | planted | classed right | found in all | money planted | money found |")
    print("|---|---|---|---|---|---|")
    is_good = True
    for score in scores:
        planted_count, right = score["planted"] or 0, score["right_class"] or 0
        worth, found = score["planted_amount"] or 0, amount(int(score["shares"] or 0), decimals=6)
        share = right / planted_count if planted_count else 0.0
        is_good &= share >= 0.99 and round(worth, 2) == round(found, 2)
        print(
            f"| {score['class'].replace('_', ' ')} | {planted_count:,} | {right:,} ({share:.2%}) "
            f"| {score['found'] or 0:,} | {worth:,.3f} | {found:,.3f} |"
        )
    return is_good


def main() -> None:
    """Measure and print; exit code 1 where a goal is missed."""
    options = argparse.ArgumentParser(description=str(__doc__).splitlines()[0])
    options.add_argument("--contacts", type=int, default=CONTACTS)
    options.add_argument("--home", type=Path, help="folder to keep; a temporary one by default")
    chosen = options.parse_args()
    with tempfile.TemporaryDirectory(prefix="vane-bench-") as scratch:
        home = (chosen.home or Path(scratch)).resolve()
        home.mkdir(parents=True, exist_ok=True)
        build(landed.simulate(home / "small", SMALL), home / "base.duckdb")
        prepare(home, home / "base.duckdb", chosen.contacts)
        told, seconds, cpu_s, peak_mb = measure(home)
        print(f"{machine()}; DuckDB's memory limit {warehouse.MEMORY_LIMIT}")
        print(
            f"{told['our_calls']:,} calls here, {told['their_calls']:,} rows there: "
            f"{seconds:.1f} s, {cpu_s:.1f} CPU s, peak {peak_mb:,.0f} MB; matched {told['matched']}"
        )
        is_good = report(judge(home))
    if not is_good or seconds > 60 or peak_mb > 3_000:
        sys.exit(1)


if __name__ == "__main__":
    main()
