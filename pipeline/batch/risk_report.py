"""What the published catalog says of customers at risk: the list of a day, the report of a month.

SQL alone: whoever reads the catalog otherwise can ask the same.
"""

from __future__ import annotations

from datetime import date
from typing import Final

import duckdb

from pipeline.domain.business_time import Month
from pipeline.errors import InputError
from pipeline.lake.warehouse import literal

LIST: Final = "bi_at_risk_customers"
CONTACTS: Final = "fct_contact_risks"
CONCENTRATION: Final = "fct_risk_concentration"
QUALITY: Final = "fct_wind_vane_quality"

FUNNEL: Final = (
    ("customer days", "customer_days", None),
    ("with a signal", "days_with_signal", "customer_days"),
    ("on the list", "days_listed", "customer_days"),
    ("on the list, case after", "days_listed_with_case", "days_listed"),
    ("on the list, justified case after", "days_listed_with_valid_case", "days_listed_with_case"),
    (
        "on the list, escalated case after",
        "days_listed_with_escalated_case",
        "days_listed_with_case",
    ),
    ("on the list, outcome not known yet", "days_listed_provisional", "days_listed"),
    ("contacts of unknown customers", "contacts_without_customer", "contacts"),
)
"""What is counted, its column, and the column it is a share of."""
MEASURES: Final = (
    (
        "precision",
        "days_listed_with_case",
        "days_listed - days_listed_provisional",
    ),
    (
        "precision, justified cases",
        "days_listed_with_valid_case",
        "days_listed - days_listed_provisional",
    ),
    ("recall", "days_listed_with_case", "days_with_case"),
    ("recall, justified cases", "days_listed_with_valid_case", "days_with_valid_case"),
    ("cases foreseen", "cases_foreseen", "cases_after"),
    ("justified cases foreseen", "cases_valid_foreseen", "cases_valid_after"),
)
"""Name, numerator, denominator."""
DIMENSIONS: Final = ("queue", "agent", "wrapup_code", "hour")


def list_sql(day: date, client: str | None, top: int | None) -> str:
    """Return the query of the list of a day: who, where, how likely, and why."""
    return f"""
select
    client, place, customer_ref, site, queue, last_contact_id, contact_count,
    risk_milli, round(probability, 4) as probability, reasons
from {LIST}
where business_on = date {literal(day.isoformat())}{_of(client)}
    {"" if top is None else f"and place <= {top}"}
order by client, place
"""


def report_sql(month: Month, client: str | None, top: int) -> str:
    """Return the query of the report of a month: funnel, how well it foresaw, where risk piles up.

    One row per figure: ``number`` of ``of``, their share, and for concentration what is listed
    beyond the share that the client's average would give.
    """
    where = f"where month = {literal(str(month))}{_of(client)}"
    parts = [
        f"select 1 as part, {i} as line, client, 'funnel' as section, {literal(name)} as what, "
        f'{column} as number, {of or "null"} as "of", null as excess from {QUALITY} {where}'
        for i, (name, column, of) in enumerate(FUNNEL)
    ] + [
        f"select 2, {i}, client, 'foresight', {literal(name)}, {over}, {under}, null "
        f"from {QUALITY} {where}"
        for i, (name, over, under) in enumerate(MEASURES)
    ]
    for part, dimension in enumerate(DIMENSIONS, 3):
        parts.append(
            f"(select {part}, row_number() over (partition by client "
            "order by excess_milli desc, value), client, "
            f"'by {dimension.replace('_', ' ')}', value, contacts_listed, contacts, "
            f"excess_milli / 1000 from {CONCENTRATION} {where} and dimension = "
            f"{literal(dimension)} and contacts_listed > 0 "
            "qualify row_number() over (partition by client order by excess_milli desc, value) "
            f"<= {top})"
        )
    return f"""
select
    client, section, what, number, "of",
    round(number / nullif("of", 0), 4) as share, round(excess, 1) as excess
from ({" union all ".join(parts)})
order by client, part, line
"""


def _of(client: str | None) -> str:
    return "" if client is None else f" and client = {literal(client)}"


def check_published(con: duckdb.DuckDBPyConnection, month: Month, client: str | None) -> None:
    """Make sure that a month is published, by a release that knows the wind vane.

    Raises:
        InputError: it is not; says what to run.
    """
    run = f"vane month run --month {month}"
    known = {name for (name,) in con.execute("select view_name from duckdb_views()").fetchall()}
    if QUALITY not in known:
        msg = f"{QUALITY}: no published month has it; publish one with: {run}"
        raise InputError(msg)
    found = con.execute(
        f"select distinct client from {QUALITY} where month = {literal(str(month))} order by all"
    ).fetchall()
    clients = [name for (name,) in found]
    if not clients:
        msg = f"{month}: expected a published month with contacts; publish it with: {run}"
        raise InputError(msg)
    if client is not None and client not in clients:
        msg = f"{month}: expected one of its clients, {clients}, got {client!r}"
        raise InputError(msg)
