"""What is sent: a keyed message for a topic, and the dead letter of a record that is no event."""

from __future__ import annotations

from typing import Final, NamedTuple

from pipeline.codec.private_numbers import (
    hide_numbers,
    hide_numbers_in_text,
    without_cut_number,
)
from pipeline.domain.events import Rejected
from pipeline.ingest.framed import CUT_TO, MOST_BYTES

APP: Final = "vane-ingest"


class Route(NamedTuple):
    """The topics records go to: as events, or as dead letters."""

    topic: str
    dead_letters: str


class Place(NamedTuple):
    """Where a record stood: a file's name or a socket's address, line from 1, byte from 0."""

    name: str
    line: int
    offset: int

    def __str__(self) -> str:
        """Return it as people and editors write it."""
        return f"{self.name}:{self.line}"


Headers = list[tuple[str, bytes]]
_NO_HEADERS: Final[Headers] = []


class Message(NamedTuple):
    """One record on its way to Kafka."""

    topic: str
    key: bytes
    value: bytes
    headers: Headers = _NO_HEADERS


def dead_letter(
    route: Route, row: Rejected, place: Place, *, key: bytes, size: int | None = None
) -> Message:
    """Return the record that keeps a rejected one: its bytes, and in the headers why and whence.

    Telephone numbers in the bytes and in the message are replaced by the hash that ``key`` keys,
    whatever the format. ``size`` is what the record had where ``row.raw`` is only its beginning.
    """
    message = hide_numbers_in_text(row.message, key)
    headers = [
        ("__connect.errors.topic", route.topic.encode()),
        ("__connect.errors.stage", b"ingest"),
        ("__connect.errors.exception.class.name", row.reason.encode()),
        ("__connect.errors.exception.message", _encoded(f"{place}: {message}")),
        ("dlq.reason", row.reason.encode()),
        ("dlq.app", APP.encode()),
        ("dlq.file", _encoded(place.name)),
        ("dlq.line", str(place.line).encode()),
        ("dlq.offset", str(place.offset).encode()),
    ]
    value = row.raw
    if size is None and len(value) > MOST_BYTES:
        size, value = len(value), value[:CUT_TO]
    if size is not None:
        headers.append(("dlq.cut.from.bytes", str(size).encode()))
        value = without_cut_number(value)
    return Message(route.dead_letters, b"", hide_numbers(value, key), headers)


def _encoded(text: str) -> bytes:
    """Return the bytes of a text that may hold the name of a file that is not UTF-8."""
    return text.encode("utf-8", "backslashreplace")
