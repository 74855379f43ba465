"""Shows landed data to a build: which batches, which files, what they hold, what is wrong."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType
from typing import Any, Final

import duckdb

from pipeline.batch.contract_terms import Contract, put_contracts
from pipeline.batch.definitions import Terms
from pipeline.batch.parameters import LATEST_MS, Queue, put_parameters
from pipeline.codec.fact_fields import TOPICS
from pipeline.config_files import Targets
from pipeline.domain.business_time import Month
from pipeline.errors import InputError
from pipeline.lake import manifest
from pipeline.lake.shape import AGENT_STATES, ALERTS, CALL_EVENTS, LATE, SHAPES
from pipeline.lake.warehouse import literal, show_files
from pipeline.quality.landed import LANDED_METRICS
from pipeline.quality.landed_facts import FACT_METRICS, FACTS_VIEW, all_facts_sql

MARGIN_DAYS: Final = 3
"""A month's run reads landed days this far around the month: a leg's events lie closer together."""

UNLANDED_MS: Final = 60_000
"""What was appended this long before a look may not be landed yet, with ``vane land`` at work."""

CUSTOMER_EVENTS: Final = "customer_events"
"""Call events of more days than the month's, for repeat calls alone."""

FACT_VIEWS: Final = {topic: str(kind) for kind, topic in TOPICS.items()}
VIEWS: Final = {
    CALL_EVENTS: "call_events",
    AGENT_STATES: "agent_states",
    LATE: "late_events",
    ALERTS: "alerts",
    **FACT_VIEWS,
}


@dataclass(slots=True)
class Inputs:
    """What a build reads."""

    landing: Path
    batches: dict[str, list[manifest.Batch]]
    days: set[str] | None
    customer_days: set[str] | None = None
    damaged: list[manifest.DamagedFile] = field(default_factory=list)
    read_at_ms: int = 0
    """Up to when what was appended had been landed."""

    @property
    def last_offsets(self) -> dict[str, dict[str, int]]:
        """Return the last landed offset per topic and partition."""
        return {
            topic: {str(batch.partition): batch.last for batch in batches}
            for topic, batches in self.batches.items()
        }

    def files(self, topic: str) -> list[manifest.LandedFile]:
        """Return the files of a topic that the build reads.

        Of facts all: a record may correct one of any day, and who is in a team since years ago was
        said years ago.
        """
        return self._files(topic, None if topic in FACT_VIEWS else self.days)

    @property
    def customer_files(self) -> list[manifest.LandedFile]:
        """Return the files of call events that repeat calls are looked for in."""
        return self._files(CALL_EVENTS, self.customer_days)

    def _files(self, topic: str, days: set[str] | None) -> list[manifest.LandedFile]:
        listed = manifest.files(self.batches[topic])
        return [file for file in listed if days is None or file.event_date in days]


def find(landing: Path, month: Month | None, *, repeat_days: int = 0) -> Inputs:
    """Return the landed batches, limited to the days around a month if one is given.

    ``repeat_days`` is how far around the month the same customer's contacts are looked for.

    Raises:
        InputError: no call events have been landed at all.
    """
    read_at_ms = int(time.time() * 1000) - UNLANDED_MS
    batches = {topic: manifest.read_batches(landing, topic) for topic in VIEWS}
    if not batches[CALL_EVENTS]:
        raise nothing_landed(landing)
    inputs = Inputs(landing, batches, None, read_at_ms=read_at_ms)
    if month is not None:
        inputs.days = month.event_dates(MARGIN_DAYS)
        inputs.customer_days = month.event_dates(max(MARGIN_DAYS, repeat_days + 1))
    looked_at: dict[str, set[str] | None] = dict.fromkeys(FACT_VIEWS)
    looked_at |= {CALL_EVENTS: inputs.customer_days, AGENT_STATES: inputs.days, ALERTS: inputs.days}
    for topic, days in looked_at.items():
        inputs.damaged += manifest.damaged(landing, batches[topic], days=days)
    return inputs


def nothing_landed(landing: Path) -> InputError:
    """Return the word on a folder without landed call events."""
    return InputError(f"{landing}: expected landed call events, found none; run: vane land")


def show(con: duckdb.DuckDBPyConnection, inputs: Inputs, client: str | None) -> None:
    """Create the views of the landed files; damaged ones are left out (the gate knows them)."""
    broken = {damage.path for damage in inputs.damaged}
    views = [(topic, name, inputs.files(topic)) for topic, name in VIEWS.items()]
    for topic, name, files in (*views, (CALL_EVENTS, CUSTOMER_EVENTS, inputs.customer_files)):
        paths = [inputs.landing / file.path for file in files]
        target = f"all_{name}" if client else name
        show_files(con, target, SHAPES[topic], [p for p in paths if str(p) not in broken])
        if client:
            con.execute(
                f"create or replace view landed.{name} as "
                f"select * from landed.{target} where client = {literal(client)}"
            )


def metrics(con: duckdb.DuckDBPyConnection, inputs: Inputs, client: str | None) -> dict[str, Any]:
    """Return the one row of metrics the landed gate judges."""
    cursor = con.execute(LANDED_METRICS)
    names = [column[0] for column in cursor.description or ()]
    row: dict[str, Any] = dict(zip(names, cursor.fetchall()[0], strict=True))
    counted = sum(file.rows for file in inputs.files(CALL_EVENTS))
    read = row["rows_read"]
    if client:
        read = con.execute("select count(*) from landed.all_call_events").fetchall()[0][0]
    batches = inputs.batches[CALL_EVENTS]
    covered = sum(b.last - b.first + 1 for b in batches)
    rejects = sum(b.rejects for b in batches)
    quarantined = sum(b.quarantined for b in batches)
    row["damaged_files"] = len(inputs.damaged)
    row["rows_missing"] = counted - read
    row["offsets_missing"] = covered - rejects - quarantined - sum(b.rows for b in batches)
    row["rejects_per_mille"] = 1000 * rejects // max(1, covered)
    row["quarantined_per_mille"] = 1000 * quarantined // max(1, covered)
    return row


def fact_metrics(
    con: duckdb.DuckDBPyConnection, inputs: Inputs, client: str | None
) -> dict[str, Any]:
    """Return the one row of metrics the gate on landed facts judges."""
    con.execute(f"create or replace view {FACTS_VIEW} as {all_facts_sql(FACT_VIEWS.values())}")
    cursor = con.execute(FACT_METRICS)
    names = [column[0] for column in cursor.description or ()]
    row: dict[str, Any] = dict(zip(names, cursor.fetchall()[0], strict=True))
    counted = sum(file.rows for topic in FACT_VIEWS for file in inputs.files(topic))
    everyone = "all_" if client else ""
    read = sum(
        con.execute(f"select count(*) from landed.{everyone}{name}").fetchall()[0][0]
        for name in FACT_VIEWS.values()
    )
    row["rows_missing"] = counted - read
    batches = [batch for topic in FACT_VIEWS for batch in inputs.batches[topic]]
    covered = sum(b.last - b.first + 1 for b in batches)
    row["rejects_per_mille"] = 1000 * sum(b.rejects for b in batches) // max(1, covered)
    return row


def put_all_parameters(  # noqa: PLR0913 - what all parameters are made of
    con: duckdb.DuckDBPyConnection,
    *,
    month: Month,
    targets: Targets,
    contracts: tuple[Contract, ...],
    watermarks: dict[int, tuple[int, int, int]] | None,
    is_one_client: bool = False,
    closed: Mapping[Queue, Terms] = MappingProxyType({}),
    closed_zones: Mapping[tuple[str, str], str] = MappingProxyType({}),
) -> list[Queue]:
    """Write every parameter table; return the queues that occur.

    ``watermarks`` maps partition to (event time, first, next offset folded); None takes the
    newest event time read and every offset.
    """
    newest = _newest(con, "call_events")
    queues = sorted({(client, site, queue) for client, site, queue, _, _ in newest})
    if watermarks is None:
        # of all clients, also in a run of one: a leg still waiting is judged alike in both
        everyone = _newest(con, "all_call_events") if is_one_client else newest
        watermarks = {}
        for *_, partition, at in sorted(everyone, key=lambda row: row[-1]):
            watermarks[partition] = (at, 0, LATEST_MS)
    agent_sites = con.execute("select distinct client, site from landed.agent_states").fetchall()
    present = {client for client, *_ in queues} | {client for client, _ in agent_sites}
    # who is scheduled and never came has time too
    agent_sites += con.execute("select distinct client, site from landed.schedule").fetchall()
    fact_sites = {
        site
        for name in (*FACT_VIEWS.values(), VIEWS[ALERTS])
        for site in con.execute(f"select distinct client, site from landed.{name}").fetchall()
    }
    contracts = tuple(contract for contract in contracts if contract.client in present)
    put_parameters(
        con,
        month=month,
        targets=targets,
        queues=queues,
        agent_sites=agent_sites,
        watermarks=watermarks,
        closed=closed,
        fact_sites=fact_sites,
        closed_zones=closed_zones,
    )
    put_contracts(con, contracts, month=month, queues=queues)
    return queues


def _newest(con: duckdb.DuckDBPyConnection, view: str) -> list[tuple[str, str, str, int, int]]:
    """Return the newest event time of each client, site, queue and partition."""
    return con.execute(
        "select client, site, queue, _partition, max(occurred_at_ms) "
        f"from landed.{view} group by all"
    ).fetchall()
