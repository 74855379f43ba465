"""Laws of causes that hold for every window."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.domain.definition import KpiDefinition
from pipeline.domain.incident import Cause
from pipeline.staffing.cause import FIGURES, Interval, Load, explain
from pipeline.staffing.service import Goal

GOAL = Goal(share=0.8, threshold_s=20, short_abandon_s=5, definition=KpiDefinition(name="test"))

loads = st.builds(
    Load,
    fresh=st.floats(0, 300),
    handle_s=st.floats(20, 900),
    agents=st.floats(0, 80),
    rework=st.floats(0, 1),
    up=st.floats(0, 1),
)


@st.composite
def intervals(draw: st.DrawFn) -> Interval:
    counted = draw(st.integers(0, 300))
    at = draw(st.integers(0, 95))
    return Interval(
        start_ms=at * 900_000,
        end_ms=(at + 1) * 900_000,
        planned=draw(st.none() | loads),
        actual=draw(loads),
        good=draw(st.integers(0, counted)),
        counted=counted,
    )


windows = st.lists(intervals(), max_size=3)


@settings(max_examples=40, deadline=None)
@given(windows)
def test_points_and_remainder_are_the_fall(window: list[Interval]) -> None:
    found = explain(GOAL, window, 120)
    assert set(found.points) == set(FIGURES)
    assert sum(found.points.values()) + found.remainder == pytest.approx(found.fall, abs=1e-12)
    if found.reason is None and found.planned is not None and found.modelled is not None:
        by_model = found.planned - found.modelled
        assert sum(found.points.values()) == pytest.approx(by_model, abs=1e-12)


@settings(max_examples=30, deadline=None)
@given(windows)
def test_what_went_by_plan_has_no_cause(window: list[Interval]) -> None:
    by_plan = [replace(i, actual=i.planned) for i in window if i.planned is not None]
    found = explain(GOAL, by_plan, 120)
    assert not any(found.points.values())


@settings(max_examples=40, deadline=None)
@given(windows, st.sampled_from(list(FIGURES)))
def test_one_change_has_all_the_points(window: list[Interval], cause: Cause) -> None:
    name = FIGURES[cause]
    changed = [
        replace(i, actual=replace(i.planned, **{name: getattr(i.actual, name)}))
        for i in window
        if i.planned is not None
    ]
    found = explain(GOAL, changed, 120)
    assert all(points == 0 for other, points in found.points.items() if other is not cause)


@settings(max_examples=30, deadline=None)
@given(loads, st.floats(0, 20), st.integers(1, 100))
def test_fewer_agents_never_have_points_below_zero(plan: Load, fewer: float, counted: int) -> None:
    actual = replace(plan, agents=max(0.0, plan.agents - fewer))
    window = [
        Interval(start_ms=0, end_ms=900_000, planned=plan, actual=actual, good=0, counted=counted)
    ]
    assert explain(GOAL, window, 120).points[Cause.PEOPLE] >= -1e-9
