"""``vane query``: ask the published catalog in SQL."""

from __future__ import annotations

import sys
import time
from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

import duckdb
import typer
from rich.console import Console
from rich.table import Table

from pipeline.errors import InputError
from pipeline.lake.catalog import CATALOG, open_catalog
from pipeline.lake.export import Origin, names_of, write_csv, write_file, write_json
from pipeline.settings import load_settings

EXAMPLES = """
Examples:

  vane query "select client, queue, service_level from bi_queue_months order by all"

  vane query "select * from bi_settlement_lines where month = '2025-11'" --format csv

  vane query "from bi_queue_months where month = '2025-11'" -o november.xlsx

  vane query "from published_runs" --format json

  vane query "show tables"

Read-only, times in UTC. Published: fct_* and bi_* views, and published_runs. An Excel workbook
has the query, its time and the runs in force on a second sheet; numbers of more than 15 digits
are text in it. Parquet has them in its metadata.
"""


class Format(StrEnum):
    """How rows are written."""

    TABLE = "table"
    CSV = "csv"
    JSON = "json"
    XLSX = "xlsx"
    PARQUET = "parquet"


IN_FILES = (Format.XLSX, Format.PARQUET)

app = typer.Typer(add_completion=False, rich_markup_mode=None)


@app.command(epilog=EXAMPLES)
def query(
    sql: Annotated[str, typer.Argument(help="One SQL statement, DuckDB's dialect.")],
    form: Annotated[
        Format | None,
        typer.Option("--format", help="How to write the rows; by default as the file is named."),
    ] = None,
    out: Annotated[
        Path | None, typer.Option("--out", "-o", help="Write to this file, not to the screen.")
    ] = None,
) -> None:
    """Ask the published catalog in SQL."""
    form = _chosen(form, out)
    published = load_settings().published
    with open_catalog(published) as con:
        try:
            if out is not None:
                asked_at = datetime.fromtimestamp(time.time(), UTC)
                runs = con.execute(
                    "select month, client, run_id from published_runs where is_in_force"
                    " order by all"
                ).fetchall()
                origin = Origin(
                    query=sql,
                    catalog=str(published / CATALOG),
                    runs=tuple(runs),
                    asked_at=asked_at,
                )
                typer.echo(f"{out}: {write_file(con, form, out, origin):,} rows", err=True)
                return
            cursor = con.execute(sql)
            if form is Format.CSV:
                write_csv(cursor, sys.stdout)
            elif form is Format.JSON:
                write_json(cursor, sys.stdout)
            else:
                _table(names_of(cursor), cursor.fetchall())
        except duckdb.Error as error:
            raise InputError(str(error)) from error


def _chosen(form: Format | None, out: Path | None) -> Format:
    """Return the format: the one asked for, else the file's ending, else a table."""
    if out is None:
        if form in IN_FILES:
            msg = f"--format {form}: expected a file to write to; add -o FILE.{form}"
            raise InputError(msg)
        return form or Format.TABLE
    if form is None:
        ending = out.suffix.removeprefix(".").lower()
        form = Format(ending) if ending in set(Format) else Format.TABLE
    if form is Format.TABLE:
        msg = f"{out}: expected --format csv, json, xlsx or parquet, or a file of that ending"
        raise InputError(msg)
    return form


def _table(names: list[str], rows: list[tuple[Any, ...]]) -> None:
    table = Table()
    for i, name in enumerate(names):
        numeric = any(isinstance(row[i], int | float) for row in rows)
        table.add_column(name, justify="right" if numeric else "left", overflow="fold")
    for row in rows:
        table.add_row(*("" if value is None else str(value) for value in row))
    console = Console()
    console.print(table)
    console.print(f"{len(rows):,} rows")
