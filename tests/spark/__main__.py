"""Builds the golden month on DuckDB and on Spark, and compares every mart row by row.

    python -m tests.spark PYTHON [--home FOLDER]

PYTHON is the interpreter of an environment of requirements/spark.txt. Exit code 1 if any mart
differs, if Spark could not build one, or if a known-bad variant is not found out.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import duckdb
from rich.console import Console
from rich.table import Column, Table

from pipeline.settings import PROJECT_ROOT
from tests.spark import golden, variants
from tests.spark.compare import Comparison, compare, marts

PROJECT = PROJECT_ROOT / "dbt_like_sql"
console = Console()
SESSION = Path(__file__).with_name("session.py")


def main() -> int:
    """Return the exit code."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("python", type=Path, help="interpreter that has pyspark and dbt-spark")
    options.add_argument("--home", type=Path, help="folder to keep; a temporary one by default")
    options.add_argument("--select", nargs="*", default=[], help="only these models on Spark")
    chosen = options.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        return _run((chosen.home or Path(scratch)).resolve(), chosen.python, chosen.select)


def _run(home: Path, python: Path, select: list[str]) -> int:
    started = time.monotonic()
    database = home / "build.duckdb"
    if not database.exists():
        golden.build(home)
    console.print(f"DuckDB: {golden.MONTH} simulated, landed and built in {_since(started)}")
    with duckdb.connect(str(database), read_only=True) as con:
        names = marts(con)
        started = time.monotonic()
        code = _build_on_spark(home, python, names, select)
        console.print(f"Spark: built in {_since(started)}, dbt's exit code {code}")
        is_equal = _report(con, home / "spark" / "marts", names)
        spoilt = home / "spark" / "spoilt"
        unseen = [name for name in variants.FOUND_IN if not _is_found_out(con, name, spoilt)]
    for name in variants.FOUND_IN:
        console.print(f"spoilt {name}: {'NOT FOUND OUT' if name in unseen else 'found out'}")
    return int(bool(code) or not is_equal or bool(unseen))


def _build_on_spark(home: Path, python: Path, names: list[str], select: list[str]) -> int:
    """Build the project and its known-bad variant in Spark's own environment."""
    spark = home / "spark"
    shutil.rmtree(spark, ignore_errors=True)
    spoilt = variants.spoil(PROJECT, spark / "project")
    job = {
        "home": str(spark),
        "inputs": str(home / "inputs"),
        "month": str(golden.MONTH),
        "marts": names,
        "runs": [
            {"project": str(PROJECT), "select": select, "out": str(spark / "marts")},
            {
                "project": str(spoilt),
                "select": [*variants.SPOILT, *variants.FOUND_IN],
                "out": str(spark / "spoilt"),
            },
        ],
    }
    return subprocess.run([python, SESSION, json.dumps(job)], check=False).returncode


def _is_found_out(con: duckdb.DuckDBPyConnection, name: str, spoilt: Path) -> bool:
    """Say whether a spoilt mart was built and differs."""
    with contextlib.suppress(duckdb.IOException):
        return not compare(con, name, spoilt).is_equal
    return False


def _report(con: duckdb.DuckDBPyConnection, folder: Path, names: list[str]) -> bool:
    """Print the table; return whether every mart is there, has rows and is equal."""
    table = Table("mart", Column("rows", justify="right"), Column("differences", justify="right"))
    differing: list[Comparison] = []
    is_whole = True
    for name in names:
        try:
            found = compare(con, name, folder)
        except duckdb.IOException:
            is_whole = False
            table.add_row(name, "", "not built")
            continue
        table.add_row(name, f"{found.rows:,}", f"{found.here + found.there:,}")
        is_whole = is_whole and found.rows > 0  # of nothing, nothing is shown
        if not found.is_equal:
            differing.append(found)
    console.print(table)
    for found in differing:
        for line in (*found.columns, *found.samples):
            console.print(f"{found.mart}: {line}", markup=False)
    return is_whole and not differing


def _since(started: float) -> str:
    return f"{time.monotonic() - started:.0f} s"


if __name__ == "__main__":
    sys.exit(main())
