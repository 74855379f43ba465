from __future__ import annotations

from dataclasses import replace

import pytest

from pipeline.domain.service_level import Variant
from pipeline.staffing.day import DaySlot, course, cut
from pipeline.staffing.redials import Redials
from tests.unit.staffing.days import QUARTER_MS, a_goal, a_rest


def test_slots_are_cut_at_instants_inside_them_and_nothing_is_lost() -> None:
    slots = [
        DaySlot(start_ms=0, end_ms=900, calls=90, handle_s=60, agents=5),
        DaySlot(start_ms=900, end_ms=1800, calls=30, handle_s=60, agents=6),
    ]
    found = cut(slots, [0, 300, 900, 1500, 9000, 300])
    assert [(s.start_ms, s.end_ms, s.agents) for s in found] == [
        (0, 300, 5),
        (300, 900, 5),
        (900, 1500, 6),
        (1500, 1800, 6),
    ]
    assert [s.calls for s in found] == pytest.approx([30, 60, 20, 10])


def test_a_flat_day_ends_where_erlang_says() -> None:
    rest = a_rest(past=0, agents=95, goal=0.8)
    found = course(rest, [95] * 56)
    assert found.projected == pytest.approx(0.855, abs=0.005)
    assert found.likely > 0.99
    assert course(rest, [73] * 56).likely < 0.01


def test_a_volume_that_may_be_otherwise_makes_the_end_less_sure() -> None:
    sure, unsure = (a_rest(past=0, agents=95, volume_cv=cv) for cv in (0.0, 0.1))
    one, other = (course(rest, [95] * 56) for rest in (sure, unsure))
    assert other.likely < one.likely
    assert other.spread > 2 * one.spread
    assert other.surplus < one.surplus  # more calls cost more than fewer calls gain


def test_who_calls_again_makes_a_bad_day_worse() -> None:
    rest = a_rest(agents=80)
    agents = [slot.agents for slot in rest.slots]
    plain = course(rest, agents)
    again = course(replace(rest, redials=Redials(share=0.5), redialling=50), agents)
    assert again.projected < plain.projected - 0.02
    assert sum(again.offered) > sum(plain.offered) * 1.05


def test_the_queue_now_is_felt_in_the_first_slot_only() -> None:
    full, empty = (replace(a_rest(agents=95), in_system=n) for n in (200, 80))
    one, other = (course(rest, [95] * 50) for rest in (full, empty))
    assert one.fates[0].answered_within < other.fates[0].answered_within - 0.1
    assert one.fates[3].answered_within == pytest.approx(other.fates[3].answered_within, abs=0.01)


def test_a_formula_that_forgives_abandons_ends_higher() -> None:
    rest = a_rest(past=0, agents=85)
    mild = replace(rest, goal=a_goal(0.8, service_level=Variant.SL4))
    assert course(mild, [85] * 56).projected > course(rest, [85] * 56).projected + 0.03


def test_slots_without_calls_or_agents_do_no_harm() -> None:
    rest = a_rest()
    silent = replace(rest, slots=tuple(replace(slot, calls=0) for slot in rest.slots))
    found = course(silent, [73] * len(silent.slots))
    assert (found.projected, found.likely) == pytest.approx((0.2366, 0.0))
    nobody = course(rest, [0] * len(rest.slots))
    assert nobody.projected < 0.1


def test_a_rest_that_is_none_is_refused() -> None:
    rest = a_rest()
    for changed, said in (
        ({"slots": ()}, "found no slot"),
        ({"good": rest.counted + 1}, "good: expected 0 to the"),
        ({"volume_cv": 0.6}, "volume_cv: expected"),
    ):
        with pytest.raises(ValueError, match=said):
            replace(rest, **changed)
    with pytest.raises(ValueError, match=f"expected agents of {len(rest.slots)} slots, got 1"):
        course(rest, [73])


def test_lengths_are_in_seconds() -> None:
    assert a_rest().slots[0].length_s == QUARTER_MS / 1000
