"""What an agent's time counts for: productive, billable, paid, or why not.

Every millisecond logged in either counts for a measure or is excluded from it by exactly one
reason, the first that applies: its state does not count, it is only presumed, the day's cap on
the state is used up (in order of time), the day has less than the minimum logged in. So time
logged in = counted + the sum of what is excluded, per measure, over any bounds.

SQL mirrors this file in ``dbt_like_sql/models/intermediate/int_agent_time.sql``.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from itertools import pairwise
from typing import Final

from pipeline.domain.agent_terms import (
    STATES,
    AgentTermHistory,
    AgentTimeTerms,
    Measure,
    MeasureTerms,
    Ringing,
)
from pipeline.domain.events import AgentState
from pipeline.domain.ledger import Spell, clip
from pipeline.domain.schedule import SchedulePiece

_BUSY: Final = frozenset({AgentState.ON_CONTACT, AgentState.AFTER_CALL_WORK})


class Exclusion(StrEnum):
    """Why time logged in does not count for a measure."""

    STATE = "state"
    PRESUMED = "presumed"
    OVER_CAP = "over_cap"
    BELOW_MINIMUM_LOGIN = "below_minimum_login"


@dataclass(frozen=True, slots=True, kw_only=True)
class TimePiece:
    """A stretch of one state within one business day, and what it counts for.

    ``excluded`` maps each measure that it does not count for to the reason.
    """

    business_on: date
    start_ms: int
    end_ms: int
    state: AgentState
    reason: str | None
    is_presumed: bool
    is_occupied: bool
    is_occupiable: bool
    excluded: Mapping[Measure, Exclusion]


def is_occupied(state: AgentState, ringing: Ringing) -> bool:
    """Say whether a state is work on a contact: on contact, after-call work, ringing if so put."""
    return state in _BUSY or (state is AgentState.RINGING and ringing is Ringing.OCCUPIED)


def is_occupiable(state: AgentState, ringing: Ringing) -> bool:
    """Say whether a state is work on a contact or waiting for one."""
    return (
        state in _BUSY
        or state is AgentState.AVAILABLE
        or (state is AgentState.RINGING and ringing is not Ringing.NEITHER)
    )


def account(
    ledger: Iterable[Spell],
    days: Iterable[tuple[date, int, int]],
    history: AgentTermHistory,
) -> list[TimePiece]:
    """Return what the agent's time within the days counts for, ascending.

    Args:
        ledger: the agent's spells.
        days: (day, start, end) of the business days wanted, epoch milliseconds.
        history: the dated terms of the agent's client; a day takes those of its start.
    """
    spells = list(ledger)
    found: list[TimePiece] = []
    for day, from_ms, to_ms in days:
        found += _day(day, clip(spells, from_ms, to_ms), history.at(from_ms))
    return found


def _day(day: date, spells: list[Spell], terms: AgentTimeTerms) -> list[TimePiece]:
    login = sum(spell.end_ms - spell.start_ms for spell in spells)
    used: Counter[AgentState] = Counter()
    found = []
    for spell in spells:
        length = spell.end_ms - spell.start_ms
        before = used[spell.state]
        cuts = {0, length}
        for measure in terms.measures.values():
            if (cap := measure.caps.get(spell.state)) is not None:
                cuts.add(min(max(cap - before, 0), length))
        instants = sorted(cuts)
        for start, end in pairwise(instants):
            reasons = {
                name: _excluded(measure, spell, before + start, login)
                for name, measure in terms.measures.items()
            }
            found.append(
                TimePiece(
                    business_on=day,
                    start_ms=spell.start_ms + start,
                    end_ms=spell.start_ms + end,
                    state=spell.state,
                    reason=spell.reason,
                    is_presumed=spell.is_presumed,
                    is_occupied=is_occupied(spell.state, terms.ringing),
                    is_occupiable=is_occupiable(spell.state, terms.ringing),
                    excluded={name: why for name, why in reasons.items() if why is not None},
                )
            )
        used[spell.state] += length
    return found


def _excluded(measure: MeasureTerms, spell: Spell, used_ms: int, login_ms: int) -> Exclusion | None:
    if not measure.counts(spell.state, spell.reason):
        return Exclusion.STATE
    if spell.is_presumed and not measure.counts_presumed:
        return Exclusion.PRESUMED
    cap = measure.caps.get(spell.state)
    if cap is not None and used_ms >= cap:
        return Exclusion.OVER_CAP
    return Exclusion.BELOW_MINIMUM_LOGIN if login_ms < measure.minimum_login_ms else None


ExclusionKey = tuple[date, Measure, Exclusion, AgentState, str | None]


def exclusions(pieces: Iterable[TimePiece]) -> dict[ExclusionKey, int]:
    """Return excluded milliseconds per business day, measure, exclusion, state and its reason."""
    found: dict[ExclusionKey, int] = {}
    for piece in pieces:
        for measure, why in piece.excluded.items():
            key = (piece.business_on, measure, why, piece.state, piece.reason)
            found[key] = found.get(key, 0) + piece.end_ms - piece.start_ms
    return found


AGENT_TIME_FIELDS: Final = (
    *(f"{state}_ms" for state in STATES),
    *("logged_in_ms", "presumed_ms", "occupied_ms", "occupiable_ms"),
    *("productive_ms", "billable_ms", "paid_ms", "productive_paid_ms"),
    *("scheduled_ms", "adherent_ms", "scheduled_paid_ms", "absence_paid_ms"),
)
"""The additive milliseconds of agents' time, in the order of the marts."""


def agent_counts(
    pieces: Iterable[TimePiece], schedule: Iterable[SchedulePiece], from_ms: int, to_ms: int
) -> dict[str, int]:
    """Return ``AGENT_TIME_FIELDS`` within ``[from_ms, to_ms)``, all additive milliseconds."""
    counts = dict.fromkeys(AGENT_TIME_FIELDS, 0)

    def add(spent: int, facts: Mapping[str, bool]) -> None:
        for field, holds in facts.items():
            counts[field] += spent * holds

    for piece in pieces:
        spent = max(0, min(piece.end_ms, to_ms) - max(piece.start_ms, from_ms))
        out = piece.excluded
        facts = {
            f"{piece.state}_ms": True,
            "logged_in_ms": True,
            "presumed_ms": piece.is_presumed,
            "occupied_ms": piece.is_occupied,
            "occupiable_ms": piece.is_occupiable,
            **{f"{measure}_ms": measure not in out for measure in Measure},
            "productive_paid_ms": Measure.PRODUCTIVE not in out and Measure.PAID not in out,
        }
        add(spent, facts)
    for part in schedule:
        spent = max(0, min(part.end_ms, to_ms) - max(part.start_ms, from_ms))
        facts = {
            "scheduled_ms": part.is_work,
            "adherent_ms": part.is_adherent,
            "scheduled_paid_ms": part.is_paid,
            "absence_paid_ms": part.is_paid and not part.is_work,
        }
        add(spent, facts)
    return counts
