"""Reads ``config/alerts.yaml``: dated alert rules, planned maintenance, what belongs together.

Everything that is wrong is said at once, each with file and line, rule by rule.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import date, datetime
from pathlib import Path
from typing import Any, Final, Protocol

from pipeline.config_alert_kinds import KINDS, Kind
from pipeline.config_alert_places import grouping_of, maintenance_of
from pipeline.config_problems import Problems
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
    Rule,
)
from pipeline.domain.alert_scope import Scope
from pipeline.errors import ConfigError

_TEXTS: Final = ("name", "kpi", "severity", "runbook")
_ALWAYS: Final = {
    *_TEXTS,
    *("kind", "scope", "from", "until", "for_s", "keep_firing_s", "hours", "note"),
}
SCOPES: Final = tuple(scope.value for scope in Scope)
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


def load_alert_rules(path: Path) -> AlertRules:
    """Read ``alerts.yaml``.

    Raises:
        ConfigError: lists everything that is wrong.
    """
    top = load_yaml(path)
    problems = Problems(path)
    problems.tried(check_keys, top, {"rules", "maintenance", "programmes", "keyed_by_client"})
    items = mappings(path, top, "rules")
    windows = mappings(path, top, "maintenance") if "maintenance" in top else []
    grouping = grouping_of(problems, top)
    planned = tuple(
        window for item in windows if (window := maintenance_of(problems, item)) is not None
    )
    rules = [(item, rule) for item in items if (rule := _rule(problems, item)) is not None]
    _check_names(problems, rules)
    problems.raise_all()
    placed = tuple(replace(rule, maintenance=planned, grouping=grouping) for _, rule in rules)
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
    if "scope" in item:
        terms["scope"] = Scope(problems.tried(one_of, item, "scope", SCOPES) or Scope.QUEUE)
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
    """Refuse rules of one name that hold at the same time, or differ in kind or scope."""
    for number, (item, rule) in enumerate(rules):
        for earlier, other in rules[:number]:
            if other.name != rule.name:
                continue
            line = item.line_of("name")
            is_, was = (f"{one.kind} per {one.scope}" for one in (rule, other))
            if is_ != was:
                problems.add(
                    line,
                    f"name: expected one kind of rule by the name {rule.name!r}, got {is_} "
                    f"here and {was} on line {earlier.line}",
                )
            elif rule.from_day < other.until_day and other.from_day < rule.until_day:
                problems.add(
                    line,
                    f"name: expected different names, or from and until that do not overlap; "
                    f"{rule.name!r} on line {earlier.line} holds at the same time",
                )
