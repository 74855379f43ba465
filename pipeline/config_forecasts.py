"""Reads forecasts for alert rules from a folder: ``CLIENT/*.csv`` or ``*.json``, ``*.ndjson``.

The files are those of ``vane ingest --format forecast`` (docs/formats/facts.md); a local time is
by the client's zone in ``queues.yaml``. A file with anything wrong in it is left out whole, for
half a forecast would make a surge of the other half; the others hold.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final
from zoneinfo import ZoneInfo

from pipeline.codec.adapter import Origin
from pipeline.codec.facts import of_file
from pipeline.config_files import Targets
from pipeline.domain.events import Rejected
from pipeline.domain.fact import Fact, FactKind
from pipeline.domain.forecast import Forecast
from pipeline.domain.forecast_book import QueueForecast, QueueKey, by_queue
from pipeline.errors import ConfigError

SUFFIXES: Final = (".csv", ".json", ".ndjson")


@dataclass(frozen=True, slots=True)
class Forecasts:
    """The forecasts of all queues; ``problems`` says what is wrong in which files, by line."""

    queues: Mapping[QueueKey, QueueForecast]
    files: int = 0
    problems: tuple[str, ...] = ()


def load_forecasts(folder: Path | None, targets: Targets) -> Forecasts:
    """Return what the files of a folder say; those that are wrong are told of and left out."""
    if folder is None:
        return Forecasts({})
    good: list[Forecast] = []
    files, problems = 0, list[str]()
    for path in sorted(path for path in folder.rglob("*") if not path.is_dir()):
        if any(part.startswith(".") for part in path.relative_to(folder).parts):
            continue
        found, wrong = _read(path, folder, targets)
        problems += wrong
        if not wrong:
            files += 1
            good += found
    return Forecasts(by_queue(good), files, tuple(problems))


def _read(path: Path, folder: Path, targets: Targets) -> tuple[list[Forecast], list[str]]:
    if path.parent.parent != folder or path.suffix.lower() not in SUFFIXES:
        problem = f"expected CLIENT/NAME with one of the endings {', '.join(SUFFIXES)}"
        return [], [str(ConfigError(path, problem))]
    client = path.parent.name
    origin = Origin(
        client=client,
        source=path.name,
        customer_key=b"",
        zone=ZoneInfo(targets.zone(client, "", "")),
    )
    adapter = of_file(FactKind.FORECAST, origin, path.name)
    found, wrong, line = list[Forecast](), list[str](), 0
    try:
        with path.open("rb") as lines:
            for line, raw in enumerate(lines, start=1):
                _sort(adapter.feed(raw), found, wrong, path, line)
        _sort(adapter.finish(), found, wrong, path, line)
    except OSError as error:
        wrong.append(str(ConfigError(path, f"cannot be read: {error.strerror}")))
    return found, wrong


def _sort(
    records: Iterable[Fact | Rejected],
    found: list[Forecast],
    wrong: list[str],
    path: Path,
    line: int,
) -> None:
    """Put what was read with the forecasts, or what is wrong with it with the problems."""
    for record in records:
        if isinstance(record, Rejected):
            wrong.append(str(ConfigError(path, record.message, line=line)))
        elif isinstance(record, Forecast):
            found.append(record)
