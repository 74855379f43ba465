"""What is sent: a keyed message for a topic, and the dead letter of a row that is no event."""

from __future__ import annotations

from pathlib import Path
from typing import Final, NamedTuple

from pipeline.domain.events import Rejected

APP: Final = "vane-ingest"
MOST_BYTES: Final = 20_000_000
"""The largest value sent: with key, headers and framing it fits the 20 MiB the topics take."""
_CUT_TO: Final = 65_536
"""A dead letter of a larger row keeps so many of its first bytes."""


class Route(NamedTuple):
    """The topics rows go to: as events, or as dead letters."""

    topic: str
    dead_letters: str


Headers = list[tuple[str, bytes]]
_NO_HEADERS: Final[Headers] = []


class Message(NamedTuple):
    """One record on its way to Kafka."""

    topic: str
    key: bytes
    value: bytes
    headers: Headers = _NO_HEADERS


def dead_letter(route: Route, row: Rejected, file: Path, line: int) -> Message:
    """Return the record that keeps a rejected row: its bytes, and in the headers why and whence.

    ``line`` counts from 1.
    """
    headers = [
        ("__connect.errors.topic", route.topic.encode()),
        ("__connect.errors.stage", b"ingest"),
        ("__connect.errors.exception.class.name", row.reason.encode()),
        ("__connect.errors.exception.message", f"{file.name}:{line}: {row.message}".encode()),
        ("dlq.reason", row.reason.encode()),
        ("dlq.app", APP.encode()),
        ("dlq.file", file.name.encode()),
        ("dlq.line", str(line).encode()),
    ]
    value = row.raw
    if len(value) > MOST_BYTES:
        headers.append(("dlq.cut.from.bytes", str(len(value)).encode()))
        value = value[:_CUT_TO]
    return Message(route.dead_letters, b"", value, headers)
