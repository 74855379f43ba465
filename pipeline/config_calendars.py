"""Reads ``config/calendars.yaml`` and ``config/figures/<client>.yaml``, which contracts refer to.

All problems of a file are told at once, each with its line.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any, Final

from pipeline.config_schema import Problem, raise_problems, schema_problems
from pipeline.config_yaml import Located, load_yaml
from pipeline.settlement.calendar import Calendar, Year, days_of

_DAYS: Final = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")


@dataclass(frozen=True, slots=True, kw_only=True)
class Figure:
    """A monthly figure that client and vendor agreed on; ``month`` is YYYY-MM."""

    client: str
    figure: str
    month: str
    value: Decimal
    evidence: str


def load_calendars(path: Path) -> dict[str, Calendar]:
    """Read calendars by name; no file is no calendar.

    Raises:
        ConfigError: names every problem with file and line.
    """
    if not path.exists():
        return {}
    top = load_yaml(path)
    raise_problems(path, schema_problems(top, "calendars.schema.json"))
    raise_problems(path, _further(top))
    return {item["name"]: _calendar(item) for item in top["calendars"]}


def load_figures(folder: Path) -> tuple[Figure, ...]:
    """Read the figures of every client's file of a folder; no folder is no figures.

    Raises:
        ConfigError: names every problem of a file with its line.
    """
    found: list[Figure] = []
    for path in sorted(folder.glob("*.yaml")):
        top = load_yaml(path)
        raise_problems(path, schema_problems(top, "figures.schema.json"))
        raise_problems(path, _double(path, top))
        found += (
            Figure(
                client=top["client"],
                figure=item["figure"],
                month=item["month"],
                value=Decimal(item["value"]),
                evidence=item["evidence"],
            )
            for item in top["figures"]
        )
    return tuple(found)


def read_date(value: date | str) -> date:
    """Return a date that YAML has read as one, or as text."""
    return value if isinstance(value, date) else date.fromisoformat(value)


def bad_dates(node: object, line: int = 0) -> Iterator[Problem]:
    """Yield what looks like a date and is none, such as 2025-02-30 in quotes."""
    if isinstance(node, Located):
        for key, value in node.items():
            yield from bad_dates(value, node.line_of(key))
    elif isinstance(node, list):
        for item in node:
            yield from bad_dates(item, line)
    elif isinstance(node, str) and len(node) == len("2025-01-01") and node[4::3] == "--":
        try:
            date.fromisoformat(node)
        except ValueError as error:
            yield line, f"expected a date, got {node!r}: {error}"


def _double(path: Path, top: Located) -> Iterator[Problem]:
    if top["client"] != path.stem:
        said = f"client: expected {path.stem!r}, the file's name, got {top['client']!r}"
        yield top.line_of("client"), said
    lines: dict[tuple[str, str], int] = {}
    for item in top["figures"]:
        key = (item["figure"], item["month"])
        if key in lines:
            yield item.line, f"figure {key[0]!r} of {key[1]} stands on line {lines[key]} already"
        lines[key] = item.line


def _further(top: Located) -> Iterator[Problem]:
    if bad := list(bad_dates(top)):
        yield from bad
        return
    names: dict[str, int] = {}
    for item in top["calendars"]:
        if item["name"] in names:
            said = f"name: {item['name']!r} stands on line {names[item['name']]} already"
            yield item.line_of("name"), said
        names[item["name"]] = item.line
        weekend = {_DAYS.index(day) for day in item["weekend"]}
        years: set[int] = set()
        for year in item["years"]:
            if year["year"] in years:
                yield year.line_of("year"), f"year: {year['year']} stands here twice"
            years.add(year["year"])
            yield from _further_of_year(year, weekend)


def _further_of_year(year: Located, weekend: set[int]) -> Iterator[Problem]:
    seen: set[date] = set()
    for holiday in year["holidays"]:
        span = list(days_of(read_date(holiday["from"]), read_date(holiday["through"])))
        name = holiday["name"]
        if not span:
            yield holiday.line, f"{name}: ends before it begins"
        if seen & set(span):
            yield holiday.line, f"{name}: {min(seen & set(span))} is a holiday already"
        seen |= set(span)
        for day in map(read_date, holiday.get("statutory", ())):
            if day not in span:
                yield holiday.line, f"{name}: expected statutory days within it, got {day}"
    worked = {read_date(day) for day in year["workdays"]}
    line = year.line_of("workdays")
    for day in sorted(worked):
        if day in seen or day.weekday() not in weekend:
            yield line, f"workdays: expected weekend days that are no holidays, got {day}"
    for day in sorted(seen | worked):
        if day.year != year["year"]:
            yield year.line, f"expected days of {year['year']}, got {day}"


def _calendar(item: Mapping[str, Any]) -> Calendar:
    return Calendar(
        name=item["name"],
        title=item["title"],
        weekend=frozenset(_DAYS.index(day) for day in item["weekend"]),
        years={year["year"]: _year(year) for year in item["years"]},
    )


def _year(item: Mapping[str, Any]) -> Year:
    holidays = item["holidays"]
    return Year(
        source=item["source"],
        holidays=frozenset(
            day
            for holiday in holidays
            for day in days_of(read_date(holiday["from"]), read_date(holiday["through"]))
        ),
        statutory=frozenset(
            read_date(day) for holiday in holidays for day in holiday.get("statutory", ())
        ),
        workdays=frozenset(map(read_date, item["workdays"])),
    )
