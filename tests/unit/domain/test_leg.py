"""Facts of a leg: what each kind of event makes known, and what it says it changed."""

from __future__ import annotations

from typing import Any

import pytest

from pipeline.domain.events import BEFORE_QUEUE, EventType
from pipeline.domain.leg import LegFacts, apply, merge
from tests.factories import NOON, an_event

S = 1000
KNOWN: dict[str, tuple[str, dict[str, Any], Any]] = {
    "queued": ("queued_at", {}, NOON),
    "offered": ("offers", {"agent": "ann"}, {(NOON, "ann")}),
    "answered": ("answered", {"agent": "ann"}, (NOON, "ann")),
    "hold_started": ("holds", {"hold_seq": 0}, {0: (NOON, None)}),
    "hold_ended": ("holds", {"hold_seq": 0}, {0: (None, NOON)}),
    "abandoned": ("abandoned_at", {}, NOON),
    "flowed_out": ("flowed_out", {"reason": "queue_full"}, (NOON, "queue_full")),
    "transferred": (
        "transferred",
        {"transfer_kind": "attended", "transfer_target": "orders"},
        (NOON, "attended:orders"),
    ),
    "ended": ("ended", {"reason": "caller"}, (NOON, "caller")),
    "wrapup_started": ("wrapup_started_at", {}, NOON),
    "wrapup_ended": ("wrapup_ended_at", {}, NOON),
    "callback_requested": ("callback_at", {}, NOON),
    "complaint_flagged": ("complaints", {}, {NOON}),
    "ring_no_answer": ("no_answers", {"agent": "ann"}, {(NOON, "ann")}),
    "refused": ("refused", {"reason": "closed"}, (NOON, "closed")),
    "dialed": ("dialed_at", {}, NOON),
    "connected": ("connected", {"reason": "human"}, (NOON, "human")),
}
EARLIEST_WINS = sorted(set(KNOWN) - {"offered", "complaint_flagged", "ring_no_answer"})


def test_every_kind_of_event_has_its_fact() -> None:
    assert set(KNOWN) == {str(kind) for kind in EventType}


@pytest.mark.parametrize("kind", KNOWN)
def test_an_event_makes_one_fact_known_says_so_and_a_repeat_does_not(kind: str) -> None:
    slot, fields, value = KNOWN[kind]
    facts, event = LegFacts(), an_event(kind, **fields)
    assert apply(facts, event) is True
    assert facts == LegFacts(**{slot: value}, first_ms=NOON, last_ms=NOON)
    assert apply(facts, event) is False
    assert facts == LegFacts(**{slot: value}, first_ms=NOON, last_ms=NOON)


@pytest.mark.parametrize("kind", EARLIEST_WINS)
def test_the_earliest_of_a_kind_wins_in_either_order(kind: str) -> None:
    slot, fields, value = KNOWN[kind]
    early, late = an_event(kind, 0, **fields), an_event(kind, S, **fields)
    facts = LegFacts()
    assert [apply(facts, late), apply(facts, early)] == [True, True]
    assert getattr(facts, slot) == value
    assert apply(facts, late) is False
    assert getattr(facts, slot) == value
    assert (facts.first_ms, facts.last_ms) == (NOON, NOON + S)


@pytest.mark.parametrize(
    ("kind", "label"), [("answered", "agent"), ("ended", "reason"), ("flowed_out", "reason")]
)
def test_at_the_same_instant_the_smaller_label_wins(kind: str, label: str) -> None:
    fields: dict[str, Any] = {label: "a"}
    one, other = an_event(kind, **fields), an_event(kind, **(fields | {label: "b"}))
    facts = LegFacts()
    assert [apply(facts, other), apply(facts, one), apply(facts, other)] == [True, True, False]
    assert getattr(facts, kind) == (NOON, "a")


def test_labels_that_are_not_given_are_empty() -> None:
    facts = LegFacts()
    apply(facts, an_event("ended"))
    apply(facts, an_event("transferred", transfer_kind=None, transfer_target=None))
    assert (facts.ended, facts.transferred) == ((NOON, ""), (NOON, ":"))


@pytest.mark.parametrize(
    ("kind", "slot", "fields"),
    [
        ("complaint_flagged", "complaints", {}),
        ("abandoned", "before_queue", {"reason": BEFORE_QUEUE}),
    ],
)
def test_each_instant_is_one_occurrence(kind: str, slot: str, fields: dict[str, Any]) -> None:
    facts = LegFacts()
    found = [apply(facts, an_event(kind, at, **fields)) for at in (0, S, 0, S)]
    assert found == [True, True, False, False]
    assert getattr(facts, slot) == {NOON, NOON + S}
    assert facts.abandoned_at is None


def test_each_agent_and_instant_is_one_offer() -> None:
    facts = LegFacts()
    offers = [(0, "ann"), (0, "bob"), (S, "ann"), (0, "ann")]
    found = [apply(facts, an_event("offered", at, agent=agent)) for at, agent in offers]
    assert found == [True, True, True, False]
    assert facts.offers == {(NOON, "ann"), (NOON, "bob"), (NOON + S, "ann")}


def test_holds_are_paired_by_number_in_any_order() -> None:
    facts = LegFacts()
    apply(facts, an_event("hold_ended", 5 * S, hold_seq=1))
    apply(facts, an_event("hold_started", 2 * S, hold_seq=1))
    apply(facts, an_event("hold_started", 9 * S, hold_seq=0))
    assert facts.holds == {1: (NOON + 2 * S, NOON + 5 * S), 0: (NOON + 9 * S, None)}


@pytest.mark.parametrize("kind", KNOWN)
def test_the_smallest_customer_reference_is_kept_whatever_event_brings_it(kind: str) -> None:
    facts = LegFacts()
    refs = [None, "b", "c", "a", "a", None]
    found = [apply(facts, an_event(kind, customer_ref=ref)) for ref in refs]
    assert found == [True, True, False, True, False, False]
    assert facts.customer_ref == "a"


def test_merging_leaves_both_sides_as_they_were() -> None:
    one, other = LegFacts(), LegFacts()
    apply(one, an_event("complaint_flagged"))
    apply(one, an_event("hold_started"))
    merged = merge(one, other)
    apply(merged, an_event("complaint_flagged", S))
    apply(merged, an_event("hold_ended", S))
    assert (one.complaints, one.holds) == ({NOON}, {1: (NOON, None)})
    assert merge(other, one) == one


@pytest.mark.parametrize("kind", EARLIEST_WINS)
def test_the_earliest_of_a_kind_wins_of_two_sides(kind: str) -> None:
    slot, fields, value = KNOWN[kind]
    early, late = LegFacts(), LegFacts()
    apply(early, an_event(kind, 0, **fields))
    apply(late, an_event(kind, S, **fields))
    expected = LegFacts(**{slot: value}, first_ms=NOON, last_ms=NOON + S)
    assert merge(early, late) == merge(late, early) == expected


def test_occurrences_of_two_sides_are_put_together() -> None:
    one = LegFacts(offers={(NOON, "ann")}, complaints={1, 2}, holds={1: (5, None), 2: (1, 9)})
    other = LegFacts(offers={(NOON, "bob")}, complaints={2, 3}, holds={1: (4, 8), 3: (None, 7)})
    for merged in (merge(one, other), merge(other, one)):
        assert merged.offers == {(NOON, "ann"), (NOON, "bob")}
        assert merged.complaints == {1, 2, 3}
        assert merged.holds == {1: (4, 8), 2: (1, 9), 3: (None, 7)}


def test_of_nothing_nothing_is_known() -> None:
    nothing = LegFacts()
    assert (nothing.first_ms, nothing.last_ms) == (0, 0)
    assert merge(nothing, LegFacts()) == nothing
    seen = LegFacts(queued_at=NOON, first_ms=NOON, last_ms=NOON)
    assert merge(nothing, seen) == merge(seen, nothing) == seen
