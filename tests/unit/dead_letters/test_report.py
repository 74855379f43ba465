"""What ``vane dlq`` prints: counts of all, the newest few, no number and nothing that steers."""

from __future__ import annotations

import json
from typing import Any

import pytest

from pipeline.commands.dlq_report import (
    _HELD,
    Summary,
    json_line,
    show_letter,
    show_list,
    show_redriven,
)
from pipeline.dead_letters.redrive import MOST_EXAMPLES, Redriven
from pipeline.dead_letters.verdict import Held, Hold
from tests.unit.dead_letters.letters import a_letter

KEY = b"secret"
NUMBER = "+49 30 1234567"


def test_counts_are_of_all_and_the_newest_are_shown(capsys: pytest.CaptureFixture[str]) -> None:
    summary = Summary(2)
    for at_ms in (3, 9, 1, 7, 5, 8):
        summary.add(a_letter(at_ms=at_ms), "t/0/1" if at_ms > 7 else None)
    summary.add(a_letter(at_ms=2, reason="[red]"), None)
    assert [letter.at_ms for letter, _ in summary.newest()] == [9, 8]
    assert {letter.value for letter, _ in summary.newest()} == {b""}
    show_list(summary, "t.acd.events.dlq")
    said = " ".join(capsys.readouterr().out.split())
    assert "│ bad_value │ 6 │ 2 │ 4 │" in said
    assert "│ [red] │ 1 │ 0 │ 1 │" in said
    assert "newest 2 of 7" in said


def test_no_limit_of_none_and_an_empty_list(capsys: pytest.CaptureFixture[str]) -> None:
    summary = Summary(0)
    show_list(summary, "t")
    assert capsys.readouterr().out == "t: no such dead letters\n"
    summary.add(a_letter(), None)
    show_list(summary, "t")
    assert "newest" not in capsys.readouterr().out


def test_json_has_the_place_and_hides_numbers() -> None:
    headers: dict[str, Any] = {"exception.message": f"got {NUMBER}"}
    letter = a_letter(**headers)
    found = json.loads(json_line(letter, "t/0/1", KEY))
    assert (found["partition"], found["offset"], found["from_offset"]) == (1, 7, 40)
    assert found["redriven_to"] == "t/0/1"
    assert "1234567" not in found["message"]
    assert "ref_" in found["message"]
    row = json.loads(json_line(a_letter(offset=None, file="a", line=1), None, KEY))
    assert (row["from"], row["from_partition"]) == ("a:1", None)


def test_a_letter_is_shown_safely(capsys: pytest.CaptureFixture[str]) -> None:
    value = f'{{"phone":"{NUMBER}"}}'.encode() + b"\xff\x1b[2J\r"
    show_letter(a_letter(value, key=NUMBER.encode(), line="\x1b[2J"), None, key=KEY, most=4096)
    said = capsys.readouterr().out
    assert "1234567" not in said
    assert said.count("ref_") == 2
    assert "\x1b" not in said
    assert "\\xff\\x1b[2J\\r" in said
    assert "redriven: no" in said


def test_a_number_that_the_cut_goes_through_is_not_shown(
    capsys: pytest.CaptureFixture[str],
) -> None:
    show_letter(a_letter(b"phone +4930123456789 end", key=None), "t/0/1", key=KEY, most=11)
    said = capsys.readouterr().out
    assert "24 bytes, the first 11 shown" in said
    assert "+4930" not in said
    assert "key:      none" in said
    assert "redriven: to t/0/1" in said


def test_what_was_sent_and_held_is_counted_with_examples(
    capsys: pytest.CaptureFixture[str],
) -> None:
    done = Redriven()
    show_redriven(done, "t", key=KEY, is_dry_run=False)
    assert "nothing to send" in capsys.readouterr().out
    done.sent["bad_value"] = 3
    for _ in range(MOST_EXAMPLES + 1):
        done.hold(a_letter(), Held(Hold.STILL_WRONG, f"got {NUMBER}"))
    assert done.read == 3 + MOST_EXAMPLES + 1
    show_redriven(done, "t", key=KEY, is_dry_run=True)
    said = capsys.readouterr().out
    assert "nothing was sent" in said
    assert "would be sent: bad_value" in said
    assert said.count("1:7 still_wrong: got +ref_") == MOST_EXAMPLES
    assert "1234567" not in said


def test_every_hold_has_words() -> None:
    assert set(_HELD) == set(Hold)
