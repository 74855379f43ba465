"""What one agent is scheduled for, as the planner's file says it.

A shift becomes a ``schedule.ScheduledSpan``; spans may lie within others (a break within a
shift), so a file need not cut them.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from pipeline.domain.fact import Fact, newest
from pipeline.domain.schedule import ScheduledSpan

PAID: Final = frozenset(
    {"on_queue", "back_office", "break", "training", "meeting", "leave", "other"}
)
"""Activities that are paid where a file does not say (as ``config/agent_time.yaml`` is
delivered: meals and absence are not)."""
BILLABLE: Final = frozenset({"on_queue", "back_office", "training", "meeting"})
"""Activities that the client is charged for where a file does not say."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Shift(Fact):
    """An activity of ``schedule.ACTIVITIES`` over ``[start_ms, end_ms)``, epoch milliseconds UTC.

    ``shift_id`` is the planner's own number, if it has one: with it a shift can be moved.
    """

    agent: str
    start_ms: int
    end_ms: int
    activity: str
    is_paid: bool
    is_billable: bool
    shift_id: str | None = None


def spans(shifts: Iterable[Shift]) -> list[ScheduledSpan]:
    """Return what one agent's shifts in force schedule, ready for ``schedule.flatten``."""
    return [
        ScheduledSpan(
            start_ms=shift.start_ms,
            end_ms=shift.end_ms,
            activity=shift.activity,
            is_paid=shift.is_paid,
            is_billable=shift.is_billable,
        )
        for shift in newest(shifts)
    ]
