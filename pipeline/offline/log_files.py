"""Logs as people have them: files, folders, gzip, rotated pieces, standard input, in order of time.

Pieces are put in order by the first time in each, whatever their names are. A piece that begins
as another does is a copy of it: the larger is read, the other named and left out.
"""

from __future__ import annotations

import gzip
import sys
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Final, NamedTuple, cast

from pipeline.errors import InputError

CHUNK_BYTES: Final = 8 << 20
HEAD_BYTES: Final = 1 << 16
STDIN: Final = "-"
_GZIP: Final = b"\x1f\x8b"


class Chunk(NamedTuple):
    """Whole lines of a file.

    ``is_cut`` says that the last line has no end: the file ends within it or without one.
    """

    path: str
    first_line: int
    data: bytes
    is_cut: bool


@dataclass(frozen=True, slots=True)
class Piece:
    """One file of a log: where it is, how large, what it begins with."""

    path: Path
    size: int
    head: bytes
    first_ms: int | None

    @property
    def name(self) -> str:
        """Return its path as it was given."""
        return str(self.path)


@dataclass(frozen=True, slots=True)
class Found:
    """The pieces of a log in order of time, and those left out as copies, with their originals."""

    pieces: list[Piece]
    copies: list[tuple[Piece, Piece]]

    @property
    def size(self) -> int:
        """Return the bytes there are to read, as they lie on the disk."""
        return sum(piece.size for piece in self.pieces)


def find_pieces(paths: list[Path], first_time: Callable[[bytes], int | None]) -> Found:
    """Return the files of a log; raise InputError if there are none, or one cannot be read.

    Args:
        paths: files and folders (all files in them and below, but hidden ones).
        first_time: returns the first time in the head of a file, epoch milliseconds.
    """
    files: dict[Path, None] = {}
    for path in paths:
        if path.is_dir():
            inside = sorted(p for p in path.rglob("*") if p.is_file() and not _is_hidden(p, path))
            if not inside:
                msg = f"{path}: expected log files in the folder, found none"
                raise InputError(msg)
            files.update(dict.fromkeys(inside))
        else:
            files[path] = None
    pieces = [_piece(path, first_time) for path in files]
    originals: dict[bytes, Piece] = {}
    copies: list[tuple[Piece, Piece]] = []
    for piece in sorted(pieces, key=_length, reverse=True):
        original = originals.get(piece.head)
        if original is None or not piece.head:
            originals[piece.head] = piece
        else:
            copies.append((piece, original))
    left_out = {id(copy) for copy, _ in copies}
    kept = [piece for piece in pieces if id(piece) not in left_out]
    kept.sort(key=lambda piece: (piece.first_ms is None, piece.first_ms or 0))
    return Found(kept, copies)


def read_chunks(
    piece: Piece, advance: Callable[[int], None], size: int = CHUNK_BYTES
) -> Iterator[Chunk]:
    """Yield the lines of a file in chunks; ``advance`` is told the bytes taken from the disk.

    Raises:
        InputError: the file cannot be read on; the message names the line it was at.
    """
    with piece.path.open("rb") as raw:
        yield from _chunks(piece.name, raw, advance, size)


def read_stdin(size: int = CHUNK_BYTES) -> Iterator[Chunk]:
    """Yield the lines of standard input in chunks."""
    yield from _chunks("<stdin>", sys.stdin.buffer, lambda _: None, size)


def _chunks(
    name: str, raw: IO[bytes], advance: Callable[[int], None], size: int
) -> Iterator[Chunk]:
    rest, line, told = b"", 1, 0
    file = _unpacked(raw)
    while True:
        try:
            block = file.read(size)
        except (OSError, EOFError, zlib.error) as error:
            if rest:
                yield Chunk(name, line, rest, is_cut=True)
                line += 1
            msg = f"{name}:{line}: cannot be read on: {error}; all lines before are counted"
            raise InputError(msg) from error
        if raw.seekable():
            now = raw.tell()
            advance(now - told)
            told = now
        if not block:
            break
        whole, end, tail = block.rpartition(b"\n")
        if not end:
            rest += block
            continue
        yield Chunk(name, line, rest + whole, is_cut=False)
        line += whole.count(b"\n") + 1 + rest.count(b"\n")
        rest = tail
    if rest:
        yield Chunk(name, line, rest, is_cut=True)


def _unpacked(raw: IO[bytes]) -> IO[bytes]:
    peek = getattr(raw, "peek", None)
    head = peek(2)[:2] if peek else b""
    return cast("IO[bytes]", gzip.open(raw, "rb")) if head == _GZIP else raw


def _piece(path: Path, first_time: Callable[[bytes], int | None]) -> Piece:
    try:
        with path.open("rb") as raw:
            head = _unpacked(raw).read(HEAD_BYTES)
        return Piece(path, path.stat().st_size, head, first_time(head))
    except (OSError, EOFError, zlib.error) as error:
        msg = f"{path}: expected a log file: {error}"
        raise InputError(msg) from error


def _length(piece: Piece) -> tuple[int, int]:
    """Return what is larger for a longer text; packed and plain ones are compared by their text."""
    if len(piece.head) < HEAD_BYTES:
        return len(piece.head), piece.size
    with piece.path.open("rb") as raw:
        is_packed = raw.peek(2)[:2] == _GZIP
    return (piece.size * 8 if is_packed else piece.size), piece.size


def _is_hidden(path: Path, folder: Path) -> bool:
    return any(part.startswith(".") for part in path.relative_to(folder).parts)
