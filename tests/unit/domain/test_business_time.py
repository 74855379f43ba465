"""Business months: zones, summer time, half-open bounds."""

from __future__ import annotations

from datetime import UTC, date, datetime
from zoneinfo import ZoneInfo

import pytest

from pipeline.domain.business_time import (
    HOUR_MS,
    Month,
    midnight_ms,
    offset_ms,
    offsets,
    parse_month,
)
from pipeline.errors import InputError


def hours(month: str, zone: str) -> int:
    start, end = parse_month(month).bounds(zone)
    return (end - start) // HOUR_MS


@pytest.mark.parametrize(
    ("month", "zone", "expected"),
    [
        ("2025-10", "Europe/Warsaw", 745),
        ("2025-03", "Europe/Warsaw", 743),
        ("2025-11", "Asia/Shanghai", 720),
        ("2025-12", "UTC", 744),
        ("2024-02", "UTC", 696),
    ],
)
def test_a_month_has_the_hours_of_its_zone(month: str, zone: str, expected: int) -> None:
    assert hours(month, zone) == expected


def test_months_meet_without_gap() -> None:
    assert (
        parse_month("2025-12").bounds("Asia/Jerusalem")[1]
        == (parse_month("2026-01").bounds("Asia/Jerusalem")[0])
    )


def test_days_cover_the_month_and_one_has_25_hours() -> None:
    month = Month(2025, 10)
    days = list(month.days("Europe/Warsaw"))
    assert len(days) == 31
    assert sum(end - start for _, start, end in days) == 745 * HOUR_MS
    assert max(end - start for _, start, end in days) == 25 * HOUR_MS


def test_offsets_change_once_in_an_october() -> None:
    start, end = Month(2025, 10).bounds("Europe/Warsaw")
    found = list(offsets("Europe/Warsaw", start, end))
    assert [offset // HOUR_MS for _, _, offset in found] == [2, 1]
    assert found[0][1] == found[1][0] == 1_761_440_400_000


@pytest.mark.parametrize(
    ("zone", "day"),  # midnight does not exist, or the clock shows it or the hour before it twice
    [
        ("America/Sao_Paulo", date(2018, 11, 4)),
        ("America/Sao_Paulo", date(2019, 2, 17)),
        ("Asia/Beirut", date(2024, 3, 31)),
        ("Asia/Beirut", date(2024, 10, 27)),
        ("Africa/Cairo", date(2024, 4, 26)),
        ("Africa/Cairo", date(2024, 11, 1)),
        ("America/Havana", date(2024, 3, 10)),
        ("America/Havana", date(2024, 11, 3)),
        ("America/Santiago", date(2024, 4, 7)),
        ("America/Santiago", date(2024, 9, 8)),
        ("America/St_Johns", date(2010, 11, 7)),
        ("Atlantic/Azores", date(2024, 3, 31)),
    ],
)
def test_a_clock_that_changes_at_midnight_changes_then_wherever_one_starts_to_look(
    zone: str, day: date
) -> None:
    info, noon = ZoneInfo(zone), datetime(day.year, day.month, day.day, 12, tzinfo=UTC)
    around = round(noon.timestamp()) * 1000
    from_ms, to_ms = around - 36 * HOUR_MS, around + 36 * HOUR_MS
    every = range(from_ms, to_ms, 60_000)
    changes = [at for at in every if offset_ms(info, at) != offset_ms(info, at - 60_000)]
    assert len(changes) == 1
    midnight = midnight_ms(day, zone)  # the first instant of the day
    assert datetime.fromtimestamp(midnight // 1000, info).date() == day
    assert datetime.fromtimestamp(midnight // 1000 - 1, info).date() < day
    for before in (*range(0, 30 * HOUR_MS, HOUR_MS), 1, 60_000, HOUR_MS + 1):
        start = changes[0] - before
        found = list(offsets(zone, start, start + 60 * HOUR_MS))
        assert [at for at, _, _ in found] == ([start] if before == 0 else [start, changes[0]])
        assert [to for _, to, _ in found] == [*(at for at, _, _ in found[1:]), start + 60 * HOUR_MS]
        assert [offset for _, _, offset in found] == [offset_ms(info, at) for at, _, _ in found]


def test_a_change_at_the_last_instant_of_a_span_belongs_to_it_and_one_at_its_end_does_not() -> None:
    change = 1_761_440_400_000
    summer, winter = 2 * HOUR_MS, HOUR_MS
    assert list(offsets("Europe/Warsaw", change - 1, change + 1)) == [
        (change - 1, change, summer),
        (change, change + 1, winter),
    ]
    assert list(offsets("Europe/Warsaw", change - 2, change)) == [(change - 2, change, summer)]


def test_of_an_empty_span_there_are_no_offsets() -> None:
    assert list(offsets("UTC", 5, 5)) == list(offsets("UTC", 6, 5)) == []
    assert list(offsets("UTC", 5, 6)) == [(5, 6, 0)]


@pytest.mark.parametrize("text", ["2025-13", "2025", "25-01", "2025-1", "", "1969-12", "9999-12"])
def test_what_is_no_month_is_refused_with_its_value(text: str) -> None:
    with pytest.raises(InputError, match=f"got '{text}'"):
        parse_month(text)


@pytest.mark.parametrize("text", ["1970-01", "9998-12"])
def test_the_first_and_the_last_month_there_are_can_be_read(text: str) -> None:
    assert parse_month(text) == Month(int(text[:4]), int(text[5:]))


def test_a_month_is_written_as_it_is_read() -> None:
    assert str(parse_month("2025-02")) == "2025-02"


def test_event_dates_are_the_month_and_a_margin_on_either_side() -> None:
    dates = Month(2024, 2).event_dates(1)
    assert (min(dates), max(dates), len(dates)) == ("2024-01-31", "2024-03-01", 31)
