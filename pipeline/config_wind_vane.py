"""Reads ``config/wind_vane.yaml`` into the dated weights of the complaint wind vane (投诉风向标).

Knows the file's shape; what the numbers mean is ``domain.risk``'s. Every error names file and line,
the value found and what was expected.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path
from typing import Final

from pipeline.config_files import ANY
from pipeline.config_yaml import (
    Located,
    check_keys,
    load_yaml,
    mappings,
    take,
    whole_number,
)
from pipeline.domain.risk import REPEATS_COUNTED, TIMES, Feature, RiskHistory, RiskTerms, Scale
from pipeline.errors import ConfigError

_TERM_KEYS: Final = {
    *("from", "intercept", "listed_from", "outcome_window_d"),
    *("wrapup_codes", "keywords", "features"),
}
MOST_MILLI: Final = 20_000
"""Log-odds of 20 are one in half a billion."""
MOST_LEVELS: Final = 1000
MOST_UNIT_S: Final = 3600
MOST_WINDOW_D: Final = 60
_DAY_MS: Final = 86_400_000


@dataclass(frozen=True, slots=True)
class WindVane:
    """All terms; a client's own entry wins over that of any client."""

    entries: dict[str, RiskHistory]

    def history(self, client: str) -> RiskHistory:
        """Return a client's terms."""
        return self.entries.get(client) or self.entries[ANY]


def load_wind_vane(path: Path) -> WindVane:
    """Read ``wind_vane.yaml``."""
    top = load_yaml(path)
    check_keys(path, top, {"wind_vane"})
    entries: dict[str, RiskHistory] = {}
    lines: dict[str, int] = {}
    for item in mappings(path, top, "wind_vane"):
        check_keys(path, item, {"client", "terms"})
        client = take(path, item, "client", str)
        line = item.line_of("client")
        if client in entries:
            problem = f"client: {client!r} has terms from line {lines[client]} on already"
            raise ConfigError(path, problem, line=line)
        entries[client], lines[client] = _history(path, item), line
    if ANY not in entries:
        problem = f'wind_vane: expected an entry for client "{ANY}", found {sorted(entries)}'
        raise ConfigError(path, problem, line=top.line_of("wind_vane"))
    return WindVane(entries)


def _history(path: Path, item: Located) -> RiskHistory:
    terms: list[tuple[date, RiskTerms]] = []
    for term in mappings(path, item, "terms"):
        day = take(path, term, "from", date)
        line = term.line_of("from")
        if isinstance(day, datetime):
            raise ConfigError(path, f"from: expected a date without a time, got {day}", line=line)
        if terms and day <= terms[-1][0]:
            problem = (
                f"from: expected a day after {terms[-1][0]}, from which the term before holds, "
                f"got {day}: two terms would hold at once"
            )
            raise ConfigError(path, problem, line=line)
        terms.append((day, _terms(path, term)))
    if not terms:
        problem = "terms: expected one term at least, found none"
        raise ConfigError(path, problem, line=item.line_of("terms"))
    starts, listed = zip(*terms, strict=True)
    return RiskHistory(starts, listed)


def _terms(path: Path, term: Located) -> RiskTerms:
    check_keys(path, term, _TERM_KEYS)
    features = take(path, term, "features", Located)
    check_keys(path, features, set(map(str, Feature)))
    return RiskTerms(
        intercept=whole_number(path, term, "intercept", -MOST_MILLI, MOST_MILLI),
        listed_from=whole_number(path, term, "listed_from", -MOST_MILLI, MOST_MILLI),
        outcome_window_ms=whole_number(path, term, "outcome_window_d", 1, MOST_WINDOW_D) * _DAY_MS,
        scales={
            feature: _scale(path, take(path, features, str(feature), Located), feature)
            for feature in Feature
        },
        wrapup_codes=_words(path, term, "wrapup_codes"),
        keywords=_words(path, term, "keywords"),
    )


def _scale(path: Path, item: Located, feature: Feature) -> Scale:
    is_time = feature in TIMES
    check_keys(path, item, {"weight", "most", *(["per_s"] if is_time else [])})
    levels = REPEATS_COUNTED if feature is Feature.EARLIER_CONTACTS else MOST_LEVELS
    return Scale(
        weight=whole_number(path, item, "weight", -MOST_MILLI, MOST_MILLI),
        most=whole_number(path, item, "most", 1, levels),
        unit=whole_number(path, item, "per_s", 1, MOST_UNIT_S) * 1000 if is_time else 1,
    )


def _words(path: Path, term: Located, key: str) -> frozenset[str]:
    listed = take(path, term, key, list)
    for word in listed:
        if not isinstance(word, str) or not word:
            problem = f"{key}: expected words, got {word!r}"
            raise ConfigError(path, problem, line=term.line_of(key))
        if listed.count(word) > 1:
            problem = f"{key}: expected each word once, got {word!r} twice"
            raise ConfigError(path, problem, line=term.line_of(key))
    return frozenset(listed)
