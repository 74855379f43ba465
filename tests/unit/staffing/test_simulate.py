from __future__ import annotations

import pytest

from pipeline.staffing.redials import Redials
from pipeline.staffing.simulate import Callers, Slot, simulate

CALLERS = Callers(handle_s=240, patience_s=120, threshold_s=20)
DAY = [Slot(length_s=900, calls=300, agents=n) for n in (60, 60, 90, 70)]


def test_the_same_seed_gives_the_same_day() -> None:
    assert simulate(DAY, CALLERS, "a") == simulate(DAY, CALLERS, "a")
    assert simulate(DAY, CALLERS, "a") != simulate(DAY, CALLERS, "b")


def test_every_call_ends_one_way() -> None:
    for row in simulate(DAY, CALLERS, "c"):
        assert row.offered == row.answered + row.abandoned
        assert row.within <= row.answered
        assert row.waited_s >= 0


def test_nobody_there_answers_nobody() -> None:
    (row,) = simulate([Slot(length_s=3600, calls=100, agents=0)], CALLERS, "d")
    assert (row.answered, row.abandoned) == (0, row.offered)


def test_no_calls_are_no_calls() -> None:
    (row,) = simulate([Slot(length_s=3600, calls=0, agents=2)], CALLERS, "e")
    assert row == (0, 0, 0, 0, 0.0, 0.0)


def test_those_who_call_again_are_offered_again() -> None:
    again = Callers(
        handle_s=240, patience_s=120, threshold_s=20, redials=Redials(share=0.9, delay_s=60)
    )
    first, second = (
        sum(row.offered for row in simulate(DAY, callers, "f")) for callers in (CALLERS, again)
    )
    assert second > first + 50


def test_handle_times_have_the_mean_and_spread_asked_for() -> None:
    even = Callers(handle_s=100, patience_s=None, threshold_s=20, handle_cv=0.5)
    (row,) = simulate([Slot(length_s=36_000, calls=5_000, agents=400)], even, "g")
    assert row.busy_s / row.answered == pytest.approx(100, rel=0.03)
    assert row.abandoned == 0


def test_agents_who_leave_end_their_call_first() -> None:
    slots = [Slot(length_s=600, calls=50, agents=50), Slot(length_s=600, calls=0, agents=0)]
    first, _ = simulate(slots, CALLERS, "h")
    assert first.answered == first.offered
