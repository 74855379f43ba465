"""The gate: critical closes it, a warning is reported, an error is louder than either."""

from __future__ import annotations

import pytest

from pipeline.errors import GateClosed
from pipeline.quality.gate import check, judge
from pipeline.quality.suites import FACTS, LANDED, MARTS, Rule

RULES = (
    Rule("lost", "critical", "rows are gone"),
    Rule("odd", "warning", "this is odd", most=10),
)


def test_a_dataset_within_its_limits_passes() -> None:
    verdict = check("d", {"lost": 0, "odd": 10}, RULES)
    assert (verdict.rules, verdict.violations) == (2, ())


def test_a_warning_is_reported_and_lets_pass() -> None:
    verdict = check("d", {"lost": 0, "odd": 11}, RULES)
    assert [str(v) for v in verdict.violations] == [
        "warning: odd = 11, expected at least 0, at most 10: this is odd"
    ]


def test_a_critical_violation_closes_the_gate_and_names_the_value() -> None:
    with pytest.raises(GateClosed, match="lost = 3"):
        check("d", {"lost": 3, "odd": 0}, RULES)


@pytest.mark.parametrize("metrics", [{"odd": 0}, {"lost": None, "odd": 0}])
def test_a_rule_that_cannot_be_evaluated_is_critical(metrics: dict[str, int | None]) -> None:
    with pytest.raises(GateClosed, match="lost"):
        check("d", metrics, RULES)


def test_an_error_in_a_warning_closes_the_gate_too() -> None:
    with pytest.raises(GateClosed, match="not evaluated"):
        check("d", {"lost": 0}, RULES)


@pytest.mark.parametrize("suite", [LANDED, FACTS, MARTS], ids=["landed", "facts", "marts"])
def test_every_shipped_rule_is_seen_to_fail(suite: tuple[Rule, ...]) -> None:
    good = {rule.metric: rule.most for rule in suite}
    bad = {rule.metric: (rule.most or 0) + 1 for rule in suite}
    assert judge("good", good, suite).violations == ()
    assert [(v.rule, v.severity) for v in judge("bad", bad, suite).violations] == [
        (rule, rule.severity) for rule in suite
    ]
