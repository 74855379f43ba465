"""The evidence for a dispute: one workbook per disputed line and class, to send to the client.

Sheets: what is claimed and where it comes from, the variances with their money, the rows of both
sides, and the raw events of the calls as they were landed, with their place in the log.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Final

import duckdb

from pipeline.batch import inputs
from pipeline.batch.inputs import MARGIN_DAYS
from pipeline.domain.business_time import Month
from pipeline.errors import InputError, ReconcileError
from pipeline.lake import manifest
from pipeline.lake.export import rows_of
from pipeline.lake.shape import CALL_EVENTS, SHAPES
from pipeline.lake.warehouse import literal, show_files
from pipeline.lake.workbook import open_workbook, write_sheet
from pipeline.reconcile.bridge import LineResult, Status
from pipeline.reconcile.classes import VarianceClass
from pipeline.reconcile.client import Comparison
from pipeline.reconcile.money import amount_sql

MOST: Final = 1_000
"""Variances of a dispute whose rows are in its workbook, unless said otherwise."""

_EVENTS: Final = (
    "_partition, _offset, event_id, type, client, site, queue, contact_id, leg, agent, reason, "
    "transfer_kind, transfer_target, source, source_position"
)


def write_evidence(
    con: duckdb.DuckDBPyConnection,
    found: Comparison,
    folder: Path,
    *,
    landing: Path,
    most: int,
    report: Callable[[str], None],
) -> list[Path]:
    """Write a workbook for each disputed line and class into a folder; return their paths.

    Args:
        con: the tables of a comparison (``client.compared``).
        found: its result.
        folder: where to write; made if it is not there.
        landing: the landed events.
        most: so many variances of each dispute, those of the most money first.
        report: is told what is written.

    Raises:
        InputError: nothing was landed, Excel cannot hold a dispute, or the folder is none.
        ReconcileError: landed files are damaged.
    """
    disputes = [
        (line, name)
        for line in found.lines
        if line.status is Status.DISPUTED
        for name in line.classes
    ]
    if not disputes:
        return []
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        msg = f"{folder}: expected a folder that can be written to: {error.strerror}"
        raise InputError(msg) from error
    _choose(con, most)
    month = Month(*map(int, found.month.split("-")))
    _put_events(con, landing, month, found.client)
    written = []
    for line, name in disputes:
        path = folder / _file_name(found, line, name)
        report(f"writing {path.name}")
        draft = path.with_name(f".{path.name}.{os.getpid()}.tmp")
        try:
            _write(con, draft, found, line, name)
            draft.replace(path)
        finally:
            draft.unlink(missing_ok=True)
        written.append(path)
    return written


def _choose(con: duckdb.DuckDBPyConnection, most: int) -> None:
    """Write ``chosen``: the variances of each line and class whose rows are shown."""
    con.execute(f"""
create or replace temp table chosen as
select
    v.variance_id, v.case_id, v.class, v.detail, v.also, m.line, m.ours, m.theirs,
    count(*) over (partition by v.class, m.line) as of_all
from variances as v inner join case_money as m using (case_id)
where m.ours <> m.theirs
qualify row_number() over (
    partition by v.class, m.line order by abs(m.ours - m.theirs) desc, v.variance_id
) <= {most}
""")


def _put_events(con: duckdb.DuckDBPyConnection, landing: Path, month: Month, client: str) -> None:
    """Write ``raw_events``: the landed events of all contacts that are shown."""
    days = month.event_dates(MARGIN_DAYS)
    batches = manifest.read_batches(landing, CALL_EVENTS)
    if not batches:
        raise inputs.nothing_landed(landing)
    damaged = manifest.damaged(landing, batches, days=days)
    if damaged:
        listed = "\n".join(f"  {damage}" for damage in damaged)
        msg = f"landed files are damaged; land them again with: vane land --repair\n{listed}"
        raise ReconcileError(msg)
    files = [f for f in manifest.files(batches) if f.event_date in days]
    show_files(con, "evidence_events", SHAPES[CALL_EVENTS], [landing / f.path for f in files])
    con.execute(
        """
create or replace temp table raw_events as
from landed.evidence_events
where client = ? and contact_id in (
    select o.contact_id
    from chosen as c inner join cases as k using (case_id) inner join ours as o using (our_id)
)
""",
        [client],
    )


def _write(
    con: duckdb.DuckDBPyConnection,
    path: Path,
    found: Comparison,
    line: LineResult,
    name: VarianceClass,
) -> None:
    where = f"c.line = {literal(line.line)} and c.class = {literal(str(name))}"
    book = open_workbook(path)
    try:
        (total,) = con.execute(
            f"select any_value(c.of_all) from chosen as c where {where}"
        ).fetchall()[0]
        said = list(_claim(found, line, name, total))
        write_sheet(book, "claim", [("what", "VARCHAR"), ("value", "VARCHAR")], said)
        for sheet, query in _sheets(where, found.zone).items():
            cursor = con.execute(query)
            columns = [(str(c[0]), str(c[1])) for c in cursor.description or ()]
            write_sheet(book, sheet, columns, rows_of(cursor))
    finally:
        book.close()


def _claim(
    found: Comparison, line: LineResult, name: VarianceClass, total: int
) -> Iterator[tuple[str, str]]:
    done = found.imported
    yield "client", found.client
    yield "month", found.month
    yield "line", f"{line.line}: {line.title}"
    yield "class", name.replace("_", " ")
    yield "variances", f"{total:,}, those of the most money are listed"
    yield "moves", f"{line.classes[name]:,} {line.currency} (ours less theirs)"
    yield "line, ours", f"{line.ours:,} {line.currency}"
    yield "line, theirs", f"{line.theirs:,} {line.currency}"
    yield "undisputed", f"{line.undisputed:,} {line.currency}"
    yield "tolerance", f"{line.tolerance:,} {line.currency}"
    yield "our runs", ", ".join(found.runs)
    yield "their file", f"{done.file}, sha256 {done.file_sha256}"
    yield "read by", f"{done.mapping}, {done.mapping_hash}"
    yield "wall clock", found.zone


def _sheets(where: str, zone: str) -> dict[str, str]:
    """Return the SQL of each sheet."""

    def at(column: str) -> str:
        wall = f"timezone({literal(zone)}, make_timestamptz({column} * 1000))"
        return f"{wall} as {column.rpartition('.')[2].removesuffix('_ms')}"

    def seconds(*columns: str) -> str:
        return ", ".join(
            f"cast({c}_ms as decimal(18, 3)) * cast(0.001 as decimal(3, 3)) as "
            f"{c.rpartition('.')[2]}_s"
            for c in columns
        )

    instants = ", ".join(
        at(f"o.{name}_at_ms") for name in ("queued", "answered", "ended", "completed")
    )
    return {
        "variances": f"""
select
    c.variance_id as variance, c.detail, array_to_string(c.also, ', ') as also,
    {amount_sql("c.ours")} as ours, {amount_sql("c.theirs")} as theirs,
    {amount_sql("(c.ours - c.theirs)")} as difference
from chosen as c where {where}
order by abs(c.ours - c.theirs) desc, c.variance_id
""",
        "ours": f"""
select
    c.variance_id as variance, o.contact_id, o.leg, o.site, o.queue, o.outcome, {instants},
    {seconds("o.wait", "o.talk", "o.hold", "o.acw")}, o.agent
from chosen as c inner join cases as k using (case_id) inner join ours as o using (our_id)
where {where} order by c.variance_id, o.our_id
""",
        "theirs": f"""
select
    c.variance_id as variance, t.line as line_of_file, t.source_id, t.leg, t.queue, t.outcome,
    {at("t.at_ms")}, t.is_billable,
    {seconds("t.talk", "t.hold", "t.acw", "t.handle", "t.duration")}, t.agent
from chosen as c inner join cases as k using (case_id) inner join theirs as t using (their_id)
where {where} order by c.variance_id, t.line
""",
        "events": f"""
select {at("occurred_at_ms")}, occurred_at_ms, {_EVENTS}
from raw_events
where contact_id in (
    select o.contact_id
    from chosen as c inner join cases as k using (case_id) inner join ours as o using (our_id)
    where {where}
)
order by contact_id, leg, occurred_at_ms, _partition, _offset
""",
    }


def _file_name(found: Comparison, line: LineResult, name: VarianceClass) -> str:
    text = f"{found.client}-{found.month}-{line.line}-{name}"
    return re.sub(r"[^\w.-]+", "-", text) + ".xlsx"
