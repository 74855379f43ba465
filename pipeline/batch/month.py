"""The month run, read top to bottom: find, gate, models, gate, publish.

A pure function of the landed log, the configuration and the month: running it again gives the
same rows under a new run id. A failure leaves the last published state as it was.
"""

from __future__ import annotations

import fcntl
import os
import secrets
import shutil
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import duckdb

from pipeline.batch import closed_sites, definitions, inputs, models, previous, publish
from pipeline.batch.acceptance import REPORTS, Acceptance
from pipeline.batch.agent_parameters import put_agent_parameters
from pipeline.batch.contract_terms import load_contracts
from pipeline.batch.fingerprint import fingerprint, made_by
from pipeline.batch.risk_parameters import put_risk_parameters
from pipeline.config_agent_time import AgentTimes, load_agent_time
from pipeline.config_files import Targets, load_targets
from pipeline.config_wind_vane import load_wind_vane
from pipeline.domain.business_time import Month
from pipeline.errors import InputError, TerminalError
from pipeline.lake import catalog, warehouse
from pipeline.quality import judge
from pipeline.quality.landed import LANDED
from pipeline.quality.landed_facts import FACTS
from pipeline.quality.marts import MARTS, MARTS_METRICS, PUBLISHED
from pipeline.settings import Settings

Report = Callable[[str], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Closed:
    """What a month run has published."""

    run: catalog.Run
    is_empty: bool
    seconds: float


def close_month(
    settings: Settings, month: Month, *, client: str | None = None, report: Report
) -> Closed:
    """Build, judge and publish one month.

    Args:
        settings: where landed data, configuration and published months are.
        month: the month to close.
        client: only this client; its rows alone are replaced in the catalog.
        report: told one line per step.

    Raises:
        InputError: nothing was landed, or the client does not occur.
        TerminalError: another run of this month is under way.
        GateClosed: a gate found a critical violation; nothing was published.
        TerminalError: a model or test failed, or a file cannot be written; nothing was published.
    """
    run_id = (
        f"{month}-{datetime.fromtimestamp(time.time(), UTC):%Y%m%dT%H%M%SZ}-{secrets.token_hex(3)}"
    )
    with _alone(settings.home / "build", month, run_id) as work:
        try:
            return _close(settings, month, client, run_id, work, report)
        except (OSError, duckdb.IOException) as error:
            msg = f"{run_id}: {error}; it is not published, and what was stands. Is the disk full?"
            raise TerminalError(msg) from error


@contextmanager
def _alone(builds: Path, month: Month, run_id: str) -> Iterator[Path]:
    """Make a run's folder, or refuse: of two runs of one month the later would win by chance."""
    builds.mkdir(parents=True, exist_ok=True)
    with (builds / f".{month}.lock").open("a+") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            lock.seek(0)
            msg = (
                f"{month}: another run of this month is under way: {lock.read().strip()}; "
                "wait for it, or end it"
            )
            raise TerminalError(msg) from error
        lock.truncate(0)
        lock.write(f"{run_id}, process {os.getpid()}\n")
        lock.flush()
        work = builds / run_id
        work.mkdir()
        yield work


def _close(
    settings: Settings, month: Month, client: str | None, run_id: str, work: Path, report: Report
) -> Closed:
    started = time.monotonic()
    judge.summon()
    database = work / "build.duckdb"
    queues_file = settings.config_dir / "queues.yaml"
    repeat_days = load_targets(queues_file).longest_repeat_days
    found = inputs.find(settings.landing, month, repeat_days=repeat_days)
    # Before the configuration is read for good: what is changed from here on is not in the hash,
    # so the month is out of date, as it should be.
    inputs_hash, maker = fingerprint(settings, found), made_by(settings)
    targets = load_targets(queues_file)
    runs = catalog.read_runs(settings.published)
    closed = definitions.closed_terms(runs, month, targets)
    sites_closed = closed_sites.closed_sites(runs, month)
    contracts = load_contracts(settings.config_dir / "contracts")
    agent_times = load_agent_time(settings.config_dir / "agent_time.yaml")
    wind_vane = load_wind_vane(settings.config_dir / "wind_vane.yaml")
    if client is not None:
        contracts = tuple(c for c in contracts if c.client == client)
    before = previous.find(
        runs, str(month), client or "", made_by=maker, published=settings.published
    )
    acceptance = Acceptance(
        folder=settings.published / REPORTS / run_id,
        run_id=run_id,
        month=str(month),
        client=client or "",
        config_hash=targets.version,
        tell=report,
    )
    models.load()  # while the judge imports its own
    _admit(found, database, work, client, acceptance)
    with warehouse.connect(database, spill=work / "spill") as con:
        queues = inputs.put_all_parameters(
            con,
            month=month,
            targets=targets,
            contracts=contracts,
            watermarks=None,
            is_one_client=client is not None,
            closed=closed,
            closed_zones={site: was.zone for site, was in sites_closed.items()},
        )
        put_agent_parameters(con, agent_times, sites_closed)
        put_risk_parameters(con, wind_vane)
        zones = con.execute("select client, site, zone from params.sites order by all").fetchall()
        _tell_changes(con, targets, closed, report)
        if before is not None:
            same = previous.show(con, before, settings.published)
            report(f"compared with {before.run_id}: {len(same)} clients without new records")
    occurring = {(c, s): targets.zone(c, s, "*") for c, s, _ in zones}
    for change in closed_sites.changes(occurring, agent_times, sites_closed, month):
        report(change)
    if client is not None and not queues:
        msg = f"client {client!r} does not occur in what was landed for {month}"
        raise InputError(msg)
    report(f"models: {len(queues)} queues")
    nodes = models.build(
        settings.dbt_dir,
        database,
        work=work,
        parsed=settings.parsed_models,
        variables={
            "month": str(month),
            "admitted_only": False,
            "has_previous": before is not None,
        },
        report=lambda line: report(f"  {line}"),
    )
    report(f"models: {len(nodes)} models and tests passed")
    for node in nodes:
        if node.status == "warn":
            acceptance.remarks.append(f"{node.name}: {node.message}")
            report(f"  {acceptance.remarks[-1]}")
    frozen = definitions.freeze(queues, targets, closed)
    frozen_sites = closed_sites.freeze(zones, agent_times, sites_closed)
    run = _publish(
        settings,
        database,
        work,
        run_id,
        month,
        client,
        found,
        inputs_hash,
        acceptance,
        targets,
        agent_times,
        frozen,
        frozen_sites,
        maker,
        report,
    )
    shutil.rmtree(work)
    rows = {dataset.name: dataset.rows for dataset in run.datasets}
    is_empty = rows["fct_leg_facts"] == 0 and rows["fct_agent_days"] == 0
    return Closed(run=run, is_empty=is_empty, seconds=time.monotonic() - started)


def _tell_changes(
    con: duckdb.DuckDBPyConnection,
    targets: Targets,
    closed: Mapping[definitions.Queue, definitions.Terms],
    report: Report,
) -> None:
    """Name the queues whose month was closed by other terms than the configuration has now."""
    rows = con.execute(
        "select distinct client, site, queue from params.kpi_terms "
        "where registry = 'closed' and is_shown order by all"
    ).fetchall()
    for queue in rows:
        name = "/".join(part for part in queue if part)
        report(f"definition changed since the month was closed: {name}; the closed one stands")
    for queue in sorted(closed):
        zone, now = definitions.zone_in_force(queue, targets, closed), targets.zone(*queue)
        if zone != now:
            name = "/".join(part for part in queue if part)
            report(f"zone changed since the month was closed: {name}; {zone} stands, not {now}")


def _admit(
    found: inputs.Inputs, database: Path, work: Path, client: str | None, acceptance: Acceptance
) -> None:
    """Open the gates on the landed data, or raise."""
    notes = [f"damaged: {damage}" for damage in found.damaged]
    for note in notes:
        acceptance.tell(note)
    if notes:
        notes.append("land these offsets again with: vane land --repair")
    with warehouse.connect(database, spill=work / "spill") as con:
        inputs.show(con, found, client)
        row = inputs.metrics(con, found, client)
        facts = inputs.fact_metrics(con, found, client)
        acceptance.tell(f"landed: {row['rows_read']:,} call events read")
        acceptance.admit(con, LANDED, row, notes=notes)
        if facts["rows_read"]:
            acceptance.tell(f"landed: {facts['rows_read']:,} facts read")
            acceptance.admit(con, FACTS, facts)


def _publish(  # noqa: PLR0913, PLR0917 - the parts of a run
    settings: Settings,
    database: Path,
    work: Path,
    run_id: str,
    month: Month,
    client: str | None,
    found: inputs.Inputs,
    inputs_hash: str,
    acceptance: Acceptance,
    targets: Targets,
    agent_times: AgentTimes,
    frozen: list[catalog.FrozenTerm],
    frozen_sites: list[catalog.FrozenSite],
    maker: str,
    report: Report,
) -> catalog.Run:
    with warehouse.connect(database, spill=work / "spill") as con:
        cursor = con.execute(MARTS_METRICS)
        names = [column[0] for column in cursor.description or ()]
        row: dict[str, Any] = dict(zip(names, cursor.fetchall()[0], strict=True))
        acceptance.admit(con, MARTS, row)
        datasets = publish.export(con, settings.published, str(month), run_id)
        written = publish.read_back(con, settings.published, datasets)
        acceptance.admit(con, PUBLISHED, written)
    page = acceptance.sign_off(found.last_offsets, datasets)
    run = catalog.Run(
        run_id=run_id,
        month=str(month),
        client=client or "",
        published_at_ms=int(time.time() * 1000),
        read_at_ms=found.read_at_ms,
        config_hash=targets.version,
        agent_terms_hash=agent_times.version,
        inputs_hash=inputs_hash,
        made_by=maker,
        landed=found.last_offsets,
        warnings=acceptance.warnings,
        report=str(page.relative_to(settings.published)),
        datasets=datasets,
        definitions=frozen,
        sites=frozen_sites,
    )
    publish.publish(settings.published, run)
    report(
        f"published: {sum(d.rows for d in datasets):,} rows in {len(datasets)} datasets, {run_id}"
    )
    return run
