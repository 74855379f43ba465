"""What rules judge as one, and where they stand for it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from pipeline.domain.alert import AlertState
from pipeline.domain.alert_rule import Rule, SilenceRule
from pipeline.domain.alert_scope import Place, Scope
from pipeline.domain.kpi import PANE_MS
from pipeline.domain.queue_state import QueueState, window_counts
from pipeline.domain.target import ServiceTarget

Member = tuple[QueueState, ServiceTarget]
"""A queue, and the terms in force for it."""
Parts = tuple[int, int, int]
"""Calls; how many are in time, abandoned, or complained of, or the time they took; and what to hold
that against: the goal, per mille, or the usual time, summed over the calls."""


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
    def changed(self) -> int:
        """Return which KPIs' panes changed since the rules were last evaluated, a bit for each."""
        changed = 0
        for queue in self.queues:
            changed |= queue.changed
        return changed

    def view(self, boundary: int) -> View:
        """Return what rules see of it at a boundary."""
        return View(boundary, [(queue, queue.history.at(boundary)) for queue in self.queues])


@dataclass(slots=True)
class View:
    """What rules see at a boundary: queues with the terms in force for them."""

    boundary: int
    members: list[Member]
    window_ms: int = 0
    """Rules often look at the same window: the last one of service level that was summed ..."""
    parts: Parts = (0, 0, 0)
    """... and its parts."""

    @property
    def idle_ms(self) -> int:
        """Return for how long no call has been counted."""
        newest = 0
        for queue, _ in self.members:
            newest = max(newest, queue.newest_pane)
        return max(self.boundary - newest - PANE_MS, 0)

    def service_level(self, window_ms: int) -> Parts:
        """Return calls counted, those in time, and their goals, per mille, over a window."""
        if window_ms != self.window_ms:
            counted = good = goals = 0
            for queue, target in self.members:
                calls, in_time = window_counts(queue, self.boundary, window_ms, target)
                counted += calls
                good += in_time
                goals += calls * target.goal_permille
            self.window_ms, self.parts = window_ms, (counted, good, goals)
        return self.parts
