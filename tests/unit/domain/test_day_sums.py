"""Days in their zones, and what a weekday usually brings."""

from __future__ import annotations

from datetime import date

import pytest

from pipeline.domain.business_time import midnight_ms
from pipeline.domain.day_sums import (
    DaySum,
    day_of,
    day_row,
    day_sum_of,
    expected_milli,
    prune,
    usual_days,
    usual_handling,
)

SHANGHAI, BERLIN = "Asia/Shanghai", "Europe/Berlin"
TUESDAY = date(2025, 11, 11)
MIDNIGHT = midnight_ms(TUESDAY, SHANGHAI)
HALF = 30 * 60_000


def a_day(**halves: int) -> DaySum:
    found = DaySum()
    for name, calls in halves.items():
        found.offered[int(name[1:])] = calls
    return found


def test_a_day_begins_at_local_midnight() -> None:
    before, after = day_of(MIDNIGHT - 1, SHANGHAI), day_of(MIDNIGHT, SHANGHAI)
    assert (before.ordinal, after.ordinal) == (TUESDAY.toordinal() - 1, TUESDAY.toordinal())
    assert (before.half_hour, before.into_ms) == (47, HALF - 1)
    assert (after.half_hour, after.into_ms, after.day_of_month) == (0, 0, 11)


def test_half_hours_are_the_wall_clocks_also_when_it_is_put_back() -> None:
    midnight = midnight_ms(date(2025, 10, 26), BERLIN)
    halves = [day_of(midnight + n * HALF, BERLIN).half_hour for n in range(50)]
    assert halves == [0, 1, 2, 3, 4, 5, 4, 5, *range(6, 48)]


def test_what_is_expected_is_the_mean_of_the_same_half_hours_of_the_weekday() -> None:
    today = TUESDAY.toordinal()
    days = {
        today - 7: a_day(h20=10, h21=40),
        today - 14: a_day(h20=21, h9=10),
        today - 1: a_day(h20=999),
    }
    at = MIDNIGHT + 20 * HALF
    assert expected_milli(days, at, at + HALF, SHANGHAI) == 15_500
    # A third of half hour 20 and half of 21.
    assert expected_milli(days, at + 2 * HALF // 3, at + 3 * HALF // 2, SHANGHAI) == 15_166
    assert expected_milli(days, at + 2 * HALF, at + 3 * HALF, SHANGHAI) == 0
    assert expected_milli(days, at, at, SHANGHAI) == 0


def test_nothing_is_expected_of_a_weekday_that_is_not_known() -> None:
    today = TUESDAY.toordinal()
    for ordinal in (today, today - 6, today - 35):
        days = {ordinal: a_day(h20=10)}
        assert expected_milli(days, MIDNIGHT, MIDNIGHT + HALF, SHANGHAI) is None


@pytest.mark.parametrize(
    ("calls", "kept"),
    [
        ([100], [100]),
        ([0], [0]),
        ([100, 200], [100, 200]),
        ([100, 201], [100]),  # of two the lesser: a sale is what nobody expects
        ([201, 100], [100]),
        ([90, 100, 1000], [90, 100]),
        ([49, 100, 110], [100, 110]),
        ([50, 100, 110], [50, 100, 110]),
        ([40, 100, 110, 1000], [100, 110]),
    ],
)
def test_days_that_are_nothing_like_the_middle_one_are_not_usual(
    calls: list[int], kept: list[int]
) -> None:
    today = TUESDAY.toordinal()
    days = {today - 7 * n: a_day(h20=c) for n, c in enumerate(calls, start=1)}
    assert [sum(day.offered) for day in usual_days(days, today)] == kept
    assert usual_days({}, today) == []


def test_a_week_after_a_sale_no_more_is_expected_than_on_the_day_before_it() -> None:
    today = TUESDAY.toordinal()
    days = {
        today - 7: DaySum(handled=500, handle_ms=9_000_000, offered=[40] * 48),
        today - 14: DaySum(handled=10, handle_ms=1_000, offered=[4] * 48),
    }
    assert expected_milli(days, MIDNIGHT, MIDNIGHT + HALF, SHANGHAI) == 4_000
    assert usual_handling(days, MIDNIGHT, SHANGHAI) == (10, 1_000)


def test_usual_handling_is_summed_over_four_weeks() -> None:
    today = TUESDAY.toordinal()
    days = {
        today - 7: DaySum(handled=2, handle_ms=500),
        today - 28: DaySum(handled=1, handle_ms=70),
        today - 35: DaySum(handled=9, handle_ms=9),
    }
    assert usual_handling(days, MIDNIGHT, SHANGHAI) == (3, 570)


def test_days_are_kept_for_a_month_and_four_weeks() -> None:
    days = {ordinal: DaySum() for ordinal in (100, 65, 64)}
    prune(days)
    assert sorted(days) == [65, 100]
    nothing: dict[int, DaySum] = {}
    prune(nothing)
    assert nothing == {}


def test_a_day_comes_back_from_its_row() -> None:
    day = DaySum(counted=3, good=2, handled=1, handle_ms=9, offered=[*range(48)])
    assert day_sum_of(day_row(7, day)) == (7, day)
    assert day_row(7, DaySum()) == [7] + [0] * (4 + 48)
