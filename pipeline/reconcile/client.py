"""A client's figures for a month beside ours, from the file to the classes of variance."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Literal

import duckdb

from pipeline.batch.contract_terms import Contract, load_contracts
from pipeline.domain.business_time import Month
from pipeline.errors import ConfigError
from pipeline.lake import catalog, warehouse
from pipeline.lake.billing import read_billed
from pipeline.lake.warehouse import literal
from pipeline.reconcile import bridge, cases, classes, hints, match, money, ours
from pipeline.reconcile.imported import CONTENT, import_calls
from pipeline.reconcile.imported_sums import import_sums
from pipeline.reconcile.kept import Import
from pipeline.reconcile.mapping import ClientMapping
from pipeline.reconcile.sums import compare_sums
from pipeline.settings import Settings

FOLDER: Final = "reconciliation"
Basis = Literal["talk", "handle"]
_HANDLE: Final = ({"handle"}, {"talk", "hold", "acw"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """What a comparison found; amounts are ours less theirs where they are differences."""

    client: str
    month: str
    runs: tuple[str, ...]
    """Published runs that our side is from."""
    imported: Import
    our_calls: int
    their_calls: int
    matched: dict[str, int]
    """Pairs by how they were found."""
    lines: list[bridge.LineResult]
    uncompared: list[bridge.UncomparedLine]
    classes: list[bridge.ClassResult]
    basis: Basis
    """What durations are compared by: talk or handle."""
    zone: str
    """The contract's zone."""
    hints: list[str]
    """What the mapping may lack."""


@contextmanager
def compared(
    settings: Settings,
    month: Month,
    path: Path,
    mapping: ClientMapping,
    *,
    report: Callable[[str], None],
) -> Iterator[tuple[Comparison, duckdb.DuckDBPyConnection]]:
    """Compare a client's file with a published month; yield the result and the tables behind it.

    The connection holds ours, theirs, pairs, cases, case_money and variances; it is gone at the
    end, with all that was worked out on disk. The import stays.

    Raises:
        InputError: the file is not what it should be, or the month is not published.
        ConfigError: the mapping lacks what the contract's lines need.
        ReconcileError: the published month is not that of the contract now.
    """
    contract = _contract(settings, mapping)
    settings.home.mkdir(parents=True, exist_ok=True)
    work = Path(tempfile.mkdtemp(prefix="reconcile-", dir=settings.home))
    try:
        with warehouse.connect(work / "work.duckdb", spill=work / "spill") as con:
            ours.show_published(con, settings.published)
            known = ours.queues_of(con, month, mapping.client)
            report(f"reading {path.name}")
            folder = settings.home / FOLDER / mapping.client / str(month)
            done, rows = _imported(path, mapping, month, known, settings.customer_key, folder)
            report(f"{done.rows:,} rows of theirs")
            ours.put_rates(con, contract, month=month, queues=known)
            ours.put_days(con, month, contract.zone)
            ours.put_legs(con, month, mapping.client, contract.zone)
            basis = put_ours(con, mapping)
            if mapping.grain == "day_queue":
                compare_sums(con, rows, mapping)
            else:
                put_theirs(con, rows, basis)
                compare_calls(con, mapping, bounds=month.bounds(contract.zone), report=report)
            yield _result(con, settings, month, mapping, done, basis, contract.zone), con
    finally:
        shutil.rmtree(work, ignore_errors=True)


def _imported(
    path: Path,
    mapping: ClientMapping,
    month: Month,
    known: list[tuple[str, str]],
    key: bytes,
    folder: Path,
) -> tuple[Import, Path]:
    queues = sorted({queue for _, queue in known})
    if mapping.grain == "day_queue":
        return import_sums(path, mapping, month=month, queues=queues, folder=folder)
    return import_calls(path, mapping, queues=queues, key=key, folder=folder)


def put_ours(con: duckdb.DuckDBPyConnection, mapping: ClientMapping) -> Basis:
    """Write ``ours`` from ``legs``: the instant and duration to compare; return the basis.

    Raises:
        ConfigError: a line of the contract goes by the minute and no duration is mapped.
    """
    basis = _basis(con, mapping)
    length = "talk_ms" if basis == "talk" else "talk_ms + hold_ms + acw_ms"
    con.execute(f"""
create or replace table ours as
select
    *, coalesce({mapping.instant}_ms, queued_at_ms) as at_ms,
    min(coalesce({mapping.instant}_ms, queued_at_ms)) over (partition by contact_id)
        as contact_at_ms,
    outcome = 'answered' or coalesce(is_completed, false) as is_answered,
    {length} as length_ms
from legs
""")
    return basis


def put_theirs(con: duckdb.DuckDBPyConnection, rows: Path, basis: Basis) -> None:
    """Write ``theirs`` from a Parquet file of ``imported.COLUMNS``."""
    con.execute(f"""
create or replace table theirs as
select
    row_number() over (order by {", ".join(CONTENT)}, line) as their_id, *,
    {money.TALK if basis == "talk" else money.HANDLE} as length_ms
from read_parquet({literal(str(rows))})
""")


def compare_calls(
    con: duckdb.DuckDBPyConnection,
    mapping: ClientMapping,
    *,
    bounds: tuple[int, int],
    report: Callable[[str], None],
) -> None:
    """Match, price and class what ``ours``, ``theirs`` and ``params.rates`` hold."""
    from_ms, to_ms = bounds
    report("matching calls")
    cases.put_repeats(con)
    match.match(con, mapping.tolerance)
    cases.put_cases(con, mapping)
    report("classing variances")
    money.put_our_money(con)
    money.put_their_money(con, from_ms=from_ms, to_ms=to_ms, rules=mapping.rules)
    steps = con.execute(
        "select distinct increment_s from params.rates where kind = 'per_minute'"
    ).fetchall()
    classes.put_variances(
        con, mapping, from_ms=from_ms, to_ms=to_ms, increments={step for (step,) in steps}
    )


def _basis(con: duckdb.DuckDBPyConnection, mapping: ClientMapping) -> Basis:
    measures = {
        measure
        for (measure,) in con.execute(
            "select distinct measure from params.rates where kind = 'per_minute'"
        ).fetchall()
    }
    given = set(mapping.columns)
    if measures and mapping.grain != "day_queue" and not given & {"talk", "handle", "duration"}:
        problem = (
            "columns: a line of the contract goes by the minute; "
            "expected one of talk, handle, duration"
        )
        raise ConfigError(mapping.path, problem)
    if len(measures) == 1:
        return "talk" if measures == {"talk"} else "handle"
    return "handle" if any(needed <= given for needed in _HANDLE) else "talk"


def _contract(settings: Settings, mapping: ClientMapping) -> Contract:
    contracts = {c.client: c for c in load_contracts(settings.config_dir / "contracts")}
    if mapping.client not in contracts:
        problem = f"client: expected one with a contract ({', '.join(contracts)})"
        raise ConfigError(mapping.path, f"{problem}, got {mapping.client!r}")
    return contracts[mapping.client]


def _result(
    con: duckdb.DuckDBPyConnection,
    settings: Settings,
    month: Month,
    mapping: ClientMapping,
    done: Import,
    basis: Basis,
    zone: str,
) -> Comparison:
    published = ours.lines_of(con, month, mapping.client)
    lines, others = bridge.compare_lines(con, published, mapping.tolerance)
    runs = catalog.in_force(catalog.read_runs(settings.published), read_billed(settings.published))
    ids = tuple(
        run.run_id
        for run, without in runs.get(str(month), [])
        if run.client in {"", mapping.client} and mapping.client not in without
    )
    matched = []
    if mapping.grain != "day_queue":
        matched = con.execute(
            "select how, count(*) from pairs group by how order by how"
        ).fetchall()
    (count,) = con.execute("select count(*) from ours where is_in_month").fetchall()[0]
    return Comparison(
        client=mapping.client,
        month=str(month),
        runs=ids,
        imported=done,
        our_calls=count,
        their_calls=done.rows,
        matched=dict(matched),
        lines=lines,
        uncompared=others,
        classes=bridge.sum_classes(con, lines),
        basis=basis,
        zone=zone,
        hints=[] if mapping.grain == "day_queue" else list(hints.short_calls(con, mapping)),
    )
