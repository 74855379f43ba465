"""A client's sums of days and queues beside ours: what else would make ours the same as theirs?

Sums cannot be matched call by call. So ours are counted anew under each **reading** that a client
may have (contacts, another clock, another instant, without short calls, other durations), and a
cell that differs is put down to the reading under which it is exactly theirs. A reading is a habit,
so it counts only where it fits more than half of the queue's cells that tell it from what is
billed; a chance hit does not. Of several the one that fits most is taken. A cell that no reading
fits is unexplained; one that a side lacks altogether is missing.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Final

import duckdb

from pipeline.lake.warehouse import literal
from pipeline.reconcile.classes import VarianceClass
from pipeline.reconcile.facts import MEASURES
from pipeline.reconcile.mapping import ClientMapping
from pipeline.reconcile.money import put_our_money

HOUR_MS: Final = 3_600_000
_INSTANTS: Final = ("answered_at_ms", "ended_at_ms", "completed_at_ms")
_EARLIEST_H: Final = -14
_LATEST_H: Final = 14
_MINUTE_S: Final = 60


def compare_sums(con: duckdb.DuckDBPyConnection, rows: Path, mapping: ClientMapping) -> None:
    """Write ``cells``, ``case_money`` and ``variances`` from ``ours`` and a file of sums.

    Ours are the legs of the month with ``length_ms``; ``params.days`` and ``params.rates`` are
    needed, too.
    """
    con.execute(f"create or replace table their_sums as from read_parquet({literal(str(rows))})")
    con.execute("create or replace table readings (reading varchar, class varchar, nth integer)")
    con.execute("""
create or replace table counted (
    reading varchar, business_on date, queue varchar, calls bigint, length_ms bigint
)""")
    put_our_money(con)
    _put_billed(con)
    _count(con, "as billed", _legs("queued_at_ms as at_ms", "billed_ms", _LEGS))
    for nth, (reading, kind, query) in enumerate(_readings(con, mapping)):
        con.execute("insert into readings values (?, ?, ?)", [reading, str(kind), nth])
        _count(con, reading, query)
    _put_cells(con, mapping)
    _put_money(con)
    _put_variances(con)


def _count(con: duckdb.DuckDBPyConnection, reading: str, query: str) -> None:
    con.execute(f"""
insert into counted
select {literal(reading)}, d.business_on, q.queue, count(*), cast(sum(q.length_ms) as bigint)
from ({query}) as q
inner join params.days as d on q.at_ms >= d.from_ms and q.at_ms < d.to_ms
group by all
""")


_LEGS: Final = "billed where is_in_month and is_answered"
_NEAR: Final = "billed where is_answered"
"""Also those around the month: another clock or instant takes them into it."""


def _put_billed(con: duckdb.DuckDBPyConnection) -> None:
    """Write ``billed``: our legs with the time that the contract bills, where it bills time."""
    con.execute("""
create or replace table billed as
with steps as (
    select queue, from_ms, to_ms, max(increment_s) as step_s, max(minimum_s) as least_s
    from params.rates where kind = 'per_minute' group by all
)
select
    l.*,
    case
        when s.queue is null then l.length_ms
        else 1000 * greatest(least_s, ((l.length_ms + 999) // 1000 + step_s - 1) // step_s * step_s)
    end as billed_ms
from ours as l
left join steps as s
    on l.queue = s.queue and l.queued_at_ms >= s.from_ms and l.queued_at_ms < s.to_ms
""")


def _readings(
    con: duckdb.DuckDBPyConnection, mapping: ClientMapping
) -> Iterator[tuple[str, VarianceClass, str]]:
    """Yield name, class and SQL (queue, at_ms, length_ms) of each reading, in the rules' order."""
    queued = "queued_at_ms as at_ms"
    contacts = "arg_min(queue, our_id) as queue, min(queued_at_ms) as at_ms"
    yield (
        "one call per contact",
        VarianceClass.LEG_VS_CONTACT,
        f"select {contacts}, sum(billed_ms) as length_ms from {_LEGS} group by contact_id",
    )
    short_ms = mapping.rules.short_call_ms
    if short_ms:
        legs = _legs(queued, "billed_ms", _LEGS)
        yield "without short calls", VarianceClass.SHORT_CALL, f"{legs} and talk_ms >= {short_ms}"
    for hours in range(_EARLIEST_H, _LATEST_H + 1):
        if hours:
            legs = _legs(f"queued_at_ms + {hours * HOUR_MS} as at_ms", "billed_ms", _NEAR)
            yield f"clock {hours:+} h", VarianceClass.TIME_ZONE, legs
    for instant in ("answered", "ended", "completed"):
        legs = _legs(f"{instant}_at_ms as at_ms", "billed_ms", _NEAR)
        yield f"by {instant}", VarianceClass.ATTRIBUTION, legs
    yield "exact durations", VarianceClass.ROUNDING, _legs(queued, "length_ms", _LEGS)
    for step in sorted(_steps(con, mapping)):
        length = f"(length_ms + {step * 1000 - 1}) // {step * 1000} * {step * 1000}"
        legs = _legs(queued, length, _LEGS)
        yield f"each call up to {step} s", VarianceClass.ROUNDING, legs
    for name, length in MEASURES.items():
        yield f"durations are {name}", VarianceClass.DEFINITION, _legs(queued, length, _LEGS)
    everything = _legs(queued, "coalesce(billed_ms, 0)", "billed where is_in_month")
    yield "every call offered", VarianceClass.DEFINITION, everything


def _legs(instant: str, length: str, source: str) -> str:
    return f"select queue, {instant}, {length} as length_ms from {source}"


def _steps(con: duckdb.DuckDBPyConnection, mapping: ClientMapping) -> set[int]:
    steps = {mapping.rules.increment_ms // 1000, _MINUTE_S}
    steps |= {
        step
        for (step,) in con.execute(
            "select distinct increment_s from params.rates where kind = 'per_minute'"
        ).fetchall()
    }
    return steps - {0, 1}


def _put_cells(con: duckdb.DuckDBPyConnection, mapping: ClientMapping) -> None:
    apart = f"abs(c.length_ms - t.length_ms) <= {mapping.tolerance.duration_ms}"
    alike = f"(c.calls = t.calls and (t.length_ms is null or {apart}))"
    con.execute(f"""
create or replace table cells as
with base as (from counted where reading = 'as billed'),
joined as (
    select
        row_number() over (order by business_on, queue) as case_id, business_on, queue, t.line,
        coalesce(c.calls, 0) as our_calls, coalesce(t.calls, 0) as their_calls,
        coalesce(c.length_ms, 0) as our_ms, t.length_ms as their_ms,
        coalesce({alike}, false) as is_alike
    from base as c full outer join their_sums as t using (business_on, queue)
),
fits as (
    select j.case_id, c.reading
    from joined as j
    inner join their_sums as t using (business_on, queue)
    inner join counted as c using (business_on, queue)
    where not j.is_alike and c.reading <> 'as billed' and {alike}
),
habits as (
    -- of a queue's cells that tell a reading from what is billed, how many are theirs
    select c.reading, c.queue, count(*) filter (where {alike}) as cells, count(*) as telling
    from counted as c
    left join base as b using (business_on, queue)
    left join their_sums as t using (business_on, queue)
    where c.reading <> 'as billed' and (
        c.calls is distinct from b.calls
        or (t.length_ms is not null and c.length_ms is distinct from b.length_ms)
    )
    group by c.reading, c.queue
),
chosen as (
    select f.case_id, f.reading, r.class
    from fits as f
    inner join joined as j using (case_id)
    inner join habits as h on f.reading = h.reading and j.queue = h.queue
    inner join readings as r on f.reading = r.reading
    where 2 * h.cells > h.telling
    qualify row_number() over (partition by f.case_id order by h.cells desc, r.nth) = 1
)
select
    j.*, chosen.reading,
    case
        when j.is_alike then null
        when chosen.class is not null then chosen.class
        when j.our_calls = 0 then 'missing_here'
        when j.line is null then 'missing_there'
        else 'unexplained'
    end as class
from joined as j left join chosen using (case_id)
""")


def _put_money(con: duckdb.DuckDBPyConnection) -> None:
    """Write ``case_money``: our legs by their prices, their sums by the prices of the day."""
    con.execute("""
create or replace table case_money as
with priced as (
    select c.case_id, m.line, m.shares as ours, 0 as theirs
    from our_money as m
    inner join ours as o using (our_id)
    inner join params.days as d on o.queued_at_ms >= d.from_ms and o.queued_at_ms < d.to_ms
    inner join cells as c on c.business_on = d.business_on and c.queue = o.queue
    union all
    select
        c.case_id, r.line, 0,
        case
            when r.kind = 'per_call' then 3600 * their_calls * 1000
            else 60 * their_ms
        end * cast(r.unit_price * 1000000 as hugeint) // 1000
    from cells as c
    inner join params.days as d using (business_on)
    inner join params.rates as r
        on r.queue = c.queue and d.from_ms >= r.from_ms and d.from_ms < r.to_ms
    where c.line is not null and (r.kind = 'per_call' or c.their_ms is not null)
)
select case_id, line, cast(sum(ours) as bigint) as ours, cast(sum(theirs) as bigint) as theirs
from priced group by case_id, line
""")


def _put_variances(con: duckdb.DuckDBPyConnection) -> None:
    con.execute("""
create or replace table variances as
select
    row_number() over (order by class, case_id) as variance_id, class,
    business_on || ' ' || queue || coalesce(': ' || reading, '') as detail, [] as also, case_id,
    our_calls as our_rows, their_calls as their_rows, our_ms,
    coalesce(their_ms, our_ms) as their_ms
from (
    select c.* replace (
        case when class is null and is_off then 'rounding' else class end as class
    )
    from cells as c
    left join (
        select case_id, bool_or(ours <> theirs) as is_off from case_money group by case_id
    ) using (case_id)
)
where class is not null
""")
