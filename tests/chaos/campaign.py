"""One schedule from its topics to its verdict."""

from __future__ import annotations

import uuid
from dataclasses import replace
from pathlib import Path
from typing import Final

from pipeline.broker.admin import admin
from pipeline.broker.topics import apply_topics
from pipeline.settings import PROJECT_ROOT, load_settings
from tests.chaos import verdict
from tests.chaos.runner import Campaign, Run, underway
from tests.chaos.schedule import Fault, Schedule, Step
from tests.integration.webhook import receiver

WRONG: Final = ("snapshot without its offset", "gap skipped")
"""Workers that the verdict has to find out."""

KILLED: Final = Schedule(0, 1, frozenset(), (Step(6, Fault.KILL, 0, 0.1), Step(9, Fault.KILL, 0)))
"""What they are found out by."""


def run_schedule(
    broker: Campaign,
    schedule: Schedule,
    folder: Path,
    *,
    wrong: str | None = None,
    sql: bool = True,
) -> Run:
    """Run a schedule under topics of its own; with ``wrong``, by workers that have that fault.

    Raises:
        AssertionError: a number is not what it should be.
    """
    prefix = f"chaos-{schedule.seed}-{uuid.uuid4().hex[:8]}."
    apply_topics(broker.bootstrap, PROJECT_ROOT / "schemas" / "topics", prefix=prefix)
    environment = {"VANE_HOME": str(folder / "home"), "VANE_BOOTSTRAP": broker.bootstrap}
    settings = replace(load_settings(environment), topic_prefix=prefix)
    try:
        with (
            receiver() as webhook,
            underway(Run(broker, settings, schedule, webhook, wrong)) as run,
        ):
            run.run()
            clean = run.settle()
            verdict.check(run, clean, with_sql=sql)
            return run
    finally:
        with admin(broker.bootstrap) as client:
            names = [name for name in client.list_topics() if name.startswith(prefix)]
            client.delete_topics(names)
