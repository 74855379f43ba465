"""``vane wind-vane``: who is likely to complain, where risk piles up, how well it was foreseen."""

from __future__ import annotations

import csv
import json
import sys
import time
from datetime import UTC, date, datetime
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any, Final

import duckdb
import typer
from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table
from rich.text import Text

from pipeline.batch import risk_live
from pipeline.batch.risk_report import check_published, list_sql, report_sql
from pipeline.commands import wind_vane_cases, wind_vane_fit
from pipeline.domain.business_time import Month, parse_month
from pipeline.errors import InputError
from pipeline.lake.catalog import CATALOG, open_catalog
from pipeline.lake.export import Origin, names_of, write_file
from pipeline.lake.inert import inert
from pipeline.settings import load_settings

LIST_EXAMPLES: Final = """
Examples:

  vane wind-vane list --date 2025-11-11

  vane wind-vane list --date 2025-11-11 --client meridian --top 20 --format csv > today.csv

Reads the published month of the day; run the month again to have the calls of today. A score is
log-odds in thousandths; the numbers in the reasons add up to it, from that of a day without any
signal on. What the weights are: config/wind_vane.yaml; what they are worth: docs/wind-vane.md.
"""
REPORT_EXAMPLES: Final = """
Examples:

  vane wind-vane report --month 2025-11

  vane wind-vane report --month 2025-11 --client meridian --out november.xlsx

Precision: of the customer days listed, those that a complaint case followed within the outcome
window; recall: of the days that a case followed, those listed. Days whose outcome is not known yet
are in no precision.
"""


FOLLOW_EXAMPLES: Final = """
Examples:

  vane wind-vane follow

  vane wind-vane follow --until-end

  vane wind-vane follow --anew            (after other weights)

Reads acd.events and ref.complaints, and what vane land has landed of the days before; writes
kpi.risk. One at a time. It may be stopped or killed at any time: it goes on where it was.
"""


class Format(StrEnum):
    """How rows are written."""

    TABLE = "table"
    CSV = "csv"
    JSON = "json"


app = typer.Typer(add_completion=False, rich_markup_mode=None, no_args_is_help=True)
app.add_typer(wind_vane_fit.subcommands)
app.add_typer(wind_vane_cases.subcommands)


@app.callback()
def wind_vane() -> None:
    """Customers likely to complain (投诉风向标): list of a day, report of a month, weights."""


@app.command("list", epilog=LIST_EXAMPLES)
def list_command(
    *,
    day: Annotated[str, typer.Option("--date", help="Business day, YYYY-MM-DD.")],
    client: Annotated[str | None, typer.Option(help="Only this client.")] = None,
    top: Annotated[int | None, typer.Option(min=1, help="Only so many of each client.")] = None,
    form: Annotated[Format, typer.Option("--format", help="How to write.")] = Format.TABLE,
) -> None:
    """List the customers of a day who are likely to complain, with reasons."""
    wanted = _day(day)
    with open_catalog(load_settings().published) as con:
        check_published(con, Month(wanted.year, wanted.month), client)
        names, rows = _ask(con, list_sql(wanted, client, top))
    _write(form, f"At risk on {wanted}", names, rows)
    if form is Format.TABLE:
        typer.echo(f"{len(rows):,} customers")


@app.command(epilog=REPORT_EXAMPLES)
def report(
    *,
    month: Annotated[str, typer.Option(help="A published month, YYYY-MM.")],
    client: Annotated[str | None, typer.Option(help="Only this client.")] = None,
    top: Annotated[int, typer.Option(min=1, help="Queues, agents, codes, hours at most.")] = 10,
    form: Annotated[Format, typer.Option("--format", help="How to write.")] = Format.TABLE,
    out: Annotated[
        Path | None, typer.Option("--out", "-o", help="Write to this Excel workbook.")
    ] = None,
) -> None:
    """Report a month: from signal to confirmed complaint, precision, recall, concentration."""
    wanted = parse_month(month)
    published = load_settings().published
    if out is not None and out.suffix.lower() != ".xlsx":
        msg = f"--out: expected a file that ends in .xlsx, got {out}"
        raise InputError(msg)
    with open_catalog(published) as con:
        check_published(con, wanted, client)
        query = report_sql(wanted, client, top)
        if out is not None:
            runs = con.execute(
                "select month, client, run_id from published_runs where is_in_force order by all"
            ).fetchall()
            asked_at = datetime.fromtimestamp(time.time(), UTC)
            catalog = str(published / CATALOG)
            origin = Origin(query=query, catalog=catalog, runs=tuple(runs), asked_at=asked_at)
            typer.echo(f"{out}: {write_file(con, 'xlsx', out, origin):,} rows", err=True)
            return
        names, rows = _ask(con, query)
    _write(form, f"Complaint wind vane, {wanted}", names, rows)


@app.command(epilog=FOLLOW_EXAMPLES)
def follow(
    *,
    until_end: Annotated[
        bool, typer.Option("--until-end", help="Stop where the log ends now.")
    ] = False,
    anew: Annotated[
        bool, typer.Option("--anew", help="Tell of all that is read, told before or not.")
    ] = False,
) -> None:
    """Score contacts as they happen: a record of kpi.risk for each that changed."""
    settings = load_settings()
    told = risk_live.Told()
    console = Console(stderr=True)
    with risk_live.one_at_a_time(settings.home):
        try:
            risk_live.tell(settings, told, until_end=until_end, anew=anew)
        except KeyboardInterrupt:
            console.print("stopped; what was not told is told next time")
    console.print(
        f"{told.landed:,} landed records, {told.events:,} events and {told.cases:,} cases "
        f"read; {told.late:,} late, {told.rejected:,} rejected, {told.quarantined:,} quarantined; "
        f"{told.scores:,} scores told",
        highlight=False,
        soft_wrap=True,
    )


def _day(text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError as error:
        msg = f"--date: expected a day as YYYY-MM-DD, got {text!r}"
        raise InputError(msg) from error


def _ask(con: duckdb.DuckDBPyConnection, sql: str) -> tuple[list[str], list[tuple[Any, ...]]]:
    cursor = con.execute(sql)
    return names_of(cursor), cursor.fetchall()


def _write(form: Format, title: str, names: list[str], rows: list[tuple[Any, ...]]) -> None:
    if form is Format.JSON:
        listed = [dict(zip(names, row, strict=True)) for row in rows]
        typer.echo(json.dumps(listed, ensure_ascii=False, indent=2, default=str))
    elif form is Format.CSV:
        writer = csv.writer(sys.stdout)
        writer.writerow(names)
        writer.writerows([inert(value) for value in row] for row in rows)
    else:
        _print(title, names, rows)


def _print(title: str, names: list[str], rows: list[tuple[Any, ...]]) -> None:
    table = Table(title=title, box=SIMPLE_HEAD, padding=(0, 1, 0, 0))
    for i, name in enumerate(names):
        is_number = any(isinstance(row[i], int | float) for row in rows)
        table.add_column(name, justify="right" if is_number else "left", overflow="fold")
    for row in rows:
        table.add_row(*(Text(_text(value)) for value in row))
    Console().print(table)


def _text(value: object) -> str:
    if value is None:
        return "-"
    return f"{value:,}" if isinstance(value, int) else str(value)
