"""A query's rows as a file: Excel, CSV, JSON or Parquet, with where they come from beside them.

What it does not know: the catalog. It is given a cursor with a result, and what to say about it.
"""

from __future__ import annotations

import csv
import json
import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import IO, Any, Final

import duckdb

from pipeline.errors import InputError

BATCH: Final = 10_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Origin:
    """Where rows come from: kept in the Excel workbook and in Parquet's metadata."""

    query: str
    catalog: str
    runs: tuple[tuple[str, str, str], ...]
    """Month, client (empty: all) and run id of each run in force."""
    asked_at: datetime

    def said(self) -> dict[str, str]:
        """Return the origin as names and texts."""
        at = self.asked_at.astimezone(UTC)
        return {
            "query": self.query,
            "catalog": self.catalog,
            "asked_at": at.isoformat(timespec="seconds"),
            "runs": " ".join(run for _, _, run in self.runs),
        }


def rows_of(cursor: duckdb.DuckDBPyConnection) -> Iterator[tuple[Any, ...]]:
    """Yield the rows of a result, a batch at a time in memory."""
    while found := cursor.fetchmany(BATCH):
        yield from found


def write_csv(cursor: duckdb.DuckDBPyConnection, out: IO[str]) -> int:
    """Write a header and the rows as CSV; decimals with all their digits. Return the rows."""
    writer, count = csv.writer(out), 0
    writer.writerow(names_of(cursor))
    for row in rows_of(cursor):
        writer.writerow(row)
        count += 1
    return count


def write_json(cursor: duckdb.DuckDBPyConnection, out: IO[str]) -> int:
    """Write one list of objects; what JSON has no type for (decimals, times) as text."""
    names = names_of(cursor)
    listed = [dict(zip(names, row, strict=True)) for row in rows_of(cursor)]
    json.dump(listed, out, default=str, ensure_ascii=False, indent=2)
    out.write("\n")
    return len(listed)


def write_file(con: duckdb.DuckDBPyConnection, form: str, target: Path, origin: Origin) -> int:
    """Run the query and write its rows to ``target``, whole or not at all; return their number.

    Raises:
        InputError: the file cannot be written, or Excel cannot hold the rows.
    """
    with _put_in_place(target) as draft:
        return _WRITERS[form](con, draft, origin)


def names_of(cursor: duckdb.DuckDBPyConnection) -> list[str]:
    """Return the names of a result's columns."""
    return [str(column[0]) for column in cursor.description or ()]


@contextmanager
def _put_in_place(target: Path) -> Iterator[Path]:
    draft = target.with_name(f".{target.name}.{os.getpid()}.tmp")
    try:
        yield draft
        draft.replace(target)
    except OSError as error:
        msg = f"{target}: expected a file that can be written, got: {error.strerror or error}"
        raise InputError(msg) from error
    finally:
        draft.unlink(missing_ok=True)


def _csv(con: duckdb.DuckDBPyConnection, draft: Path, origin: Origin) -> int:
    with draft.open("w", encoding="utf-8", newline="") as out:
        return write_csv(con.execute(origin.query), out)


def _json(con: duckdb.DuckDBPyConnection, draft: Path, origin: Origin) -> int:
    with draft.open("w", encoding="utf-8") as out:
        return write_json(con.execute(origin.query), out)


def _parquet(con: duckdb.DuckDBPyConnection, draft: Path, origin: Origin) -> int:
    import pyarrow.parquet as pq

    result = con.sql(origin.query)
    if result is None:
        msg = f"expected a query with rows, got: {origin.query}"
        raise InputError(msg)
    count = 0
    reader = result.to_arrow_reader(BATCH)
    schema = reader.schema.with_metadata({f"vane.{k}": v for k, v in origin.said().items()})
    with pq.ParquetWriter(draft, schema, compression="zstd") as writer:
        for batch in reader:
            writer.write_batch(batch.cast(schema))
            count += batch.num_rows
    return count


def _xlsx(con: duckdb.DuckDBPyConnection, draft: Path, origin: Origin) -> int:
    from pipeline.lake.workbook import write_workbook

    cursor = con.execute(origin.query)
    columns = [(str(c[0]), str(c[1])) for c in cursor.description or ()]
    return write_workbook(draft, columns, rows_of(cursor), origin.said(), origin.runs)


_Writer = Callable[[duckdb.DuckDBPyConnection, Path, Origin], int]
_WRITERS: Final[Mapping[str, _Writer]] = {
    "csv": _csv,
    "json": _json,
    "parquet": _parquet,
    "xlsx": _xlsx,
}
