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
    """Counts per (client, site, queue) and per (client, local day of entering the queue).

    ``resolution_ms`` is what the written format can express: 1, or 1000 for whole seconds.
    """

    resolution_ms: int = 1
    queues: dict[tuple[str, str, str], Counter[str]] = field(default_factory=dict)
    days: dict[tuple[str, str], Counter[str]] = field(default_factory=dict)

    def add(self, plan: DayPlan, legs: list[SimulatedLeg]) -> None:
        """Count the legs of one floor's day."""
        day = self.days.setdefault((plan.client.name, plan.day.isoformat()), Counter())
        for queue in plan.queues:
            self.queues.setdefault((plan.client.name, plan.site, queue.profile.name), Counter())
        for leg in legs:
            counts = self.leg_counts(leg, plan.client.threshold_ms)
            self.queues[plan.client.name, plan.site, leg.queue].update(counts)
            day.update(counts)

    def leg_counts(self, leg: SimulatedLeg, threshold_ms: int) -> dict[str, int]:
        """Return what one leg counts for."""
        if leg.before_queue_at is not None:
            return {"abandoned_before_queue": 1}
        counts = {"offered": 1}
        queued = self._seen(leg.queued_at)
        if leg.answered_at is not None and leg.ended_at is not None:
            answered, ended = self._seen(leg.answered_at), self._seen(leg.ended_at)
            hold = sum(end - start for start, end in leg.holds or ())
            wrapped = leg.wrapup_ended_at
            counts |= {
                "answered": 1,
                "answered_within": int(answered - queued <= threshold_ms),
                "wait_answered_ms": answered - queued,
                "handled": 1,
                "talk_ms": ended - answered - hold,
                "hold_ms": hold,
                "held": int(hold > 0),
                "acw_ms": 0 if wrapped is None else wrapped - ended,
                "transfers": int(leg.transfer_kind is not None),
                "complaints": int(leg.complaint_at is not None),
            }
        elif leg.abandoned_at is not None:
            wait = self._seen(leg.abandoned_at) - queued
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

    def _seen(self, at: int) -> int:
        return at - at % self.resolution_ms

    def rows(self) -> list[dict[str, str | int]]:
        """Return one row per client, site and queue."""
        return [
            {"client": client, "site": site, "queue": queue}
            | {name: counts[name] for name in COUNTS}
            for (client, site, queue), counts in sorted(self.queues.items())
        ]

    def day_rows(self) -> list[dict[str, str | int]]:
        """Return one row per client and local day."""
        return [
            {"client": client, "day": day} | {name: counts[name] for name in COUNTS}
            for (client, day), counts in sorted(self.days.items())
        ]
