"""The book of legs: what is due is handed back once, and nothing is kept that is over."""

from __future__ import annotations

from dataclasses import dataclass

from pipeline.codec.leg_book import MAX_AGE_MS, SWEEP_MS, LegBook


@dataclass
class Leg:
    due_ms: int


def due(book: LegBook[str, Leg], now_ms: int) -> list[str]:
    found = []
    for key, _ in book.due(now_ms):
        found.append(key)
        book.drop(key)
    return found


def test_a_leg_is_due_at_the_time_last_set() -> None:
    book: LegBook[str, Leg] = LegBook()
    due(book, 1)
    leg = Leg(MAX_AGE_MS)
    book.add("a", leg)
    book.hasten("a", leg, 100)
    book.hasten("a", leg, 200)
    assert due(book, 199) == []
    leg.due_ms = 1000  # put off
    assert due(book, 999) == []
    book.hasten("a", leg, 1500)
    assert due(book, 1500) == ["a"]
    assert len(book) == 0


def test_a_leg_that_was_replaced_is_not_due() -> None:
    book: LegBook[str, Leg] = LegBook()
    due(book, 1)
    old, new = Leg(5_000), Leg(MAX_AGE_MS)
    book.add("a", old)
    book.hasten("a", old, 100)
    book.add("a", new)
    assert due(book, 200) == []


def test_old_legs_are_found_by_the_sweep_and_lie_in_no_heap() -> None:
    book: LegBook[str, Leg] = LegBook()
    due(book, 1)
    for number in range(1000):
        book.add(str(number), Leg(number + 2))
    assert book._queue == []
    assert due(book, SWEEP_MS - 1) == []
    assert len(due(book, SWEEP_MS)) == 1000


def test_a_clock_that_was_far_ahead_does_not_stop_the_sweep() -> None:
    book: LegBook[str, Leg] = LegBook()
    assert due(book, 10**15) == []
    book.add("a", Leg(50))
    assert due(book, 100) == ["a"]
