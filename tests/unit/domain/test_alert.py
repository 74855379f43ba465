"""The state machine of an alert, rules that cannot work, and planned maintenance."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date

import pytest

from pipeline.domain.alert import AlertState, AlertStatus, alert_id, step
from pipeline.domain.alert_rule import (
    BacklogRule,
    BurnRule,
    DropRule,
    JumpRule,
    Maintenance,
    Rule,
    ShareRule,
    SilenceRule,
    SurgeRule,
)

FIRING, RESOLVED = AlertStatus.FIRING, AlertStatus.RESOLVED
NAMES = {"name": "r", "version": "1", "severity": "page", "runbook": "docs/runbooks/r.md"}
TERMS: dict[type[Rule], dict[str, int]] = {
    DropRule: {"enter_margin_permille": 100, "leave_margin_permille": 20, "min_offered": 20},
    BurnRule: {"long_ms": 1_800_000, "enter_permille": 3000, "leave_permille": 1500},
    ShareRule: {"enter_permille": 100, "leave_permille": 50},
    BacklogRule: {"enter": 10, "leave": 5},
    JumpRule: {"enter_permille": 1300, "leave_permille": 1100},
    SurgeRule: {"enter_permille": 1500, "leave_permille": 1200},
    SilenceRule: {"min_expected": 10},
}


def a_rule(kind: type[Rule], **terms: object) -> Rule:
    values: dict[str, object] = {**NAMES, "window_ms": 300_000, **TERMS[kind]}
    return kind(**(values | terms))  # type: ignore[arg-type]


def said(rule: Rule, steps: Iterable[tuple[bool, bool]]) -> list[AlertStatus | None]:
    state = AlertState()
    return [
        step(rule, state, 30_000 * i, holds=holds, over=over)
        for i, (holds, over) in enumerate(steps, start=1)
    ]


def test_it_fires_and_resolves_at_once_unless_told_to_wait() -> None:
    rule = a_rule(DropRule)
    steps = [(False, True), (True, False), (True, False), (False, False), (False, True)]
    assert said(rule, steps) == [None, FIRING, None, None, RESOLVED]


def test_it_fires_once_the_condition_has_held_without_a_break() -> None:
    rule = a_rule(DropRule, for_ms=60_000)
    yes, no = (True, False), (False, False)
    assert said(rule, [yes, yes, no, yes, yes, yes]) == [None] * 5 + [FIRING]


def test_it_resolves_once_it_has_been_over_without_a_break() -> None:
    rule = a_rule(DropRule, keep_firing_ms=60_000)
    yes, over, nothing = (True, False), (False, True), (False, False)
    steps = [yes, over, over, nothing, over, over, over]
    assert said(rule, steps) == [FIRING, *[None] * 5, RESOLVED]


def test_what_was_waited_for_begins_anew_after_each_transition() -> None:
    slow = a_rule(DropRule, for_ms=60_000, keep_firing_ms=60_000)
    yes, over = (True, False), (False, True)
    fires, ends = [yes, yes, yes], [over, over, over]
    once = [None, None, FIRING, None, None, RESOLVED]
    assert said(slow, [*fires, *ends, *fires, *ends]) == once * 2
    state = AlertState()
    for at, (holds, is_over) in enumerate([*fires, *ends], start=1):
        step(slow, state, 30_000 * at, holds=holds, over=is_over)
    assert state == AlertState(transitions=2)


def test_time_alone_moves_what_is_pending_or_calming_down() -> None:
    assert not AlertState().is_moving
    assert AlertState(since_ms=1).is_moving
    assert not AlertState(firing=True, since_ms=1).is_moving
    assert AlertState(firing=True, since_ms=1, calm_ms=2).is_moving


def test_an_alert_id_names_rule_queue_instant_and_transition() -> None:
    rule = a_rule(DropRule)
    ids = {
        alert_id(rule, "q", 1, 1),
        alert_id(rule, "q", 1, 2),
        alert_id(rule, "q", 2, 1),
        alert_id(rule, "r", 1, 1),
        alert_id(a_rule(DropRule, version="2"), "q", 1, 1),
    }
    assert len(ids) == 5
    assert alert_id(rule, "q", 1, 1) in ids


WRONG: list[tuple[type[Rule], dict[str, int], str]] = [
    (DropRule, {"window_ms": 0}, "window: expected a multiple of 30 s, got 0"),
    (DropRule, {"window_ms": 45_000}, "window: expected a multiple of 30 s, got 45"),
    (DropRule, {"window_ms": 7_230_000}, "window: expected at most 7200 s, got 7230"),
    (DropRule, {"for_ms": -1000}, "for_s: expected 0 to 86400 s, got -1"),
    (DropRule, {"keep_firing_ms": 86_401_000}, "keep_firing_s: expected 0 to 86400 s"),
    (DropRule, {"from_day": 9, "until_day": 9}, "until: expected a day after from"),
    (DropRule, {"enter_margin_permille": 20}, "margins: expected"),
    (DropRule, {"leave_margin_permille": -1}, "margins: expected"),
    (DropRule, {"enter_margin_permille": 1000}, "margins: expected"),
    (DropRule, {"min_offered": 0}, "min_offered: expected at least 1"),
    (BurnRule, {"long_ms": 300_000}, "windows: expected the short one shorter"),
    (BurnRule, {"long_ms": 310_000}, "long_window: expected a multiple"),
    (BurnRule, {"enter_permille": 1000}, "burn: expected 0 < leave <= enter"),
    (BurnRule, {"leave_permille": 3001}, "burn: expected 0 < leave <= enter"),
    (BurnRule, {"leave_permille": 0}, "burn: expected 0 < leave <= enter"),
    (BurnRule, {"min_calls": 0}, "min_calls: expected at least 1"),
    (BurnRule, {"inflation_permille": 999}, "inflation_pct: expected at least 100"),
    (ShareRule, {"enter_permille": 1000}, "shares: expected"),
    (ShareRule, {"leave_permille": 101}, "shares: expected"),
    (ShareRule, {"min_calls": 0}, "min_calls: expected"),
    (BacklogRule, {"leave": 11}, "waiting: expected 0 < leave <= enter"),
    (BacklogRule, {"leave": 0}, "waiting: expected 0 < leave <= enter"),
    (JumpRule, {"enter_permille": 1000, "leave_permille": 900}, "factors: expected"),
    (JumpRule, {"leave_permille": 1301}, "factors: expected"),
    (JumpRule, {"min_calls": 0}, "min_calls: expected"),
    (SurgeRule, {"leave_permille": 0}, "factors: expected"),
    (SurgeRule, {"min_calls": 0}, "min_calls: expected"),
    (SilenceRule, {"min_expected": 0}, "min_expected: expected at least 1"),
]


@pytest.mark.parametrize(("kind", "terms", "problem"), WRONG)
def test_a_rule_that_cannot_work_is_refused(
    kind: type[Rule], terms: dict[str, int], problem: str
) -> None:
    with pytest.raises(ValueError, match=problem):
        a_rule(kind, **terms)


@pytest.mark.parametrize("kind", list(TERMS))
def test_every_kind_refuses_a_window_that_is_none(kind: type[Rule]) -> None:
    with pytest.raises(ValueError, match="window: expected a multiple of 30 s, got 45"):
        a_rule(kind, window_ms=45_000)


EDGES: list[tuple[type[Rule], dict[str, int]]] = [
    (DropRule, {"window_ms": 7_200_000}),
    (DropRule, {"for_ms": 86_400_000, "keep_firing_ms": 86_400_000}),
    (BurnRule, {"enter_permille": 1001, "leave_permille": 1001}),
    (BurnRule, {"leave_permille": 1}),
    (ShareRule, {"enter_permille": 999, "leave_permille": 999}),
    (ShareRule, {"leave_permille": 1}),
    (BacklogRule, {"enter": 1, "leave": 1}),
    (JumpRule, {"enter_permille": 1001, "leave_permille": 1001}),
    (SurgeRule, {"leave_permille": 1}),
    (SilenceRule, {"min_expected": 1}),
]


@pytest.mark.parametrize(("kind", "terms"), EDGES)
def test_a_rule_may_be_as_odd_as_that(kind: type[Rule], terms: dict[str, int]) -> None:
    assert a_rule(kind, **terms).window_ms == terms.get("window_ms", 300_000)


@pytest.mark.parametrize(
    ("kind", "terms"),
    [
        (DropRule, {"for_ms": 86_400_001}),
        (DropRule, {"keep_firing_ms": 86_400_001}),
        (BurnRule, {"enter_permille": 1000, "leave_permille": 900}),
        (ShareRule, {"leave_permille": 0}),
        (JumpRule, {"leave_permille": 0}),
    ],
)
def test_and_no_odder(kind: type[Rule], terms: dict[str, int]) -> None:
    with pytest.raises(ValueError, match="expected"):
        a_rule(kind, **terms)


def test_what_a_rule_has_that_does_not_say_it() -> None:
    common = {**NAMES, "window_ms": 300_000}
    shares = {"enter_permille": 1300, "leave_permille": 1100}
    surge = SurgeRule(**common, **shares)  # type: ignore[arg-type]
    assert (surge.min_calls, surge.inflation_permille) == (20, 2000)
    assert SilenceRule(**common).min_expected == 10  # type: ignore[arg-type]
    jump = JumpRule(**common, **shares)  # type: ignore[arg-type]
    assert (jump.min_calls, jump.aht_ms) == (30, None)
    assert (surge.from_day, surge.until_day) == (1, date(9999, 12, 31).toordinal() + 1)


@pytest.mark.parametrize(
    ("rule", "inputs", "least", "by_time"),
    [
        (a_rule(DropRule, min_offered=7), 1, 7, False),
        (a_rule(BurnRule, min_calls=8), 1, 8, False),
        (a_rule(ShareRule, min_calls=9), 1, 9, False),
        (a_rule(ShareRule, kpi="complaint_rate"), 6, 10, False),
        (a_rule(BacklogRule), 1, 0, True),
        (a_rule(JumpRule), 2, 30, False),
        (a_rule(SurgeRule), 1, 20, True),
        (a_rule(SilenceRule), 1, 0, True),
    ],
)
def test_what_a_rule_looks_at(rule: Rule, inputs: int, least: int, *, by_time: bool) -> None:
    assert (rule.inputs, rule.least_calls, rule.by_time) == (inputs, least, by_time)


def test_a_queue_can_burn_no_faster_than_when_every_call_is_a_miss() -> None:
    rule = a_rule(BurnRule, enter_permille=5000)
    assert isinstance(rule, BurnRule)
    assert rule.is_possible(800)
    assert not rule.is_possible(799)
    assert rule.is_possible(1000)


def test_burn_looks_at_two_windows_and_the_others_at_one() -> None:
    assert a_rule(BurnRule).windows_ms == (300_000, 1_800_000)
    assert a_rule(DropRule).windows_ms == (300_000,)


def test_maintenance_covers_its_queues_from_its_start_until_before_its_end() -> None:
    window = Maintenance(start_ms=100, end_ms=200, client="acme", queue="ord*")
    for at, covered in ((99, False), (100, True), (199, True), (200, False)):
        assert window.covers("acme", "north", "orders", at, at) is covered
    assert window.covers("acme", "", "orders", 50, 100)  # any of the span
    assert not window.covers("other", "", "orders", 150, 150)
    assert not window.covers("acme", "", "support", 150, 150)
    assert not Maintenance(start_ms=1, end_ms=9, site="n").covers("acme", "s", "q", 2, 2)
