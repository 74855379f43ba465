"""Which row of theirs is which leg of ours: one to one, best first, the same in whatever order.

Passes, each over what those before have left:

1. ``id``: the client's id is our contact id (and leg, where the file numbers legs), and the two
   times lie no more than a day apart, since systems use ids again.
2. ``time``: same caller, times within the tolerance. Callers who withhold their number are one
   caller per queue, so durations must agree, too.
3. ``instant``: same caller, and the client's time is another instant of our leg (answered, ended,
   wrapped up): a client who books calls by another instant.
4. ``shift``: same caller, same duration, times apart by a whole number of quarter hours: a clock
   of another zone.

Within a pass candidates are taken best first: the best of all is taken, what it used is gone, and
so on. That is done set by set: a candidate that is the best of both its rows would be taken by
then at any rate. Ties go by content, never by the place in the file.
"""

from __future__ import annotations

from typing import Final

import duckdb

from pipeline.reconcile.mapping import Tolerance

QUARTER_MS: Final = 900_000
FARTHEST_MS: Final = 14 * 3_600_000
"""No two zones in use by a client and its vendor lie further apart."""
DAY_MS: Final = 86_400_000
_LEAST_MS: Final = 1_000


def residue(difference: str) -> str:
    """Return SQL for how far a difference of times is from a whole number of quarter hours."""
    half = QUARTER_MS // 2
    wrapped = f"((({difference}) + {half}) % {QUARTER_MS} + {QUARTER_MS}) % {QUARTER_MS}"
    return f"abs({wrapped} - {half})"


def match(con: duckdb.DuckDBPyConnection, tolerance: Tolerance) -> None:
    """Write ``pairs``: our_id, their_id, how; each row of either side at most once."""
    con.execute("create or replace table pairs (our_id bigint, their_id bigint, how varchar)")
    near = max(tolerance.time_ms, _LEAST_MS)
    for how, candidates in (
        ("id", _by_id()),
        ("time", _by_time(tolerance, near)),
        ("instant", _by_instant(tolerance, near)),
        ("shift", _by_shift(tolerance, near)),
    ):
        _take_best_first(con, how, candidates)


def _take_best_first(con: duckdb.DuckDBPyConnection, how: str, candidates: str) -> None:
    con.execute(f"""
create or replace temp view ours_left as
    from ours anti join pairs using (our_id);
create or replace temp view theirs_left as
    from theirs anti join pairs using (their_id) anti join repeats using (their_id);
create or replace temp table candidates as {candidates}
""")
    while con.execute("select count(*) from candidates").fetchall()[0][0]:
        con.execute("""
create or replace temp table taken as
select our_id, their_id from candidates
qualify row_number() over (partition by our_id order by off, far, unlike, apart, their_id) = 1
    and row_number() over (partition by their_id order by off, far, unlike, apart, our_id) = 1
""")
        con.execute("insert into pairs select our_id, their_id, ? from taken", [how])
        con.execute("""
create or replace temp table candidates as
from candidates anti join taken using (our_id) anti join taken using (their_id)
""")


_OFF: Final = "cast(o.outcome is distinct from t.outcome as integer) as off"
_UNLIKE: Final = "coalesce(abs(o.length_ms - t.length_ms), 0) as unlike"


def _by_id() -> str:
    return f"""
select
    o.our_id, t.their_id, {_OFF}, {residue("t.at_ms - o.at_ms")} as far, {_UNLIKE},
    abs(t.at_ms - o.at_ms) as apart
from theirs_left as t
inner join ours_left as o on t.source_id = o.contact_id
where (t.leg is null or t.leg = o.leg) and abs(t.at_ms - o.at_ms) <= {DAY_MS}
"""


def _by_time(tolerance: Tolerance, near: int) -> str:
    return f"""
with theirs_near as ({_near("at_ms", near)})
select
    o.our_id, t.their_id, {_OFF},
    cast(coalesce(abs(o.length_ms - t.length_ms) > {tolerance.duration_ms}, false) as bigint)
        as far,
    {_UNLIKE}, abs(t.at_ms - o.at_ms) as apart
from theirs_near as t
inner join ours_left as o
    on t.caller = coalesce(o.number_ref, 'withheld ' || o.queue) and t.bucket = o.at_ms // {near}
where abs(t.at_ms - o.at_ms) <= {tolerance.time_ms}
    and (t.number_ref is not null
        or coalesce(abs(o.length_ms - t.length_ms) <= {tolerance.duration_ms}, false))
"""


def _by_instant(tolerance: Tolerance, near: int) -> str:
    return f"""
with theirs_near as ({_near("at_ms", near)}),
instants as (
    unpivot (
        select
            our_id, number_ref, outcome, length_ms, queued_at_ms, answered_at_ms, ended_at_ms,
            completed_at_ms, contact_at_ms
        from ours_left where number_ref is not null
    ) on queued_at_ms, answered_at_ms, ended_at_ms, completed_at_ms, contact_at_ms
    into name instant value instant_ms
)
select
    o.our_id, t.their_id, {_OFF}, min(abs(t.at_ms - o.instant_ms)) as far, any_value(
        coalesce(abs(o.length_ms - t.length_ms), 0)
    ) as unlike,
    0 as apart
from theirs_near as t
inner join instants as o on t.number_ref = o.number_ref and t.bucket = o.instant_ms // {near}
where abs(t.at_ms - o.instant_ms) <= {tolerance.time_ms}
group by all
"""


def _by_shift(tolerance: Tolerance, near: int) -> str:
    width = next(d for d in range(near, QUARTER_MS + 1) if QUARTER_MS % d == 0)
    count = QUARTER_MS // width
    apart = "abs(t.at_ms - o.at_ms)"
    return f"""
with theirs_near as (
    select *, (at_ms % {QUARTER_MS} // {width} + {count} + step) % {count} as bucket
    from theirs_left, unnest([-1, 0, 1]) as steps(step)
    where number_ref is not null
)
select distinct
    o.our_id, t.their_id, {_OFF}, coalesce(abs(o.length_ms - t.length_ms), 0) as far,
    {apart} as unlike, {residue("t.at_ms - o.at_ms")} as apart
from theirs_near as t
inner join ours_left as o
    on t.number_ref = o.number_ref and t.bucket = o.at_ms % {QUARTER_MS} // {width}
where {apart} <= {FARTHEST_MS + tolerance.time_ms}
    and {residue("t.at_ms - o.at_ms")} <= {tolerance.time_ms}
    and coalesce(abs(o.length_ms - t.length_ms) <= {tolerance.duration_ms}, true)
"""


def _near(instant: str, near: int) -> str:
    """Return their rows thrice, in the bucket of their time and in both beside it."""
    return f"""
select
    *, coalesce(number_ref, 'withheld ' || queue) as caller, {instant} // {near} + step as bucket
from theirs_left, unnest([-1, 0, 1]) as steps(step)
"""
