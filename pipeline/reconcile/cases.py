"""Rows that are about the same call: a case is a pair, a lone row, or a call cut in parts.

A pair is an anchor. What no pass could match joins an anchor where it completes it:

- **merged**: legs of ours whose contact has an anchor, and the client's duration there is that of
  all of them together; or any leg, where the client lists contacts.
- **split**: rows of theirs of the same id, or of the same caller within the leg, whose durations
  make up our one.
- **repeated**: a row of theirs that says again what a matched one says; a leg of ours likewise. It
  is a case of its own, and so is every row that is left.

``cases`` holds case_id, our_id, their_id (one of them NULL), part (pair, merged, split, repeated,
lone).
"""

from __future__ import annotations

from typing import Final

import duckdb

from pipeline.reconcile.imported import CONTENT
from pipeline.reconcile.mapping import ClientMapping, Tolerance

OURS: Final = "2 * our_id"
"""A case is named after its anchor's leg of ours, or its lone row."""
THEIRS: Final = "2 * their_id + 1"


def put_repeats(con: duckdb.DuckDBPyConnection) -> None:
    """Write ``repeats``: rows of theirs that say word for word what an earlier line says."""
    con.execute(f"""
create or replace table repeats as
with counted as (
    select
        their_id, row_number() over (partition by {", ".join(CONTENT)} order by line) as nth
    from theirs
    where source_id is not null or number_ref is not null
)
select their_id from counted where nth > 1
""")


def put_cases(con: duckdb.DuckDBPyConnection, mapping: ClientMapping) -> None:
    """Write ``cases`` from ``pairs`` and all that is left."""
    con.execute(f"""
create or replace table cases as
select {OURS} as case_id, our_id, cast(null as bigint) as their_id, 'pair' as part from pairs
union all
select {OURS}, null, their_id, 'pair' from pairs
union all
select {THEIRS}, null, their_id, 'repeated' from repeats
""")
    tolerance = mapping.tolerance
    _join_legs(con, tolerance, is_contact=mapping.grain == "contact")
    _join_rows(con, tolerance)
    _single_out_repeats(con, tolerance, is_contact=mapping.grain == "contact")
    in_scope = "is_answered" if mapping.is_answered_only else "true"
    con.execute(f"""
insert into cases
select {OURS}, our_id, null, 'lone'
from ours anti join cases using (our_id) where is_in_month and {in_scope};
insert into cases
select {THEIRS}, null, their_id, 'lone' from theirs anti join cases using (their_id)
""")


def _join_legs(con: duckdb.DuckDBPyConnection, tolerance: Tolerance, *, is_contact: bool) -> None:
    limit = f"{tolerance.duration_ms} * (1 + legs.count)"
    fits = f"""
    abs(t.length_ms - o.length_ms) > {tolerance.duration_ms}
    and abs(t.length_ms - o.length_ms - legs.length_ms) <= {limit}
"""
    con.execute(f"""
create or replace temp table spare_legs as
select our_id, contact_id, length_ms from ours anti join cases using (our_id)
where is_answered and is_in_month;
insert into cases
with legs as (
    select contact_id, count(*) as count, cast(sum(length_ms) as bigint) as length_ms
    from spare_legs group by contact_id
),
anchors as (
    select o.contact_id, min(o.our_id) as our_id
    from pairs as p
    inner join ours as o using (our_id)
    inner join theirs as t using (their_id)
    inner join legs on o.contact_id = legs.contact_id
    where {"true" if is_contact else fits}
    group by o.contact_id
)
select 2 * anchors.our_id, spare_legs.our_id, null, 'merged'
from spare_legs inner join anchors using (contact_id)
""")


def _join_rows(con: duckdb.DuckDBPyConnection, tolerance: Tolerance) -> None:
    con.execute(f"""
create or replace temp table spare_rows as
from theirs anti join cases using (their_id) where outcome = 'answered';
insert into cases
with anchors as (
    select
        o.our_id, o.number_ref, o.queued_at_ms, o.ended_at_ms, t.source_id,
        o.length_ms - t.length_ms as lacks_ms
    from pairs as p
    inner join ours as o using (our_id)
    inner join theirs as t using (their_id)
    where o.length_ms - t.length_ms > {tolerance.duration_ms}
),
candidates as (
    select a.our_id, a.lacks_ms, s.their_id, s.length_ms
    from anchors as a inner join spare_rows as s on a.source_id = s.source_id
    union
    select a.our_id, a.lacks_ms, s.their_id, s.length_ms
    from anchors as a
    inner join spare_rows as s on a.number_ref = s.number_ref
        and s.at_ms >= a.queued_at_ms - {tolerance.time_ms}
        and s.at_ms <= a.ended_at_ms + {tolerance.time_ms}
),
fitting as (
    select our_id from candidates group by our_id, lacks_ms
    having abs(lacks_ms - sum(length_ms)) <= {tolerance.duration_ms} * (1 + count(*))
)
select 2 * min(our_id), null, their_id, 'split'
from candidates inner join fitting using (our_id)
group by their_id
""")


def _single_out_repeats(
    con: duckdb.DuckDBPyConnection, tolerance: Tolerance, *, is_contact: bool
) -> None:
    """Mark rows that say again what a matched row says, by id or by caller and time."""
    is_alike = (
        f"(abs(s.at_ms - t.at_ms) <= {tolerance.time_ms}"
        f" or coalesce(abs(s.length_ms - t.length_ms) <= {tolerance.duration_ms}, false))"
    )
    is_same_call = "true" if is_contact else f"(s.leg is not null or {is_alike})"
    con.execute(f"""
create or replace temp table spare_rows as from theirs anti join cases using (their_id);
insert into cases
with matched as (select t.* from theirs as t inner join pairs using (their_id)),
repeated as (
    select s.their_id
    from spare_rows as s
    inner join matched as t on s.source_id = t.source_id and s.leg is not distinct from t.leg
    where {is_same_call}
    union
    select s.their_id
    from spare_rows as s
    inner join matched as t on s.number_ref = t.number_ref and s.queue = t.queue
        and abs(s.at_ms - t.at_ms) <= {tolerance.time_ms}
        and abs(s.length_ms - t.length_ms) <= {tolerance.duration_ms}
)
select {THEIRS}, null, their_id, 'repeated' from repeated;
insert into cases
with spare as (
    from ours anti join cases using (our_id) where is_answered and is_in_month
),
matched as (select o.* from ours as o inner join pairs using (our_id))
select distinct {OURS.replace("our_id", "s.our_id")}, s.our_id, null, 'repeated'
from spare as s
inner join matched as o on s.number_ref = o.number_ref and s.queue = o.queue
    and abs(s.at_ms - o.at_ms) <= {tolerance.time_ms}
    and abs(s.length_ms - o.length_ms) <= {tolerance.duration_ms}
    and (s.agent is not distinct from o.agent)
""")
