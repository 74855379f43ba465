"""When a drop of service level fires and when it is over: a pure state machine per queue.

Evaluated at pane boundaries of event time, so a replay takes the same decisions and gives the
same alert ids. Too little volume, or none, changes nothing: loss of data is not "resolved".
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from pipeline.domain.kpi import PANE_MS

PERMILLE: Final = 1000


class AlertStatus(StrEnum):
    """What a transition says."""

    FIRING = "firing"
    RESOLVED = "resolved"


@dataclass(frozen=True, slots=True, kw_only=True)
class DropRule:
    """Fire below goal - enter margin, resolve at or above goal - leave margin (per mille)."""

    name: str
    version: str
    severity: str
    runbook: str
    window_ms: int
    enter_margin_permille: int
    leave_margin_permille: int
    min_offered: int

    def __post_init__(self) -> None:
        """Refuse a rule that cannot work."""
        if self.window_ms <= 0 or self.window_ms % PANE_MS:
            msg = f"window: expected a multiple of {PANE_MS // 1000} s, got {self.window_ms} ms"
            raise ValueError(msg)
        if not 0 <= self.leave_margin_permille < self.enter_margin_permille < PERMILLE:
            msg = (
                "margins: expected 0 <= leave < enter < 100 %, got "
                f"{self.leave_margin_permille / 10} and {self.enter_margin_permille / 10}"
            )
            raise ValueError(msg)
        if self.min_offered < 1:
            msg = f"min_offered: expected at least 1, got {self.min_offered}"
            raise ValueError(msg)


@dataclass(slots=True)
class AlertState:
    """Where one rule stands for one queue; ``transitions`` numbers what was said so far."""

    firing: bool = False
    transitions: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Alert:
    """One transition of one rule for one queue, at an instant of event time."""

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


def evaluate(
    rule: DropRule, state: AlertState, *, offered: int, answered_within: int, goal_permille: int
) -> AlertStatus | None:
    """Move the state by one evaluation; return the transition made, if any.

    Integer arithmetic throughout: ``answered_within / offered < goal - margin`` is compared
    crosswise, so that every executor decides alike.
    """
    if offered < rule.min_offered:
        return None
    level = answered_within * PERMILLE
    if not state.firing and level < (goal_permille - rule.enter_margin_permille) * offered:
        state.firing = True
        state.transitions += 1
        return AlertStatus.FIRING
    if state.firing and level >= (goal_permille - rule.leave_margin_permille) * offered:
        state.firing = False
        state.transitions += 1
        return AlertStatus.RESOLVED
    return None


def alert_id(rule: DropRule, queue_key: str, at_ms: int, transition: int) -> str:
    """Return the deterministic id of a transition: 32 hex digits, the same on every replay."""
    raw = f"{rule.name}\x1f{rule.version}\x1f{queue_key}\x1f{at_ms}\x1f{transition}".encode()
    return hashlib.blake2b(raw, digest_size=16).hexdigest()
