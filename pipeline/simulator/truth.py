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
PUT_THROUGH_WITHIN_MS = 2_000
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
    "transfers_blind",
    "transfers_attended",
    "transfers_to_queue",
    "transfers_external",
    "complaints",
    "no_answers",
    "refused_full",
    "refused_closed",
    "dialed",
    "connected",
    "connected_live",
    "dialed_answered",
    "dialer_abandoned",
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
            self._count(plan, leg, leg_counts(leg, plan.client.threshold_ms))

    def add_dialed(self, plan: DayPlan, legs: list[SimulatedLeg]) -> None:
        """Count the outbound legs of one floor's day, whose contacts nobody forecast."""
        for leg in legs:
            self._count(plan, leg, dialed_counts(leg))

    def _count(self, plan: DayPlan, leg: SimulatedLeg, counts: dict[str, int]) -> None:
        self.queues[plan.client.name, plan.site, leg.queue].update(counts)
        self.days[plan.client.name, plan.day.isoformat()].update(counts)

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
    if leg.refused_at is not None:
        return {f"refused_{leg.refused_reason}": 1}
    counts = {"offered": 1, "no_answers": sum(offer.rang_out for offer in leg.offers)}
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
            place, _, _ = leg.transfer_target.partition(":")
            to = "transfers_to_queue" if place == "queue" else "transfers_external"
            counts |= {"transfers": 1, f"transfers_{leg.transfer_kind}": 1, to: 1}
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


def dialed_counts(leg: SimulatedLeg) -> dict[str, int]:
    """Return what one outbound leg counts for."""
    counts = {"dialed": 1}
    if leg.connected_at is not None:
        is_live = leg.picked_up_by == "human"
        answered = leg.answered_at
        is_late = answered is None or answered - leg.connected_at > PUT_THROUGH_WITHIN_MS
        counts |= {
            "connected": 1,
            "connected_live": int(is_live),
            "dialed_answered": int(answered is not None),
            "dialer_abandoned": int(is_live and is_late),
        }
    return counts
