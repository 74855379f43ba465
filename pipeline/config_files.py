"""Reads ``config/*.yaml`` into domain values; every error names file and line.

Knows the files' shape, not where they lie (``settings``) nor what the numbers mean (``domain``).
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date, datetime
from pathlib import Path
from typing import Final

from pipeline.config_alerts import AlertRules, check_goals, load_alert_rules
from pipeline.config_kpis import Definitions, comparison_of, hours_of, load_definitions
from pipeline.config_yaml import (
    Located,
    check_keys,
    content_hash,
    load_yaml,
    mappings,
    one_of,
    take,
    whole_number,
)
from pipeline.domain.business_time import midnight_ms
from pipeline.domain.definition import KpiDefinition
from pipeline.domain.intervals import known_zone
from pipeline.domain.service_level import Variant
from pipeline.domain.target import ServiceTarget, TargetHistory
from pipeline.errors import ConfigError, InputError

__all__ = [
    "AlertRules",
    "Located",
    "QueueEntry",
    "Targets",
    "check_keys",
    "content_hash",
    "load_alert_rules",
    "load_config",
    "load_targets",
    "load_yaml",
    "mappings",
    "take",
]

ANY = "*"
MAX_PERCENT = 100
MAX_SECONDS = 3600
"""Thresholds stay well inside the two hours for which the live side keeps every leg."""

KPIS: Final = "kpis.yaml"
"""The registry of definitions, beside ``queues.yaml``."""


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

    @property
    def longest_repeat_days(self) -> int:
        """Return the longest window for repeat calls of any queue, in days, rounded up."""
        terms = (target for entry in self.entries for target in entry.history.targets)
        return max((-(-t.rules.repeat_window_h // 24) for t in terms), default=0)

    def zone(self, client: str, site: str, queue: str) -> str:
        """Return the IANA zone of a queue's contract."""
        return self.entry(client, site, queue).zone


def load_targets(path: Path) -> Targets:
    """Read ``queues.yaml``, and the definitions it names from ``kpis.yaml`` beside it."""
    top = load_yaml(path)
    check_keys(path, top, {"queues"})
    definitions = load_definitions(path.with_name(KPIS))
    items = mappings(path, top, "queues")
    entries = tuple(_queue_entry(path, item, definitions) for item in items)
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
    return Targets(entries, content_hash({"queues": [_content(entry) for entry in entries]}))


def load_config(folder: Path) -> tuple[Targets, AlertRules]:
    """Read what numbers and alerts are computed by, and check that each rule can fire."""
    targets = load_targets(folder / "queues.yaml")
    rules = load_alert_rules(folder / "alerts.yaml")
    goals = [
        (f"{entry.client}/{entry.site}/{entry.queue}", target)
        for entry in targets.entries
        for target in entry.history.targets
    ]
    check_goals(folder / "alerts.yaml", rules, goals)
    return targets, rules


def _content(entry: QueueEntry) -> list[object]:
    """Return what moves numbers: a definition no queue names does not, nor does any name or title.

    Neither does a term that says what its definition says anyway, or stands before an older one.
    """
    terms = [
        [start, t.threshold_ms, t.goal_permille, t.long_hold_ms, t.rules.content_hash]
        for start, t in zip(entry.history.starts_ms, entry.history.targets, strict=True)
    ]
    return [entry.client, entry.site, entry.queue, entry.zone, terms]


def _queue_entry(path: Path, item: Located, definitions: Definitions) -> QueueEntry:
    check_keys(path, item, {"client", "site", "queue", "zone", "terms"})
    zone = take(path, item, "zone", str)
    try:
        known_zone(zone)
    except InputError as error:
        problem = f"zone: expected an IANA zone such as Asia/Shanghai, got {zone!r}"
        raise ConfigError(path, problem, line=item.line_of("zone")) from error
    items = mappings(path, item, "terms")
    if not items:
        raise ConfigError(path, "terms: expected at least one", line=item.line_of("terms"))
    terms: dict[int, ServiceTarget] = {}
    lines: dict[int, int] = {}
    for term in items:
        start, target = _term(path, term, zone, definitions)
        line = term.line_of("from")
        if start in terms:
            problem = (
                f"from: the term on line {lines[start]} begins then already, on {term['from']}"
            )
            raise ConfigError(path, problem, line=line)
        terms[start], lines[start] = target, line
    starts = sorted(terms)
    history = TargetHistory(tuple(starts), tuple(terms[start] for start in starts))
    client, site, queue = (take(path, item, k, str) for k in ("client", "site", "queue"))
    return QueueEntry(client, site, queue, zone, history)


_TERM_KEYS: Final = {
    *("from", "threshold_s", "goal_pct", "long_hold_s"),
    *("definition", "comparison", "short_abandon_s", "opening_hours"),
}


def _term(
    path: Path, term: Located, zone: str, definitions: Definitions
) -> tuple[int, ServiceTarget]:
    check_keys(path, term, _TERM_KEYS)
    rules = _rules(path, term, definitions)
    threshold_s = whole_number(path, term, "threshold_s", 1, MAX_SECONDS)
    goal_pct = whole_number(path, term, "goal_pct", 1, MAX_PERCENT)
    long_hold_s = whole_number(path, term, "long_hold_s", 1, MAX_SECONDS)
    longest_ms = threshold_s * 1000 - (0 if rules.inclusive else 1)
    if rules.short_abandon_ms > longest_ms:
        problem = (
            f"short_abandon_s: expected a wait within the threshold of {threshold_s} s, "
            f"got {rules.short_abandon_ms // 1000} (definition {rules.name!r})"
        )
        raise ConfigError(path, problem, line=term.line_of("short_abandon_s"))
    day = take(path, term, "from", date)
    if isinstance(day, datetime):
        problem = f"from: expected a date without a time, got {day}"
        raise ConfigError(path, problem, line=term.line_of("from"))
    target = ServiceTarget(
        threshold_ms=threshold_s * 1000,
        inclusive=rules.inclusive,
        short_abandon_ms=rules.short_abandon_ms,
        long_hold_ms=long_hold_s * 1000,
        goal_permille=goal_pct * 10,
        definition=rules,
        zone=zone,
    )
    return midnight_ms(day, zone), target


def _rules(path: Path, term: Located, definitions: Definitions) -> KpiDefinition:
    """Return the definition a term names, with what the term says otherwise."""
    rules = definitions.default
    if "definition" in term:
        name = one_of(path, term, "definition", definitions.by_name)
        rules = definitions.by_name[name]
    if rules.service_level is Variant.SL8:
        problem = (
            f"definition: {rules.name!r} is SL8, of the calls waiting now; no month can be closed "
            "by it, expected a definition with one of SL1 to SL7"
        )
        raise ConfigError(path, problem, line=term.line_of("definition"))
    if "comparison" in term:
        rules = replace(rules, inclusive=comparison_of(path, term))
    if "short_abandon_s" in term:
        short_s = whole_number(path, term, "short_abandon_s", 0, MAX_SECONDS)
        rules = replace(rules, short_abandon_ms=short_s * 1000)
    if "opening_hours" in term:
        rules = replace(rules, opening_hours=hours_of(path, term, "opening_hours"))
    return rules
