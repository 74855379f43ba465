"""What differs in each case, and what it may come from; ``classes`` decides which it is."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

import duckdb

from pipeline.reconcile.mapping import ClientMapping
from pipeline.reconcile.match import FARTHEST_MS, QUARTER_MS, residue

MEASURES: Final = {
    "talk": "talk_ms",
    "talk and hold": "talk_ms + hold_ms",
    "talk and after-call work": "talk_ms + acw_ms",
    "talk, hold and after-call work": "talk_ms + hold_ms + acw_ms",
    "wait and talk": "wait_ms + talk_ms",
    "wait, talk and hold": "wait_ms + talk_ms + hold_ms",
    "wait, talk, hold and after-call work": "wait_ms + talk_ms + hold_ms + acw_ms",
}
"""What a client's duration may be, if it is not what the contract's line is measured by."""
_INSTANTS: Final = {
    "queued": "queued_at_ms",
    "answered": "answered_at_ms",
    "ended": "ended_at_ms",
    "wrapped up": "completed_at_ms",
    "start of the contact": "contact_at_ms",
}
_MINUTE_S: Final = 60


def put_facts(
    con: duckdb.DuckDBPyConnection, mapping: ClientMapping, increments: Iterable[int]
) -> None:
    """Write ``case_money``, ``facts``, ``habits``, and ``sides`` of all that may differ.

    ``whole`` names the cases that are no plain pair and are judged as a whole.
    """
    _put_case_money(con)
    con.execute("""
create or replace table whole as
select distinct case_id from cases where part <> 'pair'
""")
    con.execute(_pair_facts(mapping, {*increments, _MINUTE_S}))
    con.execute(_habits())
    _put_sides(con)


def _put_case_money(con: duckdb.DuckDBPyConnection) -> None:
    """Write ``case_money``: case, line, both sides' shares; cases worth nothing are absent."""
    con.execute("""
create or replace table case_money as
with priced as (
    select case_id, line, shares as ours, 0 as theirs
    from cases inner join our_money using (our_id)
    union all
    select case_id, line, 0, shares from cases inner join their_money using (their_id)
)
select case_id, line, cast(sum(ours) as bigint) as ours, cast(sum(theirs) as bigint) as theirs
from priced group by case_id, line
""")


def _put_sides(con: duckdb.DuckDBPyConnection) -> None:
    """Write ``sides``: one row per case that may differ, with what its rows add up to."""
    con.execute("""
create or replace table sides as
select
    c.case_id,
    count(c.our_id) as our_rows,
    count(c.their_id) as their_rows,
    max(c.part) filter (where c.part <> 'pair') as part,
    cast(coalesce(sum(o.length_ms), 0) as bigint) as our_ms,
    cast(coalesce(sum(t.length_ms), 0) as bigint) as their_ms,
    bool_or(o.transferred_at_ms is not null) as is_transferred,
    list(c.our_id order by c.our_id) filter (where c.our_id is not null) as our_ids,
    list(c.their_id order by c.their_id) filter (where c.their_id is not null) as their_ids
from cases as c
left join ours as o using (our_id)
left join theirs as t using (their_id)
where c.case_id in (select case_id from facts union all select case_id from whole)
group by c.case_id
""")


def _pair_facts(mapping: ClientMapping, increments: set[int]) -> str:
    """Return SQL for ``facts``: of each plain pair what differs, and what that may be."""
    tolerance, rules = mapping.tolerance, mapping.rules
    near = tolerance.time_ms
    shift = f"({residue('d_ms')} <= {near} and abs(d_ms) <= {FARTHEST_MS + near})"
    instant = " ".join(
        f"when abs(t.at_ms - o.{column}) <= {near} then '{name}'"
        for name, column in _INSTANTS.items()
    )
    measure = " ".join(
        f"when abs(t.length_ms - ({_of_ours(expression)})) <= {tolerance.duration_ms} then '{name}'"
        for name, expression in MEASURES.items()
    )
    steps = {rules.increment_ms // 1000} if rules.increment_ms else increments
    rounded = " or ".join(
        f"(t.length_ms % {step * 1000} = 0"
        f" and abs(t.length_ms - o.length_ms) < {step * 1000 + tolerance.duration_ms})"
        for step in sorted(steps - {0, 1})
    )
    is_contact = mapping.grain == "contact"
    start = "or abs(t.at_ms - o.contact_at_ms) <= " + str(near) if is_contact else ""
    return f"""
create or replace table facts as
with differing as (select distinct case_id from case_money where ours <> theirs),
paired as (
    select
        2 * p.our_id as case_id, p.our_id, p.their_id, t.at_ms - o.at_ms as d_ms,
        2 * p.our_id in (select case_id from differing) as is_money_off
    from pairs as p inner join ours as o using (our_id) inner join theirs as t using (their_id)
)
select
    p.case_id, p.d_ms, p.is_money_off,
    (abs(p.d_ms) <= {near} {start}) as is_time_alike,
    case {instant} end as instant,
    {shift} as is_shift,
    o.queue is distinct from t.queue as is_queue_off,
    o.outcome is distinct from t.outcome as is_outcome_off,
    not coalesce(t.is_billable, true) as is_unbilled,
    coalesce(least(o.talk_ms, t.length_ms) < {rules.short_call_ms}, false) as is_short,
    coalesce(abs(t.length_ms - o.length_ms) > {tolerance.duration_ms}, false) as is_length_off,
    coalesce({rounded or "false"}, false) as is_rounded,
    case {measure} end as measure,
    not o.is_in_month as is_elsewhere
from paired as p
inner join ours as o using (our_id)
inner join theirs as t using (their_id)
anti join whole using (case_id)
where abs(p.d_ms) > {near} or o.queue is distinct from t.queue
    or o.outcome is distinct from t.outcome or not coalesce(t.is_billable, true)
    or abs(t.length_ms - o.length_ms) > {tolerance.duration_ms}
    or not o.is_in_month or p.is_money_off
"""


def _of_ours(expression: str) -> str:
    for column in ("wait_ms", "talk_ms", "hold_ms", "acw_ms"):
        expression = expression.replace(column, f"o.{column}")
    return expression


def _habits() -> str:
    """Return SQL for what the file does as a rule: ``habits`` (one row) and ``measures``.

    How often it rounds where no measure fits, and how often each measure fits where rounding does
    not; and the shift of the clock that more than half of its calls have, which moves some over the
    month's edges.
    """
    return f"""
create or replace table habits as
with shifts as (
    select cast(round(d_ms / {QUARTER_MS}) as bigint) * {QUARTER_MS} as shift_ms
    from facts where is_shift and not is_time_alike
    group by all having count(*) * 2 > (select count(*) from pairs)
)
select
    count(*) filter (where is_length_off and is_rounded and measure is null) as rounded,
    (from shifts) as shift_ms
from facts;
create or replace table measures as
select measure, count(*) as measured
from facts where is_length_off and not is_rounded and measure is not null group by measure
"""
