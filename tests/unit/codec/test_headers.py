"""Messages of telephone systems: lines and JSON, times, lengths, and what must not be kept."""

from __future__ import annotations

import pytest

from pipeline.codec.headers import (
    BadMessageError,
    epoch_ms,
    read_json,
    read_lines,
    whole,
    without_numbers,
)


@pytest.mark.parametrize(
    ("text", "headers"),
    [
        ("A: 1\nb-C:two: 2 \n", {"a": "1", "b-c": "two: 2"}),
        ("A: 1\r\nA: 2\r\nB:\r\n\r\n", {"a": "1", "b": ""}),
        ("\n\nA: 1\nA: 2\n\nbody without a colon\nB: 3", {"a": "1"}),
        ("A: 1\n \nB: 3", {"a": "1"}),
    ],
)
def test_lines(text: str, headers: dict[str, str]) -> None:
    assert read_lines(text) == headers


def test_a_line_without_a_colon_is_named_by_number_not_by_what_it_says() -> None:
    with pytest.raises(BadMessageError, match=r"line 2: .* 12 characters"):
        read_lines("A: 1\n0301234567 x\nB: 2")


def test_json_scalars_become_text_and_the_rest_is_left() -> None:
    text = '{"A": "x", "a": "y", "N": 3, "F": 1.5, "T": true, "U": false, "L": [1], "O": {}}'
    assert read_json(text) == {"a": "x", "n": "3", "f": "1.5", "t": "1", "u": "0"}


@pytest.mark.parametrize("text", ["[1]", "3", "null", "{", '{"a": "\\ud800"}', "[" * 100_000])
def test_other_json_is_refused(text: str) -> None:
    with pytest.raises(BadMessageError, match="expected a JSON object"):
        read_json(text)


@pytest.mark.parametrize(
    ("text", "at"),
    [
        ("1735689600", 1_735_689_600_000),
        ("1735689600.1239999", 1_735_689_600_123),
        ("1.5", 1_500),
        ("253402300799.999", 253_402_300_799_999),
        ("", None),
    ],
)
def test_epoch_seconds(text: str, at: int | None) -> None:
    assert epoch_ms({"t": text}, "t") == at


@pytest.mark.parametrize("text", ["0", "-1", "253402300800", "1e9", "soon", "1.2.3", "٣"])
def test_other_times_are_refused(text: str) -> None:
    with pytest.raises(BadMessageError, match="t: expected seconds since 1970"):
        epoch_ms({"t": text}, "t")


def test_whole_numbers() -> None:
    assert whole({"a": "", "b": "7"}, "a", "b") == 7
    assert whole({}, "a") is None
    for text in ("-1", "1.5", "x", "9" * 13):
        with pytest.raises(BadMessageError, match="a: expected a whole number from 0 on"):
            whole({"a": text}, "a")


@pytest.mark.parametrize(
    ("record", "kept"),
    [
        (b"CallerIDNum: 030\r\nQueue: q", b"CallerIDNum: *\r\nQueue: q"),
        (b'callerid: "Bob" <030>\nHoldTime: 3', b"callerid: *\nHoldTime: 3"),
        (b"Caller-ANI:030\nCallerIDNum:\n", b"Caller-ANI: *\nCallerIDNum:\n"),
        (b'{"Exten": "030", "Queue": "q"}', b'{"Exten": "*", "Queue": "q"}'),
        (b'{"Queue": "q","CallerIDNum": 30}', b'{"Queue": "q","CallerIDNum":  *}'),
        (b'{"Exten": "0\\"30', b'{"Exten": "*"'),
        (b"\xff\x00", b"\xff\x00"),
    ],
)
def test_what_can_name_a_caller_is_not_kept(record: bytes, kept: bytes) -> None:
    assert without_numbers(record) == kept


def test_hiding_numbers_takes_time_that_grows_with_the_message_only() -> None:
    hostile = b"a" * 250_000
    assert without_numbers(hostile) == hostile
    assert without_numbers(b'{"' + hostile) == b'{"' + hostile
