"""Records that are lines of text: a log, a CSV file, canonical NDJSON."""

from __future__ import annotations

from typing import Final

from pipeline.ingest.framed import CUT_TO, MOST_BYTES, Framed, too_large

_BOM: Final = b"\xef\xbb\xbf"


class Lines:
    r"""Cuts at ``\n``; carriage returns before it, and a byte order mark in front, are no text.

    NUL bytes in front of a line are dropped too: a log that was truncated under a writer that
    does not append begins with a hole of them. A line over ``most`` bytes is not held in memory:
    its first bytes are kept, the rest is only counted.
    """

    def __init__(self, *, most: int = MOST_BYTES) -> None:
        """Begin an input."""
        self._most = most
        self._rest = b""
        self._line = 0
        self._offset = 0
        self._dropped = 0

    @property
    def waiting(self) -> int:
        """Bytes of a line that has not ended."""
        return len(self._rest) + self._dropped

    def feed(self, data: bytes) -> list[Framed]:
        """Return the lines that end in these bytes."""
        if self._dropped:
            end = data.find(b"\n")
            if end < 0:
                self._dropped += len(data)
                return []
            long = self._end_of_long(data[:end])
            return [long, *self.feed(data[end + 1 :])]
        *ended, rest = (self._rest + data).split(b"\n")
        framed = []
        line, offset, most = self._line, self._offset, self._most
        for text in ended:
            line += 1
            if len(text) > most:
                framed.append(too_large(text, line, offset, size=len(text), most=most))
            else:
                shown = text.rstrip(b"\r") if text[-1:] == b"\r" else text
                if shown[:1] in {b"\0", b"\xef"}:
                    shown = _without_padding(shown, is_first=offset == 0)
                framed.append(Framed(shown, line, offset))
            offset += len(text) + 1
        self._line, self._offset = line, offset
        self._rest = rest
        if rest[:1] == b"\0":
            self._rest = rest.lstrip(b"\0")
            self._offset += len(rest) - len(self._rest)
        if len(self._rest) > most:
            self._dropped = len(self._rest) - CUT_TO if len(self._rest) > CUT_TO else 1
            self._rest = self._rest[: len(self._rest) - self._dropped]
        return framed

    def end(self) -> list[Framed]:
        """Return the last line, where the input does not end with a line's end."""
        if self._dropped:
            return [self._end_of_long(b"")]
        if not self._rest:
            return []
        return self.feed(b"\n")

    def _end_of_long(self, tail: bytes) -> Framed:
        size = len(self._rest) + self._dropped + len(tail)
        self._line += 1
        framed = too_large(self._rest, self._line, self._offset, size=size, most=self._most)
        self._offset += size + 1
        self._rest, self._dropped = b"", 0
        return framed


def _without_padding(text: bytes, *, is_first: bool) -> bytes:
    return text.removeprefix(_BOM) if is_first and text[:1] != b"\0" else text.lstrip(b"\0")
