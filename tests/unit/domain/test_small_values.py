"""KPIs, targets, watermark, alerts and ids: the small rules, each at its edge."""

from __future__ import annotations

import pytest

from pipeline.domain.alert import alert_id
from pipeline.domain.alert_rule import DropRule
from pipeline.domain.closed_legs import REMEMBERED_MS, ClosedLegs, fingerprint
from pipeline.domain.events import SCHEMA_VERSION, customer_ref, event_id, routing_domain
from pipeline.domain.kpi import (
    SERVICE_LEVEL_FIELDS,
    add_vectors,
    average_handle_time_ms,
    average_speed_of_answer_ms,
    pane_start,
)
from pipeline.domain.leg import LegFacts, apply
from pipeline.domain.target import TargetHistory
from pipeline.domain.watermark import Watermark, is_clock_ahead
from tests.factories import a_target, an_event

RULE = {
    "name": "drop",
    "version": "1",
    "severity": "page",
    "runbook": "",
    "window_ms": 300_000,
    "enter_margin_permille": 100,
    "leave_margin_permille": 20,
    "min_offered": 20,
}


def a_rule(**terms: object) -> DropRule:
    return DropRule(**(RULE | terms))  # type: ignore[arg-type]


def test_a_ratio_of_nothing_is_none() -> None:
    nothing = dict.fromkeys((*SERVICE_LEVEL_FIELDS, "talk_ms", "hold_ms", "acw_ms", "handled"), 0)
    for ratio in (average_speed_of_answer_ms, average_handle_time_ms):
        assert ratio(nothing) is None


def test_ratios_divide_sums() -> None:
    counts = {
        "offered": 10,
        "answered": 8,
        "wait_answered_ms": 80_000,
        "handled": 4,
        "talk_ms": 400,
        "hold_ms": 40,
        "acw_ms": 8,
    }
    assert average_speed_of_answer_ms(counts) == 10_000
    assert average_handle_time_ms(counts) == 112


def test_vectors_add_and_none_is_the_zero_vector() -> None:
    assert add_vectors([], 2) == [0, 0]
    assert add_vectors([[1, 2], [3, 4]], 2) == [4, 6]


def test_a_pane_holds_its_start_and_not_its_end() -> None:
    assert [pane_start(t) for t in (0, 29_999, 30_000)] == [0, 0, 30_000]


def test_an_event_id_is_a_function_of_source_and_native_identity() -> None:
    assert event_id("a", "1") == event_id("a", "1")
    assert len({event_id("a", "1"), event_id("b", "1"), event_id("a", "2")}) == 3
    assert len(event_id("a", "1")) == 32


def test_a_customer_ref_hides_the_number_and_ignores_punctuation() -> None:
    ref = customer_ref(b"key", "+49 (30) 1234")
    assert ref is not None
    assert len(ref) == 24
    assert ref == customer_ref(b"key", "49301234")
    assert ref != customer_ref(b"other", "49301234")
    assert ref is not None
    assert "1234" not in ref
    assert customer_ref(b"key", "anonymous") is None
    assert customer_ref(b"key", "0") is None


def test_the_routing_domain_is_client_and_site_where_there_is_one() -> None:
    assert routing_domain("acme", "") == "acme"
    assert routing_domain("acme", "sh") == "acme/sh"


def test_the_target_in_force_is_the_newest_that_has_started() -> None:
    old, new = a_target(goal_permille=800), a_target(goal_permille=850)
    history = TargetHistory((1000, 2000), (old, new))
    assert [history.at(t) is new for t in (0, 1000, 1999, 2000)] == [False, False, False, True]


@pytest.mark.parametrize("starts", [(), (1,), (2, 1), (1, 1)])
def test_a_target_history_must_ascend_and_match(starts: tuple[int, ...]) -> None:
    with pytest.raises(ValueError, match=r"need|ascend"):
        TargetHistory(starts, (a_target(), a_target()))


def test_a_clock_is_ahead_from_five_seconds() -> None:
    assert not is_clock_ahead(15_000, 10_000)
    assert is_clock_ahead(15_001, 10_000)


def test_the_watermark_never_goes_back_and_waits_for_the_slowest_active_source() -> None:
    watermark = Watermark()
    for source, at, appended, expected in (
        ("a", 1000, 0, 1000),
        ("a", 500, 0, 1000),
        ("b", 200, 0, 1000),
        ("a", 9000, 10, 1000),
        ("b", 4000, 20, 4000),
        ("a", 9500, 60_020, 4000),
        ("a", 9600, 60_021, 9600),
    ):
        watermark.ms = watermark.candidate(source, at, appended)
        assert watermark.ms == expected


def test_an_event_as_new_as_its_sources_newest_does_not_ask_who_is_idle() -> None:
    watermark = Watermark()
    for source, at in (("a", 1000), ("b", 9000)):
        watermark.ms = watermark.candidate(source, at, 0)
    assert watermark.candidate("b", 9000, 61_000) == 1000
    assert watermark.candidate("b", 9001, 61_000) == 9001


@pytest.mark.parametrize(
    "terms",
    [
        {"window_ms": 0},
        {"window_ms": 45_000},
        {"enter_margin_permille": 20},
        {"leave_margin_permille": -1},
        {"enter_margin_permille": 1000},
        {"min_offered": 0},
    ],
)
def test_a_rule_that_cannot_work_is_refused(terms: dict[str, int]) -> None:
    with pytest.raises(ValueError, match="expected"):
        a_rule(**terms)


def test_an_alert_id_names_rule_queue_instant_and_transition() -> None:
    rule = a_rule()
    ids = {
        alert_id(rule, "q", 1, 1),
        alert_id(rule, "q", 1, 2),
        alert_id(rule, "q", 2, 1),
        alert_id(rule, "r", 1, 1),
        alert_id(a_rule(version="2"), "q", 1, 1),
    }
    assert len(ids) == 5
    assert alert_id(rule, "q", 1, 1) in ids


def test_closed_legs_are_remembered_for_two_generations() -> None:
    mark = fingerprint(("c1", 1, "service", "acme", ""))
    closed = ClosedLegs()
    assert mark not in closed
    closed.rotate(1)
    closed.add(mark)
    assert mark in closed
    assert fingerprint(("c2", 1, "service", "acme", "")) not in closed
    closed.rotate(REMEMBERED_MS)
    assert mark in closed
    closed.rotate(1 + REMEMBERED_MS)
    assert mark in closed
    closed.rotate(1 + 2 * REMEMBERED_MS)
    assert mark not in closed


def test_an_unknown_event_type_is_a_bug_not_a_guess() -> None:
    event = an_event("queued")
    object.__setattr__(event, "type", "vanished")
    with pytest.raises(AssertionError, match="no rule"):
        apply(LegFacts(), event)


def test_the_version_on_the_wire_is_that_of_the_published_schemas() -> None:
    assert SCHEMA_VERSION == 1
