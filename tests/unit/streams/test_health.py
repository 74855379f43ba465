"""Liveness and readiness: what counts as stuck, what does not, and what is said of it."""

from __future__ import annotations

import asyncio

import pytest

from pipeline.streams.health import Health, Limits, Pending, answer
from tests.factories import NOON
from tests.unit.streams.live import Live, a_chunk, an_engine

LIMITS = Limits(stuck_after_s=20, ready_lag_s=30)


class Watched:
    """An engine's health, looked at every five seconds of a clock moved by hand."""

    def __init__(self) -> None:
        self.now = 1000.0
        self.live: Live = an_engine()
        self.health = Health(
            self.live.engine,
            LIMITS,
            clock=lambda: self.now,
            now_ms=lambda: NOON + (self.now - 1000) * 1000,
        )

    def assigned(self, *numbers: int) -> None:
        self.live.engine.assigned = frozenset(numbers)

    def fold(self, first: int, end: int) -> None:
        asyncio.run(self.live.engine.on_chunk(0, a_chunk(first, end)))

    def look(self, ends: dict[int, int] | None, *, seconds: float = 0) -> None:
        self.health.look(ends)
        for _ in range(round(seconds / 5)):
            self.now += 5
            self.health.look(ends)


@pytest.fixture
def watched() -> Watched:
    return Watched()


def test_input_waiting_and_nothing_folded_is_stuck(watched: Watched) -> None:
    watched.live.recovered(0)
    watched.assigned(0)
    watched.fold(0, 4)
    watched.look({0: 9}, seconds=20)
    assert watched.health.not_live() == []
    watched.look({0: 9}, seconds=5)
    said = "partition 0 has input waiting and has folded nothing at offset 4 for 25 s"
    assert watched.health.not_live() == [said]
    assert watched.health.beyond_hope() == []
    watched.fold(4, 6)
    watched.look({0: 9}, seconds=20)
    assert watched.health.not_live() == []
    watched.look({0: 9}, seconds=25)
    assert len(watched.health.beyond_hope()) == 1


def test_a_partition_without_input_is_live_and_ready_for_ever(watched: Watched) -> None:
    watched.live.recovered(0)
    watched.assigned(0)
    watched.fold(0, 4)
    watched.look({0: 4}, seconds=3600)
    assert (watched.health.not_live(), watched.health.not_ready()) == ([], [])
    watched.look({0: 5})  # the newest folded is an hour old, what waits is new
    assert watched.health.lag_s(watched.live.part) == 0
    assert watched.health.not_ready() == []
    watched.now += 31
    (said,) = watched.health.not_ready()
    assert said == "partition 0 is 1 records behind, the oldest 31 s old, expected below 30 s"


def test_before_the_first_recovery_it_is_neither_ready_nor_live_for_ever(watched: Watched) -> None:
    watched.look({}, seconds=25)
    assert watched.health.not_live() == ["the group has assigned nothing for 25 s"]
    assert watched.health.not_ready() == ["the group has assigned nothing yet"]
    watched.assigned(0, 3)
    watched.live.recovered(0)
    watched.look({0: 0, 3: 9}, seconds=25)
    assert watched.health.not_live() == ["partition 3 is not recovered for 25 s"]
    assert watched.health.not_ready() == ["partition 3 is not recovered yet"]


def test_a_spare_worker_without_partitions_is_ready(watched: Watched) -> None:
    watched.assigned()
    watched.look({}, seconds=3600)
    assert (watched.health.not_live(), watched.health.not_ready()) == ([], [])


def test_a_consumer_that_does_not_answer_is_stuck(watched: Watched) -> None:
    watched.live.recovered(0)
    watched.assigned(0)
    watched.look(None, seconds=25)
    assert watched.health.not_live() == ["the consumer has not answered for 25 s"]


def test_time_without_a_broker_does_not_count(watched: Watched) -> None:
    watched.assigned(0)
    watched.look({0: 9}, seconds=25)
    assert watched.health.not_live()
    watched.health.broker_is_away()
    watched.look({0: 9}, seconds=20)
    assert watched.health.not_live() == []


def test_time_spent_frozen_does_not_count() -> None:
    pending = Pending(interval_s=5)
    pending.look(0, {"a": "a is to be done"})
    pending.look(100_000, {"a": "a is to be done"})
    assert pending.longer_than(9) == ["a is to be done for 10 s"]
    assert pending.longer_than(10) == []


def test_the_lag_is_the_age_of_what_waits(watched: Watched) -> None:
    watched.live.recovered(0)
    watched.assigned(0)
    watched.fold(0, 4)  # appended at NOON + 30 ms
    watched.look({0: 9})
    watched.now += 40
    assert watched.health.lag_s(watched.live.part) == pytest.approx(39.97)
    assert "5 records behind, the oldest 40 s old" in watched.health.not_ready()[0]


def test_the_answer_is_503_with_the_reasons() -> None:
    assert answer([]) == (200, {"ok": True, "reasons": []})
    assert answer(["a", "b"]) == (503, {"ok": False, "reasons": ["a", "b"]})
