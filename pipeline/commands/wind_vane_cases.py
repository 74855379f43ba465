"""``vane wind-vane open-cases``: a complaint case for each customer on the list of a day."""

from __future__ import annotations

from datetime import date
from typing import Annotated, Any, Final

import typer

from pipeline.batch.risk_report import check_published, list_sql
from pipeline.commands.desk_options import (
    VIA,
    AsOption,
    JsonOption,
    now_ms,
    print_json,
    span_ms,
    store,
    who,
)
from pipeline.desk.case_opening import AtRisk, open_cases
from pipeline.domain.business_time import Month
from pipeline.errors import InputError
from pipeline.lake.catalog import open_catalog
from pipeline.lake.export import names_of
from pipeline.settings import load_settings

EXAMPLES: Final = """
Examples:

  vane wind-vane open-cases --date 2025-11-11

  vane wind-vane open-cases --date 2025-11-11 --client meridian --top 20 --due-in 8h

The customers are those of vane wind-vane list. One whose case is not closed gets no second one, and
a day leads to one case of a customer at most: run again, it changes nothing. vane cases goes on.
"""

subcommands = typer.Typer(add_completion=False, rich_markup_mode=None)


@subcommands.command("open-cases", epilog=EXAMPLES)
def open_cases_command(
    *,
    day: Annotated[str, typer.Option("--date", help="Business day, YYYY-MM-DD.")],
    client: Annotated[str | None, typer.Option(help="Only this client.")] = None,
    top: Annotated[int | None, typer.Option(min=1, help="Only so many of each client.")] = None,
    due_in: Annotated[str, typer.Option("--due-in", help="From now: 90m, 24h, 7d.")] = "24h",
    name: AsOption = None,
    as_json: JsonOption = False,
) -> None:
    """Open a case for each customer who is likely to complain."""
    wanted = _day(day)
    at_ms = now_ms()
    due_at_ms = at_ms + span_ms(due_in, "--due-in")
    with open_catalog(load_settings().published) as con:
        check_published(con, Month(wanted.year, wanted.month), client)
        cursor = con.execute(list_sql(wanted, client, top))
        names = names_of(cursor)
        listed = [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]
    customers = [_at_risk(wanted, row) for row in listed]
    with store() as engine:
        found = open_cases(
            engine, customers, actor=who(name), via=VIA, at_ms=at_ms, due_at_ms=due_at_ms
        )
    if as_json:
        counts = {"opened": found.opened, "alive": found.alive, "known": found.known}
        print_json({"listed": len(listed)} | counts)
        return
    typer.echo(
        f"{len(listed):,} customers at risk on {wanted}: {found.opened:,} cases opened, "
        f"{found.alive:,} have one that is not closed, {found.known:,} had one for this day"
    )


def _day(text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError as error:
        msg = f"--date: expected a day as YYYY-MM-DD, got {text!r}"
        raise InputError(msg) from error


def _at_risk(day: date, row: dict[str, Any]) -> AtRisk:
    return AtRisk(
        client=row["client"],
        site=row["site"],
        queue=row["queue"],
        customer_ref=row["customer_ref"],
        contact_id=row["last_contact_id"],
        business_on=day.isoformat(),
        risk_milli=row["risk_milli"],
        reason=row["reasons"],
    )
