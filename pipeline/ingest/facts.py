"""A file of facts to messages, line by line; every line counted."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

from pipeline.codec.encode import encode
from pipeline.codec.facts import FactAdapter
from pipeline.domain.events import Rejected, routing_domain
from pipeline.domain.fact import Fact
from pipeline.ingest.message import Message, Route, dead_letter
from pipeline.ingest.tally import Tally


def read_facts(
    file: Path, adapter: FactAdapter, route: Route, tally: Tally, report: Callable[[int], None]
) -> Iterator[Message]:
    """Yield the facts of a file, and dead letters; ``report`` is told the bytes read."""
    number = 0
    with file.open("rb") as lines:
        for number, line in enumerate(lines, start=1):
            report(len(line))
            was_skipped = adapter.skipped.total()
            found = list(adapter.feed(line))
            # a line of several records counts as so many rows
            tally.rows += max(1, len(found) + adapter.skipped.total() - was_skipped)
            yield from _sent(found, file, number, route, tally)
    found = list(adapter.finish())
    yield from _sent(found, file, number, route, tally)
    tally.skipped.update(adapter.skipped)
    tally.anomalies.update(adapter.anomalies)


def _sent(
    found: list[Fact | Rejected], file: Path, number: int, route: Route, tally: Tally
) -> Iterator[Message]:
    for one in found:
        if isinstance(one, Rejected):
            tally.rejected[one.reason] += 1
            yield dead_letter(route, one, file, number)
        else:
            tally.taken += 1
            yield Message(route.topic, routing_domain(one.client, one.site).encode(), encode(one))
