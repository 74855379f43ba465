"""One file that grows: what is new in it, and whether it is still the file it was.

A log that is truncated in place, after a copy was made of it, keeps its name and inode. It is
recognised by its size, or by the bytes before our position that are no longer what we read.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO, Final

from pipeline.errors import InputError
from pipeline.ingest.files import CHUNK, GZIP, unpacked
from pipeline.ingest.intake import Stream

_HEAD: Final = 1024
_LAST: Final = 256

Identity = tuple[int, int]
"""Device and inode: what a file keeps when it is renamed."""


class Tail:
    """A file read up to a position, and what tells it from another of the same name."""

    def __init__(self, path: Path, stream: Stream) -> None:
        """Open a file; raises OSError."""
        self.path = path
        self.stream = stream
        self.position = 0
        self.quiet_looks = 0
        """How often in a row there was nothing new."""
        self.missed_looks = 0
        """How often in a row it was in its folder under no name."""
        self.is_ended = False
        self.copies: set[Identity] = set()
        """Files that were seen to be copies of this one as it is now."""
        self._file: BinaryIO = path.open("rb", buffering=0)
        self.identity = identity_of(self._file)
        self._seen = (0, 0)
        self._head = b""
        self._last = b""

    def is_truncated(self) -> bool:
        """Say whether what was read is no longer there."""
        status = os.fstat(self._file.fileno())
        seen = (status.st_size, status.st_mtime_ns)
        if seen == self._seen:
            return False
        if status.st_size < self.position:
            return True
        before = os.pread(self._file.fileno(), len(self._last), self.position - len(self._last))
        head = os.pread(self._file.fileno(), len(self._head), 0)
        if before != self._last or head != self._head:
            return True
        self._seen = seen
        return False

    def news(self) -> Iterator[bytes]:
        """Yield what is new, in pieces; the position moves with each."""
        while data := os.pread(self._file.fileno(), CHUNK, self.position):
            self._pass(data)
            yield data

    def held(self, other: BinaryIO) -> int | None:
        """Return the size of another file, unpacked, if it is but a beginning of this one."""
        at = 0
        for piece in pieces_of(other):
            if os.pread(self._file.fileno(), len(piece), at) != piece:
                return None
            at += len(piece)
        return at

    def rest_in(self, copy: BinaryIO) -> Iterator[bytes] | None:
        """Return what a copy of this file has beyond our position, or None if it is no copy."""
        if not self.position:
            return None
        pieces = pieces_of(copy)
        text = b""
        for piece in pieces:
            text += piece
            if not text.startswith(self._head[: len(text)]):
                return None
            if len(text) >= len(self._head):
                break
        return self._beyond(text, pieces) if text.startswith(self._head) else None

    def _beyond(self, text: bytes, pieces: Iterator[bytes]) -> Iterator[bytes] | None:
        """Pass over what was read; keep only as much of it as is compared."""
        passed = 0
        while passed + len(text) < self.position:
            piece = next(pieces, b"")
            if not piece:
                return None
            kept = text[-_LAST:]
            passed += len(text) - len(kept)
            text = kept + piece
        at = self.position - passed
        if text[at - len(self._last) : at] != self._last:
            return None

        def rest() -> Iterator[bytes]:
            yield text[at:]
            yield from pieces

        return rest()

    def restart(self, stream: Stream) -> None:
        """Begin the file anew, after it was truncated."""
        self.stream = stream
        self.position = 0
        self.is_ended = False
        self.copies = set()
        self._head = self._last = b""

    def close(self) -> None:
        """Let go of the file."""
        self._file.close()

    def _pass(self, data: bytes) -> None:
        if len(self._head) < _HEAD:
            self._head += data[: _HEAD - len(self._head)]
        self._last = (self._last + data)[-_LAST:]
        self.position += len(data)


def identity_of(file: BinaryIO) -> Identity:
    """Return what an open file keeps when it is renamed."""
    status = os.fstat(file.fileno())
    return status.st_dev, status.st_ino


def is_gzip(file: BinaryIO) -> bool:
    """Say whether a file is packed, by its first bytes."""
    return os.pread(file.fileno(), len(GZIP), 0) == GZIP


def unpacks(file: BinaryIO) -> bool:
    """Say whether a packed file can be unpacked to its end."""
    try:
        for _ in pieces_of(file):
            pass
    except InputError:
        return False
    return True


def pieces_of(file: BinaryIO) -> Iterator[bytes]:
    """Yield a file's bytes from the first on, as unpacked."""
    file.seek(0)
    yield from unpacked(file, str(file.name))
