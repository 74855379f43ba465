"""Intervals of the business calendar: the days on which clocks change, and labels."""

from __future__ import annotations

from datetime import datetime

import pytest

from pipeline.domain.business_time import HOUR_MS, offsets
from pipeline.domain.intervals import Grain, Grid, Interval, known_zone, parse_grain
from pipeline.errors import InputError

MINUTE = 60_000


def ms(text: str) -> int:
    return round(datetime.fromisoformat(text).timestamp() * 1000)


def labels(zone: str, grain: Grain, start: str, end: str) -> list[str]:
    grid = Grid(zone, grain)
    return [grid.label(found) for found in grid.covering(ms(start), ms(end))]


@pytest.mark.parametrize(
    ("zone", "day", "hours"),
    [
        ("Europe/Warsaw", "2025-10-26T12:00+01:00", 25),
        ("Europe/Warsaw", "2025-03-30T12:00+02:00", 23),
        ("Asia/Shanghai", "2025-10-26T12:00+08:00", 24),
        ("America/Sao_Paulo", "2018-11-04T12:00-02:00", 23),  # has no midnight
        ("America/Sao_Paulo", "2018-02-17T12:00-02:00", 25),  # has 23:00 twice
        ("America/Havana", "2025-11-02T12:00-05:00", 25),  # has its midnight twice
    ],
)
def test_a_day_has_the_hours_of_its_zone(zone: str, day: str, hours: int) -> None:
    whole = Grid(zone, Grain.DAY).at(ms(day))
    assert whole.length_ms == hours * HOUR_MS
    assert len(list(Grid(zone, Grain.HOUR).covering(whole.start_ms, whole.end_ms))) == hours
    quarters = Grid(zone, Grain.QUARTER_HOUR).covering(whole.start_ms, whole.end_ms)
    assert [quarter.length_ms for quarter in quarters] == [15 * MINUTE] * (4 * hours)


def test_half_past_one_comes_twice_in_autumn_and_the_offset_tells_which() -> None:
    found = labels("America/New_York", Grain.HALF_HOUR, "2025-11-02T05:00Z", "2025-11-02T07:00Z")
    assert found == [
        "2025-11-02T01:00:00-04:00",
        "2025-11-02T01:30:00-04:00",
        "2025-11-02T01:00:00-05:00",
        "2025-11-02T01:30:00-05:00",
    ]


def test_a_week_begins_on_monday_and_has_seven_days_of_its_zone() -> None:
    weeks = Grid("Europe/Warsaw", Grain.WEEK)
    found = weeks.at(ms("2025-10-26T12:00+01:00"))
    assert weeks.label(found) == "2025-10-20T00:00:00+02:00"
    assert found.length_ms == (7 * 24 + 1) * HOUR_MS
    assert weeks.label_at(found.end_ms) == "2025-10-27T00:00:00+01:00"


def test_an_instant_is_local_to_the_millisecond() -> None:
    assert Grid("Asia/Shanghai", Grain.DAY).label_at(1_250) == "1970-01-01T08:00:01.250000+08:00"


def test_an_hour_that_spring_skips_has_no_interval() -> None:
    found = labels("Europe/Warsaw", Grain.HOUR, "2025-03-30T00:00Z", "2025-03-30T02:00Z")
    assert found == ["2025-03-30T01:00:00+01:00", "2025-03-30T03:00:00+02:00"]


def test_intervals_follow_the_wall_clock_of_zones_off_the_hour() -> None:
    found = labels("Asia/Kathmandu", Grain.HOUR, "2025-01-01T00:00Z", "2025-01-01T01:00Z")
    assert found == ["2025-01-01T05:00:00+05:45", "2025-01-01T06:00:00+05:45"]


def test_an_interval_stops_where_the_clock_jumps_by_less_than_its_length() -> None:
    # Lord Howe Island, 2025-04-06: at 02:00+11:00 the clock goes back to 01:30+10:30.
    start, end = ms("2025-04-06T00:00+11:00"), ms("2025-04-06T03:00+10:30")
    grid = Grid("Australia/Lord_Howe", Grain.HOUR)
    found = [(grid.label(i), i.length_ms // MINUTE) for i in grid.covering(start, end)]
    assert found == [
        ("2025-04-06T00:00:00+11:00", 60),
        ("2025-04-06T01:00:00+11:00", 60),
        ("2025-04-06T01:30:00+10:30", 30),
        ("2025-04-06T02:00:00+10:30", 60),
    ]
    # And 2025-10-05: at 02:00+10:30 it goes on to 02:30+11:00.
    start, end = ms("2025-10-05T01:00+10:30"), ms("2025-10-05T04:00+11:00")
    found = [(grid.label(i), i.length_ms // MINUTE) for i in grid.covering(start, end)]
    assert found == [
        ("2025-10-05T01:00:00+10:30", 60),
        ("2025-10-05T02:30:00+11:00", 30),
        ("2025-10-05T03:00:00+11:00", 60),
    ]


def test_a_clock_that_changes_at_one_minute_past_cuts_there() -> None:
    # Casey station, 2021-10-03 00:01+08:00 -> 03:01+11:00.
    changed = ms("2021-10-02T16:01Z")
    assert list(offsets("Antarctica/Casey", changed - HOUR_MS, changed + HOUR_MS)) == [
        (changed - HOUR_MS, changed, 8 * HOUR_MS),
        (changed, changed + HOUR_MS, 11 * HOUR_MS),
    ]
    hours = Grid("Antarctica/Casey", Grain.HOUR)
    assert hours.at(changed - 1) == Interval(changed - MINUTE, changed)
    assert hours.at(changed) == Interval(changed, changed + 59 * MINUTE)


def test_a_new_day_goes_on_where_the_clock_goes_back_over_midnight() -> None:
    # St. John's, 2010-11-07 00:01-02:30 -> 2010-11-06 23:01-03:30: the date comes back.
    midnight = ms("2010-11-07T00:00-02:30")
    days = Grid("America/St_Johns", Grain.DAY)
    back = ms("2010-11-06T23:30-03:30")
    assert days.local(back).day == 6
    assert days.at(back) == days.at(midnight) == Interval(midnight, midnight + 25 * HOUR_MS)
    assert days.at(midnight - 1).length_ms == 24 * HOUR_MS


def test_a_day_that_a_zone_leaves_out_has_no_interval() -> None:
    # Samoa crossed the date line at the end of 2011-12-29.
    found = labels("Pacific/Apia", Grain.DAY, "2011-12-29T00:00-10:00", "2011-12-31T23:00+14:00")
    assert found == ["2011-12-29T00:00:00-10:00", "2011-12-31T00:00:00+14:00"]


def test_a_week_begins_on_monday_and_a_month_on_its_first() -> None:
    week = labels("Europe/Warsaw", Grain.WEEK, "2025-10-26T12:00Z", "2025-10-28T00:00Z")
    assert week == ["2025-10-20T00:00:00+02:00", "2025-10-27T00:00:00+01:00"]
    month = labels("Europe/Warsaw", Grain.MONTH, "2025-12-15T12:00Z", "2026-02-01T00:00Z")
    assert month == [f"{day}T00:00:00+01:00" for day in ("2025-12-01", "2026-01-01", "2026-02-01")]


def test_tiles_are_cut_off_at_the_range_and_an_empty_range_has_none() -> None:
    grid = Grid("UTC", Grain.HOUR)
    start, end = 5 * MINUTE, HOUR_MS + MINUTE
    assert list(grid.tiles(start, end)) == [Interval(start, HOUR_MS), Interval(HOUR_MS, end)]
    assert list(grid.tiles(start, start)) == []
    assert list(grid.covering(end, start)) == []


def test_spans_are_clipped_to_an_interval() -> None:
    hour = Interval(0, HOUR_MS)
    assert hour.clipped(-5, 7) == Interval(0, 7)
    assert hour.clipped(HOUR_MS, HOUR_MS + 1) is None
    assert hour.overlap_ms(HOUR_MS - 1, HOUR_MS + 9) == 1
    assert hour.overlap_ms(-9, -1) == hour.overlap_ms(HOUR_MS, HOUR_MS + 1) == 0
    assert hour.overlap_ms(3, 5) == 2


def test_instants_before_1970_and_odd_offsets_are_cut_like_any_other() -> None:
    # Monrovia kept -00:44:30 until 1972.
    found = labels("Africa/Monrovia", Grain.HOUR, "1969-12-31T23:00Z", "1970-01-01T00:00Z")
    assert found == ["1969-12-31T22:00:00-00:44:30", "1969-12-31T23:00:00-00:44:30"]


@pytest.mark.parametrize(
    ("text", "grain"),
    [
        ("15min", Grain.QUARTER_HOUR),
        ("30m", Grain.HALF_HOUR),
        ("1h", Grain.HOUR),
        ("hour", Grain.HOUR),
        ("day", Grain.DAY),
        ("1w", Grain.WEEK),
        ("month", Grain.MONTH),
    ],
)
def test_a_grain_is_read_by_its_names(text: str, grain: Grain) -> None:
    assert parse_grain(text) is grain


@pytest.mark.parametrize("text", ["", "Hour", "2h", "fortnight"])
def test_what_is_no_grain_is_refused_with_its_value(text: str) -> None:
    with pytest.raises(InputError, match=rf"interval: expected one of 15min, .* got '{text}'"):
        parse_grain(text)


@pytest.mark.parametrize(
    "name",
    ["Mars/Olympus", "Asia", "", "../etc/passwd", "UTC+2", "localtime", "right/Europe/Warsaw"],
)
def test_a_zone_that_does_not_exist_is_refused_with_its_name(name: str) -> None:
    with pytest.raises(InputError, match=r"timezone: expected an IANA zone .* got "):
        known_zone(name)
