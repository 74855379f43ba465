"""A dead letter: a record that was not taken, with why and whence as its headers tell it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final, NamedTuple

from pipeline.codec.provenance import DLQ_ATTEMPT

_CONNECT: Final = "__connect.errors."
NO_REASON: Final = "(none)"
"""Stands for the reason of a record that somebody else put there without one."""


class Place(NamedTuple):
    """Where a record lies; the topic as the broker names it, prefix included."""

    topic: str
    partition: int
    offset: int

    def __str__(self) -> str:
        """Return topic/partition/offset."""
        return "/".join(map(str, self))


@dataclass(frozen=True, slots=True, kw_only=True)
class Letter:
    """A record of a dead-letter topic; ``at_ms`` is when it was put there, epoch milliseconds."""

    place: Place
    at_ms: int
    key: bytes | None
    value: bytes
    headers: Mapping[str, str]

    @property
    def reason(self) -> str:
        """Return the code to count by."""
        return self.headers.get("dlq.reason") or NO_REASON

    @property
    def message(self) -> str:
        """Return what was expected and what was found, in words."""
        return self.headers.get(f"{_CONNECT}exception.message", "")

    @property
    def stage(self) -> str:
        """Return who refused it: ``decode`` and ``admit`` (the worker) or ``ingest``."""
        return self.headers.get(f"{_CONNECT}stage", "")

    @property
    def attempt(self) -> int:
        """Return how often it had been sent again before it came here."""
        return _whole(self.headers.get(DLQ_ATTEMPT)) or 0

    @property
    def origin(self) -> Place | None:
        """Return where the record lay that is in here, None for a row of a file."""
        partition = _whole(self.headers.get(f"{_CONNECT}partition"))
        offset = _whole(self.headers.get(f"{_CONNECT}offset"))
        if partition is None or offset is None:
            return None
        return Place(self.headers.get(f"{_CONNECT}topic", ""), partition, offset)

    @property
    def source(self) -> str:
        """Return where it came from in the words of people: topic/partition/offset or file:line."""
        if self.origin is not None:
            return str(self.origin)
        return ":".join(self.headers.get(name, "?") for name in ("dlq.file", "dlq.line"))


def read_letter(record: Any) -> Letter:  # noqa: ANN401 - kafka-python has no types
    """Return what a consumed record says; never raises. Of a header given twice the first counts.

    Bytes that are not UTF-8 are shown as escapes.
    """
    headers: dict[str, str] = {}
    for name, value in record.headers:
        headers.setdefault(name, (value or b"").decode("utf-8", "backslashreplace"))
    return Letter(
        place=Place(record.topic, record.partition, record.offset),
        at_ms=record.timestamp,
        key=record.key,
        value=record.value or b"",
        headers=headers,
    )


def _whole(text: str | None) -> int | None:
    """Return a number from 0 on that fits Kafka's 64 bits, else None."""
    if text and text.isascii() and text.isdigit() and len(text) < 19:  # noqa: PLR2004 - of 2**63
        return int(text)
    return None
