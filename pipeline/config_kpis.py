"""Reads ``config/kpis.yaml``: the KPI definitions that queues name in their dated terms."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum
from pathlib import Path
from types import MappingProxyType
from typing import Any, Final, TypeVar

from pipeline.config_yaml import (
    Located,
    check_keys,
    load_yaml,
    mappings,
    one_of,
    take,
    whole_number,
)
from pipeline.domain.abandonment import AbandonBase
from pipeline.domain.definition import (
    INTERVALS_MINUTES,
    MAX_REPEAT_WINDOW_H,
    Attribution,
    Calls,
    ClockStart,
    ClockStop,
    DefinitionError,
    KpiDefinition,
    ShortAbandons,
    View,
)
from pipeline.domain.opening_hours import (
    DAYS,
    OpeningHours,
    over_midnight,
    parse_hours,
    parse_span,
)
from pipeline.domain.refusal import Refusal
from pipeline.domain.service_level import Variant
from pipeline.errors import ConfigError

Choice = TypeVar("Choice", bound=StrEnum)

DEFAULT: Final = "default"
"""The definition of a term that names none."""

MAX_SECONDS: Final = 3600
_COMPARISONS: Final = ("<=", "<")
_ENUMS: Final[Mapping[str, type[StrEnum]]] = MappingProxyType(
    {
        "service_level": Variant,
        "clock_start": ClockStart,
        "clock_stop": ClockStop,
        "abandon_rate": AbandonBase,
        "view": View,
        "attribution": Attribution,
        "calls": Calls,
    }
)
_SETS: Final[Mapping[str, type[StrEnum]]] = MappingProxyType(
    {"short_abandons_out_of": ShortAbandons, "refused_left_out": Refusal}
)
_NUMBERS: Final = {
    "announcement_s": ("announcement_ms", 1000, 0, 600),
    "short_abandon_s": ("short_abandon_ms", 1000, 0, MAX_SECONDS),
    "interval_minutes": ("interval_minutes", 1, INTERVALS_MINUTES[0], INTERVALS_MINUTES[-1]),
    "repeat_window_h": ("repeat_window_h", 1, 1, MAX_REPEAT_WINDOW_H),
}
"""Key to (field, what one is in the field's unit, least, most)."""
KEYS: Final = {
    *("name", "title", "comparison", "flow_outs", "callbacks", "opening_hours"),
    *("zero_denominator", *_ENUMS, *_SETS, *_NUMBERS),
}
"""Every key of a definition."""


@dataclass(frozen=True, slots=True)
class Definitions:
    """The registry: definitions by name, and what each is for, in a line."""

    by_name: Mapping[str, KpiDefinition]
    titles: Mapping[str, str]

    @property
    def default(self) -> KpiDefinition:
        """Return the definition of a term that names none."""
        return self.by_name[DEFAULT]


def load_definitions(path: Path) -> Definitions:
    """Read the registry; where there is no such file, the built-in default alone."""
    built_in = KpiDefinition(name=DEFAULT)
    if not path.exists():
        return Definitions({DEFAULT: built_in}, {DEFAULT: "built in"})
    top = load_yaml(path)
    check_keys(path, top, {"definitions"})
    found: dict[str, KpiDefinition] = {}
    titles: dict[str, str] = {}
    lines: dict[str, int] = {}
    for item in mappings(path, top, "definitions"):
        definition = _definition(path, item)
        name = definition.name
        if name in found:
            problem = f"name: {name!r} is defined on line {lines[name]} already"
            raise ConfigError(path, problem, line=item.line_of("name"))
        found[name], titles[name] = definition, take(path, item, "title", str)
        lines[name] = item.line_of("name")
    if DEFAULT not in found:
        problem = f"expected a definition named {DEFAULT!r}, found {sorted(found)}"
        raise ConfigError(path, problem, line=top.line_of("definitions"))
    return Definitions(found, titles)


def _definition(path: Path, item: Located) -> KpiDefinition:
    check_keys(path, item, set(KEYS))
    name, _, _ = (take(path, item, key, str) for key in ("name", "title", "service_level"))
    _check_null(path, item, "zero_denominator")
    said = [key for key in item if key not in {"name", "title", "zero_denominator"}]
    chosen = dict(_choice(path, item, key) for key in said)
    try:
        return KpiDefinition(name=name, **chosen)
    except DefinitionError as error:
        raise ConfigError(path, str(error), line=item.line_of(error.key)) from error


def _choice(path: Path, item: Located, key: str) -> tuple[str, Any]:
    """Return the field of a definition that a key speaks of, and its value."""
    if key in _ENUMS:
        kind = _ENUMS[key]
        return key, kind(one_of(path, item, key, [str(word) for word in kind]))
    if key in _SETS:
        return key, _some_of(path, item, key, _SETS[key])
    if key in _NUMBERS:
        field, unit, low, high = _NUMBERS[key]
        return field, whole_number(path, item, key, low, high) * unit
    if key == "comparison":
        return "inclusive", comparison_of(path, item)
    if key == "opening_hours":
        return key, hours_of(path, item, key)
    return key, one_of(path, item, key, ("in", "out")) == "in"


def _check_null(path: Path, item: Located, key: str) -> None:
    if item.get(key) not in {None, "null"}:
        problem = f"{key}: expected null (no calls give no figure, never 0 or 100 %)"
        raise ConfigError(path, f"{problem}, got {item[key]!r}", line=item.line_of(key))


def comparison_of(path: Path, where: Located) -> bool:
    """Return whether ``comparison`` lets a wait of exactly the threshold in."""
    comparison = take(path, where, "comparison", str)
    if comparison not in _COMPARISONS:
        problem = f'comparison: expected "<=" or "<", got {comparison!r}'
        raise ConfigError(path, problem, line=where.line_of("comparison"))
    return comparison == "<="


def _some_of(path: Path, item: Located, key: str, kind: type[Choice]) -> frozenset[Choice]:
    words = take(path, item, key, list)
    known = [str(word) for word in kind]
    for word in words:
        if word not in known:
            problem = f"{key}: expected some of {known}, got {word!r}"
            raise ConfigError(path, problem, line=item.line_of(key))
    return frozenset(kind(word) for word in words)


def hours_of(path: Path, where: Located, key: str) -> OpeningHours:
    """Return the opening hours written under a key: weekdays, ``closed_on`` and ``special``."""
    item = take(path, where, key, Located)
    check_keys(path, item, {*DAYS, "closed_on", "special"})
    weekly = [_spans(path, item, day, parse_hours) if day in item else () for day in DAYS]
    closed = take(path, item, "closed_on", list) if "closed_on" in item else []
    for day in closed:
        if not isinstance(day, date) or isinstance(day, datetime):
            problem = f"closed_on: expected dates such as 2025-12-25, got {day!r}"
            raise ConfigError(path, problem, line=item.line_of("closed_on"))
    dated = take(path, item, "special", Located) if "special" in item else Located()
    special = [(_date(path, dated, day), _spans(path, dated, day, parse_span)) for day in dated]
    if not any(weekly) and not any(spans for _, spans in special):
        problem = f"{key}: expected hours of at least one day of {', '.join(DAYS)}, found none"
        raise ConfigError(path, problem, line=where.line_of(key))
    try:
        return OpeningHours(over_midnight(weekly), frozenset(closed), tuple(sorted(special)))
    except ValueError as error:
        named = str(error).partition(":")[0]
        line = dated.line_of(named) if named in dated else item.line_of(named)
        raise ConfigError(path, str(error), line=line) from error


def _spans(
    path: Path, item: Located, key: str, parse: Callable[[str], tuple[int, int]]
) -> tuple[tuple[int, int], ...]:
    try:
        return tuple(parse(str(text)) for text in take(path, item, key, list))
    except ValueError as error:
        raise ConfigError(path, f"{key}: {error}", line=item.line_of(key)) from error


def _date(path: Path, item: Located, text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError as error:
        problem = f"special: expected dates such as 2025-12-24, got {text!r}"
        raise ConfigError(path, problem, line=item.line_of(text)) from error
