"""``vane query``: ask the published catalog in SQL."""

from __future__ import annotations

import csv
import json
import sys
from enum import StrEnum
from typing import Annotated, Any

import duckdb
import typer
from rich.console import Console
from rich.table import Table

from pipeline.errors import InputError
from pipeline.lake.catalog import open_catalog
from pipeline.settings import load_settings

EXAMPLES = """
Examples:

  vane query "select client, queue, service_level from bi_queue_months order by all"

  vane query "select * from bi_settlement_lines where month = '2025-11'" --format csv

  vane query "from published_runs" --format json

  vane query "show tables"

Read-only, times in UTC. Published: fct_* and bi_* views, and published_runs.
"""


class Format(StrEnum):
    """How rows are written."""

    TABLE = "table"
    CSV = "csv"
    JSON = "json"


app = typer.Typer(add_completion=False, rich_markup_mode=None)


@app.command(epilog=EXAMPLES)
def query(
    sql: Annotated[str, typer.Argument(help="One SQL statement, DuckDB's dialect.")],
    form: Annotated[Format, typer.Option("--format", help="How to write the rows.")] = Format.TABLE,
) -> None:
    """Ask the published catalog in SQL."""
    with open_catalog(load_settings().published) as con:
        try:
            cursor = con.execute(sql)
            names = [column[0] for column in cursor.description or ()]
            rows = cursor.fetchall()
        except duckdb.Error as error:
            raise InputError(str(error)) from error
    if form is Format.CSV:
        writer = csv.writer(sys.stdout)
        writer.writerow(names)
        writer.writerows(rows)
    elif form is Format.JSON:
        listed = [dict(zip(names, row, strict=True)) for row in rows]
        typer.echo(json.dumps(listed, default=str, ensure_ascii=False, indent=2))
    else:
        _table(names, rows)


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
