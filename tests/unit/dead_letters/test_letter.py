"""A dead letter says what its headers say, whatever stands in them."""

from __future__ import annotations

import pytest

from pipeline.dead_letters.letter import Place, read_letter
from tests.unit.dead_letters.letters import a_letter, a_record


def test_a_letter_says_why_and_whence() -> None:
    letter = a_letter(b"{", reason="malformed_json", attempt=2)
    assert str(letter.place) == "t.acd.events.dlq/1/7"
    assert (letter.reason, letter.stage, letter.attempt) == ("malformed_json", "decode", 2)
    assert letter.origin == Place("t.acd.events", 2, 40)
    assert letter.source == "t.acd.events/2/40"


def test_a_row_of_a_file_has_a_line_and_no_offset() -> None:
    letter = a_letter(partition=None, offset=None, stage="ingest", file="a.csv", line=3)
    assert (letter.origin, letter.source) == (None, "a.csv:3")


@pytest.mark.parametrize("said", ["", "-1", "1.5", "x", "²", "9" * 19, "\x00"])
def test_what_is_no_number_is_none(said: str) -> None:
    assert a_letter(attempt=said).attempt == 0
    assert a_letter(offset=said).origin is None


def test_a_stranger_without_headers_has_no_reason_and_no_place() -> None:
    letter = read_letter(a_record(None)._replace(headers=(), key=None))
    assert (letter.reason, letter.origin, letter.value) == ("(none)", None, b"")
    assert letter.source == "?:?"


def test_of_a_header_given_twice_the_first_counts_and_no_bytes_break_it() -> None:
    record = a_record()._replace(headers=(("dlq.reason", b"\xff"), ("dlq.reason", None)))
    assert read_letter(record).reason == "\\xff"
