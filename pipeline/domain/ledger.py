"""What an agent was doing at each instant: spells that never overlap, from several sources.

Where sources disagree, a state that is proven beats one that is presumed, then the contract's
precedence decides, then the smaller name of the source. The agent is logged in while any source
says so. Spans are half-open, ``[start_ms, end_ms)``, epoch milliseconds UTC; so time per state
adds up to time logged in over any bounds, and bounds that follow one another add up to the whole.

SQL mirrors this file in ``dbt_like_sql/models/intermediate/int_agent_ledger.sql``.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from itertools import pairwise

from pipeline.domain.agent_session import ClosedBy, Session, SourceSpell
from pipeline.domain.agent_terms import STATES, AgentTermHistory
from pipeline.domain.events import AgentState


@dataclass(frozen=True, slots=True, kw_only=True)
class Spell:
    """One state of an agent, ``[start_ms, end_ms)``, never empty.

    ``source`` is whose word it is. ``is_presumed``: only a missing logout makes it. ``closed_by``
    says how the agent's time logged in ended, on the last spell before it did.
    """

    start_ms: int
    end_ms: int
    state: AgentState
    reason: str | None
    source: str
    is_presumed: bool
    closed_by: ClosedBy | None


def resolve(sessions: Iterable[Session], history: AgentTermHistory) -> list[Spell]:
    """Return the ledger of one agent, ascending.

    Args:
        sessions: the agent's sessions in all sources; those of one source do not overlap.
        history: the dated terms of the agent's client.
    """
    stated = [(spell, session) for session in sessions for spell in session.spells]
    starting: dict[int, list[tuple[SourceSpell, Session]]] = {}
    for spell, session in stated:
        starting.setdefault(spell.start_ms, []).append((spell, session))
    edges = {edge for spell, _ in stated for edge in (spell.start_ms, spell.end_ms)}
    edges |= set(history.starts_ms)
    active: list[tuple[SourceSpell, Session]] = []
    found: list[Spell] = []
    instants = sorted(edges)
    for start, end in pairwise(instants):
        active = [held for held in active if held[0].end_ms > start] + starting.get(start, [])
        if not active:
            continue
        precedence = history.at(start).precedence
        spell, session = min(
            active,
            key=lambda held: (
                held[0].is_presumed,
                precedence.index(held[0].state),
                held[1].source,
            ),
        )
        piece = Spell(
            start_ms=start,
            end_ms=end,
            state=spell.state,
            reason=spell.reason,
            source=session.source,
            is_presumed=spell.is_presumed,
            closed_by=session.closed_by,
        )
        _append(found, piece)
    return found


def _append(ledger: list[Spell], piece: Spell) -> None:
    """Add a piece; what follows without a gap was not closed, and the same state is one spell."""
    if ledger and ledger[-1].end_ms == piece.start_ms:
        last = ledger.pop()
        if _what(last) == _what(piece):
            piece = replace(piece, start_ms=last.start_ms)
        else:
            ledger.append(replace(last, closed_by=None))
    ledger.append(piece)


def _what(spell: Spell) -> tuple[AgentState, str | None, str, bool]:
    return spell.state, spell.reason, spell.source, spell.is_presumed


def clip(ledger: Iterable[Spell], from_ms: int, to_ms: int) -> list[Spell]:
    """Return the parts of spells within ``[from_ms, to_ms)``; a cut spell was not closed there."""
    return [
        replace(
            spell,
            start_ms=max(spell.start_ms, from_ms),
            end_ms=min(spell.end_ms, to_ms),
            closed_by=spell.closed_by if spell.end_ms <= to_ms else None,
        )
        for spell in ledger
        if spell.start_ms < to_ms and spell.end_ms > from_ms
    ]


def totals(ledger: Iterable[Spell], from_ms: int, to_ms: int) -> Mapping[AgentState, int]:
    """Return milliseconds per state within ``[from_ms, to_ms)``; their sum is time logged in."""
    spent = dict.fromkeys(STATES, 0)
    for spell in clip(ledger, from_ms, to_ms):
        spent[spell.state] += spell.end_ms - spell.start_ms
    return spent
