"""Contacts and customers' days, out of events in any order."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from datetime import date
from typing import Any

from pipeline.domain.definition import KpiDefinition
from pipeline.domain.events import BEFORE_QUEUE, CallEvent, EventType
from pipeline.domain.risk import RiskTerms, Signals
from pipeline.domain.risk_contact import KnownContact, Place
from pipeline.domain.risk_contacts import (
    RiskBook,
    RiskContact,
    RiskDay,
    customer_days,
)
from pipeline.domain.target import TargetHistory
from tests.unit.domain.test_risk import TERMS
from tests.unit.domain.test_risk_signals import TARGET, a_case, event

HOUR = 3_600_000
DAY = date(2025, 11, 3)
NEXT = date(2025, 11, 4)
TWO_HOURS = replace(TARGET, definition=KpiDefinition(name="d", repeat_window_h=2))
LATER = replace(
    TARGET,
    short_abandon_ms=0,
    definition=KpiDefinition(name="d", repeat_window_h=1, short_abandon_ms=0),
)
NAMING = replace(TERMS, wrapup_codes=frozenset({"refund"}), keywords=frozenset({"law"}))


def targets(place: Place) -> TargetHistory:
    if place == ("sh", "q"):
        return TargetHistory((0, 100 * HOUR), (TWO_HOURS, LATER))
    return TargetHistory((0,), (LATER,))


def days(place: Place, at_ms: int) -> date:
    return DAY if (place, at_ms) < (("sh", "q"), 50 * HOUR) else NEXT


def terms_on(day: date) -> RiskTerms:
    return TERMS if day == DAY else NAMING


def said(events: Iterable[CallEvent], cases: Any = None) -> dict[str, RiskContact]:
    book = RiskBook(targets)
    for one in events:
        book.add(one)
    found = book.contacts(cases or {}, day_of=days, terms_on=terms_on)
    return {contact.contact_id: contact for contact in found}


def at(kind: EventType, at_ms: int, **more: Any) -> CallEvent:
    given: dict[str, Any] = {"site": "sh"} | more
    return replace(event(kind, occurred_at_ms=at_ms), **given)


def a_call(name: str, at_ms: int, **more: Any) -> list[CallEvent]:
    ring = at(EventType.QUEUED, at_ms, contact_id=name, customer_ref="x", **more)
    return [ring, at(EventType.ANSWERED, at_ms + 60_000, contact_id=name, agent="ann", **more)]


def test_order_and_repetition_of_events_change_nothing() -> None:
    events = [
        *a_call("c1", 10 * HOUR),
        *a_call("c2", 11 * HOUR),
        at(EventType.ENDED, 12 * HOUR, contact_id="c2", reason="agent"),
    ]
    found = said(events)
    assert said([*reversed(events), *events]) == found
    assert found["c1"].signals == Signals(wait_ms=60_000)
    assert found["c2"].signals == Signals(wait_ms=60_000, earlier_contacts=1, agent_hang_ups=1)


def test_a_contact_belongs_where_and_when_its_first_leg_did() -> None:
    events = [
        at(EventType.QUEUED, 60 * HOUR, leg=2, site="cd"),
        at(EventType.OFFERED, 30 * HOUR, leg=2, site="cd", agent="ann"),
        at(EventType.QUEUED, 40 * HOUR, customer_ref="z"),
        at(EventType.ABANDONED, 41 * HOUR, customer_ref="y"),
    ]
    (contact,) = said(events).values()
    assert contact[:4] == ("c", "y", 40 * HOUR, DAY)
    assert contact.signals.wait_ms == HOUR


def test_a_caller_who_hung_up_before_the_queue_began_then() -> None:
    events = [
        at(EventType.COMPLAINT_FLAGGED, 1 * HOUR),
        at(EventType.ABANDONED, 3 * HOUR, reason=BEFORE_QUEUE),
        at(EventType.ABANDONED, 2 * HOUR, reason=BEFORE_QUEUE),
    ]
    assert said(events)["c"].started_ms == 2 * HOUR
    assert said(events[:1])["c"].started_ms == 1 * HOUR


def test_the_window_of_repeats_is_that_of_the_first_leg_when_it_began() -> None:
    first, second = a_call("c1", 10 * HOUR), a_call("c2", 12 * HOUR)
    assert said(first + second)["c2"].signals.earlier_contacts == 1
    assert said(first + a_call("c2", 12 * HOUR + 1))["c2"].signals.earlier_contacts == 0
    elsewhere = a_call("c2", 12 * HOUR, site="cd")
    assert said(first + elsewhere)["c2"].signals.earlier_contacts == 0
    late = a_call("c1", 100 * HOUR) + a_call("c2", 102 * HOUR)
    assert said(late)["c2"].signals.earlier_contacts == 0


def test_another_customers_contact_is_none_of_ones_own() -> None:
    other = at(EventType.QUEUED, 11 * HOUR, contact_id="c2", customer_ref="y")
    found = said([*a_call("c1", 10 * HOUR), other])
    assert found["c2"].signals.earlier_contacts == 0


def test_the_last_event_is_the_latest_of_all() -> None:
    known = KnownContact()
    known.add(at(EventType.QUEUED, 0))
    assert known.last_ms == 0
    known.add(at(EventType.ABANDONED, 9))
    known.add(at(EventType.OFFERED, 8, agent="ann"))
    assert known.last_ms == 9


def test_what_the_centre_dialed_is_no_contact_the_customer_sought() -> None:
    dialed = at(EventType.DIALED, 10 * HOUR, contact_id="c1", customer_ref="x")
    later = at(EventType.DIALED, 11 * HOUR, contact_id="c1")
    found = said([later, dialed, *a_call("c2", 11 * HOUR)])
    assert found["c2"].signals.earlier_contacts == 0
    assert found["c1"].signals == Signals()
    called_first = at(EventType.OFFERED, 9 * HOUR, contact_id="c1", agent="ann")
    found = said([dialed, later, called_first, *a_call("c2", 11 * HOUR)])
    assert found["c2"].signals.earlier_contacts == 1


def test_a_term_is_that_of_when_the_leg_queued() -> None:
    early = [at(EventType.QUEUED, 100 * HOUR - 1), at(EventType.ABANDONED, 100 * HOUR)]
    assert said(early)["c"].signals == Signals(wait_ms=1)
    later = [at(EventType.QUEUED, 100 * HOUR), at(EventType.ABANDONED, 100 * HOUR + 1)]
    assert said(later)["c"].signals == Signals(wait_ms=1, abandons=1)
    unqueued = [at(EventType.COMPLAINT_FLAGGED, 1)]
    assert said(unqueued)["c"].signals == Signals(complaint_flags=1)


def test_who_has_just_come_has_not_waited() -> None:
    assert said([at(EventType.QUEUED, 0)])["c"].signals == Signals()


def test_words_count_by_the_terms_of_the_contacts_day() -> None:
    def with_words(at_ms: int) -> list[CallEvent]:
        return [
            at(EventType.QUEUED, at_ms),
            at(EventType.WRAPUP_ENDED, at_ms + 1, reason="refund"),
            at(EventType.COMPLAINT_FLAGGED, at_ms + 1, reason="keyword:law"),
        ]

    assert said(with_words(HOUR))["c"].signals == Signals(wait_ms=1, complaint_flags=1)
    assert said(with_words(60 * HOUR))["c"].signals == Signals(
        wait_ms=1, complaint_flags=1, wrapup_codes=1, keywords=1
    )


def test_cases_are_open_when_the_contact_begins() -> None:
    cases = {"x": [a_case(received_at_ms=10 * HOUR)], "": [a_case(received_at_ms=0)]}
    assert said(a_call("c1", 10 * HOUR), cases)["c1"].signals.open_cases == 1
    assert said(a_call("c1", 10 * HOUR - 1), cases)["c1"].signals.open_cases == 0
    unknown = [at(EventType.QUEUED, 10 * HOUR)]
    assert said(unknown, {"x": cases["x"]})["c"].signals.open_cases == 0


def test_a_customers_day_is_its_contacts_together() -> None:
    contacts = [
        RiskContact("c1", "x", 500, DAY, Signals(wait_ms=5, open_cases=2)),
        RiskContact("c2", "x", 400, DAY, Signals(wait_ms=7, open_cases=1)),
        RiskContact("c3", "x", 900, NEXT, Signals()),
        RiskContact("c4", None, 400, DAY, Signals(wait_ms=1)),
        RiskContact("c5", "y", 400, DAY, Signals(transfers=1)),
    ]
    late = a_case("late", received_at_ms=1401)
    cases = {"x": [a_case("a", received_at_ms=400), a_case("b", received_at_ms=1400), late]}
    assert customer_days(contacts, cases, lambda _: TERMS) == [
        RiskDay("x", DAY, 400, Signals(wait_ms=12, open_cases=2), (cases["x"][1],)),
        RiskDay("x", NEXT, 900, Signals(), (cases["x"][1], late)),
        RiskDay("y", DAY, 400, Signals(transfers=1), ()),
    ]
