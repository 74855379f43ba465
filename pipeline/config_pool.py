"""Reads the file that says who can be called in to help a queue (``vane recover --pool``).

Every error names file and line, the value found and what was expected.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Final

from pipeline.config_yaml import Located, check_keys, load_yaml, mappings, take, whole_number
from pipeline.domain.opening_hours import MINUTES_A_DAY, parse_span
from pipeline.errors import ConfigError

_KEYS: Final = {
    *("name", "people", "hours", "ramp_min", "cost_per_hour", "pace"),
    *("client", "site", "queue"),
}
_MOST_PEOPLE: Final = 100_000
_MOST_RAMP_MIN: Final = 24 * 60


@dataclass(frozen=True, slots=True, kw_only=True)
class PoolEntry:
    """People who can be asked, or another programme that may spare some.

    ``people``: how many at most; None for a programme, as many as it can spare. ``hours``: local
    minutes of the day, half-open. ``programme``: (client, site, queue), None for people who are
    free anyway.
    """

    name: str
    people: int | None
    hours: tuple[int, int]
    ramp_s: float
    cost_per_hour: float
    pace: float
    programme: tuple[str, str, str] | None


def load_pool(path: Path) -> tuple[PoolEntry, ...]:
    """Read a pool file."""
    top = load_yaml(path)
    check_keys(path, top, {"pool"})
    items = mappings(path, top, "pool")
    found = tuple(_entry(path, item) for item in items)
    lines: dict[str, int] = {}
    for item, entry in zip(items, found, strict=True):
        if entry.name in lines:
            problem = f"name: {entry.name!r} stands on line {lines[entry.name]} already"
            raise ConfigError(path, problem, line=item.line_of("name"))
        lines[entry.name] = item.line
    return found


def _entry(path: Path, item: Located) -> PoolEntry:
    check_keys(path, item, _KEYS)
    programme = None
    if "queue" in item:
        site = take(path, item, "site", str) if "site" in item else ""
        programme = (take(path, item, "client", str), site, take(path, item, "queue", str))
    people = None
    if "people" in item or programme is None:
        people = whole_number(path, item, "people", 0, _MOST_PEOPLE)
    ramp_min = whole_number(path, item, "ramp_min", 0, _MOST_RAMP_MIN) if "ramp_min" in item else 0
    return PoolEntry(
        name=take(path, item, "name", str),
        people=people,
        hours=_hours(path, item),
        ramp_s=60.0 * ramp_min,
        cost_per_hour=_number(path, item, "cost_per_hour", least=0.0),
        pace=_number(path, item, "pace", least=0.1),
        programme=programme,
    )


def _hours(path: Path, item: Located) -> tuple[int, int]:
    if "hours" not in item:
        return 0, MINUTES_A_DAY
    try:
        return parse_span(take(path, item, "hours", str))
    except ValueError as error:
        raise ConfigError(path, f"hours: {error}", line=item.line_of("hours")) from error


def _number(path: Path, item: Located, key: str, *, least: float) -> float:
    value = item.get(key, 1.0)
    if isinstance(value, bool) or not isinstance(value, int | float) or not value >= least:
        problem = f"{key}: expected a number from {least:g} on, got {value!r}"
        raise ConfigError(path, problem, line=item.line_of(key))
    return float(value)
