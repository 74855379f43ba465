"""Opening hours over midnight, on single dates, and as spans of instants."""

from __future__ import annotations

from datetime import date, datetime
from zoneinfo import ZoneInfo

import pytest

from pipeline.domain.business_time import HOUR_MS
from pipeline.domain.intervals import Interval
from pipeline.domain.opening_hours import (
    OpeningHours,
    over_midnight,
    parse_hours,
    parse_span,
    read_hours,
)

DAILY = (((480, 1020),),) * 7
CHRISTMAS_EVE = date(2025, 12, 24)
BERLIN = "Europe/Berlin"


def ms(text: str, zone: str = BERLIN, fold: int = 0) -> int:
    local = datetime.fromisoformat(text).replace(tzinfo=ZoneInfo(zone), fold=fold)
    return round(local.timestamp() * 1000)


def nights(*days: int) -> OpeningHours:
    """Open from 22:00 to 06:00 in the nights that begin on these days, Monday is 0."""
    return OpeningHours(over_midnight([[(1320, 360)] if d in days else [] for d in range(7)]))


def test_hours_over_midnight_are_that_evening_and_the_next_morning() -> None:
    hours = nights(4)  # Friday
    at = ["2025-11-07T05:00", "2025-11-07T22:00", "2025-11-08T05:59", "2025-11-08T06:00"]
    assert [hours.is_open(ms(text), BERLIN) for text in at] == [False, True, True, False]
    assert hours.weekly == ((), (), (), (), ((1320, 1440),), ((0, 360),), ())


def test_sundays_night_ends_on_monday() -> None:
    assert nights(6).weekly[0] == ((0, 360),)
    assert nights(6).is_open(ms("2025-11-10T03:00"), BERLIN)


def test_hours_that_end_at_midnight_leave_the_next_day_alone() -> None:
    assert over_midnight([[(1320, 0)], *([[]] * 6)]) == (((1320, 1440),), *(((),) * 6))


def test_a_night_that_runs_into_the_next_days_hours_is_one_span_with_them() -> None:
    weekly = over_midnight([[(1320, 360)], [(360, 720), (780, 1000)], *([[]] * 5)])
    assert weekly[:2] == (((1320, 1440),), ((0, 720), (780, 1000)))
    apart = over_midnight([[(1320, 360)], [(420, 720)], *([[]] * 5)])
    assert apart[1] == ((0, 360), (420, 720))


def test_a_night_that_overlaps_the_next_days_hours_is_refused() -> None:
    weekly = over_midnight([[(1320, 360)], [(300, 720)], *([[]] * 5)])
    with pytest.raises(ValueError, match=r"tue: expected ascending spans .* 00:00-06:00, 05:00-"):
        OpeningHours(weekly)


def test_a_date_closed_is_closed_from_midnight_on_even_after_a_night() -> None:
    hours = OpeningHours(nights(2).weekly, frozenset({date(2025, 12, 25)}))
    assert hours.is_open(ms("2025-12-24T23:59"), BERLIN)
    assert not hours.is_open(ms("2025-12-25T00:00"), BERLIN)


def test_a_date_may_have_hours_of_its_own_or_none() -> None:
    special = ((CHRISTMAS_EVE, ((480, 720),)), (date(2025, 12, 31), ()))
    hours = OpeningHours(DAILY, special=special)
    at = ["2025-12-23T16:59", "2025-12-24T11:59", "2025-12-24T12:00", "2025-12-31T09:00"]
    assert [hours.is_open(ms(text), BERLIN) for text in at] == [True, True, False, False]
    assert hours.on(CHRISTMAS_EVE) == ((480, 720),)


@pytest.mark.parametrize(
    ("closed", "special"),
    [
        ((), ((CHRISTMAS_EVE, ()), (CHRISTMAS_EVE, ()))),
        ((), ((CHRISTMAS_EVE, ()), (date(2025, 12, 23), ()))),
        ((CHRISTMAS_EVE,), ((CHRISTMAS_EVE, ()),)),
    ],
)
def test_a_date_has_one_rule(
    closed: tuple[date, ...], special: tuple[tuple[date, tuple[tuple[int, int], ...]], ...]
) -> None:
    with pytest.raises(ValueError, match=r"special: expected ascending dates .* got 2025-12-24"):
        OpeningHours(DAILY, frozenset(closed), special)


def test_the_hours_of_a_date_are_checked_under_its_name() -> None:
    with pytest.raises(ValueError, match="2025-12-24: expected ascending spans"):
        OpeningHours(DAILY, special=((CHRISTMAS_EVE, ((720, 480),)),))


def test_what_is_written_is_read_back() -> None:
    special = ((CHRISTMAS_EVE, ((480, 720), (780, 800))), (date(2025, 12, 31), ()))
    hours = OpeningHours(nights(0, 6).weekly, frozenset({date(2025, 12, 25)}), special)
    assert read_hours(hours.plain()) == hours
    assert hours.plain()["special"] == ["2025-12-24 08:00-12:00 13:00-13:20"]
    assert hours.plain()["closed_on"] == ["2025-12-25", "2025-12-31"]
    assert read_hours({}) == OpeningHours(((),) * 7)


def test_the_same_hours_are_equal_and_written_alike_however_they_were_given() -> None:
    eve, day = CHRISTMAS_EVE, date(2025, 12, 25)
    one = OpeningHours(DAILY, frozenset({day}))
    assert one == OpeningHours(DAILY, special=((day, ()),))
    assert one == OpeningHours(DAILY, frozenset({day}), ((eve, DAILY[0]),))
    assert one.plain() == read_hours({**one.plain(), "special": ["2025-12-24 08:00-17:00"]}).plain()
    assert one != OpeningHours(DAILY, frozenset({day}), ((eve, ((480, 720),)),))
    assert one != OpeningHours(DAILY, frozenset({eve, day}))


def test_hours_that_a_later_version_wrote_are_refused() -> None:
    with pytest.raises(ValueError, match=r"opening hours with \['moons'\] are not known here"):
        read_hours({"mon": ["08:00-12:00"], "moons": ["new"]})


def test_a_night_is_read_only_where_it_may_stand() -> None:
    assert parse_hours("22:00-06:00") == (1320, 360)
    assert parse_hours("22:00-00:00") == (1320, 0)
    with pytest.raises(ValueError, match="end after they begin"):
        parse_span("22:00-06:00")
    for text in ("22:00-22:00", "24:00-06:00", "22:00"):
        with pytest.raises(ValueError, match="such as 08:00-20:00"):
            parse_hours(text)


def test_a_queue_that_never_closes_is_open_in_one_span() -> None:
    always = OpeningHours((((0, 1440),),) * 7)
    start, end = ms("2025-10-25T12:00"), ms("2025-10-28T12:00")
    assert list(always.open_spans(start, end, BERLIN)) == [Interval(start, end)]
    assert list(OpeningHours(((),) * 7).open_spans(start, end, BERLIN)) == []
    assert list(always.open_spans(start, start, BERLIN)) == []


def test_a_night_is_one_span_and_lasts_an_hour_more_in_autumn() -> None:
    found = list(nights(5).open_spans(ms("2025-10-20T00:00"), ms("2025-10-31T00:00"), BERLIN))
    assert found == [Interval(ms("2025-10-25T22:00"), ms("2025-10-26T06:00"))]
    assert found[0].length_ms == 9 * HOUR_MS


def test_an_hour_that_comes_twice_is_open_twice() -> None:
    hours = OpeningHours((((120, 150),),) * 7)  # 02:00 to 02:30
    found = list(hours.open_spans(ms("2025-10-26T00:00"), ms("2025-10-27T00:00"), BERLIN))
    assert found == [
        Interval(ms("2025-10-26T02:00"), ms("2025-10-26T02:30")),
        Interval(ms("2025-10-26T02:00", fold=1), ms("2025-10-26T02:30", fold=1)),
    ]
    spring = list(hours.open_spans(ms("2025-03-30T00:00"), ms("2025-03-31T00:00"), BERLIN))
    assert spring == []


def test_hours_that_end_when_they_begin_last_a_day() -> None:
    assert over_midnight([[(480, 480)], *([[]] * 6)])[:2] == (((480, 1440),), ((0, 480),))
    with pytest.raises(ValueError, match=r"end after they begin, .* got '08:00-08:00'"):
        parse_span("08:00-08:00")


@pytest.mark.parametrize("zone", ["America/New_York", "Asia/Shanghai"])
def test_the_evening_of_a_zone_belongs_to_its_date_there(zone: str) -> None:
    evening = (((1320, 1380),), *(((),) * 6))  # Mondays
    start, end = ms("2025-11-10T22:30", zone), ms("2025-11-11T12:00", zone)
    found = list(OpeningHours(evening).open_spans(start, end, zone))
    assert found == [Interval(start, ms("2025-11-10T23:00", zone))]
