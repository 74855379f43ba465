"""Causes of a fall: planted one by one in simulated days, found again, and adding up."""

from __future__ import annotations

from dataclasses import replace

import pytest

from pipeline.domain.incident import Cause
from pipeline.staffing.attribution import Amount, shapley, shared_out
from pipeline.staffing.cause import Explanation, Interval, Load, NoCause, explain
from pipeline.staffing.simulate import Callers, Slot, simulate
from tests.unit.staffing import days

GOAL = days.a_goal()
PLAN = Load(fresh=15_000 / days.SLOTS, handle_s=days.HANDLE_S, agents=73)
CALLERS = Callers(handle_s=days.HANDLE_S, patience_s=days.PATIENCE_S, threshold_s=20)


def an_interval(planned: Load | None, actual: Load, at: int = 0, **given: float) -> Interval:
    counts = {"good": 80.0, "counted": 100.0} | given
    return Interval(
        start_ms=at * days.QUARTER_MS,
        end_ms=(at + 1) * days.QUARTER_MS,
        planned=planned,
        actual=actual,
        **counts,
    )


def simulated(actual: Load, seed: str, up: float = 1.0) -> Explanation:
    """Simulate a day with some of the plan's figures changed, and explain what was counted."""
    dark = round(days.SLOTS * (1 - up))
    slots = [
        Slot(length_s=900, calls=actual.calls, agents=0 if i < dark else round(actual.agents))
        for i in range(days.SLOTS)
    ]
    callers = replace(CALLERS, handle_s=actual.handle_s)
    intervals = [
        Interval(
            start_ms=i * days.QUARTER_MS,
            end_ms=(i + 1) * days.QUARTER_MS,
            planned=PLAN,
            actual=Load(
                fresh=counts.offered / (1 + actual.rework),
                rework=actual.rework,
                handle_s=counts.busy_s / counts.answered if counts.answered else PLAN.handle_s,
                agents=actual.agents,
                up=float(i >= dark),
            ),
            good=counts.within,
            counted=counts.offered,
        )
        for i, counts in enumerate(simulate(slots, callers, seed))
    ]
    return explain(GOAL, intervals, days.PATIENCE_S)


PLANTED = {
    Cause.ENVIRONMENT: replace(PLAN, fresh=PLAN.fresh * 4 / 3),
    Cause.PEOPLE: replace(PLAN, agents=62),
    Cause.MATERIAL: replace(PLAN, handle_s=300),
    Cause.METHOD: replace(PLAN, rework=0.2),
}


@pytest.mark.parametrize("cause", PLANTED)
def test_a_planted_cause_is_named_first_with_most_of_the_points(cause: Cause) -> None:
    found = simulated(PLANTED[cause], f"one {cause}")
    first, points = found.ordered[0]
    assert first is cause
    assert found.fall > 0.2
    assert points > 0.85 * found.fall
    assert abs(found.remainder) < 0.05
    assert sum(found.points.values()) + found.remainder == pytest.approx(found.fall, abs=1e-12)


def test_a_planted_outage_is_named_first() -> None:
    found = simulated(PLAN, "outage", up=0.75)
    assert found.ordered[0][0] is Cause.MACHINE
    assert found.ordered[0][1] > 0.85 * found.fall
    assert found.ordered[0][1] == pytest.approx(0.25 * 0.865, abs=0.02)


@pytest.mark.parametrize(
    ("causes", "actual"),
    [
        (
            {Cause.ENVIRONMENT, Cause.PEOPLE},
            replace(PLAN, fresh=PLAN.fresh * 1.15, agents=65),
        ),
        ({Cause.PEOPLE, Cause.MATERIAL}, replace(PLAN, agents=66, handle_s=270)),
        ({Cause.MATERIAL, Cause.METHOD}, replace(PLAN, handle_s=265, rework=0.12)),
    ],
)
def test_of_two_planted_causes_both_are_named_first(causes: set[Cause], actual: Load) -> None:
    found = simulated(actual, "two")
    assert {cause for cause, _ in found.ordered[:2]} == causes
    assert all(found.points[cause] > 0.25 * found.fall for cause in causes)
    assert sum(found.points[cause] for cause in causes) > 0.85 * found.fall


def test_a_day_that_went_by_plan_has_nothing_to_explain_but_the_models_error() -> None:
    found = simulated(PLAN, "by plan")
    assert abs(found.fall) < 0.03
    assert all(abs(points) < 0.03 for points in found.points.values())


def test_what_helped_has_points_below_zero() -> None:
    actual = replace(PLAN, fresh=PLAN.fresh * 4 / 3, agents=90)
    found = explain(GOAL, [an_interval(PLAN, actual)], days.PATIENCE_S)
    assert found.points[Cause.ENVIRONMENT] > 0 > found.points[Cause.PEOPLE]


def test_nobody_there_is_a_cause_and_no_crash() -> None:
    actual = replace(PLAN, agents=0)
    found = explain(GOAL, [an_interval(PLAN, actual, good=0)], days.PATIENCE_S)
    assert found.modelled == 0
    assert found.points[Cause.PEOPLE] == pytest.approx(found.fall)
    nobody = replace(PLAN, agents=0)
    found = explain(GOAL, [an_interval(nobody, PLAN)], days.PATIENCE_S)
    assert (found.planned, found.fall) == (0, -0.8)


def test_what_cannot_be_explained_says_why() -> None:
    none = explain(GOAL, [], days.PATIENCE_S)
    assert (none.reason, none.fall, none.remainder) == (NoCause.NO_PLAN, 0, 0)
    unplanned = explain(GOAL, [an_interval(None, PLAN)], days.PATIENCE_S)
    assert (unplanned.reason, unplanned.unplanned) == (NoCause.NO_PLAN, 100)
    quiet = an_interval(PLAN, replace(PLAN, fresh=0), good=0, counted=0)
    found = explain(GOAL, [quiet], days.PATIENCE_S)
    assert (found.reason, found.observed) == (NoCause.NO_CALLS, None)
    assert found.planned == pytest.approx(0.865, abs=0.001)
    found = explain(GOAL, [an_interval(replace(PLAN, fresh=0), PLAN)], days.PATIENCE_S)
    assert (found.reason, found.observed) == (NoCause.NOTHING_PLANNED, 0.8)
    assert not any(found.points.values())


def test_intervals_without_a_plan_are_left_out_and_counted() -> None:
    actual = replace(PLAN, agents=60)
    one = explain(GOAL, [an_interval(PLAN, actual)], days.PATIENCE_S)
    both = [an_interval(PLAN, actual), an_interval(None, actual, at=1, good=0, counted=40)]
    assert explain(GOAL, both, days.PATIENCE_S) == replace(one, unplanned=40)


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"fresh": -1}, "fresh: expected 0 or more"),
        ({"agents": float("nan")}, "agents: expected 0 or more"),
        ({"handle_s": 0}, "handle_s: expected more than 0"),
        ({"up": 1.1}, "up: expected a share from 0 to 1"),
        ({"rework": float("inf")}, "rework: expected 0 or more"),
    ],
)
def test_a_load_that_is_none_is_refused(given: dict[str, float], said: str) -> None:
    with pytest.raises(ValueError, match=said):
        replace(PLAN, **given)


def test_an_interval_that_is_none_is_refused() -> None:
    with pytest.raises(ValueError, match="expected 0 to the 10 counted, got 11"):
        an_interval(PLAN, PLAN, good=11, counted=10)
    with pytest.raises(ValueError, match="expected an end after 0, got 0"):
        replace(an_interval(PLAN, PLAN), end_ms=0)


def test_shapley_of_the_glove_game() -> None:
    """One has a left glove, two have a right one; a pair is worth 1 (Shapley's own arithmetic)."""

    def value(of: frozenset[str]) -> float:
        return float("left" in of and bool(of & {"right", "other"}))

    found = shapley(["left", "right", "other"], value)
    assert found == pytest.approx({"left": 2 / 3, "right": 1 / 6, "other": 1 / 6})


def test_points_are_shared_out_by_what_each_added() -> None:
    parts = shared_out(
        0.12,
        [Amount("agent", "bo", 20), Amount("agent", "anna", 60), Amount("agent", "cy", -20)],
    )
    assert [part.name for part in parts] == ["anna", "bo", "cy"]
    assert [part.points for part in parts] == pytest.approx([0.12, 0.04, -0.04])
    better = shared_out(-0.1, [Amount("agent", "bo", 10), Amount("agent", "anna", -30)])
    assert [(part.name, round(part.points, 3)) for part in better] == [
        ("anna", -0.15),
        ("bo", 0.05),
    ]


def test_amounts_that_went_the_other_way_explain_nothing() -> None:
    assert shared_out(0.1, [Amount("agent", "bo", -5)]) == ()
    assert shared_out(0.1, [Amount("agent", "bo", 5), Amount("agent", "cy", -5)]) == ()
    assert shared_out(0.0, [Amount("agent", "bo", 5)]) == ()
    assert shared_out(0.1, []) == ()
