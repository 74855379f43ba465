"""A small month built by the real models, and what it takes to publish it without running it."""

from __future__ import annotations

import time
from pathlib import Path

from benchmarks.batch.landed import MONTH
from pipeline.batch import inputs, models
from pipeline.batch.agent_parameters import put_agent_parameters
from pipeline.batch.contract_terms import load_contracts
from pipeline.batch.risk_parameters import put_risk_parameters
from pipeline.config_agent_time import load_agent_time
from pipeline.config_files import load_targets
from pipeline.config_wind_vane import load_wind_vane
from pipeline.domain.business_time import parse_month
from pipeline.lake import catalog, warehouse
from pipeline.settings import PROJECT_ROOT

CONFIG = PROJECT_ROOT / "config"


def show(landing: Path, database: Path) -> None:
    """Show a landed month to a build database, and put the parameters."""
    month = parse_month(MONTH)
    targets = load_targets(CONFIG / "queues.yaml")
    found = inputs.find(landing, month, repeat_days=targets.longest_repeat_days)
    with warehouse.connect(database, spill=database.parent / "spill") as con:
        inputs.show(con, found, None)
        contracts = load_contracts(CONFIG / "contracts")
        inputs.put_all_parameters(
            con, month=month, targets=targets, contracts=contracts, watermarks=None
        )
        put_agent_parameters(con, load_agent_time(CONFIG / "agent_time.yaml"))
        put_risk_parameters(con, load_wind_vane(CONFIG / "wind_vane.yaml"))


def build(landing: Path, database: Path) -> None:
    """Build every model of a landed month into a new database."""
    show(landing, database)
    models.build(
        PROJECT_ROOT / "dbt_like_sql",
        database,
        work=database.parent / "dbt",
        variables={"month": MONTH, "admitted_only": False},
    )


def run_of(run_id: str, datasets: list[catalog.Dataset]) -> catalog.Run:
    """Return a run to publish."""
    return catalog.Run(
        run_id=run_id,
        month=MONTH,
        client="",
        published_at_ms=int(time.time() * 1000),
        config_hash="",
        landed={},
        warnings=[],
        datasets=datasets,
    )
