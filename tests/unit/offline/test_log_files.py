"""Logs as people have them: folders, gzip, rotated pieces, copies, half a line at the end."""

from __future__ import annotations

import gzip
import re
from pathlib import Path

import pytest

from pipeline.errors import InputError
from pipeline.offline.log_files import Chunk, find_pieces, read_chunks


def first_number(head: bytes) -> int | None:
    found = re.match(rb"\d+", head)
    return int(found[0]) if found else None


def chunks(path: Path, size: int = 1 << 20) -> list[Chunk]:
    found = find_pieces([path], first_number)
    return [c for piece in found.pieces for c in read_chunks(piece, lambda _: None, size)]


def test_pieces_come_in_order_of_their_first_time_whatever_their_names(tmp_path: Path) -> None:
    (tmp_path / "queue_log").write_text("300\n")
    (tmp_path / "queue_log.2.gz").write_bytes(gzip.compress(b"100\n"))
    (tmp_path / "deeper").mkdir()
    (tmp_path / "deeper" / "queue_log.1").write_text("200\n")
    (tmp_path / ".hidden").write_text("1\n")
    assert [c.data for c in chunks(tmp_path)] == [b"100", b"200", b"300"]


def test_a_piece_that_begins_as_another_is_a_copy_the_larger_is_read(tmp_path: Path) -> None:
    long = b"".join(b"%d line\n" % n for n in range(20_000))
    (tmp_path / "a").write_bytes(long[:100_000])
    (tmp_path / "b").write_bytes(long)
    (tmp_path / "c.gz").write_bytes(gzip.compress(b"7 other\n"))
    found = find_pieces([tmp_path], first_number)
    assert [p.path.name for p in found.pieces] == ["b", "c.gz"]
    assert [(a.path.name, b.path.name) for a, b in found.copies] == [("a", "b")]


@pytest.mark.parametrize("size", [3, 7, 1 << 20])
def test_lines_keep_their_numbers_however_the_file_is_cut(tmp_path: Path, size: int) -> None:
    path = tmp_path / "log"
    path.write_bytes(b"1 one\n\n2 two\n3 a longer line\n4")
    lines: dict[int, bytes] = {}
    for chunk in chunks(path, size):
        lines |= dict(enumerate(chunk.data.split(b"\n"), start=chunk.first_line))
    assert lines == {1: b"1 one", 2: b"", 3: b"2 two", 4: b"3 a longer line", 5: b"4"}


def test_only_a_last_line_without_its_end_is_cut(tmp_path: Path) -> None:
    path = tmp_path / "log"
    path.write_bytes(b"1\n2")
    assert [c.is_cut for c in chunks(path)] == [False, True]
    path.write_bytes(b"1\n2\n")
    assert [c.is_cut for c in chunks(path)] == [False]


def test_what_is_told_of_progress_adds_up_to_the_size(tmp_path: Path) -> None:
    path = tmp_path / "log.gz"
    path.write_bytes(gzip.compress(b"1 line\n" * 10_000))
    told: list[int] = []
    (piece,) = find_pieces([path], first_number).pieces
    assert sum(len(c.data) for c in read_chunks(piece, told.append, 4096)) > 10_000
    assert sum(told) == path.stat().st_size


def test_gzip_that_breaks_off_names_the_line_and_keeps_what_came_before(tmp_path: Path) -> None:
    path = tmp_path / "log.gz"
    whole = gzip.compress(b"".join(b"%d %d\n" % (n, n * n * 7919) for n in range(100_000)))
    path.write_bytes(whole[: len(whole) // 2])
    (piece,) = find_pieces([path], first_number).pieces
    chunks = read_chunks(piece, lambda _: None, 10_000)
    assert next(chunks).first_line == 1
    with pytest.raises(InputError, match=r"log\.gz:\d{4,}: cannot be read on"):
        list(chunks)


def test_an_empty_folder_and_a_missing_file_are_named(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="expected log files in the folder"):
        find_pieces([tmp_path], first_number)
    with pytest.raises(InputError, match="nowhere: expected a log file"):
        find_pieces([tmp_path / "nowhere"], first_number)
