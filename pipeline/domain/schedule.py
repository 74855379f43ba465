"""What an agent was scheduled for, and whether the agent kept to it.

Adherence is scheduled time spent in a state that keeps to the activity over scheduled time; work
outside the schedule is neither adherent nor not (Amazon Connect, "Calculating agent adherent and
non-adherent time"). Leave and absence are scheduled, but not to be worked, so they are no part of
it. Conformance is a different question: time logged in over time scheduled, whenever it was.

SQL mirrors this file in ``int_agent_schedule.sql`` and ``int_agent_adherence.sql``.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import date
from itertools import pairwise
from typing import Final

from pipeline.domain.agent_terms import AgentTermHistory
from pipeline.domain.events import AgentState
from pipeline.domain.ledger import Spell

ACTIVITIES: Final = (
    *("on_queue", "back_office", "break", "meal", "training", "meeting", "leave", "absence"),
    "other",
)
ABSENT: Final = frozenset({"leave", "absence"})
"""Scheduled activities that are not to be worked."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ScheduledSpan:
    """What one agent is scheduled for, ``[start_ms, end_ms)``, epoch milliseconds."""

    start_ms: int
    end_ms: int
    activity: str
    is_paid: bool
    is_billable: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class SchedulePiece:
    """A stretch of scheduled time in which the agent was in one state (or logged out)."""

    start_ms: int
    end_ms: int
    activity: str
    state: AgentState
    is_paid: bool
    is_adherent: bool

    @property
    def is_work(self) -> bool:
        """Say whether it is to be worked."""
        return self.activity not in ABSENT


def flatten(spans: Iterable[ScheduledSpan]) -> list[ScheduledSpan]:
    """Return spans that do not overlap, ascending: a span within another holds for its time.

    Of spans that overlap the shortest counts, then the one that starts first, then the smaller
    activity, then paid before unpaid, billable before not. Neighbours alike are one.
    """
    given = [span for span in spans if span.end_ms > span.start_ms]
    edges = sorted({edge for span in given for edge in (span.start_ms, span.end_ms)})
    flat: list[ScheduledSpan] = []
    for start, end in pairwise(edges):
        covering = [s for s in given if s.start_ms <= start < s.end_ms]
        if not covering:
            continue
        top = min(covering, key=_depth)
        piece = replace(top, start_ms=start, end_ms=end)
        if flat and flat[-1].end_ms == start and _what(flat[-1]) == _what(piece):
            piece = replace(piece, start_ms=flat.pop().start_ms)
        flat.append(piece)
    return flat


def _depth(span: ScheduledSpan) -> tuple[int, int, str, bool, bool]:
    length = span.end_ms - span.start_ms
    return length, span.start_ms, span.activity, not span.is_paid, not span.is_billable


def _what(span: ScheduledSpan) -> tuple[str, bool, bool]:
    return span.activity, span.is_paid, span.is_billable


def shifts(flat: Iterable[ScheduledSpan]) -> list[tuple[int, int]]:
    """Return (start, end) of unbroken scheduled time that is to be worked, ascending."""
    found: list[tuple[int, int]] = []
    for span in flat:
        if span.activity in ABSENT:
            continue
        if found and found[-1][1] == span.start_ms:
            found[-1] = (found[-1][0], span.end_ms)
        else:
            found.append((span.start_ms, span.end_ms))
    return found


def adherence(
    flat: Iterable[ScheduledSpan],
    ledger: Sequence[Spell],
    days: Iterable[tuple[date, int, int]],
    history: AgentTermHistory,
) -> list[SchedulePiece]:
    """Return scheduled time cut at business days and at the agent's changes of state.

    Args:
        flat: the agent's schedule, without overlaps.
        ledger: the agent's spells.
        days: (day, start, end) of the business days wanted.
        history: the dated terms of the agent's client; a day takes those of its start.
    """
    spans = list(flat)
    found: list[SchedulePiece] = []
    for _, from_ms, to_ms in days:
        kept_to = history.at(from_ms).adherence
        for span in spans:
            start, end = max(span.start_ms, from_ms), min(span.end_ms, to_ms)
            if start >= end:
                continue
            right = kept_to.get(span.activity, frozenset())
            found += [
                SchedulePiece(
                    start_ms=a,
                    end_ms=b,
                    activity=span.activity,
                    state=state,
                    is_paid=span.is_paid,
                    is_adherent=state in right and span.activity not in ABSENT,
                )
                for a, b, state in _states(ledger, start, end)
            ]
    return found


def _states(ledger: Sequence[Spell], from_ms: int, to_ms: int) -> list[tuple[int, int, AgentState]]:
    """Return (start, end, state) that cover the bounds, logged out where the ledger is silent."""
    found: list[tuple[int, int, AgentState]] = []
    at = from_ms
    for spell in ledger:
        start, end = max(spell.start_ms, from_ms), min(spell.end_ms, to_ms)
        if start >= end:
            continue
        if start > at:
            found.append((at, start, AgentState.LOGGED_OUT))
        found.append((start, end, spell.state))
        at = end
    if at < to_ms:
        found.append((at, to_ms, AgentState.LOGGED_OUT))
    return found
