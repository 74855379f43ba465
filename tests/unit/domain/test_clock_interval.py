"""Intervals follow the contract's clock through summer time and odd zones."""

from __future__ import annotations

from datetime import date, timedelta
from itertools import pairwise

import pytest

from pipeline.domain.business_time import midnight_ms
from pipeline.domain.clock_interval import MINUTE_MS, clock_intervals


@pytest.mark.parametrize(
    ("zone", "day", "count"),
    [
        ("Europe/Berlin", date(2025, 3, 30), 92),
        ("Europe/Berlin", date(2025, 10, 26), 100),
        ("America/New_York", date(2025, 11, 2), 100),
        ("Australia/Lord_Howe", date(2025, 4, 6), 98),
        ("Asia/Kathmandu", date(2025, 11, 11), 96),
    ],
)
def test_a_day_is_covered_by_quarters_without_gap(zone: str, day: date, count: int) -> None:
    start, end = midnight_ms(day, zone), midnight_ms(day + timedelta(days=1), zone)
    quarters = list(clock_intervals(zone, start, end, minutes=15))
    assert len(quarters) == count
    assert (quarters[0][0], quarters[-1][1]) == (start, end)
    assert all(b == c for (_, b), (c, _) in pairwise(quarters))
    assert {b - a for a, b in quarters} == {15 * MINUTE_MS}
    assert len(list(clock_intervals(zone, start, end, minutes=30))) == count // 2


def test_the_outermost_intervals_are_cut_to_the_bounds() -> None:
    cut = clock_intervals("UTC", 5 * MINUTE_MS, 50 * MINUTE_MS, minutes=30)
    assert [(a // MINUTE_MS, b // MINUTE_MS) for a, b in cut] == [(5, 30), (30, 50)]
