"""Least numbers of calls by the one-sided Wilson bound, and what too few calls cannot say."""

from __future__ import annotations

import pytest

from pipeline.domain.significance import is_above, is_below, is_short, least_calls


@pytest.mark.parametrize(
    ("goal", "share", "calls"),
    [
        (800, 600, 11),
        (800, 700, 44),
        (800, 750, 174),
        (850, 650, 9),
        (850, 750, 35),
        (850, 800, 139),
    ],
)
def test_the_least_number_of_calls_at_95_per_cent(goal: int, share: int, calls: int) -> None:
    assert least_calls(goal, share) == calls
    factor = 1000 // share if 1000 % share == 0 else 1000  # whole calls at this very share
    assert is_below(calls * factor, calls * share * factor // 1000, calls * goal * factor)


def test_the_decision_changes_at_the_least_number() -> None:
    # 85 % against 80 %: 140 calls have 112 in time, 135 have 108.
    assert is_below(140, 112, 140 * 850)
    assert not is_below(135, 108, 135 * 850)
    assert is_below(45, 31, 45 * 800)
    assert not is_below(40, 28, 40 * 800)


def test_correlated_waits_need_more_calls() -> None:
    assert least_calls(800, 600, 2000) == 22
    assert is_below(15, 9, 15 * 800)
    assert not is_below(15, 9, 15 * 800, 2000)
    assert is_below(25, 15, 25 * 800, 2000)


@pytest.mark.parametrize(("counted", "good"), [(0, 0), (10, 8), (10, 9), (10, 10)])
def test_nothing_and_what_is_at_the_goal_are_not_below(counted: int, good: int) -> None:
    assert is_below(counted, good, counted * 800) is False


def test_no_calls_are_not_below_whatever_was_asked_of_them_and_one_may_be() -> None:
    assert is_below(0, 0, 800) is False
    assert is_below(1, 0, 1000)


def test_at_the_very_bound_it_is_chance_and_one_call_more_is_not() -> None:
    """1.645 standard deviations to the call, so that the bound is met exactly."""
    k, m = 200_000_000, 4_000_000
    counted, good = 4 * k * k, 2 * k * k - 1645 * k // 1000
    assert is_below(counted, good, 500 * counted) is False
    assert is_below(counted, good - 1, 500 * counted)
    above, short = m * m + 1645 * m // 1000, m * m - 1645 * m // 1000
    assert is_above(above, 1000 * m * m) is False
    assert is_above(above + 1, 1000 * m * m)
    assert is_short(short, 1000 * m * m) is False
    assert is_short(short - 1, 1000 * m * m)


def test_as_many_as_expected_are_neither_more_nor_fewer() -> None:
    assert is_above(20, 20_000) is False
    assert is_short(20, 20_000) is False


def test_the_smallest_gap_to_the_goal_takes_most_calls() -> None:
    assert least_calls(800, 799) == 432_965


def test_at_a_goal_of_all_calls_one_miss_is_one() -> None:
    assert is_below(10, 9, 10_000)
    assert not is_below(10, 10, 10_000)


def test_queues_of_two_goals_are_judged_by_the_sum_of_what_each_allows() -> None:
    assert is_below(200, 140, 100 * 800 + 100 * 900)
    assert not is_below(200, 168, 100 * 800 + 100 * 900)


def test_no_number_of_calls_shows_a_share_at_the_goal_to_be_below_it() -> None:
    with pytest.raises(ValueError, match="expected a share below the goal of 800, got 800"):
        least_calls(800, 800)


def test_more_calls_than_expected_by_chance_are_no_surge() -> None:
    assert not is_above(100, 100_000)
    assert not is_above(116, 100_000)
    assert is_above(117, 100_000)
    assert not is_above(117, 100_000, 2000)


def test_fewer_calls_than_expected_may_be_chance() -> None:
    # 2.706 * 20 = 54.1, the square of 7.36: 13 of 20 may be chance, 12 are not.
    assert not is_short(13, 20_000)
    assert is_short(12, 20_000)
    assert not is_short(12, 20_000, 2000)
    assert is_short(9, 20_000, 2000)
    assert is_short(0, 2_707)
    assert not is_short(0, 2_706)
    assert not is_short(20, 20_000)
    assert not is_short(21, 20_000)
    assert not is_short(0, 0)
