"""Small builders that say only what a test is about."""

from __future__ import annotations

from typing import Any

from pipeline.domain.events import CallEvent, EventType, event_id
from pipeline.domain.target import ServiceTarget, TargetHistory

NOON = 1_762_833_600_000
"""2025-11-11 04:00 UTC, noon in Shanghai: a pane, quarter-hour and hour boundary."""


def an_event(kind: EventType | str, at: int = 0, **fields: Any) -> CallEvent:
    """Return an event ``at`` milliseconds after NOON; required extras are filled in."""
    kind = EventType(kind)
    values: dict[str, Any] = {
        "v": 1,
        "type": kind,
        "occurred_at_ms": NOON + at,
        "client": "acme",
        "queue": "service",
        "contact_id": "c1",
        "leg": 1,
        "source": "acd",
        "source_position": "1",
    }
    if kind in {EventType.OFFERED, EventType.RING_NO_ANSWER, EventType.ANSWERED}:
        values["agent"] = "ann"
    if kind in {EventType.HOLD_STARTED, EventType.HOLD_ENDED}:
        values["hold_seq"] = 1
    if kind in {EventType.FLOWED_OUT, EventType.REFUSED}:
        values["reason"] = "queue_full"
    if kind is EventType.CONNECTED:
        values["reason"] = "human"
    if kind is EventType.TRANSFERRED:
        values |= {"transfer_kind": "blind", "transfer_target": "orders"}
    values |= fields
    identity = "|".join(f"{k}={v}" for k, v in sorted(values.items()))
    return CallEvent(event_id=event_id(values["source"], identity), **values)


def a_target(**terms: Any) -> ServiceTarget:
    """Return 80 % within 20 s, inclusive, short abandon 5 s, long hold 120 s."""
    values = {
        "threshold_ms": 20_000,
        "inclusive": True,
        "short_abandon_ms": 5_000,
        "long_hold_ms": 120_000,
        "goal_permille": 800,
    }
    return ServiceTarget(**(values | terms))


def history(_client: str = "", _site: str = "", _queue: str = "") -> TargetHistory:
    """Return the same target for every queue, for all time."""
    return TargetHistory((0,), (a_target(),))
