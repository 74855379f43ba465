"""A month of two clients, simulated, landed and published by the real run: what BI tools open."""

from __future__ import annotations

import shutil
from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from benchmarks.month import land
from pipeline.batch.month import close_month
from pipeline.domain.business_time import Month
from pipeline.lake import catalog
from pipeline.lake.shape import AGENT_STATES, CALL_EVENTS
from pipeline.settings import PROJECT_ROOT, Settings, load_settings
from pipeline.simulator.plan import Order, Scenario
from pipeline.simulator.run import write_canonical

NOVEMBER = Month(2025, 11)


def publish_month(folder: Path, *, scale: float = 0.05) -> Settings:
    """Publish three days of November with the project's configuration, a copy of it."""
    shutil.copytree(PROJECT_ROOT / "config", folder / "config")
    settings = load_settings({"VANE_HOME": str(folder / "home")})
    settings = replace(settings, config_dir=folder / "config")
    order = Order(
        scenario=Scenario.NORMAL_MONTH,
        seed=1,
        year=2025,
        month=11,
        scale=scale,
        first_day=10,
        days=3,
    )
    write_canonical(order, folder / "simulated", lambda _calls: None)
    for topic in (CALL_EVENTS, AGENT_STATES):
        land(folder / "simulated" / f"{topic}.ndjson", topic, settings.home)
    close(settings)
    return settings


def close(settings: Settings) -> None:
    """Run the month."""
    close_month(settings, NOVEMBER, report=lambda _line: None)


def files_of(settings: Settings, dataset: str) -> pa.Table:
    """Return a published dataset from its files, past catalog and views."""
    run = catalog.read_runs(settings.published)[-1]
    paths = [d.path for d in run.datasets if d.name == dataset]
    return pa.concat_tables(pq.read_table(settings.published / path) for path in paths)


def settled(settings: Settings) -> dict[tuple[Any, ...], Decimal]:
    """Return client, clause and start of term to amount, added up in Python's decimals."""
    rows = files_of(settings, "fct_settlement_lines").to_pylist()
    return {(r["client"], r["clause_id"], r["term_from_on"]): r["amount"] for r in rows}
