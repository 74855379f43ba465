"""The statistics of wazo-call-logd's own test cases, rows in and figures out, all cells."""

from __future__ import annotations

import json
from collections import Counter
from typing import Any

import pytest

from pipeline.settings import PROJECT_ROOT
from tests.realdata.wazo_cases import run_case

CASES = (
    PROJECT_ROOT.parent / "shared/realdata/interval_statistics/cases_with_expected_statistics.json"
)


def cases() -> list[dict[str, Any]]:
    return json.loads(CASES.read_text(encoding="utf-8")) if CASES.exists() else []


def title(case: dict[str, Any]) -> str:
    return str(case["test"])


@pytest.mark.skipif(not CASES.exists(), reason="no ../shared/realdata beside the repository")
@pytest.mark.parametrize("case", cases(), ids=title)
def test_a_case_gives_every_figure_that_wazo_gives(case: dict[str, Any]) -> None:
    outcome = run_case(case)
    assert outcome.wrong == []
    assert outcome.compared > 0


@pytest.mark.skipif(not CASES.exists(), reason="no ../shared/realdata beside the repository")
def test_nothing_in_the_cases_is_left_out_unsaid() -> None:
    outcomes = [run_case(case) for case in cases()]
    not_understood = sum((outcome.not_understood for outcome in outcomes), Counter[str]())
    # A mapping merged into an expected item under a name; its cells are not in the data.
    assert set(not_understood) == {"<expr> common_fields"}
    assert sum(outcome.compared for outcome in outcomes) > 800


def test_a_wrong_figure_is_noticed() -> None:
    case = {
        "test": "TestStatistics.test_made_up",
        "inputs": [
            {"table": "stat_queue_periodic", "row": {"time": "2020-10-06 7:00:00", "answered": 3}}
        ],
        "calls": [
            {
                "call": "self.call_logd.queue_statistics.get_by_id",
                "args": [],
                "kwargs": {"queue_id": 1, "from_": "2020-10-06 00:00:00"},
            }
        ],
        "expected": [
            {"subject": "results['items']", "expected": [{"answered": "<expr> 1 + 1", "closed": 0}]}
        ],
    }
    outcome = run_case(case)
    assert outcome.wrong == ["results['items'][0].answered: expected 2, found 3"]
    assert outcome.compared == 2
