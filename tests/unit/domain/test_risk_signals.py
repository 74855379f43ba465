"""The signals of a contact: of its legs, its words, its customer's contacts and cases."""

from __future__ import annotations

from typing import Any

import pytest

from pipeline.domain.complaint import Complaint
from pipeline.domain.events import CallEvent, EventType, TransferKind
from pipeline.domain.leg import LegFacts
from pipeline.domain.repeat import Contact
from pipeline.domain.risk import REPEATS_COUNTED, RiskTerms, Signals
from pipeline.domain.risk_signals import (
    Words,
    earlier_contacts,
    hits,
    of_legs,
    open_cases,
    outcomes_within,
    words,
)
from pipeline.domain.target import ServiceTarget

TARGET = ServiceTarget(
    threshold_ms=20_000,
    inclusive=True,
    short_abandon_ms=5_000,
    long_hold_ms=60_000,
    goal_permille=800,
)


def event(kind: EventType, **more: Any) -> CallEvent:
    given: dict[str, Any] = {"occurred_at_ms": 1000, "contact_id": "c"} | more
    return CallEvent(
        v=1,
        event_id="e",
        type=kind,
        client="acme",
        queue="q",
        leg=1,
        source="acd",
        source_position="1",
        **given,
    )


def a_case(record_id: str = "r", **more: Any) -> Complaint:
    given: dict[str, Any] = {"received_at_ms": 1000} | more
    return Complaint(
        v=1,
        record_id=record_id,
        revision_id="1",
        as_of_ms=1,
        client="acme",
        source="crm",
        source_position="1",
        complaint_id=record_id,
        category="waiting",
        **given,
    )


def test_codes_come_with_wrap_up_and_words_with_a_flag_of_a_transcript() -> None:
    found = words(
        [
            event(EventType.WRAPUP_STARTED, reason="refund"),
            event(EventType.WRAPUP_ENDED, reason="refund"),
            event(EventType.WRAPUP_ENDED, reason="keyword:x"),
            event(EventType.WRAPUP_ENDED),
            event(EventType.WRAPUP_ENDED, reason=""),
            event(EventType.COMPLAINT_FLAGGED, reason="keyword:law"),
            event(EventType.COMPLAINT_FLAGGED, reason="keyword:"),
            event(EventType.COMPLAINT_FLAGGED, reason="rude"),
            event(EventType.COMPLAINT_FLAGGED),
            event(EventType.ENDED, reason="keyword:ended"),
        ]
    )
    assert found == Words(frozenset({"refund", "keyword:x"}), frozenset({"law"}))


def test_words_that_the_terms_name_are_hits() -> None:
    terms = RiskTerms(
        intercept=0,
        listed_from=0,
        outcome_window_ms=1,
        scales={},
        wrapup_codes=frozenset({"a", "b"}),
        keywords=frozenset({"c"}),
    )
    assert hits(Words(frozenset("abc"), frozenset("abc")), terms) == (2, 1)
    assert hits(Words(frozenset(), frozenset()), terms) == (0, 0)


def leg(**facts: Any) -> tuple[LegFacts, ServiceTarget]:
    return LegFacts(**{"queued_at": 0} | facts), TARGET


def test_legs_add_up() -> None:
    answered = leg(
        answered=(30_000, "ann"),
        holds={1: (40_000, 47_000)},
        transferred=(60_000, f"{TransferKind.BLIND}:queue:x"),
        ended=(60_000, "agent"),
        complaints={50_000, 51_000},
    )
    given_up = leg(abandoned_at=5_001)
    assert of_legs([answered, given_up], 99_000) == Signals(
        complaint_flags=2,
        abandons=1,
        wait_ms=35_001,
        hold_ms=7_000,
        transfers=1,
        agent_hang_ups=1,
    )
    assert of_legs([], 99_000) == Signals()


def test_a_short_abandon_is_none_and_its_wait_counts() -> None:
    assert of_legs([leg(abandoned_at=5_000)], 99_000) == Signals(wait_ms=5_000)


def test_a_leg_that_waits_has_waited_up_to_the_watermark() -> None:
    assert of_legs([leg()], 12_000) == Signals(wait_ms=12_000)


def test_a_leg_that_never_queued_has_its_flags_alone() -> None:
    facts = LegFacts(
        answered=(1, "ann"),
        ended=(2, "agent"),
        transferred=(2, ":x"),
        abandoned_at=10_000,
        complaints={1},
    )
    assert of_legs([(facts, TARGET)], 99_000) == Signals(complaint_flags=1)


@pytest.mark.parametrize(
    ("facts", "hang_ups"),
    [
        ({"answered": (1, "ann"), "ended": (2, "agent")}, 1),
        ({"answered": (1, "ann"), "ended": (2, "caller")}, 0),
        ({"answered": (1, "ann")}, 0),
        ({"ended": (2, "agent")}, 0),
        ({"flowed_out": (1, "full"), "ended": (2, "agent")}, 0),
    ],
)
def test_an_agent_hangs_up_on_an_answered_leg(facts: dict[str, Any], hang_ups: int) -> None:
    assert of_legs([leg(**facts)], 2).agent_hang_ups == hang_ups


def test_a_hold_of_a_leg_not_over_is_not_known_yet() -> None:
    assert of_legs([leg(answered=(1, "ann"), holds={1: (2, 9)})], 9).hold_ms == 0


def test_earlier_contacts_are_the_customers_own_within_the_window() -> None:
    contacts = [
        Contact("x", 100, "c1"),
        Contact("x", 150, "c2"),
        Contact("x", 200, "c3"),
        Contact("x", 201, "c4"),
        Contact("y", 150, "other"),
    ]
    window = {"c1": 100, "c2": 49, "c3": 50, "c4": 101, "other": 1000}
    assert dict(earlier_contacts(reversed(contacts), window.__getitem__)) == {
        "c1": 0,
        "c2": 0,
        "c3": 1,
        "c4": 3,
        "other": 0,
    }


def test_of_contacts_at_one_instant_the_later_name_comes_after() -> None:
    contacts = [Contact("x", 100, "a"), Contact("x", 100, "b")]
    assert dict(earlier_contacts(contacts, lambda _: 1)) == {"a": 0, "b": 1}


def test_earlier_contacts_are_counted_up_to_a_number() -> None:
    contacts = [Contact("x", at, f"c{at:02}") for at in range(10, 20)]
    found = [n for _, n in earlier_contacts(contacts, lambda _: 1000)]
    assert found == [0, 1, 2, 3, 4, 5, 5, 5, 5, 5]
    assert REPEATS_COUNTED == 5


@pytest.mark.parametrize(
    ("received", "closed", "is_open"),
    [
        (1000, None, True),
        (1001, None, False),
        (999, 1001, True),
        (999, 1000, False),
        (999, 999, False),
    ],
)
def test_a_case_is_open_from_being_received_until_it_is_closed(
    received: int,
    closed: int | None,
    is_open: bool,  # noqa: FBT001
) -> None:
    case = a_case(received_at_ms=received, closed_at_ms=closed)
    assert open_cases([case], 1000) == is_open
    assert open_cases([case, case], 1000) == 2 * is_open


def test_outcomes_are_cases_after_a_contact_and_in_time() -> None:
    cases = [a_case(str(at), received_at_ms=at) for at in (999, 1000, 1001, 1050, 1051)]
    found = outcomes_within(cases, 1000, 50)
    assert [case.received_at_ms for case in found] == [1001, 1050]
