"""``vane month``: close a month."""

from __future__ import annotations

from decimal import Decimal
from typing import Annotated, Any

import typer
from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table

from pipeline.batch.month import Closed, close_month
from pipeline.commands import month_backfill, month_docs, month_push, month_runs
from pipeline.commands.progress import reporting
from pipeline.domain.business_time import parse_month
from pipeline.lake.catalog import open_catalog
from pipeline.settings import Settings, load_settings

EXAMPLES = """
Examples:

  vane month run --month 2025-11

  vane month run --month 2025-11 --client harbour

  vane query "select * from bi_settlement_lines where month = '2025-11'"

A run reads what was landed (vane land), judges it, builds and tests the models, judges them, and
publishes. Running it again publishes the same rows under a new run id; a failed run changes
nothing. A month in which nothing happened is published empty.
"""

app = typer.Typer(add_completion=False, rich_markup_mode=None, no_args_is_help=True)
app.add_typer(month_runs.subcommands)
app.add_typer(month_backfill.subcommands)
app.add_typer(month_push.subcommands)
app.add_typer(month_docs.subcommands)


@app.callback(epilog=EXAMPLES)
def month_group() -> None:
    """Close a month: gates, models, settlement, publishing."""


@app.command(epilog=EXAMPLES)
def run(
    month: Annotated[str, typer.Option(help="YYYY-MM, by each contract's own calendar.")],
    client: Annotated[
        str | None, typer.Option(help="Only this client; replaces its rows alone.")
    ] = None,
) -> None:
    """Build, judge and publish one month."""
    settings = load_settings()
    wanted = parse_month(month)
    with reporting(f"closing {month}") as report:
        closed = close_month(settings, wanted, client=client, report=report)
    _show(settings, closed)
    month_push.push_if_asked(settings)


def _show(settings: Settings, closed: Closed) -> None:
    console = Console()
    month = closed.run.month
    if closed.is_empty:
        console.print(f"{month} holds no calls and no agent time; published empty")
        return
    chosen = [month]
    where = "month = ?"
    if closed.run.client:
        where += " and client = ?"
        chosen.append(closed.run.client)
    with open_catalog(settings.published) as con:
        queues = con.execute(
            "select client, site, queue, offered, answered, abandoned, service_level, "
            f"goal_permille, asa_s, aht_s from bi_queue_months where {where} order by all",
            chosen,
        ).fetchall()
        lines = con.execute(
            "select client, clause_id, title, quantity, unit, unit_price, amount, currency "
            f"from fct_settlement_lines where {where} order by client, clause_id, term_from_on",
            chosen,
        ).fetchall()
    table = Table(title=f"Queues, {month}", box=SIMPLE_HEAD, padding=(0, 1, 0, 0))
    for heading in ("queue", "offered", "answered", "aband.", "level", "goal", "ASA s", "AHT s"):
        is_name = heading == "queue"
        table.add_column(heading, justify="left" if is_name else "right", overflow="fold")
    for client, site, queue, offered, answered, abandoned, level, goal, asa, aht in queues:
        name = "/".join(part for part in (client, site, queue) if part)
        counts = (f"{offered:,}", f"{answered:,}", f"{abandoned:,}")
        table.add_row(name, *counts, _pct(level), _pct(goal / 1000), _num(asa), _num(aht))
    console.print(table)
    table = Table(title=f"Settlement lines, {month}", box=SIMPLE_HEAD, padding=(0, 1, 0, 0))
    for heading in ("clause", "title", "quantity", "price", "amount"):
        table.add_column(
            heading, justify="left" if heading in {"clause", "title"} else "right", overflow="fold"
        )
    for client, clause, name, quantity, unit, price, amount, currency in lines:
        count = f"{_plain(quantity)} {unit}"
        money = f"{amount:,} {currency}"
        table.add_row(f"{client} {clause}", name, count, _plain(price, least=2), money)
    console.print(table)
    console.print(f"published {closed.run.run_id} in {closed.seconds:.1f} s")
    for warning in closed.run.warnings:
        console.print(warning, markup=False)
    page = settings.published / closed.run.report
    console.print(f"to sign: {page}", markup=False, soft_wrap=True)


def _plain(value: Decimal, least: int = 0) -> str:
    """Return a decimal with at least so many decimals, and none that say nothing."""
    whole, _, decimals = f"{value:,.4f}".partition(".")
    decimals = decimals.rstrip("0").ljust(least, "0")
    return f"{whole}.{decimals}" if decimals else whole


def _pct(value: Any) -> str:  # noqa: ANN401 - a number or None from SQL
    return "-" if value is None else f"{100 * value:.1f} %"


def _num(value: Any) -> str:  # noqa: ANN401
    return "-" if value is None else f"{value:,.1f}"
