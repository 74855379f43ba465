"""Sentences of the point of no return: every standing, both languages, changes of the clock."""

from __future__ import annotations

from datetime import datetime
from zoneinfo import ZoneInfo

import pytest

from pipeline.staffing.no_return import (
    Language,
    Period,
    point_of_no_return,
    point_of_no_return_of,
)
from pipeline.staffing.outlook import Expected, Standing, look_ahead
from pipeline.staffing.words import clock_in

HOUR = 3_600_000
SHANGHAI, BERLIN = "Asia/Shanghai", "Europe/Berlin"


def local(text: str, zone: str = SHANGHAI, fold: int = 0) -> int:
    at = datetime.fromisoformat(text).replace(tzinfo=ZoneInfo(zone), fold=fold)
    return round(at.timestamp() * 1000)


EIGHT = local("2025-11-11 08:00")
DAY = [Expected(EIGHT + h * HOUR, EIGHT + (h + 1) * HOUR, 1000.0) for h in range(10)]
LOST_SOON = {"goal": 0.8, "good": 0.0, "counted": 0.0, "expected": DAY, "rate": 0.25}


def in_english(**given: object) -> str:
    return point_of_no_return_of(**(LOST_SOON | {"zone": SHANGHAI} | given))  # type: ignore[arg-type]


def in_chinese(**given: object) -> str:
    return in_english(**given, language=Language.CHINESE)


def test_when_it_is_lost_is_said_by_the_contracts_clock() -> None:
    """1 - 0.8 of 10,000 calls may be missed; 1,000 an hour at 75 % misses: after 2 h 40 min."""
    assert in_english() == (
        "At this rate today's 80 % is out of reach after 10:40: today ends at 25 % "
        "(under 1 % to make it). For 80 % the calls still to come have to reach 80 %."
    )
    assert in_chinese() == (
        "按目前水平，今天 80 % 的目标在 10:40 之后无法达成：预计今天以 25 % 结束"
        "（达成概率低于 1 %）。要达成目标，剩余来电须达到 80 %。"
    )
    assert "after 3:40" in in_english(zone=BERLIN)


SAID = [
    (
        {"expected": DAY[:0], "good": 2000, "counted": 2000},
        Standing.WON,
        "Today's 80 % is safe, whatever else comes.",
        "今天 80 % 的目标已确保达成，后续来电不会改变结果。",
    ),
    (
        {"expected": DAY[:1], "good": 100, "counted": 1000},
        Standing.LOST,
        "Today's 80 % is out of reach: with no further miss it would end at 55 %.",
        "今天 80 % 的目标已无法达成：后续来电全部达标，最终也只有 55 %。",
    ),
    (
        {"expected": []},
        Standing.NOTHING_COUNTS,
        "No calls so far and none expected: nothing to say of today's 80 %.",
        "今天尚无来电，也没有预测来电：今天 80 % 的目标无从判断。",
    ),
    (
        {"rate": None},
        Standing.ON_COURSE,
        "No rate to go by yet; for today's 80 % the calls still to come have to reach 80 %.",
        "目前还没有可依据的水平；要达成今天 80 % 的目标，剩余来电须达到 80 %。",
    ),
    (
        {"rate": 0.9, "good": 600, "counted": 1000, "seen": 400},
        Standing.ON_COURSE,
        (
            "At this rate today ends at 87.2 % (78 % to make it); for 80 % the calls still to "
            "come have to reach 82 %."
        ),
        (
            "按目前水平，预计今天以 87.2 % 结束（达成概率 78 %）；要达成今天 80 % 的目标，"
            "剩余来电须达到 82 %。"
        ),
    ),
    (
        {"rate": 0.79, "seen": 400},
        Standing.AT_RISK,
        (
            "At this rate today's 80 % is out of reach after 17:31: today ends at 79 % "
            "(47 % to make it). For 80 % the calls still to come have to reach 80 %."
        ),
        (
            "按目前水平，今天 80 % 的目标在 17:31 之后无法达成："
            "预计今天以 79 % 结束（达成概率 47 %）。"
            "要达成目标，剩余来电须达到 80 %。"
        ),
    ),
]


@pytest.mark.parametrize(("given", "standing", "english", "chinese"), SAID)
def test_every_standing_has_its_sentence(
    given: dict[str, object], standing: Standing, english: str, chinese: str
) -> None:
    assert look_ahead(**(LOST_SOON | given)).standing is standing  # type: ignore[arg-type]
    assert in_english(**given) == english
    assert in_chinese(**given) == chinese


def test_all_standings_are_told() -> None:
    assert {standing for _, standing, *_ in SAID} == set(Standing)


def test_a_months_point_of_no_return_has_a_date() -> None:
    days = [Expected(EIGHT + d * 24 * HOUR, EIGHT + (24 * d + 10) * HOUR, 1e4) for d in range(10)]
    month = {"expected": days, "period": Period.MONTH}
    assert in_english(**month).startswith(
        "At this rate the month's 80 % is out of reach after 13 Nov 14:40: the month ends at 25 %"
    )
    assert in_chinese(**month).startswith(
        "按目前水平，本月 80 % 的目标在 11月13日 14:40 之后无法达成"
    )


@pytest.mark.parametrize(
    ("midnight", "hours", "said"),
    [
        # 1 - 0.8 over 0.75 of the day's calls: 6 h 8 min of 23 h, 6 h 24 min of 24 h, 6 h 40 of 25.
        ("2025-03-30 00:00", 23, "7:08"),
        ("2025-03-29 00:00", 24, "6:24"),
        ("2025-10-26 00:00", 25, "5:40"),
    ],
)
def test_over_a_change_of_the_clock_it_is_the_clock_on_the_wall(
    midnight: str, hours: int, said: str
) -> None:
    start = local(midnight, BERLIN)
    day = [Expected(start + h * HOUR, start + (h + 1) * HOUR, 100.0) for h in range(hours)]
    assert f"out of reach after {said}:" in in_english(expected=day, zone=BERLIN)
    assert f"在 {said} 之后无法达成" in in_chinese(expected=day, zone=BERLIN)


@pytest.mark.parametrize(("fold", "said"), [(0, "2:40 (UTC+2)"), (1, "2:40 (UTC+1)")])
def test_an_hour_that_comes_twice_is_told_apart(fold: int, said: str) -> None:
    at = local("2025-10-26 02:40", BERLIN, fold)
    start = at - 160 * 60_000
    day = [Expected(start + h * HOUR, start + (h + 1) * HOUR, 1000.0) for h in range(10)]
    assert f"out of reach after {said}:" in in_english(expected=day, zone=BERLIN, now_ms=start)
    assert f"在 {said} 之后无法达成" in in_chinese(expected=day, zone=BERLIN, now_ms=start)


def test_half_an_hour_after_midnight_has_an_hour() -> None:
    at = local("2025-11-11 00:30")
    assert clock_in(SHANGHAI, at)(at) == "0:30"
    assert clock_in("Australia/Lord_Howe", 0)(local("2025-04-06 01:45", "Australia/Lord_Howe")) == (
        "6 Apr 1:45 (UTC+11)"
    )


def test_a_zone_behind_utc_is_written_so() -> None:
    new_york = "America/New_York"
    at = local("2025-11-02 01:30", new_york, fold=1)
    assert clock_in(new_york, at)(at) == "1:30 (UTC-5)"


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"goal": 0.0}, "goal: expected a share above 0 and at most 1, got 0"),
        ({"goal": 80.0}, "goal: expected a share above 0 and at most 1, got 80"),
        ({"rate": 1.2}, "rate: expected a share from 0 to 1, got 1.2"),
        ({"good": 5.0, "counted": 4.0}, "good: expected 0 to the 4 counted, got 5"),
    ],
)
def test_figures_that_cannot_be_are_refused(given: dict[str, object], said: str) -> None:
    with pytest.raises(ValueError, match=said):
        in_english(**given)


def test_a_goal_of_all_calls_is_lost_with_the_first_miss() -> None:
    assert "out of reach after 8:00" in in_english(goal=1.0)


def test_an_outlook_tells_the_same_as_its_figures() -> None:
    found = look_ahead(**LOST_SOON)  # type: ignore[arg-type]
    assert point_of_no_return(found, SHANGHAI, EIGHT) == in_english()


def test_a_sure_thing_is_told_as_nearly_sure_in_chinese() -> None:
    assert "（达成概率高于 99 %）" in in_chinese(rate=0.999, seen=5000.0)
    assert "（达成概率" not in in_chinese(rate=0.999, good=900.0, counted=1000.0, expected=[])
