"""Records that are blocks of ``Key: value`` lines: Asterisk's AMI, FreeSWITCH's event socket.

A blank line ends a block. A block with a ``Content-Length`` has so many bytes more after it; where
its ``Content-Type`` says that they are an event, they are the record and the block is only their
envelope, as FreeSWITCH's event socket sends them. Replies to commands, which an AMI or event
socket session is full of, are no events and say so. A file of JSON is read as documents.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Final

from pipeline.ingest.documents import Documents
from pipeline.ingest.framed import CUT_TO, MOST_BYTES, Fault, Framed, Framer, too_large

REPLY: Final = "reply"
"""Why a block is skipped that answers a command."""
GREETING: Final = b"Asterisk Call Manager/"
_LONGEST_BLANK: Final = 64
"""A blank line has at most so many characters before we look no further back for its start."""
_BLANK: Final = re.compile(rb"\n[ \t]*\r?\n")
_PADDING: Final = re.compile(rb"[\r\n\x00]*")
_LENGTH: Final = re.compile(rb"(?im)^Content-Length:[ \t]*(\d{1,12})[ \t]*\r?$")
_TYPE: Final = re.compile(rb"(?im)^Content-Type:[ \t]*(\S+)")
_IS_EVENT: Final = re.compile(rb"(?im)^Event(?:-Name)?:")
_CUT_OFF: Final = Fault("cut_off", "expected a blank line at the end of a block, found the end")


class Blocks:
    """Cuts at blank lines, and by ``Content-Length`` where a block has one.

    A file need not end with a blank line, but a connection that breaks does not finish its block:
    with ``is_live`` a block without a blank line after it is cut off, which is a fault.
    """

    def __init__(self, *, most: int = MOST_BYTES, is_live: bool = False) -> None:
        """Begin an input."""
        self._most = most
        self._is_live = is_live
        self._text = b""
        self._at = 0  # in the text: before it all is taken
        self._scanned = 0  # in the text: up to here there is no blank line
        self._line = 1
        self._offset = 0
        self._dropped = 0  # bytes of an over-long block that were let go
        self._head = b""  # its first bytes

    @property
    def waiting(self) -> int:
        """Bytes of a block that is not complete."""
        return len(self._text) - self._at + self._dropped

    def feed(self, data: bytes) -> list[Framed]:
        """Return the blocks that end in these bytes."""
        self._text = self._text[self._at :] + data
        self._scanned = max(self._scanned - self._at, 0)
        self._at = 0
        framed: list[Framed] = []
        while self._step(framed):
            pass
        return framed

    def end(self) -> list[Framed]:
        """Return what is left: the last block, or a fault where it is cut off."""
        framed: list[Framed] = []
        if self._dropped:
            framed.append(self._end_of_long(len(self._text)))
        rest = self._text[self._at :].strip(b"\r\n\0 \t")
        if rest:
            is_cut = self._is_live or _LENGTH.search(rest) is not None
            block = Framed(rest, self._line, self._offset, _CUT_OFF)
            framed.append(block if is_cut else self._judged(rest, b"", len(rest)))
        self._at = len(self._text)
        return framed

    def _step(self, framed: list[Framed]) -> bool:
        """Take one block off the text; return whether there may be more to take."""
        if not self._dropped:
            padding = _PADDING.match(self._text, self._at)
            if padding is not None:
                self._skip(padding.end())
            if self._text.startswith(GREETING, self._at):  # one line, not a block; no record
                line_end = self._text.find(b"\n", self._at)
                if line_end < 0:
                    return False
                self._skip(line_end + 1)
                return True
        blank = _BLANK.search(self._text, max(self._at, self._scanned - _LONGEST_BLANK))
        if blank is None:
            self._scanned = len(self._text)
            self._let_go()
            return False
        if self._dropped:
            framed.append(self._end_of_long(blank.end()))
            return True
        return self._take(framed, self._text[self._at : blank.start()].rstrip(b"\r"), blank.end())

    def _take(self, framed: list[Framed], head: bytes, head_end: int) -> bool:
        """Take the block whose lines end at ``head_end``, and its body once that is there."""
        if len(head) > self._most:
            framed.append(self._end_of_long(head_end))
            return True
        length = _LENGTH.search(head)
        size = 0 if length is None else int(length[1])
        if size > self._most:
            fault = Fault("too_large", f"Content-Length: expected at most {self._most}, got {size}")
            framed.append(Framed(head, self._line, self._offset, fault))
            size = 0
        elif head_end + size > len(self._text):
            self._scanned = self._at
            return False
        else:
            body = self._text[head_end : head_end + size]
            framed.append(self._judged(head, body, head_end - self._at))
        self._skip(head_end + size)
        return True

    def _judged(self, head: bytes, body: bytes, head_size: int) -> Framed:
        """Return the record: a block, the event in an envelope, or a reply that is none."""
        kind = None if _IS_EVENT.search(head) else _TYPE.search(head)
        if kind is not None and body and kind[1].startswith(b"text/event-"):
            line = self._line + head.count(b"\n") + 2
            return Framed(body.rstrip(b"\r\n"), line, self._offset + head_size)
        raw = head + b"\n\n" + body if body else head
        is_reply = kind is not None or head[:9].lower() == b"response:"
        return Framed(raw, self._line, self._offset, skip=REPLY if is_reply else "")

    def _let_go(self) -> None:
        """Keep no more of a block over the limit than its first bytes."""
        size = len(self._text) - self._at
        if not self._dropped and size <= self._most:
            return
        if not self._dropped:
            self._head = self._text[self._at : self._at + CUT_TO]
        kept = min(size, _LONGEST_BLANK)  # the blank line may have begun
        self._dropped += size - kept
        self._at = len(self._text) - kept

    def _end_of_long(self, end: int) -> Framed:
        size = self._dropped + end - self._at
        self._head = self._head or self._text[self._at : self._at + CUT_TO]
        framed = too_large(self._head, self._line, self._offset, size=size, most=self._most)
        self._offset += size
        self._at = end
        self._head, self._dropped = b"", 0
        return framed

    def _skip(self, to: int) -> None:
        self._line += self._text.count(b"\n", self._at, to)
        self._offset += to - self._at
        self._at = to


class BlocksOrDocuments:
    """Blocks of lines, or JSON: the first character that is no white space tells."""

    def __init__(self) -> None:
        """Begin an input."""
        self._framer: Framer | None = None
        self._blank = b""

    @property
    def waiting(self) -> int:
        """Bytes of a record that is not complete."""
        return len(self._blank) if self._framer is None else self._framer.waiting

    def feed(self, data: bytes) -> Iterable[Framed]:
        """Return the records that end in these bytes."""
        if self._framer is None:
            data = self._blank + data
            text = data.removeprefix(b"\xef\xbb\xbf").lstrip()
            if not text:
                self._blank = data
                return []
            self._framer = Documents() if text[:1] in {b"{", b"["} else Blocks()
        return self._framer.feed(data)

    def end(self) -> Iterable[Framed]:
        """Return what is left."""
        return [] if self._framer is None else self._framer.end()
