"""A file of the "Anonymous Bank" to messages, in order of time."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

from pipeline.codec.anonymous_bank import HEADER, Origin, convert
from pipeline.codec.encode import encode
from pipeline.domain.events import Rejected, routing_domain
from pipeline.ingest.message import Message, dead_letter
from pipeline.ingest.tally import Tally


def read_anonymous_bank(
    file: Path,
    origin: Origin,
    topic: str,
    dead_letters: str,
    tally: Tally,
    report: Callable[[int], None],
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
                yield dead_letter(dead_letters, topic, converted, file, number)
                continue
            tally.taken += 1
            tally.anomalies.update(converted.anomalies)
            events += ((event.occurred_at_ms, encode(event)) for event in converted.events)
    events.sort(key=lambda event: event[0])
    for _, value in events:
        yield Message(topic, key, value)
