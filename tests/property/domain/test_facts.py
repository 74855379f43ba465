"""Laws of facts: order does not matter, twice is once, an id is of the key alone."""

from __future__ import annotations

import random
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from pipeline.domain.fact import FactKind, identified, newest
from tests.facts import any_fact, revisions


@given(revisions(), st.randoms(use_true_random=False))
def test_the_order_and_number_of_files_say_nothing(
    drawn: tuple[FactKind, list[Any]], rng: random.Random
) -> None:
    _, records = drawn
    again = [*records, *rng.choices(records, k=3)]
    rng.shuffle(again)
    said = [(f.record_id, f.revision_id) for f in newest(records)]
    assert [(f.record_id, f.revision_id) for f in newest(again)] == said
    halves = newest([*records[::2], *records[1::2]])
    assert [(f.record_id, f.revision_id) for f in halves] == said


@given(revisions())
def test_what_holds_is_one_of_the_newest_of_its_fact(
    drawn: tuple[FactKind, list[Any]],
) -> None:
    _, records = drawn
    for fact in newest(records):
        of_it = [r for r in records if r.record_id == fact.record_id]
        assert fact.as_of_ms == max(r.as_of_ms for r in of_it)
        assert not fact.is_withdrawn


@given(any_fact())
def test_identifying_again_changes_nothing(drawn: tuple[FactKind, Any]) -> None:
    kind, fact = drawn
    assert identified(kind, fact) == fact
    assert len(fact.record_id) == len(fact.revision_id) == 32
