"""Fingerprints in a set that is bytes."""

from __future__ import annotations

import hashlib

import pytest

from pipeline.domain.marks import MARK_BYTES, Marks


def marks_of(name: str, count: int) -> list[bytes]:
    texts = (f"{name}{i}".encode() for i in range(count))
    return [hashlib.blake2b(text, digest_size=MARK_BYTES).digest() for text in texts]


def test_marks_are_a_set() -> None:
    some, others = marks_of("in", 5000), marks_of("out", 5000)
    marks = Marks()
    for mark in [*some, *some[:100]]:
        marks.add(mark)
    assert len(marks) == 5000
    assert all(mark in marks for mark in some)
    assert not any(mark in marks for mark in others)


def test_what_lies_across_two_neighbours_is_not_a_member() -> None:
    """Two marks of one bucket, and a third of it that reads from one into the other."""
    one, two = bytes([7, 1, 2, 7, 3, 4, 5, 6]), bytes([7, 0, 9, 9, 9, 9, 9, 9])
    across = (one + two)[3:11]
    assert across[:2] == b"\x07\x03"
    marks = Marks(one + two)
    assert across not in marks
    marks.add(across)
    assert [one in marks, two in marks, across in marks, len(marks)] == [True, True, True, 3]


@pytest.mark.parametrize("start", range(1, 7))
def test_what_begins_anywhere_within_a_member_is_not_one(start: int) -> None:
    one, two = bytes([0, 0, 0, 0, 0, 0, 0, 1]), bytes([0, 0, 0, 0, 0, 0, 0, 2])
    assert (one + two)[start : start + MARK_BYTES] not in Marks(one + two)


def test_a_member_is_found_behind_the_same_bytes_across_two_neighbours() -> None:
    one, two = bytes([0, 0, 0, 0, 0, 0, 1, 0]), bytes(MARK_BYTES)
    assert (one + two).find(two) == 7
    assert two in Marks(one + two)


def test_the_edges_of_the_buckets() -> None:
    lowest, highest = bytes(MARK_BYTES), b"\xff" * MARK_BYTES
    marks = Marks(highest)
    assert highest in marks
    assert lowest not in marks
    marks.add(lowest)
    assert marks.to_bytes() == lowest + highest


def test_marks_come_back_from_their_bytes() -> None:
    marks = Marks(b"".join(marks_of("in", 1000)))
    again = Marks(marks.to_bytes())
    assert len(again) == 1000
    assert again.to_bytes() == marks.to_bytes()
