"""The shipped rules on simulated days: 双11 is paged early, and normal days are left alone."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace

import pytest

from benchmarks.alert_days import told
from pipeline.domain.alert import AlertStatus, EndReason
from pipeline.simulator.plan import Order, Scenario

EARLY = 0.10
FALSE_PAGES = 1
"""Of 72 days of a queue; the script benchmarks/alert_days.py counts those of a month."""


def an_order(scenario: Scenario, seed: int, days: int | None = None) -> Order:
    return Order(scenario=scenario, seed=seed, year=2025, month=11, days=days)


@pytest.mark.parametrize("seed", [1, 2])
def test_double_eleven_is_paged_before_a_tenth_of_its_calls(seed: int) -> None:
    found = told(an_order(Scenario.DOUBLE11, seed))
    burns = [a for a in found.firing("service-level-burn") if a.client == "meridian"]
    first = min(burns, key=lambda alert: alert.at_ms)
    assert first.severity == "page"
    assert found.share_before(first) < EARLY
    assert first.day_counted
    again = told(an_order(Scenario.DOUBLE11, seed), slice_records=10_000)
    assert again.alerts == found.alerts  # a replay says the same under the same ids


def test_what_fires_on_double_eleven_ends_by_itself_and_no_silence_follows() -> None:
    """A sale is no measure of the Tuesday after, nor its evening of the days that follow."""
    month = an_order(Scenario.NORMAL_MONTH, 1, days=1)
    normal = [replace(month, first_day=day) for day in (4, 12, 18)]
    found = told(normal[0], an_order(Scenario.DOUBLE11, 1), *normal[1:])
    assert found.firing()
    assert found.unended() == []
    assert found.firing("feed-silence") == []
    ends = Counter(a.end_reason for a in found.alerts if a.status is AlertStatus.RESOLVED)
    assert set(ends) == {EndReason.RECOVERED, EndReason.QUIET}
    assert ends[EndReason.QUIET] < ends[EndReason.RECOVERED]


def test_normal_days_are_not_paged() -> None:
    pages = [
        alert
        for seed in (1, 2, 3)
        for alert in told(an_order(Scenario.NORMAL_MONTH, seed, days=3)).firing()
        if alert.severity == "page"
    ]
    assert len(pages) <= FALSE_PAGES
