"""A month of ours and a client's file about it, with variances of every class planted.

Set by set, from hashes: the same size gives the same month. Every planted variance is written down
with its class and its money, worked out in decimals beside the product's integers. Our durations
are milliseconds, the client's are rounded to seconds, and its clock is up to 2 s off: where that
alone moves money (a second begun or not), the truth says rounding.
"""

from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any, Final
from zoneinfo import ZoneInfo

import duckdb
import polars as pl

from pipeline.domain.business_time import Month
from pipeline.domain.events import customer_ref
from pipeline.lake.warehouse import literal

ZONE: Final = "Asia/Shanghai"
MONTH: Final = Month(2025, 11)
CLIENT: Final = "harbour"
KEY: Final = b"a key of the benchmark"
CUSTOMERS: Final = 3
"""One customer for so many contacts."""
MAPPING: Final = f"""client: {CLIENT}
grain: leg
zone: {ZONE}
time_format: "%Y-%m-%d %H:%M:%S"
columns:
  source_id: id
  number: number
  queue: queue
  queued_at: start
  talk: talk
  handle: handle
rules: {{short_call_s: 10}}
"""

PEAK_MS: Final = round(datetime(2025, 11, 11, tzinfo=ZoneInfo(ZONE)).timestamp() * 1000)
FIRST_MS, END_MS = MONTH.bounds(ZONE)
PRICES: Final = (
    ("3.1", "service", "per_call", date(2025, 11, 1), FIRST_MS, END_MS, Decimal("6.80")),
    ("3.2", "orders", "per_call", date(2025, 11, 1), FIRST_MS, PEAK_MS, Decimal("5.40")),
    ("3.2", "orders", "per_call", date(2025, 11, 11), PEAK_MS, END_MS, Decimal("5.95")),
    ("5.2", "cards", "per_minute", date(2025, 11, 1), FIRST_MS, END_MS, Decimal("1.35")),
)
INCREMENT_S: Final = 6
MINIMUM_S: Final = 30

BUCKETS: Final = {
    "duplicate": (0, 20),
    "missing_here": (20, 40),
    "missing_there": (40, 60),
    "leg_vs_contact": (60, 80),
    "transfer_split": (80, 100),
    "attribution": (100, 120),
    "short_call": (120, 140),
    "time_zone": (140, 160),
    "rounding": (160, 180),
    "definition": (180, 200),
}
"""Class to the thousandths of contacts that have it planted."""


def put_legs(con: duckdb.DuckDBPyConnection, contacts: int) -> None:
    """Write ``planted_legs``: answered legs of the month, columns as in ``fct_leg_facts``."""
    customers = contacts // CUSTOMERS + 1
    numbers = [f"1{30_000_000_00 + i * 7:010d}" for i in range(customers)]
    refs = pl.DataFrame(  # noqa: F841 - DuckDB reads it by its name
        {
            "customer": range(customers),
            "number": numbers,
            "customer_ref": [customer_ref(KEY, number) for number in numbers],
        }
    )
    con.execute("create or replace table planted_numbers as from refs")
    con.execute(f"""
create or replace table planted_legs as
with contacts as (
    select
        i, 'c' || i as contact_id, pick(i, 'bucket', 1000) as bucket,
        pick(i, 'customer', {customers}) as customer,
        {FIRST_MS} + 1000 * pick(i, 'at', {(END_MS - FIRST_MS) // 1000 - 7200})
            as start_ms,
        ['service', 'orders', 'cards'][1 + pick(i, 'queue', 3)] as queue
    from range({contacts}) as t(i)
),
legs as (
    select
        contacts.*, leg,
        leg = 1 and has_second and bucket between 80 and 99
            or leg = 1 and has_second and bucket >= 200 and pick(i, 'transfer', 2) = 0
            as is_transferred
    from (
        select
            *, bucket between 60 and 89 or (bucket >= 200 and pick(i, 'second', 20) = 0)
                as has_second
        from contacts
    ) as contacts
    cross join (values (1), (2)) as legs(leg)
    where leg = 1 or has_second
),
timed as (
    select
        *,
        1000 * (2 + pick(i, leg || 'wait', 60)) as wait_ms,
        1000 * case
            when bucket between 120 and 139 then 3 + pick(i, leg || 'talk', 6)
            else 20 + pick(i, leg || 'talk', 400)
        end + pick(i, leg || 'ms', 1000) as talk_ms,
        1000 * case
            when pick(i, leg || 'held', 3) = 0 then 5 + pick(i, leg || 'hold', 90) else 0
        end as hold_ms,
        1000 * (5 + pick(i, leg || 'acw', 90)) as acw_ms
    from legs
)
select
    contact_id, cast(leg as integer) as leg, queue, number, customer_ref, bucket, i,
    start_ms + (leg - 1) * 1200000 as queued_at_ms,
    queued_at_ms + wait_ms as answered_at_ms,
    answered_at_ms + talk_ms + hold_ms as ended_at_ms,
    ended_at_ms + acw_ms as completed_at_ms,
    case when is_transferred then ended_at_ms end as transferred_at_ms,
    wait_ms, talk_ms, hold_ms, acw_ms, talk_ms + hold_ms + acw_ms as handle_ms
from timed inner join planted_numbers using (customer)
""")


def put_rows(con: duckdb.DuckDBPyConnection) -> None:
    """Write ``planted_rows``: the client's rows, with ``plant`` and whom it is about."""
    con.execute(f"""
create or replace table planted_rows as
with plain as (
    select
        *, contact_id as id, queued_at_ms as start_ms, 0 as part,
        pick(i, leg || 'how', 4) as how,
        case {
        " ".join(
            f"when bucket between {low} and {high - 1} then '{name}'"
            for name, (low, high) in BUCKETS.items()
        )
    } end as plant
    from planted_legs
),
told as (
    -- agreed, or changed in one way
    select * replace (
        case when plant = 'attribution' and how < 2 then
            case queue when 'service' then 'orders' when 'orders' then 'cards' else 'service' end
            else queue end as queue,
        case
            when plant = 'attribution' and how >= 2 then ended_at_ms
            when plant = 'time_zone' and how < 2 then start_ms - 28800000
            when plant = 'time_zone' then start_ms + 3600000
            else start_ms
        end as start_ms,
        case
            when plant = 'rounding' then (handle_ms + 59999) // 60000 * 60000
            when plant = 'definition' then talk_ms
            else handle_ms
        end as handle_ms
    ) from plain
    where plant is null or plant in (
        'duplicate', 'missing_here', 'attribution', 'time_zone', 'rounding', 'definition'
    ) or (plant = 'short_call' and how < 2)
    union all
    -- rows that say again what another says
    select * replace (case when how < 2 then id else 'again ' || id end as id, 1 as part)
    from plain where plant = 'duplicate'
    union all
    -- calls that we know nothing of
    select * replace (
        'x' || id as id, '19' || substr(number, 3) as number, 1 as part,
        start_ms + 1000 * pick(i, 'else', 7200) as start_ms
    ) from plain where plant = 'missing_here'
    union all
    -- two legs in one row
    select * exclude (lead_talk_ms, lead_handle_ms) replace (
        talk_ms + lead_talk_ms as talk_ms, handle_ms + lead_handle_ms as handle_ms
    )
    from (
        select
            *, lead(talk_ms) over (partition by contact_id order by leg) as lead_talk_ms,
            lead(handle_ms) over (partition by contact_id order by leg) as lead_handle_ms
        from plain where bucket between 60 and 89
    )
    where leg = 1
    union all
    -- one leg in two rows
    select * exclude (p) replace (
        p as part,
        case when p = 0 then talk_ms // 2000 * 1000 else talk_ms - talk_ms // 2000 * 1000 end
            as talk_ms,
        case when p = 0 then handle_ms // 2000 * 1000 else handle_ms - handle_ms // 2000 * 1000 end
            as handle_ms,
        case when p = 0 then start_ms else answered_at_ms + talk_ms // 2000 * 1000 end as start_ms,
        case when p = 1 and how < 2 then 'part of ' || id else id end as id
    )
    from plain cross join (values (0), (1)) as parts(p)
    where bucket between 90 and 99
),
listed as (
    select
        plant, contact_id, leg, part, bucket, how,
        -- three of ten without an id, to be found by the caller
        case when pick(contact_id, 'id', 10) < 3 then '' else id end as id,
        number, queue, (talk_ms + 500) // 1000 * 1000 as talk_ms,
        (handle_ms + 500) // 1000 * 1000 as handle_ms,
        start_ms + 1000 * (pick(id, leg || 'clock', 5) - 2) as start_ms
    from told
)
select row_number() over (order by hash(contact_id, leg, part), part) + 1 as line, * from listed
order by line
""")


def worth(queue: str, at_ms: str, handle_ms: str) -> str:
    """Return SQL for what a call is worth, in decimals."""
    cases = []
    for _, name, kind, _, from_ms, to_ms, price in PRICES:
        seconds = (
            f"greatest({MINIMUM_S}, "
            f"ceil({handle_ms} / 1000 / {INCREMENT_S}) * {INCREMENT_S})::decimal(18, 0)"
        )
        # 1.35 a minute is 0.0225 a second, an exact decimal
        amount = f"{price}" if kind == "per_call" else f"{seconds} * {price / 60}"
        at = f"least(greatest({at_ms}, {FIRST_MS}), {END_MS - 1})"
        cases.append(
            f"when {queue} = '{name}' and {at} >= {from_ms} and {at} < {to_ms} "
            f"then cast({amount} as decimal(18, 6))"
        )
    return f"case {' '.join(cases)} end"


def put_truth(con: duckdb.DuckDBPyConnection) -> None:
    """Write ``truth``: each planted variance with its rows, class and money (ours less theirs)."""
    ours = worth("queue", "queued_at_ms", "handle_ms")
    theirs = worth("queue", "start_ms", "handle_ms")
    con.execute(f"""
create or replace table truth as
with ours as (
    select contact_id, leg, bucket, {ours} as amount, handle_ms from planted_legs
),
theirs as (
    select
        contact_id, leg, part, plant, line, handle_ms,
        case when plant = 'short_call' then 0 else {theirs} end as amount,
        -- a row too many; of a row and its repetition either is it
        part = 1 and plant in ('duplicate', 'missing_here') as is_alone
    from planted_rows
),
alone as (
    select plant, contact_id, leg, list(line) as lines,
        -sum(amount) filter (where is_alone) as amount
    from theirs where plant = 'duplicate' or is_alone group by all
),
of_ours as (
    select contact_id, case when bucket between 60 and 89 then 1 else leg end as leg,
        any_value(bucket) as bucket, sum(amount) as amount, sum(handle_ms) as handle_ms
    from ours group by all
),
of_theirs as (
    select
        contact_id, leg, sum(amount) filter (where not is_alone) as amount,
        list(line) filter (where not is_alone or plant = 'duplicate') as lines,
        sum(handle_ms) filter (where not is_alone) as handle_ms
    from theirs group by all
),
met as (
    select
        case when p.name in ('duplicate', 'missing_here') then null else p.name end as plant,
        o.contact_id, o.leg, t.lines, o.amount - coalesce(t.amount, 0) as amount,
        o.handle_ms - coalesce(t.handle_ms, 0) as d_ms
    from of_ours as o
    left join plants as p on o.bucket >= p.low and o.bucket < p.high
    left join of_theirs as t using (contact_id, leg)
)
select plant, contact_id, leg, lines, amount from alone
union all
select plant, contact_id, leg, lines, amount from met where plant <> 'rounding'
union all
-- also a second that begins an increment, planted or not; a duration that was round is the same
select 'rounding', contact_id, leg, lines, amount from met
where coalesce(plant, 'rounding') = 'rounding'
    and (amount <> 0 or (plant = 'rounding' and abs(d_ms) > 1000))
""")


def plant(con: duckdb.DuckDBPyConnection, contacts: int) -> None:
    """Write all of it: ``planted_legs``, ``planted_rows`` and ``truth``."""
    con.execute("create or replace macro pick(i, what, n) as cast(hash(i, what) % n as bigint)")
    put_legs(con, contacts)
    put_rows(con)
    rows = ", ".join(f"('{name}', {low}, {high})" for name, (low, high) in BUCKETS.items())
    con.execute(f"create or replace table plants as from (values {rows}) as t(name, low, high)")
    put_truth(con)


def put_ours(con: duckdb.DuckDBPyConnection) -> None:
    """Write ``legs`` as ``pipeline.reconcile.ours`` does, from what was planted."""
    con.execute("""
create or replace table legs as
select
    row_number() over (order by queued_at_ms, contact_id, leg) as our_id, true as is_in_month,
    '' as site, queue, contact_id, cast(leg as bigint) as leg, customer_ref as number_ref,
    queued_at_ms, answered_at_ms, ended_at_ms, completed_at_ms, transferred_at_ms,
    'answered' as outcome, true as is_completed, false as is_short_abandon,
    wait_ms, talk_ms, hold_ms, acw_ms, 'li' as agent
from planted_legs
""")


def write_rows(con: duckdb.DuckDBPyConnection, path: Path) -> None:
    """Write the client's file."""
    shown = f"strftime(timezone('{ZONE}', make_timestamptz(start_ms * 1000)), '%Y-%m-%d %H:%M:%S')"
    con.execute(f"""
copy (
    select
        id, number, queue, {shown} as start, talk_ms // 1000 as talk, handle_ms // 1000 as handle
    from planted_rows order by line
) to {literal(str(path))} (format csv, header)
""")


def rates() -> list[dict[str, Any]]:
    """Return the prices as rows of ``params.rates``."""
    return [
        {
            "line": f"{clause} from {term}",
            "clause_id": clause,
            "term_from_on": term,
            "title": f"clause {clause}",
            "kind": kind,
            "currency": "CNY",
            "queue": queue,
            "from_ms": from_ms,
            "to_ms": to_ms,
            "measure": "handle" if kind == "per_minute" else "",
            "increment_s": INCREMENT_S if kind == "per_minute" else 3,
            "minimum_s": MINIMUM_S if kind == "per_minute" else 0,
            "unit_price": price,
        }
        for clause, queue, kind, term, from_ms, to_ms, price in PRICES
    ]


def score(con: duckdb.DuckDBPyConnection, variances: str) -> list[dict[str, Any]]:
    """Return, per class, how many were planted and found as such, and both sums of money.

    Args:
        con: holds ``truth`` and ``planted_rows``.
        variances: a table or file of class, shares, ours (contact_id, leg), lines.
    """
    cursor = con.execute(f"""
with found as (
    select class, unnest(lines) as line, null as contact_id, null as leg from {variances}
    union all
    select class, null, mine.contact_id, mine.leg
    from (select class, unnest(ours) as mine from {variances})
),
rows as (select plant, contact_id, leg, amount, unnest(lines) as line from truth),
right_ones as (
    select distinct rows.plant, rows.contact_id, rows.leg
    from rows inner join found on rows.line = found.line and rows.plant = found.class
    union
    select truth.plant, truth.contact_id, truth.leg
    from truth inner join found on truth.lines is null and truth.plant = found.class
        and truth.contact_id = found.contact_id and truth.leg = found.leg
),
planted as (
    select
        plant as class, count(*) as planted,
        count(r.plant) as right_class, sum(amount) as planted_amount
    from truth left join right_ones as r using (plant, contact_id, leg) group by plant
),
told as (select class, count(*) as found, sum(shares) as shares from {variances} group by class)
select * from planted full outer join told using (class) order by class
""")
    names = [column[0] for column in cursor.description or ()]
    return [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]
