"""The life of a complaint case: opened from a signal, worked on, closed with an outcome."""

from __future__ import annotations

from enum import StrEnum
from typing import Final

from pipeline.desk.transition import COMMENT, Move, Table


class CaseState(StrEnum):
    """Where a case stands."""

    OPEN = "open"
    IN_PROGRESS = "in_progress"
    CLOSED = "closed"


class CaseOutcome(StrEnum):
    """What a case turned out to be, said when it is closed."""

    CONFIRMED_COMPLAINT = "confirmed_complaint"
    AVERTED = "averted"
    NOT_A_COMPLAINT = "not_a_complaint"
    UNREACHABLE = "unreachable"


_S = CaseState
_ALIVE: Final = frozenset({_S.OPEN, _S.IN_PROGRESS})

CASE: Final = Table(
    kind="case",
    initial=_S.OPEN,
    moves={
        "take": Move(frozenset({_S.OPEN}), _S.IN_PROGRESS, by="owner"),
        "assign": Move(_ALIVE, needs=frozenset({"owner"})),
        "postpone": Move(_ALIVE, needs=frozenset({"due_at_ms", COMMENT})),
        "comment": Move(frozenset(_S), needs=frozenset({COMMENT})),
        "close": Move(_ALIVE, _S.CLOSED, frozenset(CaseOutcome), by="closed_by", at="closed_at_ms"),
        "reopen": Move(
            frozenset({_S.CLOSED}),
            _S.OPEN,
            clears=frozenset({"outcome", "closed_by", "closed_at_ms", "owner"}),
        ),
    },
)
