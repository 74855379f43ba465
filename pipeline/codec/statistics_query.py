"""Reads what statistics are asked for; every error names the parameter, its value and what fits.

Parameters are those of wazo-call-logd's API (``plugins/support_center/schemas.py``), as texts or
as JSON values; what it refuses is refused here.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from pipeline.codec.local_time import parse_instant
from pipeline.domain.intervals import Grain, Grid, known_zone, parse_grain
from pipeline.domain.statistics_frame import (
    ALL_DAYS,
    DIALECTS,
    VANE,
    DayHours,
    Dialect,
    month_on,
)
from pipeline.errors import InputError

PARAMETERS: Final = (
    *("from", "until", "interval", "timezone", "day_start_time", "day_end_time", "week_days"),
    *("qos_threshold", "qos_thresholds", "tenant_uuids", "profile"),
)
_CLOCK: Final = re.compile(r"([01]\d|2[0-3]):([0-5]\d)")
_DIGITS: Final = re.compile(r"\d{1,9}")
_HOUR: Final = 60
_DAY_END: Final = "24:00"
_LAST_DAY: Final = 7


@dataclass(frozen=True, slots=True, kw_only=True)
class StatisticsQuery:
    """What is asked for; bounds that are not given are None, lengths are milliseconds."""

    dialect: Dialect
    zone: str
    from_ms: int | None
    until_ms: int | None
    grain: Grain | None
    day_hours: DayHours | None
    week_days: frozenset[int]
    threshold_ms: int | None
    thresholds_ms: tuple[int, ...]
    tenants: frozenset[str] | None
    """Whose queues and agents; None: everybody's."""


def parse_query(given: Mapping[str, object]) -> StatisticsQuery:
    """Read parameters, of which each may be missing or None; raise InputError for a bad one."""
    asked = {key: value for key, value in given.items() if value is not None}
    unknown = sorted(asked.keys() - set(PARAMETERS))
    if unknown:
        msg = f"unknown parameter(s) {unknown}; known: {', '.join(PARAMETERS)}"
        raise InputError(msg)
    dialect = _dialect(asked.get("profile", VANE.name))
    zone = _text("timezone", asked.get("timezone", "UTC"), "an IANA zone such as Europe/Warsaw")
    info = known_zone(zone)
    bounds: dict[str, int | None] = {"from": None, "until": None}
    for key in bounds.keys() & asked.keys():
        try:
            text = _text(key, asked[key], "a date and time such as 2020-10-06T13:00:00+00:00")
            bounds[key] = parse_instant(text, info)
        except ValueError as error:
            msg = f"{key}: {error}"
            raise InputError(msg) from error
    start, end = bounds["from"], bounds["until"]
    if start is not None and end is not None and end <= start:
        msg = f"until: expected an instant after from, {asked['from']!r}, got {asked['until']!r}"
        raise InputError(msg)
    threshold = asked.get("qos_threshold")
    return StatisticsQuery(
        dialect=dialect,
        zone=zone,
        from_ms=start,
        until_ms=end,
        grain=_grain(asked.get("interval"), dialect),
        day_hours=_day_hours(asked, dialect),
        week_days=_week_days(asked.get("week_days")),
        threshold_ms=None if threshold is None else _seconds("qos_threshold", threshold) * 1000,
        thresholds_ms=_thresholds(asked.get("qos_thresholds")),
        tenants=_tenants(asked.get("tenant_uuids")),
    )


def check_length(query: StatisticsQuery, from_ms: int, until_ms: int) -> None:
    """Refuse to cut a range into hours that is longer than the dialect allows."""
    months, grid = query.dialect.hourly_months, Grid(query.zone, Grain.HOUR)
    if query.grain is not Grain.HOUR or months is None:
        return
    end = grid.local(from_ms)
    for _ in range(months):
        end = month_on(end)
    if round(end.timestamp() * 1000) < until_ms:
        msg = f"interval: expected at most {months} month of hours in the profile"
        asked = f"{grid.label_at(from_ms)} to {grid.label_at(until_ms)}"
        raise InputError(f"{msg} {query.dialect.name}, got {asked}")


def _dialect(value: object) -> Dialect:
    if not isinstance(value, str) or value not in DIALECTS:
        msg = f"profile: expected one of {', '.join(DIALECTS)}, got {value!r}"
        raise InputError(msg)
    return DIALECTS[value]


def _grain(value: object, dialect: Dialect) -> Grain | None:
    if value is None or value == "":
        return None
    grain = parse_grain(_text("interval", value, "hour, day, month"))
    if grain not in dialect.grains:
        known = ", ".join(str(g) for g in Grain if g in dialect.grains)
        msg = f"interval: expected one of {known} in the profile {dialect.name}, got {value!r}"
        raise InputError(msg)
    return grain


def _day_hours(asked: Mapping[str, object], dialect: Dialect) -> DayHours | None:
    """Read day hours; one bound alone leaves the day whole on its other side."""
    if not {"day_start_time", "day_end_time"} & asked.keys():
        return None
    start = _clock("day_start_time", asked.get("day_start_time", "00:00"))
    end = _clock("day_end_time", asked.get("day_end_time", _DAY_END))
    if start >= end:
        msg = f"day_start_time: expected a time before day_end_time, {asked.get('day_end_time')!r}"
        raise InputError(f"{msg}, got {asked.get('day_start_time')!r}")
    if not dialect.closing_hour_counts:
        return DayHours(start, end)
    # Its rows are of whole hours, and it asks for their hour alone: 17:30 lets in all from 17 on.
    return DayHours(start // _HOUR * _HOUR, min(end // _HOUR + 1, 24) * _HOUR)


def _clock(key: str, value: object) -> int:
    expected = "a time of day such as 08:00"
    text = _text(key, value, expected)
    if text == _DAY_END and key == "day_end_time":
        return 24 * _HOUR
    found = _CLOCK.fullmatch(text)
    if found is None:
        msg = f"{key}: expected {expected}, got {value!r}"
        raise InputError(msg)
    return int(found[1]) * _HOUR + int(found[2])


def _week_days(value: object) -> frozenset[int]:
    """Read days of the week, Monday is 1; an empty list lets no day in."""
    if value is None:
        return ALL_DAYS
    days = frozenset(_listed("week_days", value, "days from 1 (Monday) to 7, such as 1,2,3"))
    if not days <= ALL_DAYS:
        msg = f"week_days: expected days from 1 (Monday) to {_LAST_DAY}, got {value!r}"
        raise InputError(msg)
    return days


def _thresholds(value: object) -> tuple[int, ...]:
    if value is None:
        return ()
    found = _listed("qos_thresholds", value, "whole seconds from 0 on, such as 10,20,30")
    return tuple(1000 * threshold for threshold in sorted(set(found)))


def _tenants(value: object) -> frozenset[str] | None:
    if value is None:
        return None
    items = value.split(",") if isinstance(value, str) else value
    if not isinstance(items, list | tuple) or not all(isinstance(item, str) for item in items):
        msg = f"tenant_uuids: expected a list of texts, got {value!r}"
        raise InputError(msg)
    return frozenset(items)


def _listed(key: str, value: object, expected: str) -> list[int]:
    items = value.split(",") if isinstance(value, str) else value
    if not isinstance(items, list | tuple):
        msg = f"{key}: expected {expected}, got {value!r}"
        raise InputError(msg)
    return [_seconds(key, item, expected, given=value) for item in items]


def _seconds(
    key: str, value: object, expected: str = "whole seconds from 0 on", given: object = None
) -> int:
    """Read a count of seconds; ``given`` is the list it is of, for the error."""
    if isinstance(value, int) and not isinstance(value, bool) and value >= 0:
        return value
    if not isinstance(value, str) or _DIGITS.fullmatch(value.strip()) is None:
        whole = "" if given is None else f" in {given!r}"
        msg = f"{key}: expected {expected}, got {value!r}{whole}"
        raise InputError(msg)
    return int(value)


def _text(key: str, value: object, expected: str) -> str:
    if not isinstance(value, str):
        msg = f"{key}: expected {expected}, got {value!r}"
        raise InputError(msg)
    return value
