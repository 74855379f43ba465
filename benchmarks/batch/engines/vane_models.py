"""The month's core by the project's own models alone, their tests included. See ``peers.py``."""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path
from typing import Any

started = time.perf_counter()

from benchmarks.batch.built import show  # noqa: E402 - importing is part of the start
from benchmarks.batch.landed import MONTH  # noqa: E402
from benchmarks.batch.peers import INTERVALS, MONTHS  # noqa: E402
from pipeline.batch import models  # noqa: E402
from pipeline.lake import warehouse  # noqa: E402
from pipeline.settings import PROJECT_ROOT, load_settings  # noqa: E402


def main(job: dict[str, Any]) -> None:
    """Do the job and tell the seconds of start and work."""
    home = Path(job["home"])
    home.mkdir(parents=True)
    database = home / "build.duckdb"
    show(Path(job["landing"]), database)
    nodes = models.build(
        PROJECT_ROOT / "dbt_like_sql",
        database,
        work=home / "dbt",
        parsed=load_settings().parsed_models,
        variables={"month": MONTH, "admitted_only": False},
        select=["+fct_queue_intervals", "+fct_queue_months"],
    )
    with warehouse.connect(database, spill=home / "spill") as con:
        for name, query in (("intervals", INTERVALS), ("months", MONTHS)):
            con.execute(f"copy ({query}) to '{job['out']}/{name}.parquet'")
    all_s = time.perf_counter() - started
    told = {"start_s": all_s - sum(node.seconds for node in nodes), "all_s": all_s}
    sys.stdout.write(f"\n{json.dumps(told)}\n")


if __name__ == "__main__":
    main(json.loads(sys.argv[1]))
