"""What a scenario asks for: its days, and per day and queue the forecast and what really comes."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from enum import StrEnum
from zoneinfo import ZoneInfo

from pipeline.simulator.profile import CUSTOMERS_PER_DAILY_CALL, ClientProfile, QueueProfile


class Scenario(StrEnum):
    """What can be simulated."""

    NORMAL_MONTH = "normal-month"
    DOUBLE11 = "double11"


SURGE_DAY = 11


@dataclass(frozen=True, slots=True, kw_only=True)
class QueuePlan:
    """One queue on one day: expected calls per half hour, as forecast and as they come."""

    profile: QueueProfile
    forecast: tuple[float, ...]
    expected: tuple[float, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class DayPlan:
    """One routing domain (client and site) on one local day; instants in epoch milliseconds."""

    scenario: Scenario
    client: ClientProfile
    site: str
    day: date
    starts_ms: int
    opens_ms: int
    closes_ms: int
    staffing_goal: float
    customers: int
    queues: tuple[QueuePlan, ...]


def scenario_days(scenario: Scenario, year: int, month: int, limit: int | None) -> list[date]:
    """Return the local days of a scenario, at most ``limit`` of them."""
    if scenario is Scenario.DOUBLE11:
        days = [date(year, month, SURGE_DAY)]
    else:
        days = []
        day = date(year, month, 1)
        while day.month == month:
            days.append(day)
            day += timedelta(days=1)
    return days[:limit]


def day_plans(
    scenario: Scenario, day: date, clients: tuple[ClientProfile, ...], scale: float
) -> Iterator[DayPlan]:
    """Yield the plan of every routing domain for one day."""
    is_surge = scenario is Scenario.DOUBLE11
    for client in clients:
        starts_ms = _local_ms(client.zone, day)
        calls = client.surge_day_calls if is_surge else _normal_calls(client, day)
        for site, site_share in client.sites:
            yield DayPlan(
                scenario=scenario,
                client=client,
                site=site,
                day=day,
                starts_ms=starts_ms,
                opens_ms=starts_ms + client.opens_h * 3_600_000,
                closes_ms=starts_ms + client.closes_h * 3_600_000,
                staffing_goal=client.surge_staffing_goal if is_surge else client.staffing_goal,
                customers=max(
                    100, int(client.daily_calls * scale * site_share * CUSTOMERS_PER_DAILY_CALL)
                ),
                queues=tuple(
                    _queue_plan(client, queue, calls * scale * site_share, is_surge=is_surge)
                    for queue in client.queues
                ),
            )


def _queue_plan(
    client: ClientProfile, queue: QueueProfile, calls: float, *, is_surge: bool
) -> QueuePlan:
    forecast = tuple(calls * queue.share * share for share in client.half_hour_shares())
    factors = client.surge_factors if is_surge else (1.0,) * 24
    return QueuePlan(
        profile=queue,
        forecast=forecast,
        expected=tuple(n * factors[i // 2] for i, n in enumerate(forecast)),
    )


def _normal_calls(client: ClientProfile, day: date) -> float:
    return client.daily_calls * client.weekday_factors[day.weekday()]


def _local_ms(zone: str, day: date) -> int:
    midnight = datetime(day.year, day.month, day.day, tzinfo=ZoneInfo(zone))
    return int(midnight.astimezone(UTC).timestamp()) * 1000
