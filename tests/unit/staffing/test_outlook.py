from __future__ import annotations

import pytest

from pipeline.staffing.outlook import Expected, Standing, look_ahead, when_reached
from pipeline.staffing.words import chance, clock_in, outlook_in_words, percent

HOUR = 3_600_000
DAY = [Expected(h * HOUR, (h + 1) * HOUR, 1000.0) for h in range(8, 18)]
CLOCK = clock_in("UTC", 8 * HOUR)


def test_singles_day_is_lost_after_26_percent_of_its_volume() -> None:
    found = look_ahead(goal=0.8, good=0, counted=0, expected=DAY, rate=0.2366, seen=500)
    assert found.standing is Standing.AT_RISK
    assert found.lost_at_ms is not None
    assert (found.lost_at_ms / HOUR - 8) / 10 == pytest.approx(0.262, abs=5e-4)
    assert found.projected == pytest.approx(0.2366)
    assert found.likely is not None
    assert found.likely < 0.01
    said = outlook_in_words(found, CLOCK)
    assert said.startswith("At this rate today's 80 % is out of reach after 10:37")


def test_the_rate_up_to_its_time_and_no_miss_after_it_just_makes_the_goal() -> None:
    """The definition, replayed."""
    found = look_ahead(goal=0.8, good=900, counted=1500, expected=DAY, rate=0.6, seen=300)
    assert found.lost_at_ms is not None
    at_rate = sum(p.calls * min(1.0, max(0.0, (found.lost_at_ms - p.start_ms) / HOUR)) for p in DAY)
    end = (900 + 0.6 * at_rate + (10_000 - at_rate)) / 11_500
    assert end == pytest.approx(0.8, abs=1e-6)


def test_what_the_rest_has_to_reach() -> None:
    found = look_ahead(goal=0.8, good=600, counted=1000, expected=DAY, rate=0.9, seen=400)
    assert found.needed == pytest.approx((0.8 * 11_000 - 600) / 10_000)
    assert found.standing is Standing.ON_COURSE
    assert found.lost_at_ms is None
    said = outlook_in_words(found, CLOCK)
    assert said.startswith("At this rate today ends at 87.2 % (")
    assert said.endswith("for 80 % the calls still to come have to reach 82 %.")


def test_lost_and_won_are_certain() -> None:
    rest = DAY[:1]
    lost = look_ahead(goal=0.8, good=100, counted=1000, expected=rest, rate=1.0, seen=10)
    assert (lost.standing, lost.likely, lost.lost_at_ms) == (Standing.LOST, 0.0, None)
    assert lost.needed is not None
    assert lost.needed > 1
    assert outlook_in_words(lost, CLOCK) == (
        "Today's 80 % is out of reach: with no further miss it would end at 55 %."
    )
    won = look_ahead(goal=0.8, good=2000, counted=2000, expected=rest[:0], rate=0.0, seen=10)
    assert (won.standing, won.likely) == (Standing.WON, 1.0)
    assert outlook_in_words(won, CLOCK, whose="the month") == (
        "The month's 80 % is safe, whatever else comes."
    )


def test_a_day_at_risk_that_can_be_saved_to_its_end_has_no_time() -> None:
    found = look_ahead(goal=0.8, good=830, counted=1000, expected=DAY[:1], rate=0.769, seen=100)
    assert found.standing is Standing.AT_RISK
    assert found.lost_at_ms is not None  # at the very end
    assert found.lost_at_ms > 8.9 * HOUR


def test_without_calls_nothing_is_said() -> None:
    nothing = look_ahead(goal=0.8, good=0, counted=0, expected=[], rate=None)
    assert nothing.standing is Standing.NOTHING_COUNTS
    assert (nothing.projected, nothing.needed, nothing.likely) == (None, None, None)
    assert "nothing to say" in outlook_in_words(nothing, CLOCK)
    morning = look_ahead(goal=0.8, good=0, counted=0, expected=DAY, rate=None)
    assert (morning.standing, morning.likely) == (Standing.ON_COURSE, None)
    assert outlook_in_words(morning, CLOCK).startswith("No rate to go by yet; for today's 80 %")


def test_after_the_last_call_the_day_is_what_it_is() -> None:
    found = look_ahead(goal=0.8, good=790, counted=1000, expected=[], rate=0.9)
    assert (found.standing, found.projected) == (Standing.LOST, 0.79)


def test_little_seen_is_little_known() -> None:
    few = look_ahead(goal=0.8, good=0, counted=0, expected=DAY, rate=0.9, seen=20)
    many = look_ahead(goal=0.8, good=0, counted=0, expected=DAY, rate=0.9, seen=5000)
    assert few.likely is not None
    assert many.likely is not None
    assert 0.5 < few.likely < many.likely
    sure = look_ahead(goal=0.8, good=0, counted=0, expected=DAY, rate=1.0)
    assert sure.likely == 1.0


def test_counts_that_cannot_be_are_refused() -> None:
    with pytest.raises(ValueError, match="good: expected 0 to the 5 counted, got 6"):
        look_ahead(goal=0.8, good=6, counted=5, expected=DAY, rate=None)


def test_volume_beyond_what_is_expected_never_comes() -> None:
    assert when_reached(DAY, 10_001) is None
    assert when_reached(DAY, 0) == 8 * HOUR
    assert when_reached([Expected(0, 10, 0.0), Expected(10, 20, 4.0)], 2) == 15


def test_a_time_is_by_the_contracts_clock_and_says_its_day_if_not_today() -> None:
    clock = clock_in("Asia/Shanghai", 0)
    assert clock(2 * HOUR) == "10:00"
    assert clock(26 * HOUR) == "2 Jan 10:00"
    assert clock_in("UTC", 0)(9 * HOUR) == "9:00"


@pytest.mark.parametrize(
    ("share", "said"), [(0.8, "80 %"), (0.7999, "79.9 %"), (0.785, "78.5 %"), (None, "-")]
)
def test_a_share_is_not_rounded_up_to_a_goal_it_misses(share: float | None, said: str) -> None:
    assert percent(share) == said


@pytest.mark.parametrize(
    ("likely", "said"), [(0.001, "under 1 %"), (0.5, "50 %"), (0.999, "over 99 %")]
)
def test_a_chance_is_no_certainty(likely: float, said: str) -> None:
    assert chance(likely) == said
