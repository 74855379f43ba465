"""Reading files for Kafka: keys, order, dead letters, and counts that add up."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest
from aiokafka.partitioner import DefaultPartitioner
from hypothesis import given
from hypothesis import strategies as st

from pipeline.codec.anonymous_bank import HEADER, Origin
from pipeline.codec.decode import decode_call_event
from pipeline.codec.encode import encode
from pipeline.domain.events import EventType, Rejected, routing_domain
from pipeline.errors import InputError
from pipeline.ingest import message
from pipeline.ingest.anonymous_bank import read_anonymous_bank
from pipeline.ingest.canonical import canonical_files, key_of, read_canonical
from pipeline.ingest.message import Message, Route, dead_letter
from pipeline.ingest.produce import partition_of
from pipeline.ingest.tally import Tally
from tests.factories import an_event

ROUTE = Route("acd.events", "acd.events.dlq")
ORIGIN = Origin(client="bank", site="", customer_key=b"key")
LATER = (
    b"AA0101\t2\t0\t0\tPS\t990101\t9:00:00\t9:00:10\t10\t9:00:10\t9:00:20\t10\t"
    b"AGENT\t9:00:20\t9:01:00\t40\tANN"
)
EARLIER = (
    b"AA0102\t1\t0\t0\tPS\t990101\t8:00:00\t8:00:10\t10\t8:00:10\t8:00:20\t10\t"
    b"HANG\t0:00:00\t0:00:00\t0\tNO_SERVER"
)
PHANTOM = EARLIER.replace(b"HANG", b"PHANTOM")


def no_report(_size: int) -> None:
    """Report to nobody."""


def test_a_record_is_keyed_by_its_routing_domain() -> None:
    assert key_of(encode(an_event(EventType.QUEUED))) == b"acme"
    assert key_of(encode(an_event(EventType.QUEUED, site="north"))) == b"acme/north"


@given(st.text(min_size=1), st.text())
def test_any_client_and_site_give_the_domains_key(client: str, site: str) -> None:
    line = msgspec.json.encode({"x": [1, {}], "site": site, "client": client})
    assert key_of(line) == routing_domain(client, site).encode()


@pytest.mark.parametrize(
    "line", [b"", b"x", b"[]", b"{}", b'{"client":1}', b'{"client":"a","site":null}', b"\xff"]
)
def test_a_record_whose_client_cannot_be_read_has_the_empty_key(line: bytes) -> None:
    assert key_of(line) == b""


@given(st.binary())
def test_a_key_goes_to_the_partition_every_client_would_choose(key: bytes) -> None:
    partitions = list(range(7))
    assert partition_of(key, 7) == DefaultPartitioner()(key, partitions, partitions)


def test_canonical_lines_pass_through_byte_for_byte(tmp_path: Path) -> None:
    good = encode(an_event(EventType.QUEUED))
    file = tmp_path / "calls.ndjson"
    file.write_bytes(good + b"\n\n{broken\r\n" + b' {"client": "acme"} ')
    tally = Tally()
    sizes: list[int] = []
    messages = list(read_canonical(file, ROUTE, tally, sizes.append))
    assert messages == [
        Message("acd.events", b"acme", good),
        Message("acd.events", b"", b"{broken"),
        Message("acd.events", b"acme", b' {"client": "acme"} '),
    ]
    assert (tally.rows, tally.taken, tally.skipped) == (4, 3, {"blank line": 1})
    assert tally.adds_up
    assert sum(sizes) == file.stat().st_size


def test_a_line_too_large_for_the_topic_becomes_a_dead_letter_cut_short(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(message, "MOST_BYTES", 100_000)
    monkeypatch.setattr("pipeline.ingest.canonical.MOST_BYTES", 100_000)
    file = tmp_path / "calls.ndjson"
    file.write_bytes(b"x" * 100_000 + b"\n" + b"y" * 100_001 + b"\n")
    tally = Tally()
    kept, dead = read_canonical(file, ROUTE, tally, no_report)
    assert kept.value == b"x" * 100_000
    assert dead.topic == "acd.events.dlq"
    assert dead.value == b"y" * 65_536
    headers = dict(dead.headers)
    assert headers["dlq.reason"] == b"too_large"
    assert headers["dlq.cut.from.bytes"] == b"100001"
    assert tally.rejected == {"too_large": 1}
    assert tally.adds_up


def test_a_dead_letter_says_why_and_whence() -> None:
    row = Rejected(reason="bad_row", message="date: expected a day", raw=b"original \xff")
    letter = dead_letter(ROUTE, row, Path("/data/january1999.txt"), 17)
    assert letter.value == b"original \xff"
    assert dict(letter.headers) == {
        "__connect.errors.topic": b"acd.events",
        "__connect.errors.stage": b"ingest",
        "__connect.errors.exception.class.name": b"bad_row",
        "__connect.errors.exception.message": b"january1999.txt:17: date: expected a day",
        "dlq.reason": b"bad_row",
        "dlq.app": b"vane-ingest",
        "dlq.file": b"january1999.txt",
        "dlq.line": b"17",
    }


def test_a_bank_file_is_sent_in_order_of_time_and_all_rows_are_counted(tmp_path: Path) -> None:
    file = tmp_path / "january.txt"
    rows = [HEADER + b"call_id", LATER, PHANTOM, b"", b"rubbish", EARLIER]
    file.write_bytes(b"\r\n".join(rows) + b"\r\n")
    tally = Tally()
    messages = list(read_anonymous_bank(file, ORIGIN, ROUTE, tally, no_report))
    letters = [m for m in messages if m.topic == "acd.events.dlq"]
    assert [dict(m.headers)["dlq.line"] for m in letters] == [b"3", b"5"]
    assert [m.value for m in letters] == [PHANTOM, b"rubbish"]
    events = [decode_call_event(m.value) for m in messages if m.topic == "acd.events"]
    assert [(e.contact_id, e.type) for e in events if not isinstance(e, Rejected)] == [
        ("AA0102-1", "queued"),
        ("AA0102-1", "abandoned"),
        ("AA0101-2", "queued"),
        ("AA0101-2", "offered"),
        ("AA0101-2", "answered"),
        ("AA0101-2", "ended"),
    ]
    assert {m.key for m in messages if m.topic == "acd.events"} == {b"bank"}
    assert tally.rows == 6
    assert tally.taken == 2
    assert tally.rejected == {"phantom": 1, "bad_row": 1}
    assert tally.skipped == {"header": 1, "blank line": 1}
    assert tally.adds_up


def test_a_file_of_another_kind_is_stopped_after_a_hundred_rows(tmp_path: Path) -> None:
    file = tmp_path / "calls.csv"
    file.write_bytes(b"a,b,c\n" * 1000)
    tally = Tally()
    with pytest.raises(InputError, match=r"calls\.csv:100: expected rows of the Anonymous Bank"):
        list(read_anonymous_bank(file, ORIGIN, ROUTE, tally, no_report))
    assert tally.rows == 100


def test_bad_rows_after_a_good_one_do_not_stop_the_file(tmp_path: Path) -> None:
    file = tmp_path / "calls.txt"
    file.write_bytes(LATER + b"\n" + b"rubbish\n" * 1000)
    tally = Tally()
    assert len(list(read_anonymous_bank(file, ORIGIN, ROUTE, tally, no_report))) == 4 + 1000
    assert tally.adds_up


def test_a_tally_that_loses_a_row_does_not_add_up() -> None:
    tally = Tally(rows=3, taken=1)
    tally.rejected["bad_row"] = 1
    assert not tally.adds_up


def test_a_folder_holds_files_by_topic(tmp_path: Path) -> None:
    calls, states = tmp_path / "acd.events.ndjson", tmp_path / "acd.agent-states.ndjson"
    calls.touch()
    assert canonical_files(tmp_path) == [(calls, "acd.events")]
    states.touch()
    assert canonical_files(tmp_path) == [(states, "acd.agent-states"), (calls, "acd.events")]
    assert canonical_files(states) == [(states, "acd.agent-states")]
    assert canonical_files(calls) == [(calls, "acd.events")]


def test_a_folder_without_any_is_refused_by_name(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="expected a file, or a folder with"):
        canonical_files(tmp_path)
