"""The view-only DuckDB file that names what is published: one version per file, swapped whole.

Each view reads explicit, absolute files of immutable run folders; those of the live side read the
folder of a generation (``generation.py``). The file is written in the
storage format of DuckDB 1.2, so that tools with an older DuckDB can open it, and put into place
by ``os.replace``: a reader sees the old version or the new one, never a mixture.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import Final

import duckdb
import msgspec
from fsspec import AbstractFileSystem

from pipeline.domain.agent_terms import AgentTimeTerms
from pipeline.errors import InputError, StateLost
from pipeline.lake import live_beside_months, live_views
from pipeline.lake.billing import Billed, read_billed
from pipeline.lake.generation import generations
from pipeline.lake.manifest import sync_folder
from pipeline.lake.warehouse import literal

CATALOG: Final = "catalog.duckdb"
RUNS: Final = "manifest"
SETTLEMENT: Final = "fct_settlement_lines"
_ALWAYS: Final = 2**62


class Dataset(msgspec.Struct, frozen=True, kw_only=True):
    """One published file; ``path`` is relative to the published folder."""

    name: str
    path: str
    rows: int
    sha256: str


class FrozenTerm(msgspec.Struct, frozen=True, kw_only=True):
    """One term that a queue's month was computed with; half-open, epoch milliseconds."""

    client: str
    site: str
    queue: str
    from_ms: int
    to_ms: int
    name: str
    definition: str
    """Every choice, as canonical JSON."""
    definition_hash: str
    threshold_ms: int
    goal_permille: int
    long_hold_ms: int
    zone: str = ""
    """IANA zone of the month, its days and hours; empty in runs older than this field."""


class FrozenAgentTerm(msgspec.Struct, frozen=True, kw_only=True):
    """Terms of agents' time and when they took force, epoch milliseconds."""

    from_ms: int
    terms: AgentTimeTerms


class FrozenSite(msgspec.Struct, frozen=True, kw_only=True):
    """The zone of a site's days and the terms of its agents' time, as a month was computed."""

    client: str
    site: str
    zone: str
    agent_terms: list[FrozenAgentTerm]


class Run(msgspec.Struct, frozen=True, kw_only=True):
    """One published month run; ``client`` is empty for a run over all clients."""

    v: int = 1
    run_id: str
    month: str
    client: str
    published_at_ms: int
    read_at_ms: int = 0
    """Up to when it has what was landed; 0: a run of an earlier release, which does not say."""
    config_hash: str
    agent_terms_hash: str = ""
    """Of the configuration's terms of agents' time; empty in runs older than these terms."""
    inputs_hash: str = ""
    """Of all that the rows are a function of; empty in runs older than this."""
    made_by: str = ""
    """Of configuration, models and code alone; empty in runs older than this."""
    landed: dict[str, dict[str, int]]
    """Topic to partition to the last offset that was landed when the run read it."""
    warnings: list[str]
    report: str = ""
    """The page of what the gates found, relative to the published folder."""
    datasets: list[Dataset]
    definitions: list[FrozenTerm] = []
    """The terms that stand for the month, of every queue that occurs in it."""
    sites: list[FrozenSite] = []
    """What stands for agents' time, of every site that occurs; none in runs older than this."""

    @property
    def seen_until_ms(self) -> int:
        """Up to when the run has what was landed; of an older run, when it was published.

        A month is closed by the first run that has all of it, not by one that read before the
        month's end and was published after it.
        """
        return self.read_at_ms or self.published_at_ms


def read_runs(published: Path) -> list[Run]:
    """Return the published runs, oldest first."""
    runs = []
    for path in sorted((published / RUNS).glob("*.json")):
        try:
            runs.append(msgspec.json.decode(path.read_bytes(), type=Run))
        except ValueError as error:
            msg = f"{path}: expected a run's manifest, {error}"
            raise StateLost(msg) from error
    return sorted(runs, key=lambda run: (run.published_at_ms, run.run_id))


def record(published: Path, run: Run) -> None:
    """Write a run's manifest: the last step of publishing."""
    target = published / RUNS / f"{run.run_id}.json"
    target.parent.mkdir(parents=True, exist_ok=True)
    draft = target.with_suffix(".tmp")
    with draft.open("wb") as out:
        out.write(msgspec.json.format(msgspec.json.encode(run, order="deterministic")))
        out.flush()
        os.fsync(out.fileno())
    draft.replace(target)
    sync_folder(target.parent)


def in_force(
    runs: Iterable[Run], billed: Mapping[str, Billed] = MappingProxyType({})
) -> dict[str, list[tuple[Run, list[str]]]]:
    """Return, per month, the runs whose rows count and the clients each must leave out.

    A later run over all clients replaces the month; a later run of one client replaces that
    client's rows only. Of a billed month what came after the run that it was billed by does not
    count.
    """
    months: dict[str, list[tuple[Run, list[str]]]] = {}
    ended: set[str] = set()
    for run in runs:
        if run.month in ended:
            continue
        if run.month in billed and billed[run.month].run_id == run.run_id:
            ended.add(run.month)
        if not run.client:
            months[run.month] = [(run, [])]
            continue
        kept = months.setdefault(run.month, [])
        kept[:] = [(r, [*out, run.client]) for r, out in kept if r.client != run.client]
        kept.append((run, []))
    return months


def write(published: Path, runs: Sequence[Run]) -> Path:
    """Write a catalog over the runs and swap it in."""
    target = published / CATALOG
    draft = published / f"{CATALOG}.{os.getpid()}.tmp"
    draft.unlink(missing_ok=True)
    live = max(generations(published), default=None)
    build(draft, str(published.resolve()), runs, read_billed(published), generation=live)
    with draft.open("rb") as written:
        os.fsync(written.fileno())
    draft.replace(target)
    sync_folder(published)
    return target


def build(
    draft: Path,
    base: str,
    runs: Sequence[Run],
    billed: Mapping[str, Billed],
    stand_in: AbstractFileSystem | None = None,
    generation: int | None = None,
) -> None:
    """Write a new catalog file whose views read below ``base``, a folder or an address.

    A view cannot be made without a look at what it reads; ``stand_in`` has that of an address.
    ``generation`` is that of the live views; None leaves them out.

    The schema ``main`` has each month as billed, or as now known where it was not billed yet; the
    schema ``known`` has every month as now known; ``settlement_adjustments`` is the difference.
    """
    con = duckdb.connect(":memory:")
    try:
        if stand_in is not None:
            con.register_filesystem(stand_in)
        con.execute(f"attach {literal(str(draft))} as catalog (storage_version 'v1.2.0')")
        con.execute("use catalog")
        shown, known = _parts(base, runs, billed), _parts(base, runs)
        con.execute("create schema known")
        for schema, views in (("main", shown), ("known", known)):
            for name, body in sorted(views.items()):
                con.execute(f"create view {schema}.{name} as {body}")
        con.execute(f"create view published_runs as {_runs_view(runs, billed)}")
        if SETTLEMENT in known:
            body = _adjustments_view(shown[SETTLEMENT], known[SETTLEMENT], billed)
            con.execute(f"create view settlement_adjustments as {body}")
        if generation is not None:
            has_months = live_beside_months.INTERVALS in shown
            for sql in (
                *live_views.statements(base, generation),
                *live_beside_months.statements(_covered(runs, billed), has_months=has_months),
            ):
                con.execute(sql)
        con.execute("use memory")
        con.execute("detach catalog")
    finally:
        con.close()


def _parts(
    base: str, runs: Sequence[Run], billed: Mapping[str, Billed] = MappingProxyType({})
) -> dict[str, str]:
    parts: dict[str, list[str]] = {}
    for kept in in_force(runs, billed).values():
        for name, found in selects(base, kept).items():
            parts.setdefault(name, []).extend(found)
    return {name: " union all by name ".join(found) for name, found in parts.items()}


def _covered(
    runs: Sequence[Run], billed: Mapping[str, Billed]
) -> Iterator[live_beside_months.Covered]:
    for month, kept in in_force(runs, billed).items():
        for run, without in kept:
            # As billed is final, whatever the run had not seen yet.
            at_ms = _ALWAYS if month in billed else run.seen_until_ms
            yield month, run.client, without, at_ms


def run_ids(runs: Iterable[Run], billed: Mapping[str, Billed] = MappingProxyType({})) -> set[str]:
    """Return the ids of the runs whose rows count; see ``in_force``."""
    return {run.run_id for kept in in_force(runs, billed).values() for run, _ in kept}


def shown(runs: Sequence[Run], billed: Mapping[str, Billed]) -> set[str]:
    """Return the ids of the runs that a view shows, as billed or as now known."""
    return run_ids(runs, billed) | run_ids(runs)


def selects(base: str, kept: Iterable[tuple[Run, list[str]]]) -> dict[str, list[str]]:
    """Return, per dataset, the SELECTs over the files of the runs in force of a month."""
    parts: dict[str, list[str]] = {}
    for run, without in kept:
        for dataset in run.datasets:
            path = literal(f"{base}/{dataset.path}")
            select = f"select * from read_parquet({path}, hive_partitioning = false)"
            if without:
                select += f" where client not in ({', '.join(map(literal, without))})"
            parts.setdefault(dataset.name, []).append(select)
    return parts


def _runs_view(runs: Sequence[Run], billed: Mapping[str, Billed]) -> str:
    shown, known = run_ids(runs, billed), run_ids(runs)
    by = {b.run_id for b in billed.values()}
    rows = ", ".join(
        "("
        + ", ".join(
            literal(value)
            for value in (
                *(r.run_id, r.month, r.client, r.published_at_ms),
                *(r.run_id in shown, r.run_id in known, r.run_id in by),
            )
        )
        + ")"
        for r in runs
    )
    columns = "run_id, month, client, published_at_ms, is_in_force, is_known, is_billed"
    if not runs:
        rows = "('', '', '', 0::bigint, false, false, false)"
        return f"select * from (values {rows}) t({columns}) where false"
    return f"select * from (values {rows}) t({columns})"


def _adjustments_view(shown: str, known: str, billed: Mapping[str, Billed]) -> str:
    """Return what is owed beyond what was billed: one row per line whose amount differs."""
    months = ", ".join(map(literal, billed)) or "''"
    key = "month, client, clause_id, term_from_on, currency"
    return f"""
select
    {key},
    coalesce(known.title, billed.title) as title,
    coalesce(billed.quantity, 0) as billed_quantity,
    coalesce(known.quantity, 0) as known_quantity,
    coalesce(billed.amount, 0) as billed_amount,
    coalesce(known.amount, 0) as known_amount,
    cast(coalesce(known.amount, 0) - coalesce(billed.amount, 0) as decimal(18, 2)) as adjustment
from ({shown}) as billed
full outer join ({known}) as known using ({key})
where month in ({months})
    and (known.amount is distinct from billed.amount
        or known.quantity is distinct from billed.quantity)
"""


def open_catalog(published: Path) -> duckdb.DuckDBPyConnection:
    """Open the catalog for reading; raise InputError if nothing has been published."""
    path = published / CATALOG
    if not path.is_file():
        msg = f"{path}: expected a catalog; publish a month first: vane month run --month YYYY-MM"
        raise InputError(msg)
    con = duckdb.connect(
        str(path), read_only=True, config={"autoinstall_known_extensions": "false"}
    )
    con.execute("set TimeZone = 'UTC'")
    return con
