"""What rules judge as one, and where they stand for it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from pipeline.domain.alert import AlertState
from pipeline.domain.alert_rule import Rule, SilenceRule
from pipeline.domain.alert_scope import Place, Scope
from pipeline.domain.queue_state import QueueState
from pipeline.domain.target import ServiceTarget

Member = tuple[QueueState, ServiceTarget]
"""A queue, and the terms in force for it."""


class Rules(NamedTuple):
    """The rules of one scope, those of silence among them, and their longest window."""

    all: Sequence[Rule]
    silences: Sequence[Rule]
    longest_ms: int


def by_scope(rules: Iterable[Rule]) -> dict[Scope, Rules]:
    """Return the rules of each scope that has any."""
    found: dict[Scope, list[Rule]] = {}
    for rule in rules:
        found.setdefault(rule.scope, []).append(rule)
    return {
        scope: Rules(
            tuple(some),
            tuple(rule for rule in some if isinstance(rule, SilenceRule)),
            max(window for rule in some for window in rule.windows_ms),
        )
        for scope, some in found.items()
    }


@dataclass(slots=True, eq=False)
class Subject:
    """One queue, or all of a programme, a site or a client, with the state of its rules."""

    place: Place
    rules: Rules
    queues: list[QueueState] = field(default_factory=list)
    alerts: dict[str, AlertState] = field(default_factory=dict)
    restless: bool = False
    """Whether time alone may make a rule fire or resolve: something is pending or held back."""
    evaluated_with: list[ServiceTarget] = field(default_factory=list)
    evaluated_on: int = 0
    """Ordinal of the contract day of the last evaluation: rules are dated."""

    @property
    def newest_pane(self) -> int:
        """Return the start of the newest pane with a call."""
        newest = 0
        for queue in self.queues:
            newest = max(newest, queue.newest_pane)
        return newest

    @property
    def changed(self) -> bool:
        """Say whether service-level panes changed since the rules were last evaluated."""
        for queue in self.queues:  # noqa: SIM110 - asked of every queue; a generator costs more
            if queue.changed:
                return True
        return False

    def members(self, boundary: int) -> list[Member]:
        """Return the queues with the terms in force at a boundary."""
        return [(queue, queue.history.at(boundary)) for queue in self.queues]
