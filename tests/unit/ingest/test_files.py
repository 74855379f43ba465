"""Which files a path means, in which order, and what is told of those that cannot be read."""

from __future__ import annotations

import asyncio
import gzip
import json
import os
from pathlib import Path
from random import Random

import pytest

from pipeline.codec.adapter import Origin
from pipeline.ingest.files import Unpacker, find_files, inputs_of
from pipeline.ingest.formats import Format
from pipeline.ingest.intake import Intake
from pipeline.ingest.message import Message
from pipeline.ingest.read import read_inputs
from pipeline.ingest.tally import Tally
from tests.line_reader import LINE_FORMAT, a_line

ORIGIN = Origin(client="acme", source="pbx", customer_key=b"key")


def read(*paths: Path, form: Format = LINE_FORMAT) -> tuple[list[Message], Intake]:
    """Return the messages of paths, read as the command reads them."""
    into = Intake(form, ORIGIN, Tally(), topic=str)
    sizes: list[int] = []

    async def run() -> list[Message]:
        pieces = read_inputs(
            inputs_of(paths), into, asyncio.Event(), lambda _input, size: sizes.append(size)
        )
        return [message async for piece in pieces for message in piece or ()]

    messages = asyncio.run(run())
    assert into.tally.adds_up
    return messages, into


def ids(messages: list[Message]) -> list[str]:
    return [json.loads(m.value)["event_id"] for m in messages if m.topic == "acd.events"]


def contacts(messages: list[Message]) -> list[str]:
    return [json.loads(m.value)["contact_id"] for m in messages if m.topic == "acd.events"]


ROTATED = [
    *("2025/10/calls-9.json", "2025/11/calls-2.json", "2025/11/calls-10.json"),
    *("csv/calls-20251031.csv", "csv/calls-20251101.csv", "csv/calls.csv"),
    *("log/freeswitch.log.2025-11-01-10-00-00.1", "log/freeswitch.log"),
    *("log/queue_log.10.gz", "log/queue_log.2.gz", "log/queue_log.1"),
    *("log/queue_log-20251101.gz", "log/queue_log-20251102", "log/queue_log"),
    *("log/x.log.2", "log/x.log.1", "log/x.log"),
]


def test_each_log_of_a_folder_is_read_oldest_first(tmp_path: Path) -> None:
    for name in sorted(ROTATED, key=lambda _: Random(7).random()):  # noqa: S311 - a test
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
    (tmp_path / ".hidden").touch()
    (tmp_path / ".git").mkdir()
    (tmp_path / ".git" / "config").touch()
    assert [str(path.relative_to(tmp_path)) for path in find_files(tmp_path)] == ROTATED


def test_a_file_named_twice_is_read_once(tmp_path: Path) -> None:
    log = tmp_path / "a"
    log.touch()
    os.link(log, tmp_path / "b")
    found = inputs_of([log, tmp_path, tmp_path / "b"])
    assert [one.name for one in found] == ["a"]


def test_a_file_in_a_folder_is_called_by_its_way_there(tmp_path: Path) -> None:
    (tmp_path / "17").mkdir()
    (tmp_path / "17" / "log").write_bytes(b"rubbish\n")
    _, into = read(tmp_path)
    assert into.tally.examples["bad_line"][0].startswith("17/log:1 (byte 0): expected epoch")


def test_gzip_is_told_by_its_bytes_and_may_have_many_members(tmp_path: Path) -> None:
    packed, named_only = tmp_path / "calls.log", tmp_path / "plain.gz"
    packed.write_bytes(gzip.compress(a_line(0)) + gzip.compress(a_line(1)) + b"\0" * 100)
    named_only.write_bytes(a_line(2))
    messages, into = read(packed, named_only)
    assert contacts(messages) == ["c0", "c1", "c2"]
    assert into.tally.unread == []


def test_what_a_cut_off_gzip_held_is_read_and_the_rest_is_said_to_be_missing(
    tmp_path: Path,
) -> None:
    cut, good = tmp_path / "cut.gz", tmp_path / "good"
    text = b"".join(a_line(n) for n in range(2000))
    packed = gzip.compress(text)
    cut.write_bytes(packed[: len(packed) // 2])
    good.write_bytes(a_line(9999))
    messages, into = read(cut, good)
    found = contacts(messages)
    assert 100 < len(found) < 2001
    assert found[:-1] == [f"c{n}" for n in range(len(found) - 1)]
    assert found[-1] == "c9999"
    (unread,) = into.tally.unread
    assert unread.startswith("cut.gz: expected the end of gzip data, found that of the file")
    assert into.tally.rejected == {}  # the torn last line is no record


def test_damaged_gzip_is_said_to_be(tmp_path: Path) -> None:
    packed = bytearray(gzip.compress(b"".join(a_line(n) for n in range(2000))))
    packed[len(packed) // 2] ^= 0xFF
    damaged = tmp_path / "damaged"
    damaged.write_bytes(packed)
    _, into = read(damaged)
    assert "damaged: expected gzip, found damaged data" in into.tally.unread[0]


@pytest.mark.parametrize(
    ("head", "kind"),
    [
        (b"BZh91AY&SY", "bzip2"),
        (b"\xfd7zXZ\x00\x00", "xz"),
        (b"\x28\xb5\x2f\xfd....", "zstd"),
        (b"PK\x03\x04....", "zip"),
        ("1|a".encode("utf-16"), "text in UTF-16"),
    ],
)
def test_other_kinds_are_named(tmp_path: Path, head: bytes, kind: str) -> None:
    file = tmp_path / "file"
    file.write_bytes(head)
    messages, into = read(file)
    assert messages == []
    expected = f"file: expected text in UTF-8, plain or in gzip, found {kind}"
    assert into.tally.unread == [expected]


def test_a_file_that_may_not_be_read_does_not_stop_the_others(tmp_path: Path) -> None:
    gone, good = tmp_path / "a", tmp_path / "b"
    gone.write_bytes(a_line(0))
    good.write_bytes(a_line(1))
    inputs = inputs_of([gone, good])
    gone.unlink()
    into = Intake(LINE_FORMAT, ORIGIN, Tally(), topic=str)

    async def run() -> list[Message]:
        pieces = read_inputs(inputs, into, asyncio.Event(), lambda _input, _size: None)
        return [message async for piece in pieces for message in piece or ()]

    assert contacts(asyncio.run(run())) == ["c1"]
    assert "No such file" in into.tally.unread[0]


def test_a_short_input_is_not_held_back() -> None:
    unpacker = Unpacker("x")
    assert list(unpacker.feed(b"ab")) == []
    assert list(unpacker.rest()) == [b"ab"]
    unpacker.check_end()


def test_a_bomb_is_unpacked_in_pieces() -> None:
    unpacker = Unpacker("x")
    sizes = [len(piece) for piece in unpacker.feed(gzip.compress(b"\0" * 50_000_000))]
    assert sum(sizes) == 50_000_000
    assert max(sizes) <= 262_144


def test_the_same_calls_have_the_same_ids_however_the_log_is_rotated(tmp_path: Path) -> None:
    log = tmp_path / "queue_log"
    log.write_bytes(b"".join(a_line(n) for n in range(10)))
    once, _ = read(log)
    again, _ = read(log)
    log.rename(tmp_path / "queue_log.1")
    (tmp_path / "queue_log.2.gz").write_bytes(gzip.compress(a_line(0) + a_line(1)))
    log.write_bytes(a_line(10))
    rotated, _ = read(tmp_path)
    assert ids(once) == ids(again)
    assert len(set(ids(once))) == 10
    assert set(ids(rotated)) - set(ids(once)) == {ids(rotated)[-1]}
    assert ids(rotated)[:2] == ids(once)[:2] == ids(rotated)[2:4]
