"""The life of an alert at the desk: open, acknowledged, resolved, closed with an outcome.

``resolve`` comes from the stream; the others are done by people. An alert that was never
acknowledged resolves as well; only a person closes it, because the outcome is a judgement.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Final

from pipeline.desk.transition import COMMENT, Move, Table


class AlertState(StrEnum):
    """Where an alert stands at the desk."""

    OPEN = "open"
    ACKNOWLEDGED = "acknowledged"
    RESOLVED = "resolved"
    CLOSED = "closed"


class AlertOutcome(StrEnum):
    """What an alert turned out to be, said when it is closed."""

    TRUE_ALARM = "true_alarm"
    FALSE_ALARM = "false_alarm"
    KNOWN_CAUSE = "known_cause"
    DUPLICATE = "duplicate"


RESOLVE: Final = "resolve"
END: Final = "end"
"""Moves that the log makes: it is over; and the same of one that was closed before."""
LOG: Final = "log"
"""The way by which it makes them."""

_S = AlertState
_CLOSING: Final = frozenset({"outcome", "closed_by", "closed_at_ms"})

ALERT: Final = Table(
    kind="alert",
    initial=_S.OPEN,
    moves={
        "acknowledge": Move(
            frozenset({_S.OPEN}),
            _S.ACKNOWLEDGED,
            by="acknowledged_by",
            at="acknowledged_at_ms",
        ),
        "assign": Move(
            frozenset({_S.OPEN, _S.ACKNOWLEDGED, _S.RESOLVED}), needs=frozenset({"owner"})
        ),
        "comment": Move(frozenset(_S), needs=frozenset({COMMENT})),
        RESOLVE: Move(frozenset({_S.OPEN, _S.ACKNOWLEDGED}), _S.RESOLVED, via=LOG),
        END: Move(frozenset({_S.CLOSED}), via=LOG),
        "close": Move(
            frozenset({_S.ACKNOWLEDGED, _S.RESOLVED}),
            _S.CLOSED,
            frozenset(AlertOutcome),
            by="closed_by",
            at="closed_at_ms",
        ),
        "reopen": Move(
            frozenset({_S.RESOLVED, _S.CLOSED}),
            _S.OPEN,
            clears=_CLOSING | {"acknowledged_by", "acknowledged_at_ms"},
        ),
    },
)
