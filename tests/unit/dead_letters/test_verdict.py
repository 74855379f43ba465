"""Which letters are sent again, and how; which are held, and why."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from pipeline.codec.encode import encode
from pipeline.dead_letters.verdict import (
    MOST_ATTEMPTS,
    Held,
    Hold,
    Rekey,
    Sending,
    Terms,
    judge_letter,
)
from tests.factories import NOON, an_event
from tests.unit.dead_letters.letters import INPUT, a_letter

TERMS = Terms(input_topic=INPUT, dead_letter_topic="acd.events.dlq", partitions=4, now_ms=NOON)
OF_A_SITE = encode(an_event("queued", site="north"))


def test_what_this_release_takes_goes_back_to_where_it_came_from() -> None:
    assert judge_letter(a_letter(), TERMS) == Sending(b"acme", 2)


@pytest.mark.parametrize(
    ("given", "terms", "why"),
    [
        ({"stage": "ingest", "partition": None, "offset": None}, {}, Hold.ROW),
        ({"stage": "ingest"}, {"force": True}, Hold.ROW),
        ({}, {"dead_letter_topic": "acd.late"}, Hold.LATE),
        ({"topic": "u.acd.events"}, {}, Hold.FOREIGN),
        ({"topic": "t.acd.late"}, {"force": True}, Hold.FOREIGN),
        ({"partition": None}, {}, Hold.FOREIGN),
        ({"partition": 4}, {}, Hold.FOREIGN),
        ({"attempt": MOST_ATTEMPTS}, {}, Hold.SPENT),
        ({"attempt": MOST_ATTEMPTS}, {"force": True}, Hold.SPENT),
        ({}, {"now_ms": NOON - 1}, Hold.NOT_DUE),
        ({}, {"now_ms": NOON - 1, "force": True}, Hold.NOT_DUE),
        ({"value": b"{"}, {}, Hold.STILL_WRONG),
        ({"value": b"{"}, {"rekey": Rekey.CLIENT}, Hold.STILL_WRONG),
        ({"key": b"other"}, {}, Hold.STILL_WRONG),
    ],
)
def test_what_is_held(given: dict[str, Any], terms: dict[str, Any], why: Hold) -> None:
    held = judge_letter(a_letter(**given), replace(TERMS, **terms))
    assert isinstance(held, Held)
    assert held.why is why
    assert held.message


@pytest.mark.parametrize("attempt", [None, 1, MOST_ATTEMPTS - 1])
def test_up_to_the_limit_it_is_sent(attempt: int | None) -> None:
    assert judge_letter(a_letter(attempt=attempt), TERMS) == Sending(b"acme", 2)


def test_force_sends_what_this_release_rejects_as_it_was() -> None:
    forced = replace(TERMS, force=True)
    assert judge_letter(a_letter(b"{", key=None), forced) == Sending(None, 2)
    assert judge_letter(a_letter(key=b"other"), forced) == Sending(b"other", 2)


@pytest.mark.parametrize(("rekey", "key"), [(Rekey.CLIENT, b"acme"), (Rekey.SITE, b"acme/north")])
def test_a_wrong_key_is_set_right_and_the_key_decides_the_partition(
    rekey: Rekey, key: bytes
) -> None:
    letter = a_letter(OF_A_SITE, key=b"north")
    assert judge_letter(letter, replace(TERMS, rekey=rekey)) == Sending(key, None)


@pytest.mark.parametrize("rekey", Rekey)
def test_a_right_key_is_left_alone(rekey: Rekey) -> None:
    for key in (b"acme", b"acme/north"):
        letter = a_letter(OF_A_SITE, key=key)
        assert judge_letter(letter, replace(TERMS, rekey=rekey)) == Sending(key, 2)
