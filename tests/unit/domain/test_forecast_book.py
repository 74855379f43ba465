"""What was forecast of a queue, as known at an instant."""

from __future__ import annotations

from typing import Any

import pytest

from pipeline.domain.forecast import Forecast
from pipeline.domain.forecast_book import LONGEST_MS, QueueForecast, by_queue

HALF = 30 * 60_000
START = 1_000 * LONGEST_MS
"""When the intervals begin; everything was issued before, unless a test says otherwise."""


def a_forecast(number: int = 0, calls: int = 30, **fields: Any) -> Forecast:
    values: dict[str, Any] = {
        "v": 1,
        "record_id": "id",
        "revision_id": "r1",
        "as_of_ms": START - 1,
        "client": "acme",
        "source": "f",
        "source_position": "1",
        "queue": "service",
        "interval_start_ms": START + number * HALF,
        "interval_ms": HALF,
        "calls_milli": calls * 1000,
    }
    return Forecast(**(values | fields))


def of(*forecasts: Forecast) -> QueueForecast:
    return by_queue(forecasts)["acme", "", "service"]


def test_parts_of_intervals_count_by_that_part() -> None:
    found = of(a_forecast(1, 60), a_forecast(0, 30))
    assert found.expected_milli(START, START + 2 * HALF) == 90_000
    assert found.expected_milli(START + HALF // 3, START + HALF + HALF // 2) == 50_000
    assert found.expected_milli(START + 1, START + 1) == 0
    assert found.expected_milli(START, START + 100) == 30_000 * 100 // HALF


def test_a_span_that_is_not_covered_has_no_forecast() -> None:
    found = of(a_forecast(0), a_forecast(2))
    assert found.expected_milli(START, START + HALF) == 30_000
    assert found.expected_milli(START, START + HALF + 1) is None
    assert found.expected_milli(START - 1, START + HALF) is None
    assert found.expected_milli(START + 2 * HALF, START + 3 * HALF) == 30_000
    assert found.expected_milli(START + 2 * HALF, START + 3 * HALF + 1) is None


def test_a_revision_holds_from_when_it_was_issued() -> None:
    found = of(
        a_forecast(0, 30),
        a_forecast(0, 90, as_of_ms=START + HALF // 2),
        a_forecast(0, 10, as_of_ms=START - 9),
    )
    assert found.expected_milli(START, START + HALF // 2 - 2) == 30_000 * (HALF // 2 - 2) // HALF
    assert found.expected_milli(START, START + HALF // 2) == 45_000
    assert of(a_forecast(as_of_ms=START + HALF + 1)).expected_milli(START, START + HALF) is None


def test_what_is_withdrawn_is_gone_until_it_is_said_again() -> None:
    gone = a_forecast(is_withdrawn=True, as_of_ms=START)
    assert of(a_forecast(), gone).expected_milli(START, START + HALF) is None
    again = a_forecast(0, 40, as_of_ms=START + 1)
    assert of(a_forecast(), gone, again).expected_milli(START, START + HALF) == 40_000


@pytest.mark.parametrize("order", [1, -1])
def test_of_two_as_of_one_instant_the_greater_revision_holds(order: int) -> None:
    two = [a_forecast(0, 10, revision_id="b"), a_forecast(0, 20, revision_id="a")]
    assert of(*two[::order]).expected_milli(START, START + HALF) == 10_000


def test_finer_intervals_hold_where_they_begin() -> None:
    day = a_forecast(0, 480, interval_ms=16 * HALF)
    fine = a_forecast(2, 100)
    found = of(day, fine)
    assert found.expected_milli(START, START + 2 * HALF) == 60_000
    assert found.expected_milli(START + HALF, START + 4 * HALF) == 160_000
    later = of(day, a_forecast(2, 100, as_of_ms=START + 5 * HALF))
    assert later.expected_milli(START + HALF, START + 4 * HALF) == 90_000


def test_an_interval_may_be_a_day_long_and_no_longer() -> None:
    day = of(a_forecast(0, 48, interval_ms=LONGEST_MS), *map(a_forecast, range(-9, 0)))
    assert day.expected_milli(START + LONGEST_MS - HALF, START + LONGEST_MS) == 1000
    assert day.expected_milli(START + LONGEST_MS - HALF, START + LONGEST_MS + 1) is None


def test_each_queue_has_its_own() -> None:
    other = a_forecast(0, 1, site="north", queue="orders", client="bank")
    found = by_queue([a_forecast(), other])
    assert set(found) == {("acme", "", "service"), ("bank", "north", "orders")}
    assert by_queue([]) == {}
