"""Runs many schedules on a real broker: ``make chaos SCHEDULES=50 SEED=0``."""

from __future__ import annotations

import logging
import shutil
import sys
import tempfile
import time
import traceback
from collections import Counter
from pathlib import Path

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from rich.table import Table

from pipeline.settings import load_settings
from tests.chaos.campaign import KILLED, WRONG, run_schedule
from tests.chaos.runner import Campaign, broker_to_restart
from tests.chaos.schedule import draw
from tests.chaos.verdict import DIFFERENT


def main(schedules: int, seed: int) -> int:
    """Run so many schedules from a seed on, and the workers that are wrong; 1 if any surprises."""
    home, jars = Path(tempfile.mkdtemp(prefix="vane-chaos-")), load_settings({}).jars
    logging.disable(logging.ERROR)  # clients tell that a broker is away when it is
    console = Console()
    faults: Counter[str] = Counter()
    failed: list[int] = []
    events, started = 0, time.monotonic()
    with (
        broker_to_restart(home, jars) as broker,
        Progress(
            TextColumn("schedules"),
            BarColumn(),
            MofNCompleteColumn(),
            TimeRemainingColumn(),
            console=Console(stderr=True),
            disable=not console.is_terminal,
        ) as progress,
    ):
        for number in progress.track(range(seed, seed + schedules), description=""):
            schedule = draw(number)
            try:
                run = run_schedule(broker, schedule, home / str(number))
            except Exception:  # noqa: BLE001 - whatever it is, the others are run
                failed.append(number)
                console.print(f"{schedule}\n{traceback.format_exc()}", markup=False)
                continue
            finally:
                shutil.rmtree(home / str(number), ignore_errors=True)
            faults.update(map(str, schedule.whole))
            faults.update(str(step.fault) for step in schedule.steps)
            events += run.events
            console.print(f"seed {number}: {len(schedule.faults)} faults, no difference")
        control = _is_found_out(broker, None, home / "right")
        unnoticed = [wrong for wrong in WRONG if not _is_found_out(broker, wrong, home / "wrong")]
    shutil.rmtree(home, ignore_errors=True)
    _show(console, faults, schedules - len(failed), events, time.monotonic() - started)
    for number in failed:
        console.print(f"seed {number} FAILED; again: make chaos SCHEDULES=1 SEED={number}")
    for wrong in WRONG:
        console.print(f"{wrong}: {'NOT NOTICED' if wrong in unnoticed else 'found out'}")
    console.print(f"nothing wrong, same schedule: {'DIFFERS' if control else 'no difference'}")
    return 1 if failed or unnoticed or control else 0


def _is_found_out(broker: Campaign, wrong: str | None, folder: Path) -> bool:
    try:
        run_schedule(broker, KILLED, folder, wrong=wrong, sql=False)
    except AssertionError as error:
        return DIFFERENT in str(error)
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    return False


def _show(console: Console, faults: Counter[str], good: int, events: int, took_s: float) -> None:
    table = Table()
    table.add_column("fault")
    table.add_column("schedules", justify="right")
    for fault, times in sorted(faults.items(), key=lambda row: (-row[1], row[0])):
        table.add_row(fault, str(times))
    console.print(table)
    console.print(
        f"{good} schedules without a difference, {faults.total()} faults, {events:,} events, "
        f"{took_s:.0f} s",
        soft_wrap=True,
    )


if __name__ == "__main__":
    options = [int(text) for text in sys.argv[1:]]
    sys.exit(main(*(options + [50, 0][len(options) :])))
