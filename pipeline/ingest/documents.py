"""Records that are JSON documents: one per line, over many lines, in an array, or end to end.

All four may follow each other in one input; commas and white space between documents are no
records. Two wrappings are taken off: the instant that a CloudWatch export puts before each
document, and the ``logEvents`` that a CloudWatch subscription delivers documents in.

A document that is broken costs itself, not what follows: strings do not span lines in JSON, and
a ``{`` where the grammar has no place for one begins the next document.
"""

from __future__ import annotations

import re
from typing import Any, Final

import msgspec

from pipeline.ingest.framed import CUT_TO, MOST_BYTES, Fault, Framed, too_large

_TOKEN: Final = re.compile(rb'"(?:[^"\\\n]|\\[^\n])*(?:("|\n|\\\n)|\\?\Z)|[{}\[\]]')
_BETWEEN: Final = re.compile(rb"[\s,\x1e\x00]*")
_EXPORTED: Final = re.compile(rb"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?Z[ \t]+(?=[{\[])")
_SHOWN: Final = 40
"""Characters of what is no document that a message shows."""
_BOM: Final = b"\xef\xbb\xbf"
_CLOSES: Final = {b"}": b"{", b"]": b"["}
_CUT_OFF: Final = Fault("cut_off", "expected the end of a JSON document, found that of the input")
_read_raw: Final = msgspec.json.Decoder(msgspec.Raw).decode
_read: Final = msgspec.json.Decoder().decode
_UNREADABLE: Final = (ValueError, RecursionError)


class Documents:
    """Cuts at the end of each JSON object; what is between objects and no white space is a fault.

    A document over ``most`` bytes is not held in memory.
    """

    def __init__(self, *, most: int = MOST_BYTES) -> None:
        """Begin an input."""
        self._most = most
        self._text = b""
        self._at = 0  # in the text: before it all is taken
        self._scanned = 0  # in the text: up to here the open document was looked at
        self._line = 1
        self._offset = 0
        self._open: list[bytes] = []  # the brackets that are open
        self._in_array = False
        self._dropped = 0  # bytes of an over-long document that were let go
        self._head = b""  # its first bytes

    @property
    def waiting(self) -> int:
        """Bytes of a document that is not complete."""
        return len(self._text) - self._at + self._dropped

    def feed(self, data: bytes) -> list[Framed]:
        """Return the documents that end in these bytes."""
        if self._offset == 0 and not self._text:
            data = data.removeprefix(_BOM)
        self._text = self._text[self._at :] + data
        self._scanned -= self._at
        self._at = 0
        return self._cut(is_end=False)

    def end(self) -> list[Framed]:
        """Return what is left: a fault, unless it is white space."""
        framed = self._cut(is_end=True)
        if self._dropped:
            framed.append(self._end_of_long(len(self._text)))
        elif self._at < len(self._text):
            framed.append(self._take(len(self._text), _CUT_OFF))
        return framed

    def _cut(self, *, is_end: bool) -> list[Framed]:
        framed: list[Framed] = []
        while self._step(framed, is_end=is_end):
            pass
        return framed

    def _step(self, framed: list[Framed], *, is_end: bool) -> bool:
        """Take one thing off the text; return whether there may be more to take."""
        if self._dropped:
            return self._let_go(framed)
        if self._open:
            return self._scan(framed, is_end=is_end)
        between = _BETWEEN.match(self._text, self._at)
        if between is not None:
            self._skip(between.end())
        return self._at < len(self._text) and self._take_next(framed, is_end=is_end)

    def _take_next(self, framed: list[Framed], *, is_end: bool) -> bool:
        first = self._text[self._at : self._at + 1]
        if first == b"{" or (first == b"[" and self._in_array):
            return self._begin(framed)
        if first in {b"[", b"]"}:
            self._in_array = first == b"["
            self._skip(self._at + 1)
            return True
        return self._take_other(framed, is_end=is_end)

    def _begin(self, framed: list[Framed]) -> bool:
        """Take a document that is a line at once, which most are; else begin to scan one."""
        end = self._text.find(b"\n", self._at)
        if end > 0:
            line = self._text[self._at : end].rstrip(b"\r \t")
            if self._in_array:
                line = line.removesuffix(b",")
            if line[-1:] == b"}" and len(line) <= self._most:
                try:
                    _read_raw(line)
                except _UNREADABLE:
                    pass
                else:
                    framed += _unwrapped(self._take(self._at + len(line), None))
                    return True
        self._open = [self._text[self._at : self._at + 1]]
        self._scanned = self._at + 1
        return True

    def _scan(self, framed: list[Framed], *, is_end: bool) -> bool:
        """Go on to the end of the document, or to where it is seen to be broken."""
        text = self._text
        for token in _TOKEN.finditer(text, self._scanned):
            sign = token[0]
            if sign[:1] == b'"':
                if token[1] is None:  # the string goes on beyond what has come
                    self._scanned = token.start()
                    break
                if token[1] != b'"':
                    return self._take_broken(framed, token.end(), "a string that ends on its line")
            elif sign in _CLOSES and self._open[-1] == _CLOSES[sign]:
                self._open.pop()
                if not self._open:
                    framed += _unwrapped(self._take(token.end(), None))
                    return True
            elif sign in _CLOSES or not self._has_place(token.start()):
                return self._take_misplaced(framed, token, is_end=is_end)
            else:
                self._open.append(sign)
            self._scanned = token.end()
        if len(text) - self._at > self._most and not is_end:
            self._open = []
            self._head = text[self._at : self._at + CUT_TO]
            self._dropped = len(text) - self._at
            self._text, self._at = b"", 0
        return False

    def _has_place(self, at: int) -> bool:
        """Say whether the grammar lets an object or array begin here."""
        before = self._text[max(self._at, at - CUT_TO) : at].rstrip()[-1:]
        return before in {b"[", b","} if self._open[-1] == b"[" else before == b":"

    def _take_misplaced(
        self, framed: list[Framed], token: re.Match[bytes], *, is_end: bool
    ) -> bool:
        """Take a broken document: up to an object out of place, or to the end of its line."""
        end = token.start()
        if token[0] != b"{":
            end = self._text.find(b"\n", token.end())
            if end < 0 and not is_end and len(self._text) - self._at <= self._most:
                self._scanned = token.start()
                return False
            end = len(self._text) if end < 0 else end
        return self._take_broken(framed, end, f"no {token[0].decode()!r} here")

    def _take_broken(self, framed: list[Framed], end: int, expected: str) -> bool:
        line = self._line + self._text.count(b"\n", self._at, end - 1)
        fault = Fault("malformed_json", f"expected {expected} (line {line})")
        framed.append(self._take(end, fault))
        return True

    def _take_other(self, framed: list[Framed], *, is_end: bool) -> bool:
        """Take the instant before an exported document off, or a line that is no document."""
        stamp = _EXPORTED.match(self._text, self._at)
        if stamp is not None:
            self._skip(stamp.end())
            return True
        end = self._text.find(b"\n", self._at)
        if end < 0:
            end = len(self._text)
            if not is_end and end - self._at <= self._most:
                return False
        shown = self._text[self._at : min(end, self._at + _SHOWN)].decode(errors="replace")
        framed.append(self._take(end, Fault("malformed_json", f"expected '{{', got {shown!r}")))
        return True

    def _let_go(self, framed: list[Framed]) -> bool:
        """Go on past an over-long document: to a line that begins with ``{``."""
        at = self._text.find(b"\n{", self._at)
        if at < 0:
            kept = len(self._text) - (self._text[-1:] == b"\n")
            self._dropped += kept - self._at
            self._at = kept
            return False
        framed.append(self._end_of_long(at + 1))
        return True

    def _end_of_long(self, end: int) -> Framed:
        size = self._dropped + end - self._at
        framed = too_large(self._head, self._line, self._offset, size=size, most=self._most)
        self._offset += size
        self._at = end
        self._head, self._dropped = b"", 0
        return framed

    def _take(self, end: int, fault: Fault | None) -> Framed:
        raw = self._text[self._at : end].rstrip()
        framed = Framed(raw, self._line, self._offset, fault)
        self._open = []
        self._skip(end)
        if len(raw) > self._most:
            line, offset = framed.line, framed.offset
            return too_large(raw, line, offset, size=len(raw), most=self._most)
        return framed

    def _skip(self, to: int) -> None:
        self._line += self._text.count(b"\n", self._at, to)
        self._offset += to - self._at
        self._at = to


def _unwrapped(framed: Framed) -> list[Framed]:
    """Return the documents in a CloudWatch delivery, or the document itself if it is none."""
    if framed.fault is not None or b'"logEvents"' not in framed.raw:
        return [framed]
    try:
        delivery: Any = _read(framed.raw)
        kind, entries = delivery["messageType"], delivery["logEvents"]
        messages = [str(entry["message"]).encode() for entry in entries]
    except (*_UNREADABLE, KeyError, TypeError):
        return [framed]
    if kind == "CONTROL_MESSAGE":
        return [framed._replace(skip="control_message")]
    return [framed._replace(raw=message) for message in messages]
