"""On the day of a change of the clock, profiles and a pool's hours are by the clock's time."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from types import SimpleNamespace
from typing import Any, cast
from zoneinfo import ZoneInfo

import pytest

from pipeline.config_pool import PoolEntry
from pipeline.domain.business_time import midnight_ms
from pipeline.lake.queue_day import QUARTER_MS, Quarter, QueueData, QueueKey
from pipeline.offline.crew import _limited
from pipeline.offline.profile import profile_of
from pipeline.offline.situation import Situation
from pipeline.staffing.pool import Lent

BERLIN = "Europe/Berlin"
KEY = QueueKey("acme", "", "service")
SPRING, AUTUMN = date(2025, 3, 30), date(2025, 10, 26)
PLAIN = date(2025, 3, 23)


def wall(at_ms: int) -> str:
    return f"{datetime.fromtimestamp(at_ms / 1000, UTC).astimezone(ZoneInfo(BERLIN)):%H:%M}"


class SteadyQueue:
    """As many calls in a quarter hour as its wall-clock time says: 12:45 has 1245."""

    def quarters(self, _key: QueueKey, from_ms: int, to_ms: int) -> list[Quarter]:
        return [
            Quarter(at, QUARTER_MS, {"offered": int(wall(at).replace(":", ""))})
            for at in range(from_ms, to_ms, QUARTER_MS)
        ]


def profile(day: date) -> dict[int, float]:
    data = cast("QueueData", SteadyQueue())
    found = profile_of(KEY, day, BERLIN, data, at_ms=midnight_ms(day, BERLIN))
    assert found is not None
    assert found[0] == 4
    return {row.start_ms: row.calls for row in found[1]}


@pytest.mark.parametrize(("day", "hours"), [(PLAIN, 24), (SPRING, 23), (AUTUMN, 25)])
def test_a_profile_goes_by_the_clock_on_the_wall(day: date, hours: int) -> None:
    found = profile(day)
    assert len(found) == 4 * hours
    assert found == {at: float(wall(at).replace(":", "")) for at in found}
    assert min(found) == midnight_ms(day, BERLIN)
    assert max(found) + QUARTER_MS == midnight_ms(day + timedelta(days=1), BERLIN)


@pytest.mark.parametrize("day", [SPRING, AUTUMN])
def test_a_profile_of_days_of_change_goes_by_the_clock_as_well(day: date) -> None:
    """An hour that came twice counts as often; one that was left out, in the other days alone."""
    found = profile(day + timedelta(days=7))
    assert len(found) == 96
    assert found == {at: float(wall(at).replace(":", "")) for at in found}


@pytest.mark.parametrize("day", [PLAIN, SPRING, AUTUMN])
@pytest.mark.parametrize(
    ("hours", "said"),
    [
        ((9 * 60, 18 * 60), ("09:00", "18:00")),
        ((0, 18 * 60 + 30), ("00:00", "18:30")),
        ((60, 24 * 60), ("01:00", "00:00")),
    ],
)
def test_the_hours_of_a_pool_are_by_the_clock_on_the_wall(
    day: date, hours: tuple[int, int], said: tuple[str, str]
) -> None:
    opens, closes = midnight_ms(day, BERLIN), midnight_ms(day + timedelta(days=1), BERLIN)
    entry: Any = PoolEntry(
        name="leaders",
        people=3,
        hours=hours,
        ramp_s=0,
        cost_per_hour=1,
        pace=1,
        programme=None,
    )
    found = cast("Situation", SimpleNamespace(zone=BERLIN, at_ms=opens))
    (span,) = _limited((Lent(opens, closes, 9),), entry, found)
    assert (wall(span.start_ms), wall(span.end_ms), span.people) == (*said, 3)


def test_a_pool_that_comes_in_the_hour_left_out_comes_when_it_is_over() -> None:
    opens = midnight_ms(SPRING, BERLIN)
    entry: Any = PoolEntry(
        name="a", people=3, hours=(150, 600), ramp_s=0, cost_per_hour=1, pace=1, programme=None
    )
    found = cast("Situation", SimpleNamespace(zone=BERLIN, at_ms=opens))
    (span,) = _limited((Lent(opens, opens + 20 * 3_600_000, 9),), entry, found)
    assert (wall(span.start_ms), wall(span.end_ms)) == ("03:30", "10:00")
