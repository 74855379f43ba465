"""Runs many simulated schedules and says what was in them: ``make simulate SCHEDULES=2000``."""

from __future__ import annotations

import logging
import sys
import time
from collections.abc import Callable, Sequence
from typing import Any, Final

import structlog
from hypothesis import HealthCheck, given, seed, settings
from hypothesis import strategies as st
from hypothesis.strategies import SearchStrategy
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from rich.table import Table

from tests import conftest  # noqa: F401 - chooses the domain, sets Hypothesis up
from tests.simulation.campaign import done, inputs, loss_is_told, numbers_stay, steps

LAWS: Final = (
    (numbers_stay, (inputs, steps)),
    (loss_is_told, (inputs, steps, st.integers(0, 60))),
)


def main(schedules: int, begin: int) -> int:
    """Run so many schedules of each kind, drawn from a seed; a failure is shown, and is 1."""
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.CRITICAL))
    console = Console()
    started = time.monotonic()
    with Progress(
        TextColumn("schedules"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeRemainingColumn(),
        console=Console(stderr=True),
        disable=not console.is_terminal,
    ) as progress:
        task = progress.add_task("", total=schedules * len(LAWS))
        for law, drawn in LAWS:
            _run(law, drawn, schedules, begin, lambda: progress.advance(task))
    table = Table()
    table.add_column("in these schedules")
    table.add_column("times", justify="right")
    for name, times in done.most_common():
        table.add_row(name, f"{times:,}")
    console.print(table)
    console.print(f"0 differences, {time.monotonic() - started:.0f} s, seed {begin}")
    return 0


def _run(
    law: Callable[..., None],
    drawn: Sequence[SearchStrategy[Any]],
    schedules: int,
    begin: int,
    tell: Callable[[], None],
) -> None:
    @seed(begin)
    @settings(
        max_examples=schedules,
        deadline=None,
        database=None,
        suppress_health_check=list(HealthCheck),
    )
    @given(st.tuples(*drawn))
    def run(arguments: tuple[Any, ...]) -> None:
        law(*arguments)
        tell()

    run()


if __name__ == "__main__":
    options = [int(text) for text in sys.argv[1:]]
    sys.exit(main(*(options + [1000, 1][len(options) :])))
