"""Opens DuckDB the one way it is opened here, and shows it landed files and parameters.

Inputs are views over explicit file lists (never a glob) and small tables of parameters.
Nothing here decides anything about calls.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import duckdb
import pyarrow as pa

from pipeline.lake.shape import Shape

MEMORY_LIMIT: Final = "2GB"
THREADS: Final = 2

_TYPES: Final = {
    pa.string(): "VARCHAR",
    pa.int16(): "SMALLINT",
    pa.int32(): "INTEGER",
    pa.int64(): "BIGINT",
    pa.bool_(): "BOOLEAN",
    pa.list_(pa.string()): "VARCHAR[]",
}


def session_settings(spill: Path) -> dict[str, str | int | bool]:
    """Return the settings of every connection that builds something."""
    return {
        "TimeZone": "UTC",
        "autoinstall_known_extensions": False,
        "autoload_known_extensions": False,
        "memory_limit": MEMORY_LIMIT,
        "threads": THREADS,
        "temp_directory": str(spill),
        "preserve_insertion_order": False,
    }


def connect(path: Path | str, *, spill: Path) -> duckdb.DuckDBPyConnection:
    """Open a build database."""
    con = duckdb.connect(str(path))
    for name, value in session_settings(spill).items():
        con.execute(f"set {name} = {literal(value)}")
    return con


def literal(value: object) -> str:
    """Return a value as an SQL literal."""
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int):
        return str(value)
    return "'" + str(value).replace("'", "''") + "'"


def show_files(
    con: duckdb.DuckDBPyConnection, name: str, shape: Shape, paths: Sequence[Path]
) -> None:
    """Create a view ``landed.<name>`` over exactly these files; none gives an empty view.

    Files of several releases may lie side by side: a column that a file lacks is null in its rows,
    one that this release does not know is left out.
    """
    con.execute("create schema if not exists landed")
    columns = [(field.name, _TYPES[field.type]) for field in shape.schema]
    nothing = ", ".join(f'cast(null as {kind}) as "{column}"' for column, kind in columns)
    source = f"select {nothing} where false"
    if paths:
        listed = ", ".join(literal(str(path)) for path in paths)
        body = ", ".join(f'"{column}"' for column, _ in columns)
        read = f"read_parquet([{listed}], hive_partitioning = false, union_by_name = true)"
        source = f"select {body} from (from {read} union all by name {source})"
    con.execute(f"create or replace view landed.{name} as {source}")


def put_table(
    con: duckdb.DuckDBPyConnection,
    name: str,
    columns: Mapping[str, str],
    rows: Iterable[Sequence[Any]],
) -> None:
    """Create the table ``params.<name>`` with these columns (name to type) and rows."""
    con.execute("create schema if not exists params")
    typed = ", ".join(f"{column} {kind}" for column, kind in columns.items())
    con.execute(f"create or replace table params.{name} ({typed})")
    listed = list(zip(*rows, strict=True))
    if listed:
        # Not executemany: it takes a millisecond a row, and a client may have a thousand queues.
        named = zip(columns, map(pa.array, listed), strict=True)
        con.register("rows_to_put", pa.table(dict(named)))
        con.execute(f"insert into params.{name} by name select * from rows_to_put")
        con.unregister("rows_to_put")
