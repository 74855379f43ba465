"""Records are cut alike however the bytes arrive, and no byte of an input goes uncounted."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.ingest.blocks import Blocks, BlocksOrDocuments
from pipeline.ingest.documents import Documents
from pipeline.ingest.framed import Framed, Framer
from pipeline.ingest.lines import Lines

REALDATA = Path(__file__).parents[4] / "shared/realdata"
SIZES = st.lists(st.integers(1, 40), min_size=1, max_size=20)


def cut(framer: Framer, data: bytes, sizes: list[int] | None = None) -> list[Framed]:
    """Feed data in pieces of these sizes, over and over; return all records."""
    found: list[Framed] = []
    at, turn = 0, 0
    while at < len(data):
        size = len(data) if sizes is None else sizes[turn % len(sizes)]
        found += framer.feed(data[at : at + size])
        at, turn = at + size, turn + 1
    found += framer.end()
    return found


def raws(found: list[Framed]) -> list[bytes]:
    return [one.raw for one in found]


def faults(found: list[Framed]) -> list[str]:
    return [one.fault.reason if one.fault else one.skip for one in found]


def check_places(found: list[Framed], data: bytes) -> None:
    """Check that each record stands where it says."""
    for one in found:
        assert data[one.offset :].startswith(one.raw[:20])
        assert one.line == data.count(b"\n", 0, one.offset) + 1


@given(st.lists(st.binary(max_size=30).map(lambda b: b.translate(None, b"\r\n\0\xef"))), SIZES)
def test_lines_are_cut_alike_however_they_arrive(lines: list[bytes], sizes: list[int]) -> None:
    data = b"".join(line + b"\r\n" for line in lines)
    found = cut(Lines(), data, sizes)
    assert raws(found) == lines
    check_places(found, data)
    assert cut(Lines(), data[:-2], sizes) == cut(Lines(), data[:-2])


def test_marks_and_holes_in_front_of_lines_are_no_text() -> None:
    found = cut(Lines(), b"\xef\xbb\xbfa|b\n\0\0\0c\n\xef\xbb\xbfd", [2])
    assert raws(found) == [b"a|b", b"c", b"\xef\xbb\xbfd"]
    assert [one.line for one in found] == [1, 2, 3]


@given(st.sampled_from([Lines, Documents, Blocks]), st.integers(20_000, 70_000))
def test_a_record_without_end_is_not_held_in_memory(
    framing: Callable[..., Framer], size: int
) -> None:
    most = 100_000
    framer = framing(most=most)
    head = b'{"a":"' if framing is Documents else b"a: "
    framer.feed(head)
    fed = len(head)
    while fed < 5 * most:
        framer.feed(b"x" * size)
        fed += size
    held = sum(len(value) for value in vars(framer).values() if isinstance(value, bytes))
    assert held <= 2 * most + 70_000
    assert framer.waiting == fed
    (found,) = framer.end()
    assert (found.size, len(found.raw), faults([found])) == (fed, 65_536, ["too_large"])


@pytest.mark.parametrize(
    ("framing", "data", "after"),
    [
        (Lines, b"x" * 101 + b"\nshort\n", b"short"),
        (Documents, b'{"a":"' + b"x" * 200 + b'"}\n{"b":1}\n', b'{"b":1}'),
        (Blocks, b"a: " + b"x" * 200 + b"\r\n\r\nb: 1\r\n\r\n", b"b: 1"),
    ],
)
@pytest.mark.parametrize("sizes", [[7], [1], None])
def test_after_a_record_that_is_too_large_the_rest_goes_on(
    framing: Callable[..., Framer], data: bytes, after: bytes, sizes: list[int] | None
) -> None:
    large, rest = cut(framing(most=100), data, sizes)
    assert faults([large, rest]) == ["too_large", ""]
    assert rest.raw == after
    assert rest.offset == data.index(after)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)
OBJECTS = st.lists(st.dictionaries(st.text(), JSON, max_size=4), max_size=6)


@st.composite
def written(draw: st.DrawFn) -> tuple[list[object], bytes]:
    """Return documents, and them written in one of the ways that exist, or several."""
    documents: list[object] = []
    text = ""
    for _ in range(draw(st.integers(1, 3))):
        batch = draw(OBJECTS)
        documents += batch
        indent = draw(st.sampled_from([None, 2]))
        kept = draw(st.booleans())
        parts = [json.dumps(one, indent=indent, ensure_ascii=kept) for one in batch]
        way = draw(st.sampled_from(["lines", "array", "end to end", "one per line in an array"]))
        if way == "lines":
            text += "".join(part + "\n" for part in parts)
        elif way == "array":
            text += json.dumps(batch, indent=indent) + "\n"
        elif way == "end to end":
            text += "".join(parts)
        else:
            text += "[\n" + ",\n".join(parts) + "\n]\n"
    return documents, text.encode("utf-8", "surrogatepass")


@given(written(), SIZES)
def test_documents_are_found_in_whatever_way_they_are_written(
    case: tuple[list[object], bytes], sizes: list[int]
) -> None:
    documents, data = case
    found = cut(Documents(), data, sizes)
    assert [json.loads(raw.decode("utf-8", "surrogatepass")) for raw in raws(found)] == documents
    assert faults(found) == [""] * len(documents)
    check_places(found, data)


@given(
    st.lists(
        st.sampled_from(
            [b'{"a":1}', b'{"a": "b', b'{"a":{"b":1}', b'{"a":1]}', b"garbage", b"[1]x", b'{"a":1,']
        ),
        max_size=8,
    ),
    SIZES,
)
def test_a_broken_document_does_not_cost_what_follows(lines: list[bytes], sizes: list[int]) -> None:
    data = b"".join(line + b'\n{"good":1}\n' for line in lines)
    found = cut(Documents(), data, sizes)
    assert found == cut(Documents(), data)
    assert raws(found).count(b'{"good":1}') == len(lines)
    broken = [line for line in lines if line != b'{"a":1}']
    assert faults(found).count("malformed_json") == len(broken)


def test_a_document_that_the_input_ends_in_is_cut_off() -> None:
    found = cut(Documents(), b'{"a":1}\n{"a":')
    assert (raws(found), faults(found)) == ([b'{"a":1}', b'{"a":'], ["", "cut_off"])


def test_the_instant_in_front_of_an_exported_document_is_taken_off() -> None:
    line = b'2022-01-05T17:28:17.000Z {"a":1}\n'
    for sizes in ([3], [1], None):
        assert raws(cut(Documents(), line + line, sizes)) == [b'{"a":1}', b'{"a":1}']


def test_documents_delivered_in_an_envelope_of_cloudwatch_are_taken_out() -> None:
    messages = [json.dumps({"n": n}) for n in range(3)]
    events = [{"id": str(n), "timestamp": n, "message": m} for n, m in enumerate(messages)]
    data = json.dumps({"messageType": "DATA_MESSAGE", "logEvents": events})
    control = json.dumps({"messageType": "CONTROL_MESSAGE", "logEvents": events[:1]})
    found = cut(Documents(), (data + control).encode())
    assert raws(found)[:3] == [m.encode() for m in messages]
    assert faults(found) == ["", "", "", "control_message"]
    other = b'{"logEvents": "mine"}'
    assert raws(cut(Documents(), other)) == [other]


EVENT = b"Event-Name: CUSTOM\nEvent-Subclass: callcenter%3A%3Ainfo\nCC-Action: x\n\n"
SOCKET = (
    b"Content-Type: auth/request\n\n"
    b"Content-Type: command/reply\nReply-Text: +OK accepted\n\n"
    b"Content-Length: %d\nContent-Type: text/event-plain\n\n%s"
    b"Content-Type: api/response\nContent-Length: 6\n\na\n\nb\n\n"
    b'Content-Length: 7\nContent-Type: text/event-json\n\n{"a":1}'
) % (len(EVENT), EVENT)


@given(SIZES)
def test_envelopes_of_an_event_socket_are_opened_however_they_arrive(sizes: list[int]) -> None:
    found = cut(Blocks(is_live=True), SOCKET, sizes)
    assert faults(found) == ["reply", "reply", "", "reply", ""]
    assert raws(found)[2] == EVENT.rstrip()
    assert raws(found)[4] == b'{"a":1}'
    check_places([found[2], found[4]], SOCKET)


@given(SIZES)
def test_blocks_of_asterisk_are_cut_at_blank_lines(sizes: list[int]) -> None:
    data = (
        b"Asterisk Call Manager/5.0.1\r\nResponse: Success\r\nActionID: 1\r\n\r\n"
        b"Event: A\r\nB: c\r\n\r\n\r\nEvent: D\r\nE: f"
    )
    found = cut(Blocks(), data, sizes)
    assert raws(found) == [
        *(b"Response: Success\r\nActionID: 1", b"Event: A\r\nB: c", b"Event: D\r\nE: f"),
    ]
    assert faults(found) == ["reply", "", ""]
    check_places(found, data)
    assert faults(cut(Blocks(is_live=True), data, sizes)) == ["reply", "", "cut_off"]


def test_a_body_that_never_comes_is_a_cut_off_block() -> None:
    assert faults(cut(Blocks(), b"Content-Length: 99\n\nEvent-Name: x\n\n")) == ["cut_off"]
    assert faults(cut(Blocks(most=10), b"Content-Length: 99\n\na: b\n\n")) == ["too_large", ""]


def test_a_file_of_blocks_or_of_json_is_told_by_its_first_character() -> None:
    assert raws(cut(BlocksOrDocuments(), b'\n [{"a":1},\n{"b":2}]', [1])) == [
        *(b'{"a":1}', b'{"b":2}'),
    ]
    assert raws(cut(BlocksOrDocuments(), b"\n\nEvent: A\n\nEvent: B\n", [1])) == [
        *(b"Event: A", b"Event: B"),
    ]
    assert cut(BlocksOrDocuments(), b" \n") == []


@pytest.mark.parametrize("name", ["queue_a_cancel", "queue_attn_xfer", "queue_simple"])
def test_recorded_streams_of_asterisk_are_cut_into_their_messages(name: str) -> None:
    path = REALDATA / "asterisk_ami" / f"{name}.json"
    if not path.exists():
        pytest.skip(f"{path.name} is not here")
    data = path.read_bytes()
    found = cut(BlocksOrDocuments(), data, [1000])
    assert [json.loads(raw) for raw in raws(found)] == json.loads(data)
    check_places(found, data)


def test_documented_events_of_freeswitch_are_cut_into_three() -> None:
    path = REALDATA / "freeswitch/callcenter_info_sample.txt"
    if not path.exists():
        pytest.skip(f"{path.name} is not here")
    found = cut(BlocksOrDocuments(), path.read_bytes(), [100])
    assert faults(found) == ["", "", ""]
