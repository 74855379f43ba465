"""Reads one message of a telephone system: ``Key: value`` lines, or the same as a JSON object.

Asterisk's manager interface and FreeSWITCH's event socket both speak so. Keys are compared without
regard to case; of a key given twice the first counts. What keys mean is the adapters' business;
where a message begins and ends is the framing's.
"""

from __future__ import annotations

import re
from typing import Final

import msgspec

MAX_BYTES: Final = 262_144
"""A longer message is none: the largest real ones, with all channel variables, have 30 kB."""
MAX_INSTANT_MS: Final = 253_402_300_799_999
"""The last millisecond of the year 9999."""
RECEIVED: Final = "vane-received"
"""The header that a reader of a socket adds: when the message came, epoch seconds and fraction."""

Headers = dict[str, str]

_EPOCH: Final = re.compile(r"([0-9]{1,12})(?:\.([0-9]{1,9}))?")
_WHOLE: Final = re.compile(r"[+-]?[0-9]{1,12}")
_CAN_NAME_A_CALLER: Final = re.compile(
    rb"caller|connected|callee|cid|ani|dnis|exten|number|dial|sip|appdata|account|channel"
    rb"|presence|username|value|^variable|address|location",
    re.IGNORECASE,
)
_LINE: Final = re.compile(rb"(?m)^([ \t]*([\w-]{1,80})[ \t]*:)([^\r\n]*)")
_MEMBER: Final = re.compile(rb'([{,]\s*"([\w-]{1,80})"\s*:\s*)("(?:\\.|[^"\\])*"?|[^\s,"{}\[\]]+)')


class BadMessageError(ValueError):
    """A message cannot be used; ``reason`` is the code to count by."""

    def __init__(self, reason: str, message: str) -> None:
        """Say in a code and in words what was expected."""
        super().__init__(message)
        self.reason = reason


def is_json(record: bytes) -> bool:
    """Say whether a message is written as a JSON object."""
    return record[:1] == b"{" or record.lstrip()[:1] == b"{"


def text_of(record: bytes) -> tuple[str, bool]:
    """Return the text, and whether it was not UTF-8: then it is read as Latin-1, byte by byte."""
    try:
        return record.decode(), False
    except UnicodeDecodeError:
        return record.decode("latin-1"), True


def read_lines(text: str) -> Headers:
    """Return the headers of a block, keys in lower case; what follows an empty line is a body.

    Lines end with LF or CRLF.
    """
    try:
        # The way of nearly all blocks: no body, no empty line. From the last, so the first counts.
        pairs = [line.split(":", 1) for line in reversed(text.strip().split("\n"))]
        return {key.lower(): value.strip() for key, value in pairs}
    except ValueError:
        return _read_line_by_line(text)


def _read_line_by_line(text: str) -> Headers:
    headers: Headers = {}
    for number, line in enumerate(text.split("\n"), start=1):
        key, colon, value = line.partition(":")
        if colon:
            headers.setdefault(key.lower(), value.strip())
        elif line.strip():
            msg = f"line {number}: expected 'Key: value', got {len(line)} characters without ':'"
            raise BadMessageError("malformed_line", msg)
        elif headers:
            break
    return headers


def read_json(text: str) -> Headers:
    """Return the headers of a JSON object, keys in lower case; values that are no scalar are left.

    A ``true`` or ``false`` becomes ``1`` or ``0``, as the lines have it.
    """
    try:
        document = msgspec.json.decode(text)
    except (ValueError, RecursionError) as error:
        # The parser's words name a byte, never the text around it.
        raise BadMessageError("malformed_json", f"expected a JSON object: {error}") from error
    if not isinstance(document, dict):
        msg = f"expected a JSON object, got {type(document).__name__}"
        raise BadMessageError("malformed_json", msg)
    headers: Headers = {}
    for key, value in document.items():
        if isinstance(value, bool):
            headers.setdefault(key.lower(), "1" if value else "0")
        elif isinstance(value, str | int | float):
            headers.setdefault(key.lower(), str(value).strip())
    return headers


def needed(headers: Headers, *names: str) -> str:
    """Return the first of the headers that has a value; a message without one is of no use."""
    for name in names:
        value = headers.get(name)
        if value:
            return value
    raise BadMessageError("missing_field", f"expected a value of {' or '.join(names)}, got none")


def epoch_ms(headers: Headers, name: str) -> int | None:
    """Return epoch milliseconds of a header in epoch seconds, None where it is not there."""
    value = headers.get(name)
    if not value:
        return None
    found = _EPOCH.fullmatch(value)
    if found is not None:
        at = int(found[1]) * 1000 + int((found[2] or "").ljust(3, "0")[:3])
        if 0 < at <= MAX_INSTANT_MS:
            return at
    msg = f"{name}: expected seconds since 1970 such as 1735689600.123456, got {value[:40]!r}"
    raise BadMessageError("bad_time", msg)


def whole(headers: Headers, *names: str) -> int | None:
    """Return a length of time or a count from 0 on, None where none of the headers is there."""
    for name in names:
        value = headers.get(name)
        if value:
            if _WHOLE.fullmatch(value) and int(value) >= 0:
                return int(value)
            msg = f"{name}: expected a whole number from 0 on, got {value[:40]!r}"
            raise BadMessageError("bad_number", msg)
    return None


def without_numbers(record: bytes) -> bytes:
    """Return a message as it may be kept: whatever can name a caller is replaced by ``*``.

    A rejected message goes to a dead-letter topic, where a caller's number has no place.
    """

    def keep(found: re.Match[bytes]) -> bytes:
        if not found[3].strip() or not _CAN_NAME_A_CALLER.search(found[2]):
            return found[0]
        return found[1] + (b'"*"' if found[3][:1] == b'"' else b" *")

    return (_MEMBER if is_json(record) else _LINE).sub(keep, record)
