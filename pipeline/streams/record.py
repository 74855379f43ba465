"""A record of the input as this worker reads it: what a Kafka client's record has in common."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol


class Record(Protocol):
    """Place, broker append time (or as ``timestamp_type`` says), key, bytes and headers."""

    @property
    def offset(self) -> int:
        """Offset in its partition."""
        ...

    @property
    def timestamp(self) -> int:
        """Epoch milliseconds."""
        ...

    @property
    def timestamp_type(self) -> int:
        """0: set by the producer, 1: by the broker."""
        ...

    @property
    def key(self) -> bytes | None:
        """The key."""
        ...

    @property
    def value(self) -> bytes | None:
        """The bytes."""
        ...

    @property
    def headers(self) -> Sequence[tuple[str, bytes]]:
        """Names and values, in the order they were given."""
        ...


Records = Sequence[Record]
