"""Which rows count and in which intervals: day hours, week days, dialects, changing clocks."""

from __future__ import annotations

from datetime import datetime
from zoneinfo import ZoneInfo

import pytest

from pipeline.domain.business_time import HOUR_MS
from pipeline.domain.intervals import Grain, Grid
from pipeline.domain.statistics_frame import (
    ALL_DAYS,
    VANE,
    WAZO,
    DayHours,
    Dialect,
    Frames,
    Selection,
    month_on,
)

MINUTE = 60_000


def ms(text: str) -> int:
    return round(datetime.fromisoformat(text).timestamp() * 1000)


def select(
    start: str,
    end: str,
    zone: str = "UTC",
    hours: DayHours | None = None,
    days: frozenset[int] = ALL_DAYS,
) -> Selection:
    return Selection(
        zone=zone, from_ms=ms(start), until_ms=ms(end), day_hours=hours, week_days=days
    )


def listed(selection: Selection, grain: Grain | None, dialect: Dialect) -> list[tuple[str, str]]:
    grid = Grid(selection.zone, Grain.DAY)
    frames = Frames(selection, grain, dialect)
    return [(grid.label_at(f.start_ms)[:16], grid.label_at(f.end_ms)[:16]) for f in frames.listed]


def test_ours_follow_the_clock_and_wazos_go_on_from_the_start() -> None:
    chosen = select("2020-10-06T00:30Z", "2020-10-06T02:15Z")
    assert listed(chosen, Grain.HOUR, VANE)[:-1] == [
        ("2020-10-06T00:30", "2020-10-06T01:00"),
        ("2020-10-06T01:00", "2020-10-06T02:00"),
        ("2020-10-06T02:00", "2020-10-06T02:15"),
    ]
    assert listed(chosen, Grain.HOUR, WAZO)[:-1] == [
        ("2020-10-06T00:30", "2020-10-06T01:30"),
        ("2020-10-06T01:30", "2020-10-06T02:15"),
    ]


@pytest.mark.parametrize("dialect", [VANE, WAZO])
def test_the_whole_range_comes_last_and_alone_without_a_grain(dialect: Dialect) -> None:
    chosen = select("2020-10-06T00:00Z", "2020-10-06T01:00Z")
    whole = ("2020-10-06T00:00", "2020-10-06T01:00")
    assert listed(chosen, None, dialect) == [whole]
    assert listed(chosen, Grain.HOUR, dialect) == [whole, whole]


@pytest.mark.parametrize("dialect", [VANE, WAZO])
def test_an_autumn_day_has_25_hours_and_a_spring_day_23(dialect: Dialect) -> None:
    zone = "America/Montreal"
    autumn = select("2020-11-01T00:00-04:00", "2020-11-02T00:00-05:00", zone)
    assert len(listed(autumn, Grain.HOUR, dialect)) == 25 + 1
    spring = select("2020-03-08T00:00-05:00", "2020-03-09T00:00-04:00", zone)
    assert len(listed(spring, Grain.HOUR, dialect)) == 23 + 1


def test_wazos_days_and_months_go_on_by_the_wall_clock() -> None:
    chosen = select("2020-10-31T09:00-04:00", "2020-11-02T09:00-05:00", "America/Montreal")
    assert listed(chosen, Grain.DAY, WAZO)[:-1] == [
        ("2020-10-31T09:00", "2020-11-01T09:00"),
        ("2020-11-01T09:00", "2020-11-02T09:00"),
    ]
    months = select("2020-01-31T00:00Z", "2020-04-15T00:00Z")
    assert listed(months, Grain.MONTH, WAZO)[:-1] == [
        ("2020-01-31T00:00", "2020-02-29T00:00"),
        ("2020-02-29T00:00", "2020-03-29T00:00"),
        ("2020-03-29T00:00", "2020-04-15T00:00"),
    ]


@pytest.mark.parametrize(
    ("day", "after"),
    [("2020-01-31", "2020-02-29"), ("2021-12-15", "2022-01-15"), ("2021-11-30", "2021-12-30")],
)
def test_a_month_on_is_the_same_day_or_the_last(day: str, after: str) -> None:
    local = datetime.fromisoformat(day).replace(tzinfo=ZoneInfo("UTC"))
    assert month_on(local).date().isoformat() == after


def test_a_month_on_into_an_hour_that_comes_twice_is_the_first_of_them() -> None:
    second = datetime(2020, 10, 1, 1, 30, tzinfo=ZoneInfo("America/Montreal"), fold=1)
    assert month_on(second).isoformat() == "2020-11-01T01:30:00-04:00"


def test_without_a_word_on_week_days_all_seven_count() -> None:
    week = Selection(zone="UTC", from_ms=ms("2020-10-05T00:00Z"), until_ms=ms("2020-10-12T00:00Z"))
    assert len(Frames(week, Grain.DAY, VANE).listed) == 7 + 1
    assert frozenset({1, 2, 3, 4, 5, 6, 7}) == ALL_DAYS


def test_wazo_cuts_no_more_than_a_month_into_hours() -> None:
    assert (VANE.hourly_months, WAZO.hourly_months) == (None, 1)


def test_day_hours_are_half_open_to_the_minute_in_ours() -> None:
    chosen = select("2020-10-06T00:00Z", "2020-10-07T00:00Z", hours=DayHours(510, 1020))
    frames = Frames(chosen, Grain.HOUR, VANE)
    starts = [start for start, _ in listed(chosen, Grain.HOUR, VANE)[:-1]]
    assert (starts[0], starts[-1], len(starts)) == ("2020-10-06T08:00", "2020-10-06T16:00", 9)
    whole = len(frames.listed) - 1
    assert frames.of(ms("2020-10-06T08:29:59Z")) == []
    assert frames.of(ms("2020-10-06T08:30Z")) == [0, whole]
    assert frames.of(ms("2020-10-06T16:59:59Z")) == [8, whole]
    assert frames.of(ms("2020-10-06T17:00Z")) == []


def test_wazos_closing_hour_counts_in_the_whole_but_is_not_listed() -> None:
    chosen = select("2020-10-06T00:00Z", "2020-10-07T00:00Z", hours=DayHours(480, 1080))
    frames = Frames(chosen, Grain.HOUR, WAZO)
    starts = [start for start, _ in listed(chosen, Grain.HOUR, WAZO)[:-1]]
    assert (starts[0], starts[-1], len(starts)) == ("2020-10-06T08:00", "2020-10-06T16:00", 9)
    assert frames.of(ms("2020-10-06T17:30Z")) == [len(frames.listed) - 1]
    assert frames.of(ms("2020-10-06T18:00Z")) == []
    # An interval that ends with the day ends at hour 0.
    late = select("2020-10-06T22:00Z", "2020-10-07T00:00Z", hours=DayHours(480, 1440))
    assert listed(late, Grain.HOUR, WAZO)[:-1] == [("2020-10-06T22:00", "2020-10-06T23:00")]


def test_week_days_are_those_of_the_zone_and_leave_whole_weeks_and_months_listed() -> None:
    monday_in_auckland = ms("2020-10-04T13:00Z")
    chosen = select(
        "2020-10-01T00:00Z", "2020-10-08T00:00Z", "Pacific/Auckland", days=frozenset({1})
    )
    frames = Frames(chosen, Grain.DAY, VANE)
    assert len(frames.listed) == 1 + 1
    assert frames.of(monday_in_auckland) == [0, 1]
    assert frames.of(monday_in_auckland - 3 * HOUR_MS) == []
    assert len(Frames(chosen, Grain.WEEK, VANE).listed) == 2 + 1
    assert len(Frames(chosen, Grain.MONTH, VANE).listed) == 1 + 1
    nobody = select("2020-10-01T00:00Z", "2020-10-08T00:00Z", days=frozenset())
    assert len(Frames(nobody, Grain.DAY, VANE).listed) == 1
    assert Frames(nobody, None, VANE).of(monday_in_auckland) == []


def test_bounds_are_half_open_and_an_empty_range_holds_nothing() -> None:
    start, end = "2020-10-06T00:00Z", "2020-10-06T02:00Z"
    frames = Frames(select(start, end), Grain.HOUR, VANE)
    assert frames.of(ms(start)) == [0, 2]
    assert frames.of(ms(end) - 1) == [1, 2]
    assert frames.of(ms(end)) == frames.of(ms(start) - 1) == []
    empty = Frames(select(start, start), Grain.HOUR, VANE)
    assert len(empty.listed) == 1
    assert empty.of(ms(start)) == []


def test_a_day_that_day_hours_leave_out_is_listed_empty() -> None:
    chosen = select("2020-10-06T00:00Z", "2020-10-06T08:00Z", hours=DayHours(480, 1020))
    assert len(Frames(chosen, Grain.DAY, VANE).listed) == 1 + 1
    assert len(Frames(chosen, Grain.HOUR, VANE).listed) == 1
