"""The life of a complaint case: opened from a signal, worked on, closed with an outcome."""

from __future__ import annotations

from enum import StrEnum
from typing import Final

from pipeline.desk.transition import Move, Table


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

CASE: Final = Table(
    kind="case",
    initial=_S.OPEN,
    moves={
        "start": Move(frozenset({_S.OPEN}), _S.IN_PROGRESS),
        "close": Move(frozenset({_S.OPEN, _S.IN_PROGRESS}), _S.CLOSED, frozenset(CaseOutcome)),
        "reopen": Move(frozenset({_S.CLOSED}), _S.OPEN),
    },
)
