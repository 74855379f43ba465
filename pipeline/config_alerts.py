"""Reads ``config/alerts.yaml``: dated alert rules and planned maintenance.

Everything that is wrong is said at once, each with file and line, rule by rule.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from datetime import date, datetime
from pathlib import Path
from typing import Any, Final, Protocol

from pipeline.config_alert_kinds import KINDS, Kind
from pipeline.config_yaml import (
    Located,
    check_keys,
    content_hash,
    load_yaml,
    mappings,
    one_of,
    take,
)
from pipeline.domain.alert_rule import (
    FIRST_DAY,
    NO_DAY,
    BurnRule,
    DropRule,
    Maintenance,
    Rule,
)
from pipeline.errors import ConfigError

_TEXTS: Final = ("name", "kpi", "severity", "runbook")
_ALWAYS: Final = {*_TEXTS, "kind", "from", "until", "for_s", "keep_firing_s", "hours", "note"}
DEFAULT_KIND: Final = "margin"
"""What a rule without ``kind`` is."""


@dataclass(frozen=True, slots=True)
class AlertRules:
    """All alert rules; ``version`` is a hash of their content."""

    rules: tuple[Rule, ...]
    version: str


class Goal(Protocol):
    """What is asked of a service target."""

    @property
    def goal_permille(self) -> int:
        """Return the goal."""
        ...


class Problems:
    """What is wrong in a file; goes on after each problem, so that all are found."""

    def __init__(self, path: Path) -> None:
        """Find none yet."""
        self.path = path
        self.found: list[ConfigError] = []

    def add(self, line: int, problem: str) -> None:
        """Take note of one."""
        self.found.append(ConfigError(self.path, problem, line=line))

    def tried(self, read: Callable[..., Any], *args: object) -> Any:  # noqa: ANN401 - what it reads
        """Return what ``read`` reads of the file, or None and a problem more."""
        try:
            return read(self.path, *args)
        except ConfigError as error:
            self.found.append(error)
            return None

    def raise_all(self) -> None:
        """Raise one error that lists them all, if there are any."""
        if self.found:
            first, *others = self.found
            text = "\n".join([first.problem, *map(str, others)])
            raise ConfigError(self.path, text, line=first.line)


def load_alert_rules(path: Path) -> AlertRules:
    """Read ``alerts.yaml``.

    Raises:
        ConfigError: lists everything that is wrong.
    """
    top = load_yaml(path)
    problems = Problems(path)
    problems.tried(check_keys, top, {"rules", "maintenance"})
    items = mappings(path, top, "rules")
    windows = mappings(path, top, "maintenance") if "maintenance" in top else []
    planned = tuple(
        window for item in windows if (window := _maintenance(problems, item)) is not None
    )
    rules = [(item, rule) for item in items if (rule := _rule(problems, item)) is not None]
    _check_names(problems, rules)
    problems.raise_all()
    placed = tuple(replace(rule, maintenance=planned) for _, rule in rules)
    return AlertRules(placed, content_hash(top))


def check_goals(path: Path, rules: AlertRules, goals: Iterable[tuple[str, Goal]]) -> None:
    """Refuse rules that can never fire for a queue (named in the first of each pair).

    Raises:
        ConfigError: lists them all.
    """
    problems = Problems(path)
    lines = {item.get("name"): item.line for item in mappings(path, load_yaml(path), "rules")}
    known = list(goals)
    for rule in rules.rules:
        for queue, target in known:
            goal, line = target.goal_permille, lines.get(rule.name, 1)
            if isinstance(rule, BurnRule) and not rule.is_possible(goal):
                most = 100_000 // (1000 - goal)
                problems.add(
                    line,
                    f"rule {rule.name}: burn_enter_pct: expected at most {most}, all that a goal "
                    f"of {goal / 10:g} % allows (queue {queue}), got {rule.enter_permille // 10}",
                )
            if isinstance(rule, DropRule) and rule.enter_margin_permille >= goal:
                problems.add(
                    line,
                    f"rule {rule.name}: enter_margin_pct: expected less than the goal of "
                    f"{goal / 10:g} % (queue {queue}), got {rule.enter_margin_permille // 10}",
                )
    problems.raise_all()


def _rule(problems: Problems, item: Located) -> Rule | None:
    before = len(problems.found)
    name = DEFAULT_KIND
    if "kind" in item:
        name = problems.tried(one_of, item, "kind", KINDS)
    if name is None:
        return None
    kind = KINDS[name]
    problems.tried(check_keys, item, {*_ALWAYS, *kind.numbers})
    texts = {key: problems.tried(take, item, key, str) for key in _TEXTS}
    if texts["kpi"] is not None:
        problems.tried(_known_kpi, item, kind.kpis)
    terms = _terms(problems, item, kind)
    if len(problems.found) > before:
        return None
    version = content_hash({key: value for key, value in item.items() if key != "note"})[:12]
    try:
        return kind.rule(version=version, **texts, **terms)
    except ValueError as error:
        problems.add(item.line, f"rule {texts['name']}: {error}")
        return None


def _terms(problems: Problems, item: Located, kind: Kind) -> dict[str, Any]:
    """Return the numbers, dates and hours of a rule by their fields."""
    terms: dict[str, Any] = {}
    for key, number in kind.numbers.items():
        if key not in item and (number.optional or number.default is not None):
            value = number.default
        else:
            value = problems.tried(take, item, key, int)
        terms[number.field] = None if value is None else value * number.factor
    for key, field in (("for_s", "for_ms"), ("keep_firing_s", "keep_firing_ms")):
        if key in item:
            terms[field] = (problems.tried(take, item, key, int) or 0) * 1000
    terms["from_day"] = _ordinal(problems, item, "from", FIRST_DAY)
    terms["until_day"] = _ordinal(problems, item, "until", NO_DAY)
    if "hours" in item:
        terms["only_open"] = problems.tried(one_of, item, "hours", ("open", "always")) == "open"
    return terms


def _known_kpi(path: Path, item: Located, kpis: tuple[str, ...]) -> None:
    if item["kpi"] not in kpis:
        problem = f"kpi: expected {' or '.join(kpis)}, got {item['kpi']!r}"
        raise ConfigError(path, problem, line=item.line_of("kpi"))


def _ordinal(problems: Problems, item: Located, key: str, default: int) -> int:
    if key not in item:
        return default
    day: object = item[key]
    if isinstance(day, datetime) or not isinstance(day, date):
        problems.add(item.line_of(key), f"{key}: expected a date such as 2025-11-01, got {day!r}")
        return default
    return day.toordinal()


def _check_names(problems: Problems, rules: list[tuple[Located, Rule]]) -> None:
    """Refuse rules of one name that hold at the same time, or are of different kinds."""
    for number, (item, rule) in enumerate(rules):
        for earlier, other in rules[:number]:
            if other.name != rule.name:
                continue
            line = item.line_of("name")
            if type(other) is not type(rule):
                problems.add(
                    line,
                    f"name: expected one kind of rule by the name {rule.name!r}, got {rule.kind} "
                    f"here and {other.kind} on line {earlier.line}",
                )
            elif rule.from_day < other.until_day and other.from_day < rule.until_day:
                problems.add(
                    line,
                    f"name: expected different names, or from and until that do not overlap; "
                    f"{rule.name!r} on line {earlier.line} holds at the same time",
                )


def _maintenance(problems: Problems, item: Located) -> Maintenance | None:
    before = len(problems.found)
    problems.tried(check_keys, item, {"from", "until", "client", "site", "queue", "why"})
    problems.tried(take, item, "why", str)
    start, end = (_instant(problems, item, key) for key in ("from", "until"))
    names = {
        key: problems.tried(take, item, key, str)
        for key in ("client", "site", "queue")
        if key in item
    }
    if start >= end and len(problems.found) == before:
        problems.add(item.line_of("until"), "until: expected an instant after from")
    if len(problems.found) > before:
        return None
    return Maintenance(start_ms=start, end_ms=end, **names)


def _instant(problems: Problems, item: Located, key: str) -> int:
    at: datetime | None = problems.tried(take, item, key, datetime)
    if at is None:
        return 0
    if at.tzinfo is None:
        problems.add(
            item.line_of(key),
            f"{key}: expected an instant with its offset, 2025-11-01T02:00:00+08:00, got {at}",
        )
        return 0
    return round(at.timestamp() * 1000)
