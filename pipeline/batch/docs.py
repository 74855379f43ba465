"""Describes the models: one page with every model, column, test and the lineage, without a network.

The models are built of nothing landed, so that the page knows the types of their columns.
"""

from __future__ import annotations

import os
import re
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Final

import duckdb

from pipeline.batch import inputs, models
from pipeline.batch.agent_parameters import put_agent_parameters
from pipeline.batch.risk_parameters import put_risk_parameters
from pipeline.config_agent_time import load_agent_time
from pipeline.config_files import load_targets
from pipeline.config_wind_vane import load_wind_vane
from pipeline.domain.business_time import Month
from pipeline.errors import TerminalError
from pipeline.lake import warehouse
from pipeline.settings import Settings

PAGE: Final = "models.html"
MONTH: Final = Month(2025, 11)
"""A label: nothing happened in it."""
TRACKER: Final = re.compile(r"//[\w.-]+/[\w./-]*\bsp\.js\b")
"""The script that dbt's page would load if telemetry was on; taken out, so that it never can."""


def write_docs(settings: Settings, folder: Path, report: Callable[[str], None]) -> Path:
    """Write the page into a folder, in place of an older one; return its path.

    Raises:
        TerminalError: dbt cannot build or describe the models.
    """
    with tempfile.TemporaryDirectory() as home:
        work = Path(home)
        database = work / "models.duckdb"
        with warehouse.connect(database, spill=work) as con:
            put_nothing(con, settings.config_dir)
        report("describing the models")
        made = models.documented(
            settings.dbt_dir,
            database,
            work=work / "dbt",
            variables={"month": str(MONTH), "admitted_only": False},
        )
        text = made.read_text(encoding="utf-8")
    text, taken_out = TRACKER.subn("", text)
    if taken_out != 1:
        msg = f"{PAGE}: expected one {TRACKER.pattern} in dbt's page, found {taken_out}"
        raise TerminalError(msg)
    folder.mkdir(parents=True, exist_ok=True)
    page, aside = folder / PAGE, folder / f".{PAGE}.{os.getpid()}"
    aside.write_text(text, encoding="utf-8")
    aside.replace(page)
    return page


def put_nothing(con: duckdb.DuckDBPyConnection, config: Path) -> None:
    """Create every source of the models as a month's run does, of nothing landed."""
    nothing = inputs.Inputs(Path(), {topic: [] for topic in inputs.VIEWS}, None)
    inputs.show(con, nothing, None)
    inputs.put_all_parameters(
        con,
        month=MONTH,
        targets=load_targets(config / "queues.yaml"),
        contracts=(),
        watermarks=None,
    )
    put_agent_parameters(con, load_agent_time(config / "agent_time.yaml"))
    put_risk_parameters(con, load_wind_vane(config / "wind_vane.yaml"))
