"""The statistics of wazo-call-logd's own test cases, rows in and figures out, all cells."""

from __future__ import annotations

import json
from collections import Counter
from typing import Any

import pytest

from pipeline.errors import InputError
from pipeline.settings import PROJECT_ROOT
from tests.realdata.wazo_cases import BAD_PARAMETERS, Bad, misses, run_case

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


def a_case_of_errors(table: str) -> dict[str, Any]:
    kind, name = ("agent", "agent_id") if "agent" in table else ("queue", "queue_id")
    call = f"calling(self.call_logd.{kind}_statistics.get_by_id).with_args"
    row = {"time": "2020-10-06 7:00:00", f"stat_{kind}_id": 1}
    return {
        "test": "TestInputParameters.test_made_up",
        "inputs": [
            {"table": f"stat_{kind}", "row": {"id": 1, name: 1}},
            {"table": table, "row": row},
        ],
        "calls": [{"call": call, "args": [], "kwargs": {name: 1, "null": "<expr> body"}}],
        "expected": [{"subject": call, "expected": "<expr> raises(CallLogdError)"}],
    }


@pytest.mark.parametrize("table", ["stat_queue_periodic", "stat_agent_periodic"])
def test_every_bad_parameter_is_refused_for_itself_and_a_good_one_answered(table: str) -> None:
    outcome = run_case(a_case_of_errors(table))
    assert outcome.wrong == []
    assert outcome.compared == len(BAD_PARAMETERS)


def test_a_bad_parameter_that_is_answered_and_a_good_one_that_is_not_are_noticed(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    harmless = Bad({"week_days": "1"}, "week_days", {"week_days": "8"})
    monkeypatch.setattr("tests.realdata.wazo_cases.BAD_PARAMETERS", (harmless,))
    with pytest.raises(InputError, match="week_days: expected"):
        run_case(a_case_of_errors("stat_queue_periodic"))
    harmless = harmless._replace(good={"week_days": "2"})
    monkeypatch.setattr("tests.realdata.wazo_cases.BAD_PARAMETERS", (harmless,))
    (wrong,) = run_case(a_case_of_errors("stat_queue_periodic")).wrong
    assert wrong.startswith("{'week_days': '1'}: expected a refusal, got {'items'")


@pytest.mark.parametrize(
    "told",
    [
        "week_days: a number",
        "week_days: expected days from 1 to 7, got '5'",
        "timezone: expected a zone, got '5,8'",
    ],
)
def test_a_refusal_that_does_not_say_what_was_wrong_is_noticed(told: str) -> None:
    bad = Bad({"week_days": "5,8"}, "week_days", {})
    assert misses(told, bad) is not None
    assert misses("week_days: expected days from 1 to 7, got '5,8'", bad) is None
