"""What each row of either side is worth under the contract, in exact integers.

A **share** is the part of a currency unit in which a price of six decimals per call, per minute or
per second begun is a whole number. Shares are added and subtracted; they become money once, where
an amount is told (``amount``), rounded half away from zero as a line of the statement is.
"""

from __future__ import annotations

from decimal import ROUND_HALF_UP, Decimal, localcontext
from typing import Final

import duckdb

from pipeline.reconcile.mapping import Rules

_PRICE: Final = 10**6
_SECONDS: Final = 3600
SHARES: Final = _PRICE * _SECONDS
"""Shares of one unit of the currency."""

TALK: Final = "coalesce(talk_ms, duration_ms, handle_ms)"
"""Talk time of a client's row: by its own column, else the closest that the file has."""
HANDLE: Final = "coalesce(handle_ms, talk_ms + hold_ms + acw_ms, duration_ms, talk_ms)"
"""Handle time of a client's row, likewise."""

_WORTH: Final = f"""
    cast(unit_price * {_PRICE} as bigint) * case
        when kind = 'per_call' then {_SECONDS}
        else {_SECONDS // 60} * greatest(
            minimum_s, ((measured_ms + 999) // 1000 + increment_s - 1) // increment_s * increment_s
        )
    end as shares
"""


def put_our_money(con: duckdb.DuckDBPyConnection) -> None:
    """Write ``our_money``: our_id, line, shares; legs without worth are absent."""
    con.execute(f"""
create or replace table our_money as
with measured as (
    select
        ours.our_id, rates.line, rates.kind, rates.unit_price, rates.increment_s, rates.minimum_s,
        case when rates.measure = 'talk' then talk_ms else talk_ms + hold_ms + acw_ms end
            as measured_ms
    from ours
    inner join params.rates as rates on ours.queue = rates.queue
        and ours.queued_at_ms >= rates.from_ms and ours.queued_at_ms < rates.to_ms
    where ours.is_in_month
        and ((rates.kind = 'per_call' and ours.outcome = 'answered')
            or (rates.kind = 'per_minute' and ours.is_completed))
)
select our_id, line, {_WORTH} from measured
""")


def put_their_money(
    con: duckdb.DuckDBPyConnection, *, from_ms: int, to_ms: int, rules: Rules
) -> None:
    """Write ``their_money``: their_id, line, shares; rows without worth are absent.

    A client's row is priced by its own queue and instant; one that its clock puts outside the
    month is in the month's file all the same, so it has the price of the month's nearer edge.
    """
    con.execute(f"""
create or replace table their_money as
with paid as (
    select
        their_id, queue, {TALK} as talk_ms, {HANDLE} as handle_ms,
        least(greatest(at_ms, {from_ms}), {to_ms - 1}) as at_ms
    from theirs
    where outcome = 'answered' and coalesce(is_billable, true)
        and coalesce({TALK} >= {rules.short_call_ms}, true)
),
measured as (
    select
        paid.their_id, rates.line, rates.kind, rates.unit_price, rates.increment_s,
        rates.minimum_s,
        case when rates.measure = 'talk' then talk_ms else handle_ms end as measured_ms
    from paid
    inner join params.rates as rates on paid.queue = rates.queue
        and paid.at_ms >= rates.from_ms and paid.at_ms < rates.to_ms
)
select their_id, line, {_WORTH} from measured
where kind = 'per_call' or measured_ms is not null
""")


def amount_sql(shares: str) -> str:
    """Return SQL for shares as a decimal of six places, rounded half away from zero."""
    scaled = f"(abs({shares})::hugeint * 2000000 + {SHARES}) // {2 * SHARES}"
    return f"cast(sign({shares}) * {scaled} as decimal(32, 0)) * cast(0.000001 as decimal(6, 6))"


def amount(shares: int, *, decimals: int = 2) -> Decimal:
    """Return shares as an amount of the currency, rounded half away from zero, once."""
    with localcontext() as context:
        context.prec = 60
        unit = Decimal(1).scaleb(-decimals)
        return (Decimal(shares) / SHARES).quantize(unit, rounding=ROUND_HALF_UP)
