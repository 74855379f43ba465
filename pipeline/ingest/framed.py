"""Where one native record ends and the next begins, whatever way the bytes arrive.

A framer is fed bytes in pieces of any size (of a file, a growing log, a socket) and gives the
records that are complete; what is unfinished waits for the next piece. It does no I/O. Text that
cannot be a record comes out all the same, with the fault that keeps it from being one, so that
every byte of an input is in some record that is counted.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final, NamedTuple, Protocol

MOST_BYTES: Final = 20_000_000
"""The largest record: with key, headers and framing it fits the 20 MiB the topics take."""
CUT_TO: Final = 65_536
"""Of a larger record so many of its first bytes are kept."""


class Fault(NamedTuple):
    """Why a piece of the input is no record: a short stable code, and a message for people."""

    reason: str
    message: str


class Framed(NamedTuple):
    """One native record and where it began.

    ``line`` counts from 1, ``offset`` is bytes from 0, both of the input as unpacked. ``skip``
    says that it is no event by nature, and why; ``fault`` that it is no record at all; ``oddity``
    what was done to it that is to be counted. ``size`` is the bytes it had where ``raw`` is only
    the first of them.
    """

    raw: bytes
    line: int
    offset: int
    fault: Fault | None = None
    skip: str = ""
    oddity: str = ""
    size: int | None = None


class Framer(Protocol):
    """Cuts one input into records."""

    @property
    def waiting(self) -> int:
        """Bytes of a record that is not complete yet."""
        ...

    def feed(self, data: bytes) -> Iterable[Framed]:
        """Take the next bytes; give the records they complete."""
        ...

    def end(self) -> Iterable[Framed]:
        """Say what the end of the input leaves; the framer is not fed afterwards."""
        ...


def too_large(head: bytes, line: int, offset: int, *, size: int, most: int) -> Framed:
    """Return the record that stands for one larger than ``most`` bytes: its first ones."""
    fault = Fault("too_large", f"expected at most {most} bytes, got {size}")
    return Framed(head[:CUT_TO], line, offset, fault, size=size)
