"""Canonical NDJSON to messages: bytes pass through unparsed but for client and site.

Whether a line is an event is for the stream to judge, so that a bad record is judged, counted
and kept in one place. Here only the key is read from it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Final

import msgspec

from pipeline.codec.diagnosis import too_large
from pipeline.domain.events import routing_domain
from pipeline.errors import InputError
from pipeline.ingest.message import MOST_BYTES, Message, Route, dead_letter
from pipeline.ingest.tally import Tally

CALLS: Final = "acd.events"
AGENT_STATES: Final = "acd.agent-states"
NO_KEY: Final = b""
_UNREADABLE: Final = (ValueError, RecursionError)


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


def canonical_files(path: Path) -> list[tuple[Path, str]]:
    """Return the files to ingest, each with the topic (ours, unprefixed) its lines are for.

    A folder must hold files named as the simulator names them; a single file of any name is
    taken for call events unless its name begins with ``acd.agent-states``.
    """
    if path.is_file():
        return [(path, AGENT_STATES if path.name.startswith(AGENT_STATES) else CALLS)]
    found = [
        (file, topic)
        for topic in (AGENT_STATES, CALLS)
        if (file := path / f"{topic}.ndjson").is_file()
    ]
    if not found:
        msg = f"{path}: expected a file, or a folder with {CALLS}.ndjson or {AGENT_STATES}.ndjson"
        raise InputError(msg)
    return found


def read_canonical(
    file: Path, route: Route, tally: Tally, report: Callable[[int], None]
) -> Iterator[Message]:
    """Yield a message per line of a file; ``report`` is told the bytes read."""
    with file.open("rb") as lines:
        for number, ended in enumerate(lines, start=1):
            report(len(ended))
            tally.rows += 1
            line = ended.rstrip(b"\r\n")
            if not line:
                tally.skipped["blank line"] += 1
            elif len(line) > MOST_BYTES:
                row = too_large(line, MOST_BYTES)
                tally.rejected[row.reason] += 1
                yield dead_letter(route, row, file, number)
            else:
                tally.taken += 1
                yield Message(route.topic, key_of(line), line)
