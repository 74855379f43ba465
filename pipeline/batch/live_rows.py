"""Rows of the live views: the newest upsert of every key, and where it belongs by the calendar.

What needs the configuration or a zone is decided here, once, when a row is written: its
intervals, its business day, the parts of service level and abandon rate by the queue's
definition. So the views only add up. The formulas are the domain's own, given columns instead of
numbers: they add and subtract, which arrays do as well.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from functools import cache
from typing import Any, Final

import duckdb
import pyarrow as pa
import pyarrow.compute as pc

from pipeline.batch.definitions import terms_of
from pipeline.config_files import Targets
from pipeline.domain.business_time import midnight_ms, offsets
from pipeline.domain.kpi import KPI_FIELDS, SERVICE_LEVEL
from pipeline.lake.generation import DATASETS
from pipeline.lake.live_views import PARTS
from pipeline.lake.shape import SHAPES

_CALENDAR: Final = (
    ("offset_ms", pa.int64()),
    ("interval_15_ms", pa.int64()),
    ("interval_30_ms", pa.int64()),
    ("business_on", pa.date32()),
    ("day_start_ms", pa.int64()),
    ("day_end_ms", pa.int64()),
)
_WRITTEN: Final = "_live_at_ms"
_KEYS: Final = {
    "progress": "partition, config_hash",
    "alerts": "alert_id",
}
_ORDERS: Final = {
    "progress": "next_offset desc, _offset desc",
    "alerts": "_offset desc",
}
_QUEUE: Final = ("client", "site", "queue")
_ROWS_AT_ONCE: Final = 122_880
_DAY_MS: Final = 86_400_000
_EPOCH: Final = date(1970, 1, 1)


def schema(dataset: str) -> pa.Schema:
    """Return the columns of a dataset's files: those landed, and what is decided here."""
    fields = list(SHAPES[DATASETS[dataset]].schema)
    if dataset in KPI_FIELDS:
        fields += [pa.field(name, kind) for name, kind in _CALENDAR]
    if dataset == SERVICE_LEVEL:
        fields += [pa.field(name, pa.int64()) for name in PARTS]
    return pa.schema([*fields, pa.field(_WRITTEN, pa.int64())])


def newest(dataset: str, source: str, *, since_ms: int) -> str:
    """Return SQL: of every key the row that stands, from ``source``, a relation of rows.

    Every configuration keeps its own rows: a worker that goes back to one goes on from its old
    snapshot, and says again only what changes. ``since_ms`` leaves out what happened before.
    """
    key = _KEYS.get(dataset, f"config_hash, {', '.join(_QUEUE)}, pane_start_ms")
    order = _ORDERS.get(dataset, "revision desc, _offset desc")
    instant = {"progress": "_appended_at_ms", "alerts": "at_ms"}.get(dataset, "pane_start_ms")
    since = "" if dataset == "progress" else f"where {instant} >= {since_ms}"
    return (
        f"select * from {source} {since} "
        f"qualify row_number() over (partition by {key} order by {order}) = 1 "
        f"order by {instant}"
    )


def read(
    con: duckdb.DuckDBPyConnection,
    dataset: str,
    sql: str,
    targets: Targets,
    *,
    since_ms: int,
    now_ms: int,
) -> Iterator[pa.Table]:
    """Yield the rows of a query as tables of the dataset's schema.

    Rows that were written before keep when, and, of other configurations, their parts. Of panes
    only days that begin at ``since_ms`` or later are kept: a part of a day would look like one.
    """
    for batch in con.sql(sql).to_arrow_reader(_ROWS_AT_ONCE):
        table = pa.Table.from_batches([batch])
        if _WRITTEN not in table.column_names:
            table = table.append_column(_WRITTEN, pa.array([now_ms] * table.num_rows, pa.int64()))
        if dataset in KPI_FIELDS:
            table = _with_calendar(table, targets, has_parts=dataset == SERVICE_LEVEL)
            table = table.filter(pc.greater_equal(table["day_start_ms"], since_ms))
        yield table.select(schema(dataset).names)


Queue = tuple[str, str, str]


def _with_calendar(table: pa.Table, targets: Targets, *, has_parts: bool) -> pa.Table:
    import numpy as np

    panes = table["pane_start_ms"].to_numpy()
    queues, of_row = _queues(table)
    columns = {name: np.zeros(len(panes), np.int64) for name, _ in _CALENDAR}
    parts = {name: np.zeros(len(panes), np.int64) for name in PARTS} if has_parts else {}
    for number, queue in enumerate(queues):
        at = np.flatnonzero(of_row == number)
        for name, found in _calendar(panes[at], targets.zone(*queue)).items():
            columns[name][at] = found
        if has_parts:
            # a file of an earlier release may lack a field: none of it was counted
            counts = {
                f: pc.fill_null(table[f], 0).to_numpy()[at] for f in KPI_FIELDS[SERVICE_LEVEL]
            }
            starts = columns["interval_15_ms"][at]
            for name, found in _parts(counts, starts, targets, queue).items():
                parts[name][at] = found
    is_ours = pa.array(
        [h.startswith(targets.version[:8]) for h in table["config_hash"].to_pylist()], pa.bool_()
    )
    for name, kind in _CALENDAR:
        table = _put(table, name, _days_or_ms(columns[name], kind), is_ours)
    for name, values in parts.items():
        known = pc.if_else(is_ours, pa.array(values), pa.scalar(None, pa.int64()))
        table = _put(table, name, known, is_ours)
    return table


def _days_or_ms(values: Any, kind: pa.DataType) -> pa.Array:  # noqa: ANN401 - an array
    return pa.array(values).cast(pa.int32()).cast(kind) if kind == pa.date32() else pa.array(values)


def _queues(table: pa.Table) -> tuple[list[Queue], Any]:
    """Return the queues that occur, and of each row the number of its own."""
    import numpy as np

    coded = [table[name].combine_chunks().dictionary_encode() for name in _QUEUE]
    code = np.zeros(table.num_rows, np.int64)
    for column in coded:
        code = code * len(column.dictionary) + column.indices.to_numpy()
    _, first, of_row = np.unique(code, return_index=True, return_inverse=True)
    names = [[column[int(row)].as_py() for column in coded] for row in first]
    return [(client, site, queue) for client, site, queue in names], of_row


def _put(table: pa.Table, name: str, column: pa.Array, is_ours: pa.Array) -> pa.Table:
    """Put a column; what rows of another configuration have of it already stays."""
    if name not in table.column_names:
        return table.append_column(name, column)
    before = table[name].combine_chunks()
    kept = pc.if_else(is_ours, column, pc.coalesce(before, column))
    return table.set_column(table.column_names.index(name), name, kept)


def _calendar(panes: Any, zone: str) -> dict[str, Any]:  # noqa: ANN401 - arrays
    """Return intervals and days of panes by a zone's clock: ``domain/intervals.py``, in columns."""
    import numpy as np

    first_year, last_year = (
        datetime.fromtimestamp(int(at) // 1000, UTC).year for at in (panes.min(), panes.max())
    )
    starts, shifts = _offsets(zone, first_year, last_year)
    found = np.searchsorted(starts, panes, side="right") - 1
    offset, change = shifts[found], starts[found]
    local = panes + offset
    midnights, days = _midnights(zone, first_year, last_year)
    day = np.searchsorted(midnights, panes, side="right") - 1
    return {
        "offset_ms": offset,
        "interval_15_ms": np.maximum(panes - local % 900_000, change),
        "interval_30_ms": np.maximum(panes - local % 1_800_000, change),
        "business_on": days[day],
        "day_start_ms": midnights[day],
        "day_end_ms": midnights[day + 1],
    }


@cache
def _offsets(zone: str, first_year: int, last_year: int) -> tuple[Any, Any]:
    import numpy as np

    from_ms, to_ms = (
        midnight_ms(date(year, 1, 1), "UTC") for year in (first_year - 1, last_year + 2)
    )
    found = list(offsets(zone, from_ms, to_ms))
    return np.array([f for f, _, _ in found]), np.array([o for _, _, o in found])


@cache
def _midnights(zone: str, first_year: int, last_year: int) -> tuple[Any, Any]:
    import numpy as np

    day = date(first_year, 1, 1) - timedelta(days=2)
    days = []
    while day.year <= last_year + 1:
        days.append(day)
        day += timedelta(days=1)
    return (
        np.array([midnight_ms(d, zone) for d in days]),
        np.array([(d - _EPOCH).days for d in days]),
    )


def _parts(
    counts: dict[str, Any],
    starts: Any,  # noqa: ANN401 - arrays
    targets: Targets,
    queue: Queue,
) -> dict[str, Any]:
    """Return the parts by the terms in force when the interval of each pane began."""
    import numpy as np

    found = {name: np.zeros(len(starts), np.int64) for name in PARTS}
    for from_ms, to_ms, target in terms_of(targets.history(*queue)):
        at = np.flatnonzero((starts >= from_ms) & (starts < to_ms))
        if at.size:
            of_term: Any = {name: values[at] for name, values in counts.items()}
            rules = target.rules
            level = rules.service_level_parts(of_term)
            abandons = rules.abandon_parts(of_term)
            for name, values in zip(PARTS, (*level, *abandons), strict=True):
                found[name][at] = values
    return found
