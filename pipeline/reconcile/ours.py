"""Our side of a month, out of what is published: legs, their instants, the prices of each line.

Legs of the days around the month come along where they are published, so that a call that the
client puts into another month is found; they are worth nothing in this one.
"""

from __future__ import annotations

from datetime import date, timedelta
from pathlib import Path
from typing import Any, Final

import duckdb

from pipeline.batch.contract_terms import Contract, put_contracts
from pipeline.domain.business_time import Month
from pipeline.errors import InputError, ReconcileError
from pipeline.lake import catalog
from pipeline.lake.warehouse import literal, put_table

AROUND_MS: Final = 36 * 3_600_000
"""So far around the month legs are looked for: a day, and the widest shift of a clock."""

DAYS: Final = {"business_on": "DATE", "from_ms": "BIGINT", "to_ms": "BIGINT"}
RATES: Final = {
    "line": "VARCHAR",
    "clause_id": "VARCHAR",
    "term_from_on": "DATE",
    "title": "VARCHAR",
    "kind": "VARCHAR",
    "currency": "VARCHAR",
    "queue": "VARCHAR",
    "from_ms": "BIGINT",
    "to_ms": "BIGINT",
    "measure": "VARCHAR",
    "increment_s": "BIGINT",
    "minimum_s": "BIGINT",
    "unit_price": "DECIMAL(18,6)",
}
"""A line of the statement, the queue and time it holds for, and what a unit of it costs.

``kind`` is per_call (an answered leg) or per_minute (whole increments begun of ``measure``, at
least the minimum). Whoever fills this table need not be this module.
"""
PER_LEG: Final = ("per_call", "per_minute")


def show_published(con: duckdb.DuckDBPyConnection, published: Path) -> None:
    """Attach the catalog as ``published``.

    Raises:
        InputError: nothing has been published.
    """
    path = published / catalog.CATALOG
    if not path.is_file():
        msg = f"{path}: expected a catalog; publish a month first: vane month run --month YYYY-MM"
        raise InputError(msg)
    con.execute(f"attach {literal(str(path))} as published (read_only)")


def queues_of(con: duckdb.DuckDBPyConnection, month: Month, client: str) -> list[tuple[str, str]]:
    """Return site and queue of the client's legs in the month.

    Raises:
        InputError: the month is not published, or the client is not in it.
    """
    found = con.execute(
        "select distinct site, queue from published.fct_leg_facts "
        "where month = ? and client = ? order by all",
        [str(month), client],
    ).fetchall()
    if not found:
        rows = con.execute(
            "select distinct client from published.fct_leg_facts where month = ? order by all",
            [str(month)],
        ).fetchall()
        names = ", ".join(name for (name,) in rows)
        if not names:
            msg = f"{month} is not published; run: vane month run --month {month}"
            raise InputError(msg)
        msg = f"client: expected one with calls in {month} ({names}), got {client!r}"
        raise InputError(msg)
    return [(site, queue) for site, queue in found]


def put_days(con: duckdb.DuckDBPyConnection, month: Month, zone: str) -> None:
    """Write ``params.days``: the business days of the month and two on either side."""
    months = {month}
    for day in (month.first_day - timedelta(days=1), month.next_first_day):
        months.add(Month(day.year, day.month))
    rows: list[tuple[date, int, int]] = []
    for one in sorted(months, key=str):
        rows += one.days(zone)
    near = timedelta(days=2)
    first, last = month.first_day - near, month.next_first_day + near
    put_table(con, "days", DAYS, (row for row in rows if first <= row[0] < last))


def put_legs(con: duckdb.DuckDBPyConnection, month: Month, client: str, zone: str) -> None:
    """Write ``legs``: the client's queued legs of the month, and around it."""
    from_ms, to_ms = month.bounds(zone)
    con.execute(f"""
create or replace table legs as
select
    row_number() over (order by queued_at_ms, contact_id, leg, site, queue, month) as our_id,
    month = {literal(str(month))} as is_in_month,
    site, queue, contact_id, cast(leg as bigint) as leg, customer_ref as number_ref,
    queued_at_ms, answered_at_ms, ended_at_ms, completed_at_ms, transferred_at_ms,
    outcome, is_completed, is_short_abandon, wait_ms, talk_ms, hold_ms, acw_ms,
    answered_agent as agent
from published.fct_leg_facts
where client = {literal(client)}
    and queued_at_ms >= {from_ms - AROUND_MS} and queued_at_ms < {to_ms + AROUND_MS}
""")


def put_rates(
    con: duckdb.DuckDBPyConnection,
    contract: Contract,
    *,
    month: Month,
    queues: list[tuple[str, str]],
) -> None:
    """Write ``params.rates``: the contract's terms with the published lines' prices.

    Raises:
        ReconcileError: a published line is not one of the contract now, or has another price.
    """
    client = contract.client
    put_contracts(con, [contract], month=month, queues=[(client, s, q) for s, q in queues])
    published = {
        (clause, day): price
        for clause, day, price in con.execute(
            "select clause_id, term_from_on, unit_price from published.fct_settlement_lines "
            "where month = ? and client = ?",
            [str(month), client],
        ).fetchall()
    }
    terms = {
        (clause, day): price
        for clause, day, price in con.execute(
            "select clause_id, from_on, unit_price from params.clauses"
        ).fetchall()
    }
    if published != terms:
        changed = sorted(set(published.items()) ^ set(terms.items()))
        listed = ", ".join(f"{clause} from {day}: {price}" for (clause, day), price in changed)
        msg = (
            f"the contract of {client} is not the one that {month} was published by ({listed}); "
            f"publish again: vane month run --month {month}"
        )
        raise ReconcileError(msg)
    rows = con.execute(
        """
select distinct
    c.clause_id || ' from ' || c.from_on, c.clause_id, c.from_on, c.title, c.kind, c.currency,
    q.queue, c.from_ms, c.to_ms, c.measure, c.increment_s, c.minimum_s, c.unit_price
from params.clauses as c
inner join params.clause_queues as q using (client, clause_id)
where list_contains(?, c.kind)
order by all
""",
        [list(PER_LEG)],
    ).fetchall()
    put_table(con, "rates", RATES, rows)


def lines_of(con: duckdb.DuckDBPyConnection, month: Month, client: str) -> list[dict[str, Any]]:
    """Return the published settlement lines of the client's month."""
    cursor = con.execute(
        "select clause_id, title, kind, term_from_on, unit, unit_price, quantity, currency, amount "
        "from published.fct_settlement_lines where month = ? and client = ? "
        "order by clause_id, term_from_on",
        [str(month), client],
    )
    names = [column[0] for column in cursor.description or ()]
    return [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]
