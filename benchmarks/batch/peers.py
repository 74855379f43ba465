"""A month's core in Polars, pandas and Spark beside the published marts, compared cell for cell.

    make bench-month-peers            (or: python -m benchmarks.batch.peers --engines polars)

The core is what every figure of a queue rests on: legs folded from landed events, how each wait
ended by the terms in force, handle times; counted per quarter hour under four attributions and per
month. An engine gets the landed files and the parameters (targets, zones, bounds, watermarks) as
Parquet and writes two files. The published month is the oracle.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import duckdb

from benchmarks.batch import landed
from benchmarks.batch.built import show
from benchmarks.batch.watch import Watched, watch
from benchmarks.measure import machine
from pipeline.lake import catalog, manifest
from pipeline.lake.shape import CALL_EVENTS
from pipeline.lake.warehouse import literal
from pipeline.settings import PROJECT_ROOT

ENGINES: Final = Path(__file__).parent / "engines"
SPARK: Final = PROJECT_ROOT / ".cache" / "spark" / "venv" / "bin" / "python"
PARAMETERS: Final = ("queues", "service_targets", "watermarks", "zone_offsets")
COUNTS: Final = (
    "offered", "answered", "answered_within", "abandoned", "abandoned_within", "handled",
    "talk_ms", "hold_ms", "acw_ms",
)  # fmt: skip
INTERVALS: Final = (
    f"select client, site, queue, attribution, interval_start_ms, {', '.join(COUNTS)} "
    "from fct_queue_intervals where interval_minutes = 15"
)
MONTHS: Final = f"select client, site, queue, {', '.join(COUNTS)} from fct_queue_months"
ORACLE: Final = {"intervals": INTERVALS, "months": MONTHS}


@dataclass(frozen=True, slots=True, kw_only=True)
class Engine:
    """One way of computing the core."""

    title: str
    program: str
    python: Path = Path(sys.executable)


PEERS: Final = {
    "vane": Engine(title="Vane's models of it, with their tests", program="vane_models.py"),
    "polars": Engine(title="Polars", program="polars_month.py"),
    "pandas": Engine(title="pandas", program="pandas_month.py"),
    "spark": Engine(title="Spark, local[2]", program="spark_month.py", python=SPARK),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """How many rows only the mart or only the engine has, and how many cells the mart has."""

    cells: int
    only_mart: int
    only_engine: int


def put_parameters(landing: Path, folder: Path) -> None:
    """Write what the models know besides events.

    Raises:
        ValueError: a queue has opening hours, which the engines here do not know.
    """
    folder.mkdir(parents=True)
    database = folder / "parameters.duckdb"
    show(landing, database)
    with duckdb.connect(str(database), read_only=True) as con:
        if con.execute("select 1 from params.kpi_terms where has_hours").fetchall():
            msg = "expected queues without opening hours: the engines compared know none"
            raise ValueError(msg)
        for name in PARAMETERS:
            target = literal(str(folder / f"{name}.parquet"))
            con.execute(f"copy (from params.{name}) to {target} (format parquet)")
    database.unlink()


def run(engine: Engine, landing: Path, parameters: Path, home: Path) -> tuple[Watched, float]:
    """Let an engine compute the core into ``home/out``; return its cost and seconds of start."""
    shutil.rmtree(home, ignore_errors=True)
    (home / "out").mkdir(parents=True)
    batches = manifest.read_batches(landing, CALL_EVENTS)
    job: dict[str, Any] = {
        "home": str(home / "work"),
        "landing": str(landing),
        "files": [str(landing / file.path) for file in manifest.files(batches)],
        "params": str(parameters),
        "out": str(home / "out"),
    }
    env = os.environ | {"PYTHONPATH": str(PROJECT_ROOT)}
    watched = watch([engine.python, ENGINES / engine.program, json.dumps(job)], env=env)
    return watched, float(json.loads(watched.out.splitlines()[-1])["start_s"])


def compare(marts: duckdb.DuckDBPyConnection, out: Path) -> dict[str, Difference]:
    """Compare an engine's two results with the marts, duplicates included."""
    found = {}
    for name, mart in ORACLE.items():
        columns = [column for column, *_ in marts.execute(f"describe {mart}").fetchall()]
        path = out / f"{name}.parquet"
        files = path / "*.parquet" if path.is_dir() else path
        numbers = {*COUNTS, "interval_start_ms"}
        typed = [f"cast({c} as bigint) as {c}" if c in numbers else c for c in columns]
        engine = f"select {', '.join(typed)} from read_parquet({literal(str(files))})"
        rows, only_mart, only_engine = (
            marts.execute(f"select count(*) from ({query})").fetchall()[0][0]
            for query in (mart, f"{mart} except all {engine}", f"{engine} except all {mart}")
        )
        found[name] = Difference(
            cells=rows * len(COUNTS), only_mart=only_mart, only_engine=only_engine
        )
    return found


def main() -> int:
    """Close the month, run the engines, print a table; return 1 if a result differs."""
    options = argparse.ArgumentParser(description=str(__doc__).splitlines()[0])
    options.add_argument("--engines", nargs="*", default=list(PEERS), choices=list(PEERS))
    options.add_argument("--scale", type=float, default=17, help="of the month; 17: 1 M calls")
    options.add_argument("--home", type=Path, help="folder to keep; a temporary one by default")
    chosen = options.parse_args()
    with tempfile.TemporaryDirectory(prefix="vane-bench-") as scratch:
        home = (chosen.home or Path(scratch)).resolve()
        landing = landed.simulate(home, chosen.scale)
        print(f"{machine()}; {landed.rows(landing, CALL_EVENTS):,} call events", flush=True)
        print("| | seconds | of them start | CPU s | peak MB | cells | rows that differ |")
        print("|---|---|---|---|---|---|---|")
        command = [sys.executable, "-m", "benchmarks.batch.parts", "--month", landed.MONTH]
        env = os.environ | {"VANE_HOME": str(home), "PYTHONPATH": str(PROJECT_ROOT)}
        _row("Vane, the whole month: all marts, gates, files", watch(command, env=env))
        parameters = home / "parameters"
        shutil.rmtree(parameters, ignore_errors=True)
        put_parameters(landing, parameters)
        is_equal = True
        for name in chosen.engines:
            watched, start_s = run(PEERS[name], landing, parameters, home / name)
            with catalog.open_catalog(home / "published") as marts:
                found = compare(marts, home / name / "out")
            differing = sum(d.only_mart + d.only_engine for d in found.values())
            is_equal = is_equal and not differing
            cells = sum(d.cells for d in found.values())
            _row(PEERS[name].title, watched, f"{start_s:.1f}", f"{cells:,}", f"{differing:,}")
        return int(not is_equal)


def _row(title: str, watched: Watched, start: str = "", cells: str = "", differ: str = "") -> None:
    figures = f"{watched.seconds:.1f} | {start} | {watched.cpu_s:.1f} | {watched.peak_mb:,.0f}"
    print(f"| {title} | {figures} | {cells} | {differ} |", flush=True)


if __name__ == "__main__":
    sys.exit(main())
