"""Every variance with its money and the rows of both sides, as a file."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import Final

import duckdb

from pipeline.errors import InputError
from pipeline.lake.export import Origin, write_file
from pipeline.reconcile.money import amount_sql

_FORMS: Final = ("parquet", "xlsx", "csv", "json")
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


def write_variances(
    con: duckdb.DuckDBPyConnection, path: Path, *, catalog: Path, runs: Sequence[str], at: datetime
) -> int:
    """Write every variance with its rows to a file of the kind its name ends in.

    Args:
        con: the tables of a comparison (``client.compared``).
        path: ends in .parquet, .xlsx, .csv or .json.
        catalog: where our side is from.
        runs: the published runs of our side.
        at: when it was compared.

    Returns:
        The number of variances.

    Raises:
        InputError: the name ends in something else, or the file cannot be written.
    """
    form = path.suffix.lower().removeprefix(".")
    if form not in _FORMS:
        msg = f"{path}: expected a file that ends in {', '.join(f'.{x}' for x in _FORMS)}"
        raise InputError(msg)
    origin = Origin(
        query=_VARIANCES,
        catalog=str(catalog),
        runs=tuple(("", "", run) for run in runs),
        asked_at=at,
    )
    return write_file(con, form, path, origin)
