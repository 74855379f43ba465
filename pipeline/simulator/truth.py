"""The expected answer: what the simulator knows it made happen, counted without the KPI kernel.

Independent of ``pipeline.domain`` on purpose. Counts are named as the KPI fields they must equal.
Definitions: offered = entries into a queue; answered within = answered with a wait of at most the
client's threshold; an abandon before the queue is counted apart; talk excludes hold.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field

from pipeline.simulator.leg import SimulatedLeg
from pipeline.simulator.plan import DayPlan

SHORT_ABANDON_MS = 5_000
COUNTS = (
    "offered",
    "answered",
    "answered_within",
    "abandoned",
    "abandoned_within",
    "abandoned_short",
    "flowed_out",
    "callbacks",
    "abandoned_before_queue",
    "wait_answered_ms",
    "handled",
    "talk_ms",
    "hold_ms",
    "acw_ms",
    "held",
    "transfers",
    "complaints",
)


@dataclass(slots=True)
class Truth:
    """Counts per (client, site, queue) and per (client, local day of entering the queue)."""

    queues: dict[tuple[str, str, str], Counter[str]] = field(default_factory=dict)
    days: dict[tuple[str, str], Counter[str]] = field(default_factory=dict)

    def add(self, plan: DayPlan, legs: list[SimulatedLeg]) -> None:
        """Count the legs of one floor's day."""
        day = self.days.setdefault((plan.client.name, plan.day.isoformat()), Counter())
        day["forecast_calls_milli"] += round(1000 * sum(sum(q.forecast) for q in plan.queues))
        day["contacts"] += sum(1 for leg in legs if leg.number == 1)
        for queue in plan.queues:
            self.queues.setdefault((plan.client.name, plan.site, queue.profile.name), Counter())
        for leg in legs:
            queue_counts = self.queues[plan.client.name, plan.site, leg.queue]
            for name, count in leg_counts(leg, plan.client.threshold_ms).items():
                queue_counts[name] += count
                day[name] += count

    def rows(self) -> list[dict[str, str | int]]:
        """Return one row per client, site and queue."""
        return [
            {"client": client, "site": site, "queue": queue}
            | {name: counts[name] for name in COUNTS}
            for (client, site, queue), counts in sorted(self.queues.items())
        ]

    def day_rows(self) -> list[dict[str, str | int]]:
        """Return one row per client and local day: contacts that came beside those forecast."""
        rows: list[dict[str, str | int]] = []
        for (client, day), counts in sorted(self.days.items()):
            row: dict[str, str | int] = {"client": client, "day": day}
            row["forecast_calls"] = round(counts["forecast_calls_milli"] / 1000)
            rows.append(row | {name: counts[name] for name in ("contacts", *COUNTS)})
        return rows


def leg_counts(leg: SimulatedLeg, threshold_ms: int) -> dict[str, int]:
    """Return what one leg counts for."""
    if leg.before_queue_at is not None:
        return {"abandoned_before_queue": 1}
    counts = {"offered": 1}
    queued = leg.queued_at
    if leg.answered_at is not None and leg.ended_at is not None:
        answered, ended = leg.answered_at, leg.ended_at
        hold = sum(end - start for start, end in leg.holds) if leg.holds else 0
        wrapped = leg.wrapup_ended_at
        counts |= {
            "answered": 1,
            "answered_within": int(answered - queued <= threshold_ms),
            "wait_answered_ms": answered - queued,
            "handled": 1,
            "talk_ms": ended - answered - hold,
            "acw_ms": 0 if wrapped is None else wrapped - ended,
        }
        if hold:
            counts |= {"hold_ms": hold, "held": 1}
        if leg.transfer_kind is not None:
            counts["transfers"] = 1
        if leg.complaint_at is not None:
            counts["complaints"] = 1
    elif leg.abandoned_at is not None:
        wait = leg.abandoned_at - queued
        counts |= {
            "abandoned": 1,
            "abandoned_within": int(wait <= threshold_ms),
            "abandoned_short": int(wait <= SHORT_ABANDON_MS),
        }
    elif leg.callback_at is not None:
        counts["callbacks"] = 1
    else:
        counts["flowed_out"] = 1
    return counts
