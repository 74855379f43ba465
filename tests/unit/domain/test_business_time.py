"""Business months: zones, summer time, half-open bounds."""

from __future__ import annotations

import pytest

from pipeline.domain.business_time import HOUR_MS, Month, offsets, parse_month
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


@pytest.mark.parametrize("text", ["2025-13", "2025", "25-01", "2025-1", "", "1969-12", "9999-12"])
def test_what_is_no_month_is_refused_with_its_value(text: str) -> None:
    with pytest.raises(InputError, match=f"got '{text}'"):
        parse_month(text)


def test_a_month_is_written_as_it_is_read() -> None:
    assert str(parse_month("2025-02")) == "2025-02"


def test_event_dates_are_the_month_and_a_margin_on_either_side() -> None:
    dates = Month(2024, 2).event_dates(1)
    assert (min(dates), max(dates), len(dates)) == ("2024-01-31", "2024-03-01", 31)
