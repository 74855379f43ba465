"""Laws of leg facts: order and repetition of events cannot change what is known."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from pipeline.domain.events import CallEvent
from pipeline.domain.leg import LegFacts, apply, merge
from tests.strategies import call_events

events = st.lists(call_events(), max_size=25)


def facts_of(found: list[CallEvent]) -> LegFacts:
    facts = LegFacts()
    for event in found:
        apply(facts, event)
    return facts


@given(events.flatmap(lambda e: st.tuples(st.just(e), st.permutations(e))))
def test_order_does_not_matter(pair: tuple[list[CallEvent], list[CallEvent]]) -> None:
    assert facts_of(pair[0]) == facts_of(pair[1])


@given(events)
def test_repeated_events_change_nothing_and_say_so(found: list[CallEvent]) -> None:
    facts = facts_of(found)
    before = merge(facts, LegFacts())
    assert [apply(facts, event) for event in found] == [False] * len(found)
    assert facts == before


@given(events, events)
def test_facts_of_both_sides_merge_to_the_facts_of_all(
    one: list[CallEvent], other: list[CallEvent]
) -> None:
    assert merge(facts_of(one), facts_of(other)) == facts_of(one + other)


@given(events, events, events)
def test_merge_is_commutative_associative_idempotent_with_a_zero(
    a: list[CallEvent], b: list[CallEvent], c: list[CallEvent]
) -> None:
    x, y, z = facts_of(a), facts_of(b), facts_of(c)
    assert merge(x, y) == merge(y, x)
    assert merge(merge(x, y), z) == merge(x, merge(y, z))
    assert merge(x, x) == x
    assert merge(x, LegFacts()) == x
