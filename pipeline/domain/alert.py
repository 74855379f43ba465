"""When an alert fires and when it is over: a pure state machine per rule and what it judges.

Moved at pane boundaries of event time, so a replay takes the same decisions and gives the same
alert ids. A rule that can say nothing (too little volume, or none) neither fires nor resolves:
loss of data is not "resolved".
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from enum import StrEnum

from pipeline.domain.alert_rule import Rule
from pipeline.domain.alert_scope import Scope


class AlertStatus(StrEnum):
    """What a transition says."""

    FIRING = "firing"
    RESOLVED = "resolved"


class EndReason(StrEnum):
    """Why an alert is over.

    ``recovered``: what fired holds no more. ``closed``: the opening hours ended, nothing more is
    counted. ``quiet``: too few calls come to judge, and no more are expected. ``rule_ended``: the
    rule holds no more.
    """

    RECOVERED = "recovered"
    CLOSED = "closed"
    QUIET = "quiet"
    RULE_ENDED = "rule_ended"


@dataclass(slots=True)
class AlertState:
    """Where one rule stands for what it judges; ``transitions`` numbers what was said so far.

    ``since_ms`` is since when (event time) its condition has held without a break, ``calm_ms``
    since when the opposite has while it fires; 0 where it does not.
    """

    firing: bool = False
    transitions: int = 0
    since_ms: int = 0
    calm_ms: int = 0

    @property
    def is_moving(self) -> bool:
        """Say whether time alone can change it."""
        return bool(self.calm_ms or (self.since_ms and not self.firing))


@dataclass(frozen=True, slots=True, kw_only=True)
class Alert:
    """One transition of one rule for what it judges, at an instant of event time.

    ``scope`` says what that is; ``site`` and ``queue`` are empty, ``programme`` is None, where they
    do not apply.

    ``offered`` and ``answered_within`` are the parts of service level in the window that ends
    there, whatever the rule is about. ``value`` and ``threshold`` are of the rule's KPI, in its
    ``unit``. ``day_counted`` and ``day_good`` are the parts of the contract's formula for the
    contract day so far, ``month_counted`` and ``month_good`` for its month. ``end_reason`` says of
    an end why it is one. None: the rule has no such thing.
    """

    alert_id: str
    status: AlertStatus
    rule: str
    rule_version: str
    severity: str
    runbook: str
    client: str
    site: str
    queue: str
    at_ms: int
    window_ms: int
    offered: int
    answered_within: int
    goal_permille: int
    kind: str = "margin"
    kpi: str = "service_level"
    scope: Scope = Scope.QUEUE
    unit: str = "permille"
    value: int | None = None
    threshold: int | None = None
    day_counted: int | None = None
    day_good: int | None = None
    month_counted: int | None = None
    month_good: int | None = None
    since_ms: int | None = None
    long_window_ms: int | None = None
    long_offered: int | None = None
    long_answered_within: int | None = None
    expected_milli: int | None = None
    forecast_source: str | None = None
    end_reason: EndReason | None = None
    programme: str | None = None


def step(
    rule: Rule, state: AlertState, at_ms: int, *, holds: bool, over: bool
) -> AlertStatus | None:
    """Move the state by one evaluation at a boundary; return the transition made, if any.

    ``holds``: the condition to fire does; ``over``: the one to resolve does. Neither: the state
    stays, and whatever was waited for has been interrupted.
    """
    if not state.firing:
        if not holds:
            state.since_ms = 0
            return None
        state.since_ms = state.since_ms or at_ms
        if at_ms - state.since_ms < rule.for_ms:
            return None
        return _turn(state, AlertStatus.FIRING)
    if not over:
        state.calm_ms = 0
        return None
    state.calm_ms = state.calm_ms or at_ms
    if at_ms - state.calm_ms < rule.keep_firing_ms:
        return None
    state.since_ms = 0
    return _turn(state, AlertStatus.RESOLVED)


def _turn(state: AlertState, status: AlertStatus) -> AlertStatus:
    state.firing = status is AlertStatus.FIRING
    state.calm_ms = 0
    state.transitions += 1
    return status


def alert_id(rule: Rule, place_key: str, at_ms: int, transition: int) -> str:
    """Return the deterministic id of a transition: 32 hex digits, the same on every replay."""
    raw = f"{rule.name}\x1f{rule.version}\x1f{place_key}\x1f{at_ms}\x1f{transition}".encode()
    return hashlib.blake2b(raw, digest_size=16).hexdigest()
