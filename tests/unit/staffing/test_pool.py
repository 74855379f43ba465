from __future__ import annotations

from dataclasses import replace

import pytest

from pipeline.staffing.day import course
from pipeline.staffing.pool import Lent, Source, spare
from tests.unit.staffing.days import QUARTER_MS, a_rest


def test_who_is_lent_can_come_after_the_ramp_and_for_whole_slots() -> None:
    slots = a_rest(past=0).slots
    source = Source(name="leaders", lent=(Lent(0, 3 * QUARTER_MS, 4),), ramp_s=900)
    assert [source.people(slot, 0) for slot in slots[:4]] == [0, 4, 4, 0]
    assert [source.people(slot, QUARTER_MS) for slot in slots[:4]] == [0, 0, 4, 0]


def test_of_two_spans_that_share_a_slot_the_fewer_people_can_stay() -> None:
    slot = a_rest(past=0).slots[0]
    half = QUARTER_MS // 2
    source = Source(name="x", lent=(Lent(0, half, 4), Lent(half, QUARTER_MS, 2)))
    assert source.people(slot, 0) == 2


def test_a_programme_lends_what_its_own_goal_can_do_without() -> None:
    donor = a_rest(past=0.3, calls=15_000, agents=95, level=0.95, volume_cv=0.03)
    lent = spare(donor)
    people = {span.people for span in lent}
    assert 5 <= min(people) <= max(people) <= 22
    kept = [slot.agents - span.people for slot, span in zip(donor.slots, lent, strict=True)]
    assert course(donor, kept).likely >= 0.9


def test_one_that_is_behind_lends_less_and_one_that_is_lost_nobody() -> None:
    ahead, behind, lost = (
        a_rest(past=0.4, calls=15_000, agents=95, level=level) for level in (0.9, 0.75, 0.2)
    )
    most, some, none = (
        max(span.people for span in spare(donor)) for donor in (ahead, behind, lost)
    )
    assert most > some > 0
    assert none == 0


def test_one_without_calls_lends_everybody() -> None:
    donor = a_rest(agents=7)
    idle = replace(donor, slots=tuple(replace(slot, calls=0) for slot in donor.slots))
    assert {span.people for span in spare(idle)} == {7}


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"lent": (Lent(5, 5, 1),)}, "spans that end after they start"),
        ({"lent": (Lent(0, 5, -1),)}, "no negative people"),
        ({"ramp_s": -1}, "no negative ramp"),
        ({"pace": 0}, "pace: expected more than 0"),
    ],
)
def test_sources_that_cannot_be_are_refused(changed: dict[str, object], said: str) -> None:
    with pytest.raises(ValueError, match=f"leaders: .*{said}"):
        Source(**({"name": "leaders", "lent": ()} | changed))  # type: ignore[arg-type]
