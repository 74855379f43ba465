"""Which offsets are read for the letters that are named."""

from __future__ import annotations

import pytest

from pipeline.dead_letters.letter import Place
from pipeline.dead_letters.marks import Marks
from pipeline.dead_letters.selection import _around
from pipeline.errors import InputError

HELD = {0: range(5, 9), 1: range(0)}


def test_only_what_is_named_and_lies_between_is_read() -> None:
    assert _around({(0, 8), (0, 6)}, "t", HELD) == {0: range(6, 9)}


@pytest.mark.parametrize(
    ("place", "said"),
    [
        ((0, 4), "from 5 to 8, got 4"),
        ((0, 9), "from 5 to 8, got 9"),
        ((1, 0), r"none \(it holds nothing\), got 0"),
        ((2, 0), r"out of \[0, 1\], got 2"),
    ],
)
def test_what_is_not_there_is_told(place: tuple[int, int], said: str) -> None:
    with pytest.raises(InputError, match=said):
        _around({place}, "t", HELD)


def test_a_mark_is_of_one_topic_id_partition_and_offset() -> None:
    marks = Marks("id", {b"id/1/7": "t.acd.events/2/41"})
    assert marks.sent_to(Place("any", 1, 7)) == "t.acd.events/2/41"
    assert marks.sent_to(Place("any", 1, 71)) is None
    assert Marks("other", marks.sent).sent_to(Place("any", 1, 7)) is None
