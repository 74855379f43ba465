"""Canonical NDJSON: bytes pass through unparsed but for client and site.

Whether a line is an event is for the stream to judge, so that a bad record is judged, counted
and kept in one place. Here only the key is read from it.
"""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Final, NamedTuple

import msgspec

from pipeline.domain.events import routing_domain
from pipeline.errors import InputError

CALLS: Final = "acd.events"
AGENT_STATES: Final = "acd.agent-states"
NO_KEY: Final = b""
_UNREADABLE: Final = (ValueError, RecursionError)


class CallLine(NamedTuple):
    """A line for the topic of call events."""

    raw: bytes


class StateLine(NamedTuple):
    """A line for the topic of agent states."""

    raw: bytes


class _Address(msgspec.Struct, gc=False):
    client: str
    site: str = ""


_read_address = msgspec.json.Decoder(_Address).decode


def key_of(line: bytes) -> bytes:
    """Return the routing key of a record, or the empty key where its client cannot be read."""
    try:
        address = _read_address(line)
    except _UNREADABLE:
        return NO_KEY
    return routing_domain(address.client, address.site).encode()


def key_of_line(line: CallLine | StateLine) -> bytes:
    """Return the routing key of a line."""
    return key_of(line.raw)


def bytes_of_line(line: CallLine | StateLine) -> bytes:
    """Return a line's bytes as they are."""
    return line.raw


class CanonicalLines:
    """Passes the lines of one file on, to the topic that the file's name says.

    A file of any name is taken for call events unless its name begins with ``acd.agent-states``.
    """

    def __init__(self, name: str) -> None:
        """Begin a file."""
        self.skipped: Counter[str] = Counter()
        self.anomalies: Counter[str] = Counter()
        self._kind = StateLine if Path(name).name.startswith(AGENT_STATES) else CallLine

    def feed(self, record: bytes) -> tuple[CallLine | StateLine, ...]:
        """Pass a line on, unless it is blank."""
        if not record:
            self.skipped["blank line"] += 1
            return ()
        return (self._kind(record),)

    def finish(self) -> tuple[CallLine | StateLine, ...]:
        """Say that nothing was held."""
        return ()


def canonical_files(path: Path) -> list[Path]:
    """Return the files of a folder as the simulator names them: agents' states, then calls."""
    found = [
        file for topic in (AGENT_STATES, CALLS) if (file := path / f"{topic}.ndjson").is_file()
    ]
    if not found:
        msg = f"{path}: expected a file, or a folder with {CALLS}.ndjson or {AGENT_STATES}.ndjson"
        raise InputError(msg)
    return found
