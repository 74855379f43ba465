"""Lines of a CSV or JSON file to whole records: a quoted cell or an object may span lines.

CSV is RFC 4180: a line end within quotes belongs to the cell. JSON is one object per line, or
objects over several lines, alone or in one array, whose brackets and commas are no records.
A record that does not end is given up at the next line that plainly begins another, or when it
has grown too long, so that one stray quote cannot swallow a file.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final, NamedTuple

MOST_LINES: Final = 200
MOST_BYTES: Final = 1 << 20
_JSON_MARKS: Final = re.compile(rb'["\\{}\[\]]')
_BETWEEN: Final = b" \t\r,"
"""What may stand between the objects of an array."""


class Whole(NamedTuple):
    """The bytes of one record; ``problem`` says what is wrong if it has no end."""

    raw: bytes
    problem: str | None = None


class CsvLines:
    """Joins the lines of a CSV record."""

    def __init__(self) -> None:
        """Start at the beginning of a file."""
        self._kept: list[bytes] = []
        self._size = 0
        self.is_open = False

    def feed(self, line: bytes) -> Iterator[Whole]:
        """Take a line without its end; yield the record that it completes, if it does."""
        self._kept.append(line)
        self._size += len(line)
        self.is_open ^= line.count(b'"') % 2 == 1
        if not self.is_open:
            yield self._take(None)
        elif len(self._kept) >= MOST_LINES or self._size > MOST_BYTES:
            yield self._take(f"expected a closing quote within {MOST_LINES} lines")

    def finish(self) -> Iterator[Whole]:
        """Yield what the end of the file leaves open."""
        if self._kept:
            yield self._take("expected a closing quote, got the end of the file")

    def _take(self, problem: str | None) -> Whole:
        found = Whole(b"\n".join(self._kept), problem)
        self._kept, self._size, self.is_open = [], 0, False
        return found


class JsonLines:
    """Joins the lines of a JSON object, and parts the objects of an array."""

    def __init__(self) -> None:
        """Start at the beginning of a file."""
        self._kept: list[bytes] = []
        self._size = 0
        self._depth = 0
        self._from = 0
        self._is_text = False
        self._is_array = False

    @property
    def is_open(self) -> bool:
        """Say whether an object goes on in the next line."""
        return self._depth > 0

    def feed(self, line: bytes) -> Iterator[Whole]:
        """Take a line without its end; yield the records that it completes."""
        if self._depth and line[:1] == b"{":
            yield self._give_up("expected the object to end before the next begins")
        self._from = at = 0
        while mark := _JSON_MARKS.search(line, at):
            at = mark.end() + (mark[0] == b"\\")  # what it escapes is no mark
            if self._ends_at(line, mark):
                yield self._take(line[self._from : at], None)
                self._from = at
        rest = line[self._from :]
        if self._depth:
            self._kept.append(rest)
            self._size += len(rest)
            if len(self._kept) >= MOST_LINES or self._size > MOST_BYTES:
                yield self._give_up(f"expected the object to end within {MOST_LINES} lines")
        elif left := rest.strip(_BETWEEN):
            yield self._take(left, None)

    def finish(self) -> Iterator[Whole]:
        """Yield what the end of the file leaves open."""
        if self._kept:
            yield self._give_up("expected the object to end, got the end of the file")

    def _ends_at(self, line: bytes, mark: re.Match[bytes]) -> bool:
        """Say whether a mark ends an object, having noted what it means."""
        sign = mark[0]
        if sign == b'"':
            self._is_text = not self._is_text
        if sign in b'"\\' or self._is_text:
            return False
        if not self._depth and sign == (b"]" if self._is_array else b"["):
            self._is_array = not self._is_array
            self._from = mark.end()
            return False
        if sign in b"{[":
            if not self._depth and not line[self._from : mark.start()].strip(_BETWEEN):
                self._from = mark.start()
            self._depth += 1
            return False
        self._depth -= 1
        return self._depth <= 0

    def _give_up(self, problem: str) -> Whole:
        return self._take(b"", problem)

    def _take(self, last: bytes, problem: str | None) -> Whole:
        parts = [*self._kept, last] if last else self._kept
        found = Whole(b"\n".join(parts), problem)
        self._kept, self._size, self._depth, self._is_text = [], 0, 0, False
        return found
