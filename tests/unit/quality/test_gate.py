"""The gate: critical closes it, a warning is reported, an error is louder than either."""

from __future__ import annotations

import pytest

from pipeline.quality.gate import judge
from pipeline.quality.landed import LANDED
from pipeline.quality.landed_facts import FACTS
from pipeline.quality.marts import MARTS, PUBLISHED
from pipeline.quality.rules import Rule, Suite

SUITE = Suite(
    "d",
    (Rule("lost", "critical", "rows are gone"), Rule("odd", "warning", "this is odd", most=10)),
)


def test_a_dataset_within_its_limits_passes() -> None:
    verdict = judge(SUITE, {"lost": 0, "odd": 10})
    assert (verdict.violations, verdict.critical) == ((), ())


def test_a_warning_is_reported_and_lets_pass() -> None:
    verdict = judge(SUITE, {"lost": 0, "odd": 11})
    assert [str(v) for v in verdict.violations] == [
        "warning: odd = 11, expected at least 0, at most 10: this is odd"
    ]
    assert verdict.critical == ()


def test_a_critical_violation_closes_the_gate_and_names_the_value() -> None:
    (violation,) = judge(SUITE, {"lost": 3, "odd": 0}).critical
    assert "lost = 3" in str(violation)


@pytest.mark.parametrize("metrics", [{"odd": 0}, {"lost": None, "odd": 0}])
def test_a_rule_that_cannot_be_evaluated_is_critical(metrics: dict[str, int | None]) -> None:
    (violation,) = judge(SUITE, metrics).critical
    assert violation.rule.metric == "lost"


def test_an_error_in_a_warning_closes_the_gate_too() -> None:
    (violation,) = judge(SUITE, {"lost": 0}).critical
    assert "not evaluated" in str(violation)


@pytest.mark.parametrize("suite", [LANDED, FACTS, MARTS, PUBLISHED], ids=lambda suite: suite.name)
def test_every_shipped_rule_is_seen_to_fail(suite: Suite) -> None:
    good = {rule.metric: rule.most for rule in suite.rules}
    bad = {rule.metric: (rule.most or 0) + 1 for rule in suite.rules}
    assert judge(suite, good).violations == ()
    assert [(v.rule, v.severity) for v in judge(suite, bad).violations] == [
        (rule, rule.severity) for rule in suite.rules
    ]
