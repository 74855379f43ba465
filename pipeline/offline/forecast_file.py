"""Forecasts of a queue from a file such as ``vane ingest --format forecast`` takes."""

from __future__ import annotations

from pathlib import Path
from zoneinfo import ZoneInfo

from pipeline.codec.adapter import Origin
from pipeline.codec.facts import of_file
from pipeline.domain.events import Rejected
from pipeline.domain.fact import FactKind, newest
from pipeline.domain.forecast import Forecast
from pipeline.errors import InputError
from pipeline.lake.queue_day import ForecastRow, QueueKey


def read_forecast(path: Path, key: QueueKey, zone: str) -> list[ForecastRow]:
    """Return a queue's forecasts in force, ascending.

    ``zone`` is that of times without an offset. A file without a time of issue counts as one.

    Raises:
        InputError: a line is no forecast, with its number; or none is of the queue.
    """
    origin = Origin(
        client=key.client,
        site=key.site,
        source="file",
        customer_key=b"",
        zone=ZoneInfo(zone),
        issued_at_ms=1,
    )
    adapter = of_file(FactKind.FORECAST, origin, path.name)
    try:
        lines = path.read_bytes().splitlines()
    except OSError as error:
        msg = f"{path}: expected a file of forecasts: {error.strerror}"
        raise InputError(msg) from error
    found: list[Forecast] = []
    queues: set[str] = set()
    for number, line in enumerate([*lines, None], start=1):
        for fact in adapter.finish() if line is None else adapter.feed(line):
            if isinstance(fact, Rejected):
                msg = f"{path}:{min(number, len(lines))}: {fact.message}"
                raise InputError(msg)
            if not isinstance(fact, Forecast):
                raise TypeError(fact)
            queues.add(fact.queue)
            if (fact.queue, fact.site) == (key.queue, key.site):
                found.append(fact)
    if not found:
        listed = ", ".join(sorted(queues)) or "none"
        msg = f"{path}: expected forecasts of queue {key.queue!r}, found queues: {listed}"
        raise InputError(msg)
    rows = [
        ForecastRow(
            start_ms=fact.interval_start_ms,
            end_ms=fact.interval_start_ms + fact.interval_ms,
            calls=fact.calls_milli / 1000,
            aht_ms=fact.aht_ms,
            agents=None if fact.agents_milli is None else fact.agents_milli / 1000,
            as_of_ms=fact.as_of_ms,
        )
        for fact in newest(found)
    ]
    return sorted(rows, key=lambda row: row.start_ms)
