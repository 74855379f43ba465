"""By which run a queue's month is closed: the first that has read all of it."""

from __future__ import annotations

from pathlib import Path

import pytest

from pipeline.batch import explain
from pipeline.batch.definitions import closed_terms
from pipeline.config_files import Targets
from pipeline.domain.business_time import Month
from pipeline.lake.catalog import FrozenTerm, Run, record
from pipeline.settings import load_settings
from tests.factories import a_target

MONTH = Month(2025, 11)
END = MONTH.bounds("Asia/Shanghai")[1]
QUEUE = ("acme", "sh", "service")


def a_run(run_id: str, threshold_ms: int, *, read_at_ms: int, published_at_ms: int) -> Run:
    rules = a_target().rules
    term = FrozenTerm(
        client=QUEUE[0],
        site=QUEUE[1],
        queue=QUEUE[2],
        from_ms=0,
        to_ms=END,
        name=rules.name,
        definition=rules.canonical(),
        definition_hash=rules.content_hash,
        threshold_ms=threshold_ms,
        goal_permille=800,
        long_hold_ms=0,
        zone="Asia/Shanghai",
    )
    return Run(
        run_id=run_id,
        month=str(MONTH),
        client="",
        published_at_ms=published_at_ms,
        read_at_ms=read_at_ms,
        config_hash="",
        landed={},
        warnings=[],
        datasets=[],
        definitions=[term],
    )


EARLY = a_run("early", 20_000, read_at_ms=END - 1, published_at_ms=END + 600_000)
WHOLE = a_run("whole", 30_000, read_at_ms=END, published_at_ms=END + 900_000)
LATER = a_run("later", 40_000, read_at_ms=END + 1, published_at_ms=END + 950_000)
OF_OLD = a_run("of-old", 50_000, read_at_ms=0, published_at_ms=END)


@pytest.mark.parametrize(
    ("runs", "threshold_ms"),
    [
        ([EARLY], None),
        ([EARLY, WHOLE], 30_000),
        ([EARLY, WHOLE, LATER], 30_000),
        ([OF_OLD, WHOLE], 50_000),
    ],
)
def test_a_month_is_closed_by_the_first_run_that_has_all_of_it(
    runs: list[Run], threshold_ms: int | None
) -> None:
    closed = closed_terms(runs, MONTH, Targets((), ""))
    found = [target.threshold_ms for _, _, target in closed.get(QUEUE, [])]
    assert found == ([] if threshold_ms is None else [threshold_ms])


def test_of_such_a_run_nothing_is_told_as_the_closed_figure(tmp_path: Path) -> None:
    settings = load_settings({"VANE_HOME": str(tmp_path)})
    record(settings.published, EARLY)
    found = explain.Explanation(queue=QUEUE, month=MONTH, registries=[])
    explain._add_closing(found, settings, END)
    assert found.closing_run is None
