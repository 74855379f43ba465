"""Reads ``config/*.yaml`` into domain values; every error names file and line.

Knows the files' shape, not where they lie (``settings``) nor what the numbers mean (``domain``).
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, time
from pathlib import Path
from types import MappingProxyType
from typing import Any, TypeVar
from zoneinfo import ZoneInfo

import yaml

from pipeline.domain.alert import DropRule
from pipeline.domain.target import ServiceTarget, TargetHistory
from pipeline.errors import ConfigError

T = TypeVar("T")
ANY = "*"
MAX_PERCENT = 100
MAX_SECONDS = 3600
"""Thresholds stay well inside the two hours for which the live side keeps every leg."""


class Located(dict[str, Any]):
    """A YAML mapping that remembers the lines it began and its keys are on (1-based)."""

    line: int = 0
    key_lines: Mapping[str, int] = MappingProxyType({})

    def line_of(self, key: str) -> int:
        """Return the line of a key, or the mapping's own if the key is not written there."""
        return self.key_lines.get(key, self.line)


class _Loader(yaml.SafeLoader):
    pass


def _located(loader: _Loader, node: yaml.MappingNode) -> Located:
    found = Located({str(k): v for k, v in loader.construct_mapping(node, deep=True).items()})
    found.line = node.start_mark.line + 1
    lines: dict[str, int] = {}
    for key, _ in node.value:
        name = str(key.value)
        if name in lines:
            problem = f"the key {name!r} stands here and on line {lines[name]}"
            raise yaml.constructor.ConstructorError(None, None, problem, key.start_mark)
        lines[name] = key.start_mark.line + 1
    found.key_lines = lines
    return found


_Loader.add_constructor(yaml.resolver.BaseResolver.DEFAULT_MAPPING_TAG, _located)


def load_yaml(path: Path) -> Located:
    """Read a YAML mapping; raise ConfigError with file and line if it is not one."""
    try:
        found = yaml.load(path.read_text(encoding="utf-8"), _Loader)  # noqa: S506 - a SafeLoader
    except FileNotFoundError as error:
        raise ConfigError(path, "expected this file to exist") from error
    except yaml.MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else None
        raise ConfigError(path, f"not valid YAML: {error.problem}", line=line) from error
    except ValueError as error:  # a date such as 2025-02-30, or bytes that are not UTF-8
        raise ConfigError(path, f"not valid YAML: {error}") from error
    if not isinstance(found, Located):
        raise ConfigError(path, f"expected a mapping at the top, got {type(found).__name__}")
    return found


def take(path: Path, where: Located, key: str, kind: type[T]) -> T:
    """Return ``where[key]``, which must be of a type; raise ConfigError naming the line."""
    if key not in where:
        expected = f"expected a key {key!r} ({kind.__name__})"
        raise ConfigError(path, f"{expected}, found {sorted(where)}", line=where.line)
    value = where[key]
    if not isinstance(value, kind) or (isinstance(value, bool) and kind is not bool):
        problem = f"{key}: expected {kind.__name__}, got {value!r}"
        raise ConfigError(path, problem, line=where.line_of(key))
    return value


def check_keys(path: Path, where: Located, allowed: set[str]) -> None:
    """Refuse keys that are not known, so that a misspelt one is not silently ignored."""
    unknown = sorted(set(where) - allowed)
    if unknown:
        problem = f"unknown key(s) {unknown}; known: {sorted(allowed)}"
        raise ConfigError(path, problem, line=where.line_of(unknown[0]))


def mappings(path: Path, where: Located, key: str) -> list[Located]:
    """Return ``where[key]``, which must be a list of mappings."""
    items = take(path, where, key, list)
    for item in items:
        if not isinstance(item, Located):
            problem = f"{key}: expected mappings, got {item!r}"
            raise ConfigError(path, problem, line=where.line_of(key))
    return items


@dataclass(frozen=True, slots=True)
class QueueEntry:
    """One entry of ``queues.yaml``; ``*`` in a pattern stands for any value."""

    client: str
    site: str
    queue: str
    zone: str
    history: TargetHistory

    def matches(self, client: str, site: str, queue: str) -> bool:
        """Say whether the entry speaks of this queue."""
        pairs = ((self.client, client), (self.site, site), (self.queue, queue))
        return all(pattern in (ANY, value) for pattern, value in pairs)

    @property
    def wildcards(self) -> int:
        """Count the patterns that match anything."""
        return (self.client, self.site, self.queue).count(ANY)


@dataclass(frozen=True, slots=True)
class Targets:
    """All service targets; ``version`` is a hash of their content."""

    entries: tuple[QueueEntry, ...]
    version: str

    def entry(self, client: str, site: str, queue: str) -> QueueEntry:
        """Return the entry with the fewest wildcards that matches; raise KeyError if none does."""
        matching = [e for e in self.entries if e.matches(client, site, queue)]
        if not matching:
            raise KeyError((client, site, queue))
        return min(matching, key=lambda e: e.wildcards)

    def history(self, client: str, site: str, queue: str) -> TargetHistory:
        """Return the dated targets of a queue."""
        return self.entry(client, site, queue).history

    def zone(self, client: str, site: str, queue: str) -> str:
        """Return the IANA zone of a queue's contract."""
        return self.entry(client, site, queue).zone


def load_targets(path: Path) -> Targets:
    """Read ``queues.yaml``."""
    top = load_yaml(path)
    check_keys(path, top, {"queues"})
    items = mappings(path, top, "queues")
    entries = tuple(_queue_entry(path, item) for item in items)
    if not any(e.wildcards == 3 for e in entries):  # noqa: PLR2004 - client, site and queue
        problem = 'expected a default entry with client, site and queue "*"'
        raise ConfigError(path, problem, line=top.line_of("queues"))
    seen: dict[tuple[str, str, str], int] = {}
    for item, e in zip(items, entries, strict=True):
        key = (e.client, e.site, e.queue)
        if key in seen:
            problem = f"client/site/queue {'/'.join(key)} has an entry on line {seen[key]} already"
            raise ConfigError(path, problem, line=item.line)
        seen[key] = item.line
    return Targets(entries, content_hash(top))


def _queue_entry(path: Path, item: Located) -> QueueEntry:
    check_keys(path, item, {"client", "site", "queue", "zone", "terms"})
    zone = take(path, item, "zone", str)
    try:
        info = ZoneInfo(zone)
    except (KeyError, ValueError, OSError) as error:  # OSError: a folder of zones, as "Asia"
        problem = f"zone: expected an IANA zone such as Asia/Shanghai, got {zone!r}"
        raise ConfigError(path, problem, line=item.line_of("zone")) from error
    terms = sorted(
        (_term(path, term, info) for term in mappings(path, item, "terms")),
        key=lambda pair: pair[0],
    )
    try:
        history = TargetHistory(tuple(t[0] for t in terms), tuple(t[1] for t in terms))
    except ValueError as error:
        raise ConfigError(path, f"terms: {error}", line=item.line_of("terms")) from error
    client, site, queue = (take(path, item, k, str) for k in ("client", "site", "queue"))
    return QueueEntry(client, site, queue, zone, history)


def _term(path: Path, term: Located, zone: ZoneInfo) -> tuple[int, ServiceTarget]:
    known = {"from", "threshold_s", "comparison", "goal_pct", "short_abandon_s", "long_hold_s"}
    check_keys(path, term, known)
    comparison = take(path, term, "comparison", str)
    if comparison not in {"<=", "<"}:
        problem = f'comparison: expected "<=" or "<", got {comparison!r}'
        raise ConfigError(path, problem, line=term.line_of("comparison"))
    numbers = {k: take(path, term, k, int) for k in known - {"from", "comparison"}}
    for key, number in numbers.items():
        low = 0 if key == "short_abandon_s" else 1
        high = MAX_PERCENT if key == "goal_pct" else MAX_SECONDS
        if not low <= number <= high:
            problem = f"{key}: expected {low} to {high}, got {number}"
            raise ConfigError(path, problem, line=term.line_of(key))
    day = take(path, term, "from", date)
    if isinstance(day, datetime):
        problem = f"from: expected a date without a time, got {day}"
        raise ConfigError(path, problem, line=term.line_of("from"))
    start = datetime.combine(day, time(), tzinfo=zone)
    target = ServiceTarget(
        threshold_ms=numbers["threshold_s"] * 1000,
        inclusive=comparison == "<=",
        short_abandon_ms=numbers["short_abandon_s"] * 1000,
        long_hold_ms=numbers["long_hold_s"] * 1000,
        goal_permille=numbers["goal_pct"] * 10,
    )
    return round(start.timestamp() * 1000), target


@dataclass(frozen=True, slots=True)
class AlertRules:
    """All alert rules; ``version`` is a hash of their content."""

    rules: tuple[DropRule, ...]
    version: str


def load_alert_rules(path: Path) -> AlertRules:
    """Read ``alerts.yaml``."""
    top = load_yaml(path)
    check_keys(path, top, {"rules"})
    items = mappings(path, top, "rules")
    rules = tuple(_drop_rule(path, item) for item in items)
    names = [rule.name for rule in rules]
    for number, name in enumerate(names):
        if name in names[:number]:
            problem = f"name: expected different names, got {name!r} twice"
            raise ConfigError(path, problem, line=items[number].line_of("name"))
    return AlertRules(rules, content_hash(top))


def _drop_rule(path: Path, item: Located) -> DropRule:
    numbers = ("window_s", "enter_margin_pct", "leave_margin_pct", "min_offered")
    texts = ("name", "kpi", "severity", "runbook")
    check_keys(path, item, {*numbers, *texts})
    n = {key: take(path, item, key, int) for key in numbers}
    t = {key: take(path, item, key, str) for key in texts}
    if t["kpi"] != "service_level":
        problem = f"kpi: expected service_level, got {t['kpi']!r}"
        raise ConfigError(path, problem, line=item.line_of("kpi"))
    try:
        return DropRule(
            name=t["name"],
            version=content_hash(item)[:12],
            severity=t["severity"],
            runbook=t["runbook"],
            window_ms=n["window_s"] * 1000,
            enter_margin_permille=n["enter_margin_pct"] * 10,
            leave_margin_permille=n["leave_margin_pct"] * 10,
            min_offered=n["min_offered"],
        )
    except ValueError as error:
        raise ConfigError(path, f"rule {t['name']}: {error}", line=item.line) from error


def content_hash(value: Mapping[str, Any]) -> str:
    """Return a hash of a value's content (32 hex digits); order of keys does not matter."""
    text = repr(_canonical(value))
    return hashlib.blake2b(text.encode(), digest_size=16).hexdigest()


def _canonical(value: object) -> object:
    if isinstance(value, Mapping):
        return sorted((str(k), _canonical(v)) for k, v in value.items())
    if isinstance(value, list):
        return [_canonical(v) for v in value]
    return value
