"""Reads ``config/agent_time.yaml`` into the dated terms of agents' time.

Knows the file's shape; what the numbers mean is ``domain.agent_terms``'s. Every error names file
and line, the value found and what was expected.
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
    content_hash,
    load_yaml,
    mappings,
    one_of,
    take,
    whole_number,
)
from pipeline.domain.agent_terms import (
    STATES,
    AgentTermHistory,
    AgentTimeTerms,
    Measure,
    MeasureTerms,
    Ringing,
)
from pipeline.domain.business_time import midnight_ms
from pipeline.domain.events import AgentState
from pipeline.domain.schedule import ABSENT, ACTIVITIES
from pipeline.errors import ConfigError

_STATES: Final = sorted(map(str, STATES))
_TERM_KEYS: Final = {
    *("from", "precedence", "ringing", "adherence", *map(str, Measure)),
    *("heartbeat_s", "heartbeats_missed", "longest_silence_h"),
}
_MAX_HEARTBEAT_S: Final = 3600
_MAX_MISSED: Final = 100
_MAX_SILENCE_H: Final = 24 * 7
_MAX_DAY_MIN: Final = 25 * 60
"""The longest business day has 25 hours."""
_MINUTE_MS: Final = 60_000
_HOUR_MS: Final = 3_600_000


@dataclass(frozen=True, slots=True)
class AgentTimeEntry:
    """One client's dated terms, ascending; the days are of the client's zone."""

    client: str
    terms: tuple[tuple[date, AgentTimeTerms], ...]


@dataclass(frozen=True, slots=True)
class AgentTimes:
    """All terms of agents' time; ``version`` is a hash of their content."""

    entries: tuple[AgentTimeEntry, ...]
    version: str

    def history(self, client: str, zone: str) -> AgentTermHistory:
        """Return a client's terms by the clock of a zone."""
        own = [entry for entry in self.entries if entry.client == client]
        entry = (own or [entry for entry in self.entries if entry.client == ANY])[0]
        return AgentTermHistory(
            tuple(midnight_ms(day, zone) for day, _ in entry.terms),
            tuple(terms for _, terms in entry.terms),
        )


def load_agent_time(path: Path) -> AgentTimes:
    """Read ``agent_time.yaml``."""
    top = load_yaml(path)
    check_keys(path, top, {"agent_time"})
    items = mappings(path, top, "agent_time")
    entries = tuple(_entry(path, item) for item in items)
    clients = [entry.client for entry in entries]
    if ANY not in clients:
        problem = f'agent_time: expected an entry for client "{ANY}", found {clients}'
        raise ConfigError(path, problem, line=top.line_of("agent_time"))
    for number, client in enumerate(clients):
        if client in clients[:number]:
            problem = f"client: expected one entry per client, got {client!r} twice"
            raise ConfigError(path, problem, line=items[number].line_of("client"))
    return AgentTimes(entries, content_hash({e.client: _content(e) for e in entries}))


def _content(entry: AgentTimeEntry) -> list[object]:
    """Return what moves agents' time: not in which order states are named, nor how a product is."""
    return [
        [
            day.isoformat(),
            *map(str, terms.precedence),
            [terms.lost_after_ms, terms.longest_silence_ms, str(terms.ringing)],
            {str(measure): _measure_content(of) for measure, of in terms.measures.items()},
            {activity: sorted(map(str, states)) for activity, states in terms.adherence.items()},
        ]
        for day, terms in entry.terms
    ]


def _measure_content(terms: MeasureTerms) -> list[object]:
    caps = {str(state): cap for state, cap in terms.caps.items()}
    return [sorted(terms.states), caps, terms.counts_presumed, terms.minimum_login_ms]


def _entry(path: Path, item: Located) -> AgentTimeEntry:
    check_keys(path, item, {"client", "terms"})
    terms = tuple(_term(path, term) for term in mappings(path, item, "terms"))
    starts = [day for day, _ in terms]
    if not starts or starts != sorted(set(starts)):
        listed = [str(day) for day in starts]
        problem = f"terms: expected ascending, different days in from, got {listed}"
        raise ConfigError(path, problem, line=item.line_of("terms"))
    return AgentTimeEntry(take(path, item, "client", str), terms)


def _term(path: Path, term: Located) -> tuple[date, AgentTimeTerms]:
    check_keys(path, term, _TERM_KEYS)
    day = take(path, term, "from", date)
    if isinstance(day, datetime):
        problem = f"from: expected a date without a time, got {day}"
        raise ConfigError(path, problem, line=term.line_of("from"))
    beat_s = whole_number(path, term, "heartbeat_s", 1, _MAX_HEARTBEAT_S)
    missed = whole_number(path, term, "heartbeats_missed", 1, _MAX_MISSED)
    silence_h = (
        whole_number(path, term, "longest_silence_h", 1, _MAX_SILENCE_H)
        if "longest_silence_h" in term
        else None
    )
    return day, AgentTimeTerms(
        precedence=_precedence(path, term),
        lost_after_ms=beat_s * missed * 1000,
        longest_silence_ms=None if silence_h is None else silence_h * _HOUR_MS,
        ringing=Ringing(one_of(path, term, "ringing", sorted(map(str, Ringing)))),
        measures={m: _measure(path, take(path, term, str(m), Located)) for m in Measure},
        adherence=_adherence(path, take(path, term, "adherence", Located)),
    )


def _precedence(path: Path, term: Located) -> tuple[AgentState, ...]:
    named = take(path, term, "precedence", list)
    if sorted(map(str, named)) != _STATES:
        problem = f"precedence: expected each of {_STATES} once, got {named}"
        raise ConfigError(path, problem, line=term.line_of("precedence"))
    return tuple(AgentState(name) for name in named)


def _measure(path: Path, item: Located) -> MeasureTerms:
    check_keys(path, item, {"states", "presumed", "cap_min", "minimum_login_min"})
    named = take(path, item, "states", list)
    for name in named:
        state, colon, reason = str(name).partition(":")
        if state not in _STATES or (colon and not reason):
            problem = f'states: expected some of {_STATES}, or "state:reason", got {name!r}'
            raise ConfigError(path, problem, line=item.line_of("states"))
    presumed = one_of(path, item, "presumed", ("in", "out"))
    caps = {}
    if "cap_min" in item:
        given = take(path, item, "cap_min", Located)
        check_keys(path, given, set(_STATES))
        caps = {
            AgentState(state): whole_number(path, given, state, 0, _MAX_DAY_MIN) * _MINUTE_MS
            for state in given
        }
    least = (
        whole_number(path, item, "minimum_login_min", 0, _MAX_DAY_MIN)
        if "minimum_login_min" in item
        else 0
    )
    return MeasureTerms(
        states=frozenset(named),
        caps=caps,
        counts_presumed=presumed == "in",
        minimum_login_ms=least * _MINUTE_MS,
    )


def _adherence(path: Path, item: Located) -> dict[str, frozenset[AgentState]]:
    wanted = set(ACTIVITIES) - ABSENT
    check_keys(path, item, wanted)
    found = {}
    for activity in sorted(wanted):
        states = take(path, item, activity, list)
        if unknown := sorted({str(state) for state in states} - set(map(str, AgentState))):
            problem = f"{activity}: expected some of {sorted(map(str, AgentState))}, got {unknown}"
            raise ConfigError(path, problem, line=item.line_of(activity))
        found[activity] = frozenset(AgentState(state) for state in states)
    return found
