"""From bytes to messages: keys, order, dead letters, and counts that add up."""

from __future__ import annotations

import asyncio
import json
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import msgspec
import pytest
from aiokafka.partitioner import DefaultPartitioner
from hypothesis import given
from hypothesis import strategies as st

from pipeline.codec.adapter import Origin
from pipeline.codec.anonymous_bank import HEADER
from pipeline.codec.decode import decode_call_event
from pipeline.codec.encode import encode
from pipeline.domain.events import (
    AgentStateEvent,
    CallEvent,
    EventType,
    Rejected,
    customer_ref,
    routing_domain,
)
from pipeline.errors import InputError
from pipeline.ingest.canonical import canonical_files, key_of
from pipeline.ingest.files import Input
from pipeline.ingest.formats import FORMATS, Format, of
from pipeline.ingest.framed import CUT_TO
from pipeline.ingest.intake import Intake
from pipeline.ingest.lines import Lines
from pipeline.ingest.message import Message, Place, Route, dead_letter
from pipeline.ingest.produce import partition_of
from pipeline.ingest.read import read_inputs
from pipeline.ingest.tally import Tally
from tests.factories import an_event
from tests.line_reader import LINE_FORMAT, LineAdapter, a_line

ROUTE = Route("acd.events", "acd.events.dlq")
ORIGIN = Origin(client="bank", source="bank.anonymous-bank", customer_key=b"key")
LATER = (
    b"AA0101\t2\t0\t0\tPS\t990101\t9:00:00\t9:00:10\t10\t9:00:10\t9:00:20\t10\t"
    b"AGENT\t9:00:20\t9:01:00\t40\tANN"
)
EARLIER = (
    b"AA0102\t1\t0\t0\tPS\t990101\t8:00:00\t8:00:10\t10\t8:00:10\t8:00:20\t10\t"
    b"HANG\t0:00:00\t0:00:00\t0\tNO_SERVER"
)
PHANTOM = EARLIER.replace(b"HANG", b"PHANTOM")


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


def intake(form: str | Format, origin: Origin = ORIGIN) -> Intake:
    chosen = FORMATS[form] if isinstance(form, str) else form
    return Intake(chosen, origin, Tally(), topic=str)


def read(into: Intake, *files: Path) -> list[Message]:
    """Return all messages of files, read to their end."""

    async def run() -> list[Message]:
        inputs = [Input(file, file.name) for file in files]
        pieces = read_inputs(inputs, into, asyncio.Event(), lambda _input, _size: None)
        return [message async for piece in pieces for message in piece or ()]

    return asyncio.run(run())


def test_canonical_lines_pass_through_byte_for_byte(tmp_path: Path) -> None:
    good = encode(an_event(EventType.QUEUED))
    file = tmp_path / "calls.ndjson"
    file.write_bytes(good + b"\n\n{broken\r\n" + b' {"client": "acme"} ')
    into = intake("canonical")
    assert read(into, file) == [
        Message("acd.events", b"acme", good),
        Message("acd.events", b"", b"{broken"),
        Message("acd.events", b"acme", b' {"client": "acme"} '),
    ]
    assert (into.tally.rows, into.tally.taken) == (4, 3)
    assert into.tally.skipped == {"blank line": 1}
    assert into.tally.adds_up


def test_canonical_agent_states_go_to_their_topic_by_the_name_of_the_file(tmp_path: Path) -> None:
    file = tmp_path / "acd.agent-states.2025.ndjson"
    file.write_bytes(b'{"client":"acme"}')
    into = intake("canonical")
    assert [m.topic for m in read(into, file)] == ["acd.agent-states"]
    assert into.topics == {
        *("acd.events", "acd.events.dlq", "acd.agent-states", "acd.agent-states.dlq"),
    }


def test_a_line_too_large_for_the_topic_becomes_a_dead_letter_cut_short(tmp_path: Path) -> None:
    file = tmp_path / "calls.ndjson"
    file.write_bytes(b"x" * 100_000 + b"\n" + b"y" * 100_001 + b"\n")
    small = replace(FORMATS["canonical"], framing=lambda: Lines(most=100_000))
    into = intake(small)
    kept, dead = read(into, file)
    assert kept.value == b"x" * 100_000
    assert dead.topic == "acd.events.dlq"
    assert dead.value == b"y" * 65_536
    headers = dict(dead.headers)
    assert headers["dlq.reason"] == b"too_large"
    assert headers["dlq.cut.from.bytes"] == b"100001"
    assert into.tally.rejected == {"too_large": 1}
    assert into.tally.adds_up


def test_a_dead_letter_says_why_and_whence_and_hides_numbers() -> None:
    row = Rejected(
        reason="bad_row",
        message="number: expected digits, got '+49 30 1234567x'",
        raw=b"original \xff +49301234567",
    )
    letter = dead_letter(ROUTE, row, Place("january1999.txt", 17, 2048), key=b"key")
    hidden = f"ref_{customer_ref(b'key', '49301234567')}"
    assert letter.value == b"original \xff +" + hidden.encode()
    assert dict(letter.headers) == {
        "__connect.errors.topic": b"acd.events",
        "__connect.errors.stage": b"ingest",
        "__connect.errors.exception.class.name": b"bad_row",
        "__connect.errors.exception.message": (
            f"january1999.txt:17: number: expected digits, got '+{hidden}x'".encode()
        ),
        "dlq.reason": b"bad_row",
        "dlq.app": b"vane-ingest",
        "dlq.file": b"january1999.txt",
        "dlq.line": b"17",
        "dlq.offset": b"2048",
    }


def test_a_dead_letter_that_is_cut_off_in_a_number_keeps_none_of_its_digits() -> None:
    row = Rejected(reason="too_large", message="", raw=b"x" * (CUT_TO - 5) + b"+49 3")
    letter = dead_letter(ROUTE, row, Place("a", 1, 0), key=b"k", size=100_000_000)
    assert letter.value == b"x" * (CUT_TO - 5)


def test_a_bank_file_is_sent_in_order_of_time_and_all_rows_are_counted(tmp_path: Path) -> None:
    file = tmp_path / "january.txt"
    rows = [HEADER + b"call_id", LATER, PHANTOM, b"", b"rubbish", EARLIER]
    file.write_bytes(b"\r\n".join(rows) + b"\r\n")
    into = intake("anonymous-bank")
    messages = read(into, file)
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
    tally = into.tally
    assert (tally.rows, tally.taken) == (6, 2)
    assert tally.rejected == {"phantom": 1, "bad_row": 1}
    assert tally.skipped == {"header": 1, "blank line": 1}
    assert tally.adds_up


def test_a_file_of_another_kind_is_stopped_after_a_hundred_records_and_the_rest_goes_on(
    tmp_path: Path,
) -> None:
    file = tmp_path / "calls.csv"
    file.write_bytes(b"a,b,c\n" * 1000)
    good = tmp_path / "january.txt"
    good.write_bytes(EARLIER)
    into = intake("anonymous-bank")
    messages = read(into, file, good)
    assert [m.topic for m in messages] == ["acd.events.dlq"] * 100 + ["acd.events"] * 2
    (unread,) = into.tally.unread
    assert unread.startswith("calls.csv:100: expected the Technion's call-by-call data")
    assert into.tally.rejected == {"bad_row": 100}
    assert into.tally.adds_up


def test_bad_rows_after_a_good_one_do_not_stop_the_file(tmp_path: Path) -> None:
    file = tmp_path / "calls.txt"
    file.write_bytes(LATER + b"\n" + b"rubbish\n" * 1000)
    into = intake("anonymous-bank")
    assert len(read(into, file)) == 4 + 1000
    assert (into.tally.adds_up, into.tally.unread) == (True, [])


def test_calls_and_states_of_one_log_go_to_their_topics_keyed_by_domain(tmp_path: Path) -> None:
    file = tmp_path / "log"
    file.write_bytes(a_line(1) + b"1700000002|ann||ready|\n\n1|x|q|PENALTY|\nrubbish\n")
    origin = Origin(client="acme", site="north", source="pbx", customer_key=b"key")
    into = intake(LINE_FORMAT, origin)
    call, state, letter = read(into, file)
    assert (call.topic, call.key) == ("acd.events", b"acme/north")
    assert (state.topic, state.key) == ("acd.agent-states", b"acme")
    assert dict(letter.headers)["dlq.line"] == b"5"
    assert into.tally.skipped == {"blank": 1, "unknown_verb:PENALTY": 1}
    assert (into.tally.rows, into.tally.taken, into.tally.adds_up) == (5, 2, True)
    assert into.tally.examples["bad_line"][0].startswith("log:5 (byte ")


def test_one_reader_goes_on_from_file_to_file_and_ends_after_the_last(tmp_path: Path) -> None:
    older, newer = tmp_path / "log.1", tmp_path / "log"
    older.write_bytes(b"1700000000|held|sales|in|\n")
    newer.write_bytes(b"1700000009|held||out|\n")
    into = intake(LINE_FORMAT)
    events = [json.loads(m.value) for m in read(into, older, newer)]
    assert [(e["type"], e["queue"]) for e in events] == [
        *(("queued", "sales"), ("abandoned", "sales")),
        ("abandoned", "sales"),  # what the end decides comes once, at the end
    ]
    assert into.tally.anomalies == {}


def test_a_reader_of_its_own_begins_and_ends_with_each_file(tmp_path: Path) -> None:
    older, newer = tmp_path / "log.1", tmp_path / "log"
    older.write_bytes(b"1700000000|held|sales|in|\n")
    newer.write_bytes(b"1700000009|other||out|\n")
    into = intake(replace(LINE_FORMAT, is_fresh_per_file=True))
    events = [json.loads(m.value) for m in read(into, older, newer)]
    assert [(e["contact_id"], e["queue"]) for e in events] == [
        *(("held", "sales"), ("held", "sales"), ("other", "unknown")),
    ]
    assert into.tally.anomalies == {"queue_unknown": 1}


class Batches:
    """Reads a record that holds several: good ones, bad ones and blank ones."""

    def __init__(self, origin: Origin) -> None:
        self._lines = LineAdapter(origin)
        self.skipped, self.anomalies = self._lines.skipped, self._lines.anomalies

    def feed(self, record: bytes) -> list[object]:
        return [found for part in record.split(b";") for found in self._lines.feed(part)]

    def finish(self) -> list[object]:
        return []


@given(st.lists(st.lists(st.sampled_from("gbsx"), min_size=1, max_size=5), max_size=20))
def test_every_record_in_a_delivery_of_many_is_counted(deliveries: list[list[str]]) -> None:
    parts = {"g": a_line(1)[:-1], "b": b"bad", "s": b" ", "x": b"1|c|q|NEW|"}
    into = intake(replace(LINE_FORMAT, reader=of(Batches)))
    stream = into.open("x", is_live=True)
    data = b"\n".join(b";".join(parts[kind] for kind in one) for one in deliveries)
    messages = [*stream.feed(data), *stream.end(), *into.finish()]
    kinds = Counter(kind for one in deliveries for kind in one)
    assert into.tally.rejected.total() == kinds["b"]
    assert into.tally.skipped.total() == kinds["s"] + kinds["x"]
    assert into.tally.taken == sum("g" in one for one in deliveries)
    assert into.tally.adds_up
    assert len(messages) == kinds["g"] + kinds["b"]


class Nameless(LineAdapter):
    """Gives events that the contract refuses: a queue without a name."""

    def feed(self, record: bytes) -> Iterator[CallEvent | AgentStateEvent | Rejected]:
        for event in super().feed(record):
            yield replace(event, queue="") if isinstance(event, CallEvent) else event


def test_an_event_that_breaks_its_contract_is_a_dead_letter_not_a_crash(tmp_path: Path) -> None:
    file = tmp_path / "log"
    file.write_bytes(a_line(1) + b"1700000002|ann||ready|\n")
    into = intake(replace(LINE_FORMAT, reader=of(Nameless)))
    letter, state = read(into, file)
    assert state.topic == "acd.agent-states"
    assert dict(letter.headers)["dlq.reason"] == b"breaks_contract"
    assert letter.value.startswith(b"1700000001|c1|sales|in|+ref_")
    assert (into.tally.rejected, into.tally.adds_up) == ({"breaks_contract": 1}, True)


def test_a_tally_that_loses_a_row_does_not_add_up() -> None:
    tally = Tally(rows=3, taken=1)
    tally.rejected["bad_row"] = 1
    assert not tally.adds_up


def test_a_folder_of_canonical_files_is_read_by_name(tmp_path: Path) -> None:
    calls, states = tmp_path / "acd.events.ndjson", tmp_path / "acd.agent-states.ndjson"
    (tmp_path / "truth.json").touch()
    calls.touch()
    assert canonical_files(tmp_path) == [calls]
    states.touch()
    assert canonical_files(tmp_path) == [states, calls]


def test_a_folder_without_any_is_refused_by_name(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="expected a file, or a folder with"):
        canonical_files(tmp_path)
