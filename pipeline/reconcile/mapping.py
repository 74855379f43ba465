"""Reads the YAML that says how a client's file is read; all problems at once, with their lines."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path
from typing import Any, Final, Literal
from zoneinfo import ZoneInfo

import jsonschema

from pipeline.config_yaml import Located, content_hash, load_yaml
from pipeline.errors import ConfigError

SCHEMA: Final = "client-mapping.schema.json"
INSTANTS: Final = ("queued_at", "answered_at", "ended_at")
DURATIONS: Final = ("talk", "hold", "acw", "handle", "duration")
_SUMS: Final = frozenset({"day", "queue", "calls", "talk", "handle", "duration"})

Grain = Literal["leg", "contact", "day_queue"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Rules:
    """What the client goes by; 0 where nothing is said."""

    short_call_ms: int = 0
    increment_ms: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Tolerance:
    """How far two figures may lie apart and still be the same."""

    time_ms: int = 5_000
    duration_ms: int = 1_000
    amount: Decimal = Decimal(0)
    lines: Mapping[str, Decimal] = field(default_factory=dict)

    def of(self, clause: str) -> Decimal:
        """Return by how much the amounts of a clause's lines may differ."""
        return self.lines.get(clause, self.amount)


@dataclass(frozen=True, slots=True, kw_only=True)
class ClientMapping:
    """How one client's file is read; ``columns`` maps a meaning to one or two header names."""

    path: Path
    client: str
    grain: Grain
    columns: Mapping[str, tuple[str, ...]]
    column_lines: Mapping[str, int]
    """Meaning to the line of the mapping file that names its column."""
    values: Mapping[str, Mapping[str, Any]]
    format: str
    encoding: str
    separator: str
    header_row: int
    sheet: str
    is_answered_only: bool
    zone: str
    time_format: str
    decimal: Literal["point", "comma"]
    duration_unit: str
    number_prefixes: tuple[str, ...]
    rules: Rules = field(default_factory=Rules)
    tolerance: Tolerance = field(default_factory=Tolerance)
    content: str = ""
    """Hash of the file's content."""

    @property
    def instant(self) -> str:
        """Return which instant of a call the file's rows are placed by."""
        return next((name for name in INSTANTS if name in self.columns), INSTANTS[0])


def load_mapping(path: Path, schemas: Path) -> ClientMapping:
    """Read a mapping file.

    Raises:
        ConfigError: names every problem with file and line.
    """
    top = load_yaml(path)
    schema = json.loads((schemas / SCHEMA).read_text(encoding="utf-8"))
    found = sorted(jsonschema.Draft202012Validator(schema).iter_errors(top), key=_place)
    problems = list(dict.fromkeys((_line(top, e), _problem(e)) for e in found))
    # What depends on several keys is only looked at where each is what it should be.
    problems = problems or list(_further(top))
    if problems:
        listed = [f"{path}:{line}: {text}" for line, text in problems]
        if len(listed) == 1:
            raise ConfigError(path, problems[0][1], line=problems[0][0])
        raise ConfigError(path, f"{len(listed)} problems\n  " + "\n  ".join(listed))
    return _mapping(path, top)


def _mapping(path: Path, top: Located) -> ClientMapping:
    columns: Located = top["columns"]
    said, rules = top.get("tolerance", {}), top.get("rules", {})
    defaults = Tolerance()
    return ClientMapping(
        path=path,
        client=top["client"],
        grain=top["grain"],
        columns={k: (v,) if isinstance(v, str) else tuple(v) for k, v in columns.items()},
        column_lines={name: columns.line_of(name) for name in columns},
        values=top.get("values", {}),
        format=top.get("format", ""),
        encoding=top.get("encoding", "utf-8"),
        separator=top.get("separator", ","),
        header_row=top.get("header_row", 1),
        sheet=top.get("sheet", ""),
        is_answered_only=top.get("calls", "answered") == "answered",
        zone=top.get("zone", ""),
        time_format=top.get("time_format", "iso"),
        decimal=top.get("decimal", "point"),
        duration_unit=top.get("duration_unit", "s"),
        number_prefixes=tuple(top.get("number_prefixes", ())),
        rules=Rules(
            short_call_ms=rules.get("short_call_s", 0) * 1000,
            increment_ms=rules.get("increment_s", 0) * 1000,
        ),
        tolerance=Tolerance(
            time_ms=said["time_s"] * 1000 if "time_s" in said else defaults.time_ms,
            duration_ms=said["duration_s"] * 1000 if "duration_s" in said else defaults.duration_ms,
            amount=Decimal(said.get("amount", "0")),
            lines={clause: Decimal(text) for clause, text in said.get("lines", {}).items()},
        ),
        content=content_hash(top),
    )


def _further(top: Located) -> Iterator[tuple[int, str]]:
    """Yield what is wrong with keys that go with each other."""
    if "zone" in top and not _is_zone(top["zone"]):
        expected = "expected an IANA zone such as Asia/Shanghai"
        yield top.line_of("zone"), f"zone: {expected}, got {top['zone']!r}"
    yield from _further_columns(top["columns"], top.line_of("columns"), top["grain"])
    for name, words in top.get("values", {}).items():
        if name not in top["columns"]:
            yield top["values"].line_of(name), f"values: {name} has words and no column"
        yield from _misread(name, words)


def _further_columns(columns: Located, line: int, grain: str) -> Iterator[tuple[int, str]]:
    if grain == "day_queue":
        for name in ("day", "queue", "calls"):
            if name not in columns:
                yield line, f"columns: expected {name!r} where a row is the sums of a day and queue"
        for name in sorted(set(columns) - _SUMS):
            yield columns.line_of(name), f"columns: {name!r} is of a call, and a row is sums"
        return
    for name in sorted({"day", "calls"} & set(columns)):
        yield columns.line_of(name), f"columns: {name!r} is of sums, and a row is a {grain}"
    if not {"source_id", "number"} & set(columns):
        yield line, "columns: expected source_id or number, else no call can be found"
    if not set(INSTANTS) & set(columns):
        yield line, f"columns: expected one of {', '.join(INSTANTS)}"
    if "leg" in columns and ("source_id" not in columns or grain != "leg"):
        yield columns.line_of("leg"), "columns: leg goes with source_id, where a row is a leg"


def _is_zone(name: str) -> bool:
    try:
        ZoneInfo(name)
    except (KeyError, ValueError, OSError):
        return False
    return True


def _misread(name: str, words: Located) -> Iterator[tuple[int, str]]:
    for word in words:
        if word in words.not_as_written:
            written = words.not_as_written[word]
            yield (
                words.line_of(word),
                f"values.{name}: expected {written} in quotes, else YAML reads it as {word!r}",
            )


def _place(error: jsonschema.ValidationError) -> str:
    return "/".join(str(step) for step in error.absolute_path)


def _line(top: Located, error: jsonschema.ValidationError) -> int:
    """Return the line of the value in error, or of the key that should not be there."""
    node: Any = top
    line = top.line
    for step in error.absolute_path:
        if isinstance(node, Located):
            line = node.line_of(str(step))
        node = node[step]
    if isinstance(node, Located):
        if error.validator == "additionalProperties":
            schema: Any = error.schema
            return min(node.line_of(k) for k in node if k not in schema["properties"])
        return node.line
    return line


def _problem(error: jsonschema.ValidationError) -> str:
    where = ".".join(str(step) for step in error.absolute_path)
    schema: Any = error.schema
    value: Any = error.instance
    if error.validator == "additionalProperties":
        known = sorted(schema["properties"])
        unknown = sorted(set(value) - set(known))
        said = f"unknown key(s) {unknown}; known: {known}"
    elif error.validator == "required":
        absent = sorted(set(schema["required"]) - set(value))
        said = f"expected the key(s) {absent}, found {sorted(value)}"
    else:
        expectations = {
            "type": f"expected {error.validator_value}",
            "enum": f"expected one of {error.validator_value}",
            "pattern": f"expected a text that matches {error.validator_value}",
            "minLength": f"expected at least {error.validator_value} character",
            "minimum": f"expected at least {error.validator_value}",
            "maximum": f"expected at most {error.validator_value}",
        }
        expected = expectations.get(str(error.validator), error.message)
        said = f"{expected}, got {value!r}"
    return f"{where}: {said}" if where else said
