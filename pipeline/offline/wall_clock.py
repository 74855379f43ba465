"""Times of day by the clock on the wall, which are no distance from midnight when it is changed."""

from __future__ import annotations

from datetime import date, datetime, time, timedelta
from typing import Final
from zoneinfo import ZoneInfo

from pipeline.domain.business_time import midnight_ms, offset_ms
from pipeline.lake.queue_day import QUARTER_MS

_DAY: Final = timedelta(days=1)
_DAY_MS: Final = 86_400_000


def quarters_of_day(day: date, zone: str) -> list[tuple[int, int]]:
    """Return (start, wall-clock quarter 0..95) of each quarter hour of a day, ascending.

    A day of a change of the clock has 92 or 100 of them: an hour's numbers are missing or come
    twice.
    """
    info = ZoneInfo(zone)
    starts = range(midnight_ms(day, zone), midnight_ms(day + _DAY, zone), QUARTER_MS)
    return [(at, (at + offset_ms(info, at)) % _DAY_MS // QUARTER_MS) for at in starts]


def wall_ms(day: date, minute: int, zone: str) -> int:
    """Return when the clock of a zone shows a minute (0..1440) of a day, epoch milliseconds.

    The first time, if it shows it twice; a time left out is as much later as the clock is put
    forward.
    """
    days, minute = divmod(minute, 1440)
    at = datetime.combine(day + days * _DAY, time(minute // 60, minute % 60), tzinfo=ZoneInfo(zone))
    return round(at.timestamp()) * 1000
