"""Publishes a month of many legs: a small month's marts, repeated as further clients and queues.

Every mart has its client and queue, so a repetition is the same mart of another client's queue and
all of them still agree with each other. Layout, order and row groups are those of the publisher.
"""

from __future__ import annotations

from pathlib import Path
from typing import Final

from benchmarks.batch.built import run_of
from benchmarks.batch.landed import MONTH
from pipeline.batch import publish
from pipeline.lake import catalog, warehouse
from pipeline.lake.warehouse import literal

REPEATED: Final = (
    "fct_leg_facts", "fct_queue_intervals", "fct_queue_months", "bi_queue_intervals",
    "bi_queue_months",
)  # fmt: skip
"""What is repeated; the others are published empty."""


def publish_many(base: Path, home: Path, *, clients: int, queues: int) -> catalog.Run:
    """Publish a built month ``clients`` times ``queues`` times below ``home/published``."""
    published = home / "published"
    with warehouse.connect(home / "many.duckdb", spill=home / "spill") as con:
        # by this name the BI views of the base know its tables
        con.execute(f"attach {literal(str(base))} as build (read_only)")
        for name in publish.DATASETS:
            con.execute(f"create table {name} as {_repeated(name, clients, queues)}")
        datasets = publish.export(con, published, MONTH, f"{MONTH}-many")
    run = run_of(f"{MONTH}-many", datasets)
    publish.publish(published, run)
    return run


def _repeated(name: str, clients: int, queues: int) -> str:
    if name not in REPEATED:
        return f"select * from build.{name} where false"
    return (
        "select * replace (client || '-' || c as client, queue || '-' || q as queue) "
        f"from build.{name}, range({clients}) as t(c), range({queues}) as u(q)"
    )
