"""What a scenario asks for: its days, and per day and queue the forecast and what really comes."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from enum import StrEnum
from zoneinfo import ZoneInfo

from pipeline.simulator.profile import (
    CLIENTS,
    CUSTOMERS_PER_DAILY_CALL,
    ClientProfile,
    QueueProfile,
)


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
    """One routing domain (client and site) on one local day; instants in epoch milliseconds.

    ``run`` names the simulation and stands in all its identities.
    """

    run: str
    seed: int
    client: ClientProfile
    site: str
    day: date
    starts_ms: int
    opens_ms: int
    closes_ms: int
    staffing_goal: float
    customers: int
    dialers: int
    queues: tuple[QueuePlan, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """What to simulate.

    ``first_day`` (of the month) and ``days`` choose the days of a normal month, ``scale``
    multiplies calls and agents, ``late_rate`` is the share of call events delivered hours late.
    ``complaints``: whether cases are written that the calls lead to; the calls are the same.
    """

    scenario: Scenario
    seed: int
    year: int
    month: int
    scale: float = 1.0
    first_day: int = 1
    days: int | None = None
    late_rate: float = 0.0001
    complaints: bool = False

    @property
    def run(self) -> str:
        """Return a name of all that makes events differ, so that two runs share no identity."""
        return f"{self.scenario}.{self.seed}x{self.scale:g}"

    def dates(self) -> list[date]:
        """Return the local days."""
        if self.scenario is Scenario.DOUBLE11:
            return [date(self.year, self.month, SURGE_DAY)]
        first = date(self.year, self.month, 1)
        month = [first + timedelta(days=i) for i in range(31)]
        inside = [day for day in month if day.month == self.month and day.day >= self.first_day]
        return inside[: self.days]

    def floors(self) -> int:
        """Return the number of floor days: the length of the work."""
        return len(self.dates()) * sum(len(client.sites) for client in CLIENTS)

    def plans(self, day: date) -> list[DayPlan]:
        """Return the plan of every routing domain for a day."""
        return list(day_plans(self, day))


def day_plans(order: Order, day: date) -> Iterator[DayPlan]:
    """Yield the plan of every routing domain for one day."""
    is_surge = order.scenario is Scenario.DOUBLE11
    scale = order.scale
    for client in CLIENTS:
        starts_ms = _local_ms(client.zone, day)
        calls = client.surge_day_calls if is_surge else _normal_calls(client, day)
        for site, site_share in client.sites:
            yield DayPlan(
                run=order.run,
                seed=order.seed,
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
                dialers=max(1, round(client.campaign.agents * scale * site_share)),
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
