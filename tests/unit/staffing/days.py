"""The 双11 day of the tests: 14 flat hours, AHT 240 s, patience 120 s, 15,000 calls or 20,000."""

from __future__ import annotations

from pipeline.domain.definition import KpiDefinition
from pipeline.staffing.day import DaySlot, Rest
from pipeline.staffing.erlang import Traffic
from pipeline.staffing.service import Goal

HOURS = 14
QUARTER_MS = 900_000
SLOTS = HOURS * 4
HANDLE_S = 240.0
PATIENCE_S = 120.0


def a_goal(share: float = 0.85, **choices: object) -> Goal:
    rules = KpiDefinition(name="test", **choices)  # type: ignore[arg-type]
    return Goal(share=share, threshold_s=20, short_abandon_s=5, definition=rules)


def traffic(calls_a_day: float, patience_s: float | None = PATIENCE_S) -> Traffic:
    return Traffic(rate_per_s=calls_a_day / HOURS / 3600, handle_s=HANDLE_S, patience_s=patience_s)


def a_rest(
    *,
    past: float = 0.1,
    calls: float = 20_000,
    agents: float = 73,
    level: float = 0.2366,
    goal: float = 0.8,
    volume_cv: float = 0.0,
) -> Rest:
    """Return the day after a share of it, which went at a level."""
    counted = calls * past
    slots = tuple(
        DaySlot(
            start_ms=i * QUARTER_MS,
            end_ms=(i + 1) * QUARTER_MS,
            calls=calls / SLOTS,
            handle_s=HANDLE_S,
            agents=agents,
        )
        for i in range(round(SLOTS * past), SLOTS)
    )
    return Rest(
        goal=a_goal(goal),
        good=level * counted,
        counted=counted,
        slots=slots,
        patience_s=PATIENCE_S,
        volume_cv=volume_cv,
    )
