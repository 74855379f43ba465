"""Rows of the Anonymous Bank become events; durations are believed before clock readings."""

from __future__ import annotations

from collections import Counter
from datetime import datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from pipeline.codec.adapter import Origin
from pipeline.codec.anonymous_bank import HEADER, Converted, convert
from pipeline.codec.decode import decode_call_event
from pipeline.codec.encode import encode
from pipeline.domain.events import CallEvent, Rejected, customer_ref

JANUARY = Path(__file__).parents[4] / "shared/realdata/anonymous_bank_1999/january1999.txt"
ORIGIN = Origin(client="bank", source="bank.anonymous-bank", customer_key=b"key")

ANSWERED = (
    "AA0101 33118 27997683 2 PS 990101 6:55:20 6:55:26 6 6:55:26 6:55:43 17 "
    "AGENT 6:55:42 6:56:37 54 MICHAL"
)
ANSWERED_AT_ONCE = (
    "AA0101 33119 0 0 NW 990101 7:41:16 7:41:26 10 0:00:00 0:00:00 0 "
    "AGENT 7:41:25 7:44:53 208 BASCH"
)
HUNG_UP = (
    "AA0101 33116 9664491 2 PS 990101 0:00:31 0:00:36 5 0:00:36 0:03:09 153 "
    "HANG 0:00:00 0:00:00 0 NO_SERVER"
)
HUNG_UP_IN_IVR = (
    "AA0101 33117 0 0 PS 990101 0:34:12 0:34:23 11 0:00:00 0:00:00 0 "
    "HANG 0:00:00 0:00:00 0 NO_SERVER"
)
PHANTOM = (
    "AA0202 33297 31982010 2 PS 990118 15:21:17 15:20:57 -20 15:20:57 15:21:48 51 "
    "PHANTOM 15:21:47 15:21:54 7 NO_SERVER"
)


def line(row: str, **changes: str) -> bytes:
    """Return a row as a line of the file, with some columns (by position, ``c11=…``) changed."""
    columns = row.split(" ")
    for name, value in changes.items():
        columns[int(name[1:])] = value
    return "\t".join(columns).encode()


def converted(row: bytes) -> Converted:
    """Convert a row that must be good."""
    result = convert(row, ORIGIN)
    assert isinstance(result, Converted), result
    return result


def told(events: list[CallEvent]) -> list[tuple[str, str]]:
    """Return each event's type and local time."""
    zone = ZoneInfo("Asia/Jerusalem")
    return [
        (event.type, f"{datetime.fromtimestamp(event.occurred_at_ms / 1000, zone):%d %H:%M:%S}")
        for event in events
    ]


def test_an_answered_call_is_timed_by_its_durations() -> None:
    events, anomalies = converted(line(ANSWERED))
    # The service clock says 6:55:42, the wait of 17 s says 6:55:43: the duration stands.
    assert told(events) == [
        ("queued", "01 06:55:26"),
        ("offered", "01 06:55:43"),
        ("answered", "01 06:55:43"),
        ("ended", "01 06:56:37"),
    ]
    assert [event.agent for event in events] == [None, "MICHAL", "MICHAL", None]
    assert {(e.client, e.queue, e.contact_id, e.leg) for e in events} == {
        ("bank", "PS", "AA0101-33118", 1)
    }
    assert not anomalies


def test_a_call_answered_without_a_wait_queues_when_the_ivr_lets_it_go() -> None:
    events, _ = converted(line(ANSWERED_AT_ONCE))
    assert told(events) == [
        ("queued", "01 07:41:26"),
        ("offered", "01 07:41:26"),
        ("answered", "01 07:41:26"),
        ("ended", "01 07:44:54"),
    ]


def test_a_caller_who_hangs_up_in_the_queue_abandons_after_the_wait() -> None:
    events, _ = converted(line(HUNG_UP))
    assert told(events) == [("queued", "01 00:00:36"), ("abandoned", "01 00:03:09")]
    assert events[1].reason is None


def test_a_caller_who_hangs_up_in_the_ivr_abandons_before_the_queue() -> None:
    events, _ = converted(line(HUNG_UP_IN_IVR))
    assert told(events) == [("abandoned", "01 00:34:23")]
    assert events[0].reason == "before_queue"


def test_a_phantom_is_rejected_as_such() -> None:
    result = convert(line(PHANTOM), ORIGIN)
    assert isinstance(result, Rejected)
    assert result.reason == "phantom"
    assert "AA0202-33297" in result.message


def test_a_call_that_waits_over_midnight_is_answered_the_next_day() -> None:
    row = line(ANSWERED, c6="23:59:23", c7="23:59:23", c9="23:59:28", c10="0:00:03", c11="35")
    assert told(converted(row).events)[:3] == [
        ("queued", "01 23:59:28"),
        ("offered", "02 00:00:03"),
        ("answered", "02 00:00:03"),
    ]


def test_a_clock_half_a_day_before_entry_is_past_midnight() -> None:
    row = line(ANSWERED, c6="23:59:58", c7="0:00:04", c9="0:00:04", c10="0:00:21")
    assert told(converted(row).events)[0] == ("queued", "02 00:00:04")


def test_times_are_the_banks_also_in_summer() -> None:
    winter, summer = (
        converted(line(ANSWERED, c5=day)).events[0].occurred_at_ms for day in ("990101", "990701")
    )
    assert winter // 1000 % 86_400 == (6 * 60 + 55) * 60 + 26 - 2 * 3600
    assert summer // 1000 % 86_400 == (6 * 60 + 55) * 60 + 26 - 3 * 3600


def test_a_customer_is_a_keyed_hash_on_the_first_event_only() -> None:
    events, _ = converted(line(ANSWERED))
    assert [event.customer_ref for event in events] == [
        customer_ref(b"key", "27997683"),
        *(None, None, None),
    ]
    assert converted(line(ANSWERED_AT_ONCE)).events[0].customer_ref is None


def test_oddities_are_named_and_the_call_is_kept() -> None:
    assert converted(line(ANSWERED, c8="-37")).anomalies == ("negative_vru_time",)
    assert converted(line(ANSWERED, c16="NO_SERVER")).anomalies == ("no_agent_named",)
    assert converted(line(ANSWERED, c16="NO_SERVER")).events[2].agent == "unknown"
    assert converted(line(HUNG_UP, c15="12")).anomalies == ("hang_with_service",)


@pytest.mark.parametrize(
    ("row", "named"),
    [
        (b"", "17 tab-separated columns"),
        (b"AA0101\t33118", "got 2"),
        (line(ANSWERED) + b"\textra", "got 18"),
        (b"\xff" + line(ANSWERED), "UTF-8"),
        (line(ANSWERED, c0=""), "vru+line: expected a value"),
        (line(ANSWERED, c1=""), "call_id: expected a value"),
        (line(ANSWERED, c4=""), "type: expected a value"),
        (line(ANSWERED, c16=""), "server: expected a value"),
        (line(ANSWERED, c5="990230"), "date: expected a day as yymmdd, got '990230'"),
        (line(ANSWERED, c5="1999-01-01"), "date: expected"),
        (line(ANSWERED, c6="25:00:00"), "vru_entry: expected a time as h:mm:ss, got '25:00:00'"),
        (line(ANSWERED, c9="6:55"), "q_start: expected a time"),
        (line(ANSWERED, c11="-1"), "q_time: expected whole seconds from 0 on, got '-1'"),
        (line(ANSWERED, c15="many"), "ser_time: expected whole seconds"),
        (line(ANSWERED, c15="--1"), "ser_time: expected whole seconds"),
        (line(ANSWERED, c8="²"), "vru_time: expected whole seconds"),
        (line(ANSWERED, c12="GONE"), "outcome: expected AGENT, HANG or PHANTOM, got 'GONE'"),
        (HEADER, "columns"),
    ],
)
def test_a_row_that_cannot_be_read_is_rejected_by_name(row: bytes, named: str) -> None:
    result = convert(row, ORIGIN)
    assert isinstance(result, Rejected)
    assert result.reason == "bad_row"
    assert named in result.message
    assert result.raw == row


def test_events_are_such_as_the_stream_accepts_and_always_the_same() -> None:
    for row in (ANSWERED, ANSWERED_AT_ONCE, HUNG_UP, HUNG_UP_IN_IVR):
        first, second = converted(line(row)).events, converted(line(row)).events
        assert first == second
        for event in first:
            assert not isinstance(decode_call_event(encode(event)), Rejected)
    ids = [e.event_id for row in (ANSWERED, HUNG_UP) for e in converted(line(row)).events]
    assert len(set(ids)) == len(ids)


def test_january_gives_the_published_counts() -> None:
    if not JANUARY.exists():
        pytest.skip("no ../shared/realdata beside the repository: the real file is not here")
    counts: Counter[str] = Counter()
    ids: set[str] = set()
    service = []
    rows = JANUARY.read_bytes().split(b"\r\n")[1:]
    for row in rows[:-1]:
        result = convert(row, ORIGIN)
        if isinstance(result, Rejected):
            counts[result.reason] += 1
            continue
        counts.update(result.anomalies)
        counts.update(event.type for event in result.events)
        counts["before_queue"] += result.events[0].reason == "before_queue"
        ids.update(event.event_id for event in result.events)
        if result.events[-1].type == "ended":
            service.append(
                (result.events[-1].occurred_at_ms - result.events[2].occurred_at_ms) / 1000
            )
    assert counts == {
        "phantom": 240,
        "queued": 27_060 + 3_080,
        "offered": 27_060,
        "answered": 27_060,
        "ended": 27_060,
        "abandoned": 4_299,
        "before_queue": 1_219,
        "hang_with_service": 82,
        "negative_vru_time": 32,
        "no_agent_named": 490,
    }
    assert len(ids) == 3 * 27_060 + 27_060 + 4_299 + 3_080
    served = [seconds for seconds in service if 0 < seconds <= 3600]
    assert round(sum(served) / len(served), 1) == 184.7
