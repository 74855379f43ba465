"""Exactly one class for each variance, by rules in a fixed order.

A case differs in **aspects**: which rows it has (shape), what became of the call (outcome), queue,
time, duration. Each aspect that differs is explained by one class, or by none. A case with an
aspect that nothing explains is ``unexplained``, whatever else it has; else it has the class of its
first aspect, and ``also`` names the others. Why this order:

1. **duplicate** first: a row that repeats another is no call, so nothing else can be said of it.
2. **transfer split**, **leg vs contact**: the sides count different things; durations and times
   of the parts cannot be compared one by one.
3. **short-call rule**: it says that a call is not to be paid at all, so how long or when it was
   does not matter.
4. **missing here**, **missing there**: there is only one side.
5. **definition** of the outcome: whether it is a call to be paid comes before what it costs.
6. **time zone/DST** before **attribution**: a shift by whole quarter hours moves calls to other
   days and intervals; the clock is the cause, the other day its effect.
7. **attribution**: another queue, another instant, another month.
8. **rounding** before **definition** of the duration: a rounded duration is one of few values, so
   that it equals another measure of the call by chance is rare; the other way round it is not.

A duration that is both a rounding of ours and another measure of the call is what the file more
often says where only one of the two fits.
"""

from __future__ import annotations

from collections.abc import Iterable
from enum import StrEnum
from typing import Final

import duckdb

from pipeline.reconcile.facts import put_facts
from pipeline.reconcile.mapping import ClientMapping


class VarianceClass(StrEnum):
    """What a variance is put down to, in the order of the rules."""

    DUPLICATE = "duplicate"
    TRANSFER_SPLIT = "transfer_split"
    LEG_VS_CONTACT = "leg_vs_contact"
    SHORT_CALL = "short_call"
    MISSING_HERE = "missing_here"
    MISSING_THERE = "missing_there"
    TIME_ZONE = "time_zone"
    ATTRIBUTION = "attribution"
    ROUNDING = "rounding"
    DEFINITION = "definition"
    UNEXPLAINED = "unexplained"


def put_variances(
    con: duckdb.DuckDBPyConnection,
    mapping: ClientMapping,
    *,
    from_ms: int,
    to_ms: int,
    increments: Iterable[int],
) -> None:
    """Write ``variances`` (one row per case that differs) from ``cases`` and the money.

    Args:
        con: holds ours, theirs, pairs, cases, our_money, their_money.
        mapping: rules, tolerance and what a row is.
        from_ms: start of the month, epoch milliseconds.
        to_ms: its end.
        increments: seconds that the contract's lines are rounded to.
    """
    put_facts(con, mapping, increments)
    con.execute(_classes(mapping, from_ms, to_ms))


def _whole_cases(mapping: ClientMapping, from_ms: int, to_ms: int) -> str:
    """Return SQL for the class of cases that are no pair, or more than one."""
    short_ms = mapping.rules.short_call_ms
    merged = "'leg_vs_contact'"
    if mapping.grain == "leg":
        merged = "case when is_transferred then 'transfer_split' else 'leg_vs_contact' end"
    return f"""
select
    s.case_id,
    case
        when s.part = 'repeated' then 'duplicate'
        when s.part = 'merged' then {merged}
        when s.part = 'split' then 'transfer_split'
        when s.our_rows = 0 then 'missing_here'
        when o.talk_ms < {short_ms} or o.is_short_abandon then 'short_call'
        when greatest(o.answered_at_ms, o.ended_at_ms, o.completed_at_ms) >= {to_ms}
            then 'attribution'
        when o.at_ms + shift_ms < {from_ms} or o.at_ms + shift_ms >= {to_ms} then 'time_zone'
        else 'missing_there'
    end as class,
    case
        when s.part = 'repeated' and s.our_rows = 0 then 'listed again there'
        when s.part = 'repeated' then 'counted again here'
        when s.part = 'merged' then 'one row there for ' || s.our_rows || ' legs here'
        when s.part = 'split' then s.their_rows || ' rows there for one leg here'
    end as detail
from sides as s
left join ours as o on o.our_id = s.our_ids[1] and s.part = 'lone'
cross join habits
where s.part is not null
"""


_ASPECTS: Final = """
select
    *,
    case
        when is_unbilled and is_short then 'short_call'
        when is_unbilled then 'definition'
        when is_outcome_off and is_short then 'short_call'
        when is_outcome_off then 'definition'
        when is_short and is_money_off then 'short_call'
    end as of_outcome,
    case
        when is_time_alike then null
        when instant = 'start of the contact' then 'leg_vs_contact'
        when instant is not null then 'attribution'
        when is_shift then 'time_zone'
        else 'unexplained'
    end as of_time,
    case when is_queue_off then 'attribution' end as of_queue,
    case when is_elsewhere and of_time is null then 'attribution' end as of_month,
    case
        when is_length_off and is_rounded and measure is not null
            then case when rounded >= coalesce(measured, 0) then 'rounding'
                else 'definition' end
        when is_length_off and is_rounded then 'rounding'
        when is_length_off and measure is not null then 'definition'
        when is_length_off then 'unexplained'
        when is_money_off and of_outcome is null and of_time is null and of_queue is null
            and not is_elsewhere then 'rounding'
    end as of_length
from facts
left join measures using (measure)
cross join habits
"""
"""What explains each aspect of a pair that differs; NULL where it does not differ."""

_PAIRS: Final = """
select
    case_id,
    -- in the order of the rules
    list_filter(
        [of_outcome, of_time, of_queue, of_month, of_length], lambda x: x is not null
    ) as found,
    case when list_contains(found, 'unexplained') then 'unexplained' else found[1] end as class,
    concat_ws('; ',
        case when of_outcome is not null and is_unbilled then 'not paid there' end,
        case when is_outcome_off then 'outcome differs' end,
        case when of_time = 'time_zone'
            then printf('time there %+d min', cast(round(d_ms / 60000) as bigint)) end,
        case when of_time is not null and instant is not null then 'time is ' || instant end,
        case when of_time = 'unexplained'
            then printf('time there %+d s', cast(round(d_ms / 1000) as bigint)) end,
        case when is_queue_off then 'queue differs' end,
        case when is_elsewhere then 'of another month here' end,
        case when of_length = 'definition' then 'duration is ' || measure end,
        case when of_length = 'unexplained' then 'duration differs' end
    ) as detail
from aspects
"""


def _classes(mapping: ClientMapping, from_ms: int, to_ms: int) -> str:
    return f"""
create or replace table variances as
with whole_cases as ({_whole_cases(mapping, from_ms, to_ms)}),
aspects as ({_ASPECTS}),
paired as ({_PAIRS}),
classed as (
    select case_id, class, detail, [] as also from whole_cases
    union all
    select
        case_id, class, detail,
        list_sort(list_filter(list_distinct(found), lambda x: x <> class)) as also
    from paired
    where class is not null
)
select
    row_number() over (order by c.class, s.our_ids, s.their_ids) as variance_id,
    c.class, c.detail, c.also, s.case_id, s.our_rows, s.their_rows,
    s.our_ms, s.their_ms, s.our_ids, s.their_ids
from classed as c inner join sides as s using (case_id)
"""
