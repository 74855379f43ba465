"""Customers' days of published months with their signals and whether a complaint case came.

Days whose outcome is not known yet are left out: no case has come, and the newest contact of the
client is not yet an outcome window away. The window is that of the terms in force on the day.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

import duckdb

from pipeline.batch.risk_report import CONTACTS, check_published
from pipeline.domain.business_time import Month
from pipeline.domain.risk import STANDING, Feature, RiskTerms, Signals
from pipeline.lake.export import rows_of
from pipeline.lake.warehouse import literal

_SIGNALS: Final = ", ".join(
    f"{'max' if feature in STANDING else 'sum'}({feature}) as {feature}" for feature in Feature
)


def published_days(
    con: duckdb.DuckDBPyConnection, month: Month, client: str | None, terms: RiskTerms
) -> Iterator[tuple[Signals, bool]]:
    """Yield each known customer's day of a published month; ``terms`` give the outcome window.

    Raises:
        InputError: the month is not published, or the client is not in it.
    """
    check_published(con, month, client)
    where = "" if client is None else f"and client = {literal(client)}"
    cursor = con.execute(f"""
with newest as (
    select client, max(started_at_ms) as newest_ms from {CONTACTS} group by client
),
days as (
    select
        client, {_SIGNALS},
        min(started_at_ms) as first_ms,
        arg_min(cases_after, started_at_ms) > 0 as has_case
    from {CONTACTS}
    where month = {literal(str(month))} and customer_ref is not null {where}
    group by client, customer_ref, business_on
)
select {", ".join(f"cast({feature} as bigint)" for feature in Feature)}, has_case
from days inner join newest using (client)
where has_case or newest_ms - first_ms >= {terms.outcome_window_ms}
""")
    for *signals, has_case in rows_of(cursor):
        named = zip(map(str, Feature), signals, strict=True)
        yield Signals(**dict(named)), has_case
