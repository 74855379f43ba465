"""Every variance with its money and the rows of both sides, as a Parquet file."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Final

import duckdb

from pipeline.lake.warehouse import literal
from pipeline.reconcile.money import amount_sql

_VARIANCES: Final = f"""
with money as (
    select case_id, cast(sum(ours - theirs) as bigint) as shares from case_money group by case_id
),
mine as (
    select
        case_id,
        list(struct_pack(site, queue, contact_id, leg := o.leg) order by o.our_id) as ours
    from cases inner join ours as o using (our_id)
    where case_id in (select case_id from variances) group by case_id
),
others as (
    select case_id, list(line order by line) as lines
    from cases inner join theirs using (their_id)
    where case_id in (select case_id from variances) group by case_id
)
select
    v.variance_id, v.class, v.detail, v.also, v.our_rows, v.their_rows, v.our_ms, v.their_ms,
    coalesce(money.shares, 0) as shares,
    {amount_sql("coalesce(money.shares, 0)")} as amount,
    coalesce(mine.ours, []) as ours, coalesce(others.lines, []) as lines
from variances as v
left join money using (case_id)
left join mine using (case_id)
left join others using (case_id)
order by v.variance_id
"""


def write_variances(con: duckdb.DuckDBPyConnection, path: Path) -> int:
    """Write every variance with its rows to a Parquet file; return how many there are."""
    draft = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        con.execute(f"copy ({_VARIANCES}) to {literal(str(draft))} (format parquet)")
        draft.replace(path)
    finally:
        draft.unlink(missing_ok=True)
    return int(con.execute("select count(*) from variances").fetchall()[0][0])
