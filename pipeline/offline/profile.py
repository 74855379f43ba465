"""What a weekday usually looks like: the mean of the same weekdays before, quarter by quarter."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Final

from pipeline.domain.business_time import midnight_ms
from pipeline.lake.queue_day import QUARTER_MS, ForecastRow, QueueData, QueueKey
from pipeline.offline.wall_clock import quarters_of_day

_DAY: Final = timedelta(days=1)
WEEKS: Final = 4
"""Same weekdays that the profile without a forecast is the mean of."""


def profile_of(
    key: QueueKey, day: date, zone: str, data: QueueData, *, at_ms: int
) -> tuple[int, list[ForecastRow]] | None:
    """Return (days it is the mean of, rows), by the time on the clock.

    Only days that are over at an instant count: half a day is no profile. An hour that a change of
    the clock left out, or repeated, counts in a day's part of the mean as often as it came.
    """
    sums: dict[int, int] = {}
    times: dict[int, int] = {}
    days = 0
    for week in range(1, WEEKS + 1):
        other = day - 7 * week * _DAY
        opens, closes = midnight_ms(other, zone), midnight_ms(other + _DAY, zone)
        quarters = data.quarters(key, opens, closes) if closes <= at_ms else []
        if not quarters:
            continue
        days += 1
        on_the_wall = dict(quarters_of_day(other, zone))
        for slot in on_the_wall.values():
            times[slot] = times.get(slot, 0) + 1
        for quarter in quarters:
            slot = on_the_wall[quarter.start_ms - (quarter.start_ms - opens) % QUARTER_MS]
            sums[slot] = sums.get(slot, 0) + quarter.counts["offered"]
    if not days:
        return None
    return days, [
        ForecastRow(
            start_ms=start,
            end_ms=start + QUARTER_MS,
            calls=sums[slot] / times[slot],
            aht_ms=None,
            agents=None,
            as_of_ms=0,
        )
        for start, slot in quarters_of_day(day, zone)
        if slot in sums
    ]
