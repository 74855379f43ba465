"""What a window usually is: the same local times of the weeks before."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from pipeline.lake.queue_day import QueueData, QueueKey
from pipeline.offline.profile import WEEKS

_WEEK = timedelta(days=7)


def earlier(window: tuple[int, int], zone: str) -> list[tuple[int, int]]:
    """Return the same local times in each of the weeks before, the nearest first.

    Over a change of the clock a window begins and ends at the same wall-clock times.
    """
    info = ZoneInfo(zone)

    def back(at_ms: int, weeks: int) -> int:
        local = datetime.fromtimestamp(at_ms // 1000, UTC).astimezone(info)
        # Aware datetimes of one zone subtract by the clock on the wall.
        return round((local - weeks * _WEEK).timestamp()) * 1000 + at_ms % 1000

    return [
        (back(window[0], weeks), back(window[1], weeks))
        for weeks in range(1, WEEKS + 1)
        if back(window[0], weeks) < back(window[1], weeks)
    ]


def usual_counts(
    key: QueueKey, window: tuple[int, int], zone: str, data: QueueData
) -> dict[str, int]:
    """Return the counts of the same window in the weeks before, added up; empty if none."""
    found: dict[str, int] = {}
    for from_ms, to_ms in earlier(window, zone):
        for quarter in data.quarters(key, from_ms, to_ms):
            for name, count in quarter.counts.items():
                found[name] = found.get(name, 0) + count
    return found
