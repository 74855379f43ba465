"""Closes a month in this process and tells how long each part of the run took, as JSON.

    python -m benchmarks.batch.parts --month 2025-11 [--memory 2GB]

The run is ``vane month run``'s own; its functions are timed where it calls them. A part's seconds
are without those of the parts inside it.
"""

from __future__ import annotations

import argparse
import functools
import json
import sys
import time
from collections import defaultdict
from collections.abc import Callable
from typing import Any, Final

from pipeline.batch import inputs, models, publish
from pipeline.batch import month as month_run
from pipeline.batch.acceptance import Acceptance
from pipeline.domain.business_time import parse_month
from pipeline.lake import warehouse
from pipeline.settings import load_settings

CHECKING: Final = "checking landed files"
GATES: Final = "gates"
DBT: Final = "dbt start"
MODELS: Final = "models"
TESTS: Final = "tests of models"
WRITING: Final = "writing"
REST: Final = "rest"
PARTS: Final = (CHECKING, GATES, DBT, MODELS, TESTS, WRITING, REST)

CALLED: Final[tuple[tuple[Any, str, str], ...]] = (
    (inputs, "find", CHECKING),
    (month_run, "_admit", GATES),
    (month_run, "_publish", GATES),
    (Acceptance, "admit", GATES),
    (publish, "read_back", GATES),
    (models, "load", DBT),
    (models, "build", DBT),
    (publish, "export", WRITING),
    (publish, "publish", WRITING),
)
"""Where a function is called by its name, and the part that its time is of."""


class Clock:
    """Gives each moment to the innermost part under way."""

    def __init__(self) -> None:
        """Start with the rest."""
        self.seconds: dict[str, float] = defaultdict(float)
        self._under_way = [REST]
        self._since = time.perf_counter()

    def turn(self) -> None:
        """Give the time since the last turn to the innermost part."""
        now = time.perf_counter()
        self.seconds[self._under_way[-1]] += now - self._since
        self._since = now

    def timed(self, part: str, function: Callable[..., Any]) -> Callable[..., Any]:
        """Return the function; its time is the part's."""

        @functools.wraps(function)
        def call(*args: Any, **named: Any) -> Any:  # noqa: ANN401 - whatever it takes and gives
            self.turn()
            self._under_way.append(part)
            try:
                return function(*args, **named)
            finally:
                self.turn()
                self._under_way.pop()

        return call

    def move(self, seconds: float, part: str, to: str) -> None:
        """Give some of a part's time to another."""
        self.seconds[part] -= seconds
        self.seconds[to] += seconds


def watch_run(clock: Clock) -> None:
    """Let the clock time the parts of runs of this process."""
    for owner, name, part in CALLED:
        timed = clock.timed(part, getattr(owner, name))
        setattr(owner, name, _split(clock, timed) if name == "build" else timed)


def _split(clock: Clock, build: Callable[..., list[models.Node]]) -> Callable[..., Any]:
    """Return the build of models; what its nodes took is theirs, the rest dbt's start."""

    def built(*args: Any, **named: Any) -> list[models.Node]:  # noqa: ANN401 - as models.build
        nodes = build(*args, **named)
        for node in nodes:
            clock.move(node.seconds, DBT, MODELS if node.kind == "model" else TESTS)
        return nodes

    return built


def main() -> None:
    """Close the month of the home that the environment names."""
    options = argparse.ArgumentParser(description=str(__doc__).splitlines()[0])
    options.add_argument("--month", required=True)
    options.add_argument("--memory", default=warehouse.MEMORY_LIMIT, help="DuckDB's memory limit")
    chosen = options.parse_args()
    vars(warehouse)["MEMORY_LIMIT"] = chosen.memory
    clock = Clock()
    watch_run(clock)
    closed = month_run.close_month(
        load_settings(),
        parse_month(chosen.month),
        report=lambda line: print(line, file=sys.stderr),
    )
    clock.turn()
    rows = {dataset.name: dataset.rows for dataset in closed.run.datasets}
    print(json.dumps({"parts": clock.seconds, "rows": rows}))


if __name__ == "__main__":
    main()
