"""The life of an alert at the desk: open, acknowledged, resolved, closed with an outcome.

``resolve`` comes from the stream; the others are done by people. An alert that was never
acknowledged resolves as well; only a person closes it, because the outcome is a judgement.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Final

from pipeline.desk.transition import Move, Table


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


_S = AlertState

ALERT: Final = Table(
    kind="alert",
    initial=_S.OPEN,
    moves={
        "acknowledge": Move(frozenset({_S.OPEN}), _S.ACKNOWLEDGED),
        "resolve": Move(frozenset({_S.OPEN, _S.ACKNOWLEDGED}), _S.RESOLVED),
        "close": Move(
            frozenset({_S.ACKNOWLEDGED, _S.RESOLVED}), _S.CLOSED, frozenset(AlertOutcome)
        ),
        "reopen": Move(frozenset({_S.RESOLVED, _S.CLOSED}), _S.OPEN),
    },
)
