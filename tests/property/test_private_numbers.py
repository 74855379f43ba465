"""No telephone number survives in a dead letter, however it is written and whatever is around."""

from __future__ import annotations

import json
import re
from urllib.parse import quote

import pytest
from hypothesis import assume, example, given
from hypothesis import strategies as st

from pipeline.codec.private_numbers import hide_numbers, hide_numbers_in_text
from pipeline.domain.events import customer_ref

KEY = b"key"
SIGNS = st.sampled_from(["", "", "", " ", "-", ".", "/", ") ", " (", "\u00a0", "\u2011", "--"])


@st.composite
def numbers(draw: st.DrawFn) -> tuple[str, str]:
    """Return a number as somebody writes it, and its digits."""
    digits = draw(st.text("0123456789", min_size=7, max_size=15))
    assume(digits.strip("0"))
    front = draw(st.sampled_from(["", "+", "00", "(", "+("]))
    written = front + digits[0]
    for digit in digits[1:]:
        written += draw(SIGNS) + digit
    assume(not re.search(r"(?:19|20)\d\d-[01]\d-[0-3]\d(?!\d)", written))  # is a date, too
    return written, "".join(c for c in written if c.isdigit())


def as_it_is(text: str) -> str:
    return text


def as_json(text: str) -> str:
    return json.dumps(text)


def as_url(text: str) -> str:
    return quote(text, safe="")


def as_sip(text: str) -> str:
    return f"<sip:{text}@10.0.0.1;user=phone>"


WAYS = st.sampled_from([as_it_is, as_json, as_url, as_sip])
AROUND = st.sampled_from(
    [
        *("{}", "x{}x", '{{"ani":{},"time":1700000000}}', "1700000000|1700000000.12|q|a|{}|1"),
        *("caller={}&queue=700", "CallerIDNum: {}\r\nUniqueid: 1585318545.326", "tel:{};ext=12"),
        *("2025-11-01 10:00:00,{},Time", "2025-11-01T10:00:00Z\t{}\t2025-11-02", "{}@host"),
        *("600165a4-f748-11df-afdd-b386769690cd {}", "SIP/{}-0000001b", "'{}'", "\udcff{}\udcfe"),
    ]
)


def runs(text: str) -> set[str]:
    """Return all digit runs of a text that are long enough to tell a number by."""
    return set(re.findall(r"\d{4,}", text))


@given(numbers(), WAYS, AROUND)
@example(("+49301234567", "49301234567"), as_url, "{}")
@example(("1700000000", "1700000000"), as_json, '{{"ani":{},"time":1700000000}}')
@example(("0123456", "0123456"), as_it_is, "100%{}")
@example(("000 000 1", "0000001"), as_it_is, "2025-11-01 10:00:00,{},Time")
@example(("030 000 1", "0300001"), as_it_is, "2025-11-01 10:00:00.{}")
@example(("0300001", "0300001"), as_it_is, "2025-11-01 10:00:00.{}")
def test_no_digits_of_a_planted_number_survive(
    number: tuple[str, str], way: object, around: str
) -> None:
    assert callable(way)
    written, digits = number
    planted = way(written)
    before = around.format(planted).encode("utf-8", "surrogateescape")
    after = hide_numbers(before, KEY).decode("utf-8", "surrogateescape")
    without_refs = re.sub(r"ref_(?:[0-9a-f]{24}|none)", "", after)
    own = runs("".join(around.format("")))
    for run in runs(without_refs) - own:
        assert run not in digits, (after, run)
    assert planted not in after
    assert len(re.findall("ref_", after)) >= 1


@given(numbers(), st.sampled_from([as_it_is, as_json, as_url]))
def test_a_number_alone_is_replaced_by_the_reference_that_its_events_have(
    number: tuple[str, str], way: object
) -> None:
    assert callable(way)
    written, digits = number
    hidden = hide_numbers(f"|{way(written)}|".encode(), KEY).decode()
    assert f"ref_{customer_ref(KEY, digits)}" in hidden


@given(st.text() | st.from_regex(r"(\d|[-+ ().%:T|\"]){0,60}"))
def test_hiding_twice_is_hiding_once(text: str) -> None:
    once = hide_numbers_in_text(text, KEY)
    assert hide_numbers_in_text(once, KEY) == once


@given(st.binary())
def test_other_bytes_stay_as_they_are(raw: bytes) -> None:
    assume(not re.search(r"\d.*\d.*\d", raw.decode("utf-8", "surrogateescape"), re.DOTALL))
    assert hide_numbers(raw, KEY) == raw


@pytest.mark.parametrize(
    "kept",
    [
        "1700000000|1700000000.12|sales|NONE|ENTERQUEUE||anonymous|1",
        "1700000000.123456|pbx-a-1700000000.12|sales|Agent/1001|CONNECT|3|x|2",
        "Uniqueid: 40a7a1f2a669-1585318545.326",
        '"Linkedid": "1585318545.326"',
        "Timestamp: 1585318545.326123",
        "Vane-Received: 1585318545.326000",
        "Event-Date-Timestamp: 1700000000123456",
        "CC-Member-Joined-Time: 1700000000",
        '"occurred_at_ms":1762833600000',
        '"EventTimestamp": 1762833600',
        "Event-Date-Local: 2022-01-05%2017%3A28%3A17",
        '"StartTimestamp": "2019-08-13T20:52:30.704Z"',
        "2025-11-01 10:00:00,sales,li",
        "2025-11-01;2025-11-02",
        "600165a4-f748-11df-afdd-b386769690cd",
        "WKa1b2c3d4e5f60718293a4b5c6d7e8f90",
        "arn:aws:connect:us-west-2:012345678901:instance/x",
        "9:00:00\t9:00:10\t990101\t27060",
        "Content-Length: 526",
    ],
)
def test_times_and_ids_of_no_person_stay_readable(kept: str) -> None:
    assert hide_numbers_in_text(kept, KEY) == kept


@pytest.mark.parametrize(
    "hidden",
    [
        "CallerIDNum: 1585318545",  # looks like an epoch, and is no time
        '{"candidate": 1585318545}',  # ends like a word for a time, and is none
        "x|1700000000.12",
        "0000000000",
        "\u0660\u0661\u0662\u0663\u0664\u0665\u0666",  # Arabic-Indic digits
        "\uff10\uff11\uff12\uff13\uff14\uff15\uff16",  # full width
        "4\x009\x003\x000\x001\x002\x003",  # UTF-16
        "%34%39%33%30%31%32%33",
        "\\u0034\\u0039\\u0033\\u0030\\u0031\\u0032\\u0033",
    ],
)
def test_in_doubt_a_number_is_hidden(hidden: str) -> None:
    assert "ref_" in hide_numbers_in_text(hidden, KEY)


def test_a_withheld_number_is_nobodys() -> None:
    assert hide_numbers(b"0000000", KEY) == b"ref_none"
