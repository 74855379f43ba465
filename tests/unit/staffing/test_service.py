from __future__ import annotations

import pytest

from pipeline.domain.service_level import Variant
from pipeline.domain.target import ServiceTarget
from pipeline.staffing.erlang import steady
from pipeline.staffing.service import (
    abandon_rate,
    agents_needed,
    fate_of,
    goal_of,
    parts_per_call,
    service_level,
)
from tests.unit.staffing.days import a_goal, traffic

FATE = steady(traffic(20_000), 85).fate(20, 5)


@pytest.mark.parametrize(
    ("variant", "expected"),
    [
        ("SL1", FATE.answered_within),
        ("SL2", FATE.answered_within / FATE.answered),
        ("SL3", FATE.answered_within + FATE.abandoned_within),
        ("SL4", FATE.answered_within / (1 - FATE.abandoned_within)),
        ("SL6", FATE.answered_within + FATE.abandoned_within),
        ("SL7", FATE.answered_within),
    ],
)
def test_a_level_is_by_the_contracts_own_formula(variant: str, expected: float) -> None:
    found = service_level(a_goal(service_level=Variant(variant)), FATE)
    assert found == pytest.approx(expected, abs=1e-8)


def test_short_abandons_are_left_out_where_the_contract_says_so() -> None:
    goal = a_goal(
        service_level=Variant.SL5,
        short_abandons_out_of=frozenset({"service_level", "abandon_rate"}),
    )
    expected = FATE.answered_within / (1 - FATE.abandoned_short)
    assert service_level(goal, FATE) == pytest.approx(expected, abs=1e-8)
    gone = (FATE.abandoned - FATE.abandoned_short) / (1 - FATE.abandoned_short)
    assert abandon_rate(goal, FATE) == pytest.approx(gone, abs=1e-8)
    assert parts_per_call(goal, FATE)[1] == pytest.approx(1 - FATE.abandoned_short, abs=1e-8)


def test_the_formula_moves_the_agents_needed() -> None:
    strict, mild = a_goal(), a_goal(service_level=Variant.SL4)
    assert agents_needed(mild, traffic(20_000)) < agents_needed(strict, traffic(20_000)) - 1


def test_occupancy_can_ask_for_more_than_the_goal_does() -> None:
    calls = traffic(20_000)
    found = agents_needed(a_goal(), calls, most_occupancy=0.9)
    assert found > agents_needed(a_goal(), calls)
    assert steady(calls, found).occupancy == pytest.approx(0.9, abs=1e-4)


def test_agents_needed_just_meet_the_goal() -> None:
    calls = traffic(20_000)
    found = agents_needed(a_goal(), calls)
    assert service_level(a_goal(), fate_of(a_goal(), calls, found)) == pytest.approx(0.85, abs=1e-4)


def test_a_goal_comes_from_dated_terms() -> None:
    target = ServiceTarget(
        threshold_ms=20_000,
        inclusive=True,
        short_abandon_ms=5_000,
        long_hold_ms=120_000,
        goal_permille=850,
    )
    goal = goal_of(target)
    assert (goal.share, goal.threshold_s, goal.short_abandon_s) == (0.85, 20.0, 5.0)


def test_goals_that_cannot_be_are_refused() -> None:
    for share in (0.0, 1.0, 1.2):
        with pytest.raises(ValueError, match="goal: expected more than 0 and less than 100 %"):
            a_goal(share)
    with pytest.raises(ValueError, match="most_occupancy"):
        agents_needed(a_goal(), traffic(100), most_occupancy=0)
