"""Builds dead letters as a consumer and ``read_letter`` give them."""

from __future__ import annotations

from typing import Any, NamedTuple

from pipeline.codec.encode import encode
from pipeline.dead_letters.letter import Letter, read_letter
from tests.factories import an_event

INPUT = "t.acd.events"
GOOD = encode(an_event("queued"))


class Consumed(NamedTuple):
    """A record as kafka-python gives it, as far as a letter needs it."""

    topic: str
    partition: int
    offset: int
    timestamp: int
    key: bytes | None
    value: bytes | None
    headers: tuple[tuple[str, bytes | None], ...]


def a_record(
    value: bytes | None = GOOD, *, key: bytes | None = b"acme", at_ms: int = 0, **headers: Any
) -> Consumed:
    """Return a letter of the worker; headers by the last word of their names, None leaves out."""
    given = {
        "topic": INPUT,
        "partition": 2,
        "offset": 40,
        "stage": "decode",
        "reason": "bad_value",
        "attempt": None,
    } | headers
    ours = {"reason", "attempt", "file", "line"}
    pairs = tuple(
        (f"dlq.{name}" if name in ours else f"__connect.errors.{name}", str(said).encode())
        for name, said in given.items()
        if said is not None
    )
    return Consumed("t.acd.events.dlq", 1, 7, at_ms, key, value, pairs)


def a_letter(value: bytes | None = GOOD, **given: Any) -> Letter:
    """Return the letter of such a record."""
    return read_letter(a_record(value, **given))
