"""Times of APIs and tables: ISO 8601 or epoch, never a guess of a zone."""

from __future__ import annotations

from collections import Counter
from zoneinfo import ZoneInfo

import pytest

from pipeline.codec.recent import Recent
from pipeline.codec.timestamp import Clock

CLOCK = Clock(None, Counter())
TEN = 1_772_445_600_000


@pytest.mark.parametrize(
    "value",
    [
        "2026-03-02T10:00:00Z",
        "2026-03-02T10:00:00.000Z",
        " 2026-03-02T11:00:00+0100 ",
        "2026-03-02 15:30+05:30",
        "1772445600",
        "1772445600.000",
        "1772445600000",
        1_772_445_600,
        1_772_445_600.0,
        1_772_445_600_000,
    ],
)
def test_an_instant_may_be_written_in_many_ways(value: object) -> None:
    assert CLOCK.read(value) == TEN


def test_parts_of_a_second_are_kept_to_the_millisecond() -> None:
    for value in ("2026-03-02T10:00:00.2509Z", "1772445600.250", 1_772_445_600.25):
        assert CLOCK.read(value) == TEN + 250


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("2026-03-02", "a day without a time"),
        ("2026-03-02T10:00:00", "an offset"),
        ("tomorrow", "expected a time such as"),
        ("2026-02-30T10:00:00Z", "expected a time such as"),
        ("1969-12-31T23:59:59Z", "after 1970"),
        ("9999-01-01T00:00:00Z", "before the year 9000"),
        (-1, "after 1970"),
        (10**18, "before the year 9000"),
        (True, "expected a time such as"),
        ([], "expected a time such as"),
        (None, "expected a time such as"),
    ],
)
def test_what_is_no_instant_is_refused_by_what_was_expected(value: object, expected: str) -> None:
    with pytest.raises(ValueError, match=expected):
        CLOCK.read(value)


def test_a_wall_clock_needs_its_zone_and_odd_times_are_counted() -> None:
    clock = Clock(ZoneInfo("Europe/Berlin"), Counter())
    assert clock.read("2026-03-02T11:00:00") == TEN
    assert clock.read("2026-10-25T02:30:00") == clock.read("2026-10-25T02:30:00+02:00")
    assert clock.read("2026-03-29T02:30:00") == clock.read("2026-03-29T03:30:00+02:00")
    assert clock.anomalies == {"ambiguous_local_time": 1, "skipped_local_time": 1}
    with pytest.raises(ValueError, match="expected a time such as"):
        Clock(ZoneInfo("Asia/Shanghai"), Counter()).read("0001-01-01T00:00:00")


def test_what_was_touched_last_is_remembered_longest() -> None:
    counted: Counter[str] = Counter()
    kept: Recent[int] = Recent(2, counted, "forgotten")
    kept.put("a", 1)
    kept.put("b", 2)
    assert kept.get("a") == 1
    kept.put("c", 3)
    assert [kept.get(key) for key in "abc"] == [1, None, 3]
    assert (len(kept), counted, kept.drop("a"), kept.drop("a")) == (2, {"forgotten": 1}, 1, None)
