"""Real logs and other people's answers: wazo-stat's scenarios cell by cell, and a dirty log."""

from __future__ import annotations

import json
from collections import Counter
from typing import Any

import pytest

from pipeline.config_files import load_targets
from pipeline.domain.intervals import Grain, Grid
from pipeline.offline.log_files import Chunk
from pipeline.offline.queue_log_kpis import TermsFinder, count_log
from pipeline.offline.queue_log_rows import Range, queue_rows
from pipeline.settings import PROJECT_ROOT
from tests.realdata.wazo_queue_log import Outcome, run_scenario

FOLDER = PROJECT_ROOT.parent / "shared/realdata/queue_log"
SCENARIOS = FOLDER / "scenarios_with_expected_statistics.json"
DIRTY = FOLDER / "dirty_queue_log.txt"
absent = pytest.mark.skipif(
    not SCENARIOS.exists(), reason="no ../shared/realdata beside the repository"
)


def scenarios() -> list[tuple[str, dict[str, Any]]]:
    if not SCENARIOS.exists():
        return []
    content = json.loads(SCENARIOS.read_text(encoding="utf-8"))
    return [(feature, one) for feature, ones in content.items() for one in ones]


def title(value: object) -> str:
    return value["scenario"] if isinstance(value, dict) else str(value)


@absent
@pytest.mark.parametrize(("feature", "scenario"), scenarios(), ids=title)
def test_a_scenario_gives_every_figure_that_wazo_gives(
    feature: str, scenario: dict[str, Any]
) -> None:
    outcome = run_scenario(scenario)
    assert outcome.wrong == []
    assert outcome.compared > 0
    assert outcome.unknown == Counter()


@absent
@pytest.mark.parametrize(
    ("feature", "scenario"), [s for s in scenarios() if "queue" in s[0]], ids=title
)
def test_a_scenario_of_queues_reads_the_same_from_a_file_of_whole_seconds(
    feature: str, scenario: dict[str, Any]
) -> None:
    outcome = run_scenario(scenario, form="lines")
    assert outcome.wrong == []
    assert outcome.compared > 0


@absent
def test_all_scenarios_are_there_and_no_cell_is_passed_over() -> None:
    outcomes = [run_scenario(scenario) for _, scenario in scenarios()]
    assert len(outcomes) == 17
    rows = [r for _, s in scenarios() for e in s["expected"] for r in e["rows"]]
    in_a_step = 1  # "I should have 00:15:00 minutes login in the last hour"
    assert sum(o.compared for o in outcomes) == sum(len(r) - 1 for r in rows) + in_a_step


@absent
@pytest.mark.parametrize(("feature", "scenario"), scenarios(), ids=title)
def test_a_scenario_needs_no_range_to_give_the_same_rows(
    feature: str, scenario: dict[str, Any]
) -> None:
    """Whoever gives neither --from nor --until has rows only where there is something to tell."""
    outcome = run_scenario(scenario, shown="met")
    assert outcome.wrong == []
    assert outcome.compared > 0


def test_a_wrong_figure_is_noticed() -> None:
    names = ("time", "callid", "queuename", "agent", "event", *(f"data{i}" for i in range(1, 6)))
    row = dict.fromkeys(names, "")
    row |= {"time": "2012-07-01 08:00:00.000000", "callid": "c", "queuename": "q", "agent": "NONE"}
    scenario = {
        "setup": [{"step": 'a statistic configuration "test" from "8:00" to "9:00" with queue'}],
        "queue_log": [row | {"event": "FULL"}],
        "expected": [
            {
                "assert": 'statistics on "q" on "2012-07-01" on configuration "test":',
                "rows": [{"interval": "8h-9h", "Received": "1", "Saturated": "2"}],
            }
        ],
    }
    outcome = run_scenario(scenario)
    assert outcome.wrong == ["q 8h-9h, Saturated: expected '2', got '1'"]
    assert outcome.compared == 2
    assert isinstance(outcome, Outcome)


@absent
def test_the_dirty_log_is_read_to_its_end_and_every_line_is_in_one_count() -> None:
    data = DIRTY.read_bytes().removesuffix(b"\n")
    terms = TermsFinder(load_targets(PROJECT_ROOT / "config" / "queues.yaml"), "", "", None, ())
    grid, wanted = Grid("UTC", Grain.HOUR), Range()
    chunk = Chunk(DIRTY.name, 1, data, is_cut=False)
    counted = count_log([chunk], grid, terms, zone=None, wanted=wanted)
    tally = counted.tally
    assert tally.adds_up
    assert tally.lines == data.count(b"\n") + 1
    assert tally.rejected == Counter()
    assert tally.skipped == Counter({"blank": 2, "verb:DID": 1})
    # Four calls were answered, however often their lines are repeated; one is not over.
    rows = list(queue_rows(counted.book, wanted))
    assert sum(row["answered"] for row in rows) == 4
    assert sum(row["handled"] for row in rows) == 3
    assert sum(row["talk_s_total"] for row in rows) == 122 + 406 + 228
    assert sum(row["wait_s_total"] for row in rows) == 10 + 14 + 6 + 10
