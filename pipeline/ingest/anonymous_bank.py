"""A file of the "Anonymous Bank" to messages, in order of time."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Final

from pipeline.codec.anonymous_bank import HEADER, Origin, convert
from pipeline.codec.encode import encode
from pipeline.domain.events import Rejected, routing_domain
from pipeline.errors import InputError
from pipeline.ingest.message import Message, Route, dead_letter
from pipeline.ingest.tally import Tally

_MOST_BAD_AT_FIRST: Final = 100
"""So many bad rows and not one good: the file is of another kind, so stop before sending it all."""


def read_anonymous_bank(
    file: Path, origin: Origin, route: Route, tally: Tally, report: Callable[[int], None]
) -> Iterator[Message]:
    """Yield the dead letters, then the events of all rows; ``report`` is told the bytes read.

    The file is ordered by telephone line, so its events are held in memory and sorted.
    """
    key = routing_domain(origin.client, origin.site).encode()
    events: list[tuple[int, bytes]] = []
    with file.open("rb") as lines:
        for number, ended in enumerate(lines, start=1):
            report(len(ended))
            tally.rows += 1
            line = ended.rstrip(b"\r\n")
            if number == 1 and line.startswith(HEADER):
                tally.skipped["header"] += 1
                continue
            if not line.strip():
                tally.skipped["blank line"] += 1
                continue
            converted = convert(line, origin)
            if isinstance(converted, Rejected):
                tally.rejected[converted.reason] += 1
                if not tally.taken and tally.rejected["bad_row"] == _MOST_BAD_AT_FIRST:
                    msg = (
                        f"{file}:{number}: expected rows of the Anonymous Bank; {converted.message}"
                    )
                    raise InputError(msg)
                yield dead_letter(route, converted, file, number)
                continue
            tally.taken += 1
            tally.anomalies.update(converted.anomalies)
            events += ((event.occurred_at_ms, encode(event)) for event in converted.events)
    events.sort(key=lambda event: event[0])
    for _, value in events:
        yield Message(route.topic, key, value)
