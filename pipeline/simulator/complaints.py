"""Who complains after a simulated day, and of what: complaint cases as a complaint desk has them.

The process that makes them, so that weights fitted to them can be judged: of every customer who
called on a day, log-odds of complaining are

    BASE + temper + 0.9 log2(1 + minutes waited) + 0.25 minutes on hold (6 at most)
         + 0.7 per transfer + 0.35 per call the agent ended + 0.4 per abandon (3 at most)
         + 2.6 if a complaint was flagged + 0.6 per contact of the week before (4 at most)
         + 0.5 if transferred and called before

with a temper of each customer's own (normal, sigma 0.8) that no log shows. It is not the model
that is fitted: waiting saturates, one effect needs two causes, and tempers are hidden. A case
comes a day later or so (lognormal, median 20 h), is closed after four, found justified in 60 %,
escalated in 15 %. Draws have a random source of their own: without complaints the simulated
calls are what they were, to the byte.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from math import exp, log2
from random import Random
from typing import Final, NamedTuple

from pipeline.domain.complaint import Complaint, Fault
from pipeline.domain.events import SCHEMA_VERSION, customer_ref
from pipeline.domain.fact import FactKind, identified
from pipeline.simulator.canonical import CUSTOMER_KEY
from pipeline.simulator.conversation import lognormal_ms
from pipeline.simulator.leg import FloorDay, SimulatedLeg
from pipeline.simulator.naming import caller_number, contact_prefix
from pipeline.simulator.plan import DayPlan

BASE: Final = -6.6
TEMPER_SIGMA: Final = 0.8
WEEK_MS: Final = 7 * 86_400_000
SHORT_ABANDON_MS: Final = 5_000
DELAY_MEDIAN_S: Final = 20 * 3600
DELAY_SIGMA: Final = 1.0
CLOSING_MEDIAN_S: Final = 4 * 86_400
CLOSING_SIGMA: Final = 0.5
VALID_RATE: Final = 0.6
ESCALATED_RATE: Final = 0.15
NAMES_CONTACT_RATE: Final = 0.7
CHANNELS: Final = ("email", "form", "letter", "regulator")
SENT: Final = (
    *("complaint_id", "received_at_ms", "category", "contact_id", "contact_at_ms"),
    *("customer_ref", "site", "queue", "channel", "is_valid", "is_escalated", "fault"),
    *("closed_at_ms", "as_of_ms"),
)
"""Columns of docs/formats/facts.md."""
FAULTS: Final = (Fault.AGENT, Fault.AGENT, Fault.CLIENT, Fault.VENDOR)


def as_sent(case: Complaint) -> dict[str, object]:
    """Return a case as ``vane ingest --format complaints`` reads it: what is not known left out."""
    said = {name: getattr(case, name) for name in SENT}
    return {name: value for name, value in said.items() if value not in {None, ""}}


class Grievance(NamedTuple):
    """What a customer met with on a day; times in minutes."""

    waited: float
    held: float
    transfers: int
    agent_ends: int
    abandons: int
    flags: int
    earlier: int

    def log_odds(self) -> float:
        """Return what it adds to the log-odds of complaining."""
        return (
            0.9 * log2(1 + self.waited)
            + 0.25 * min(self.held, 6)
            + 0.7 * self.transfers
            + 0.35 * self.agent_ends
            + 0.4 * min(self.abandons, 3)
            + (2.6 if self.flags else 0)
            + 0.6 * min(self.earlier, 4)
            + (0.5 if self.transfers and self.earlier else 0)
        )

    def category(self) -> str:
        """Return what the customer will say it was about."""
        said = {
            "waiting": self.waited,
            "hold": self.held,
            "transferred": 3.0 * self.transfers,
            "agent": 2.0 * self.agent_ends,
        }
        most = max(said, key=lambda name: said[name])
        return most if said[most] >= 1 else "other"


class Complainers:
    """Remembers who called when, and says who complains; days of a floor in order."""

    def __init__(self) -> None:
        """Begin with nobody."""
        self._called: defaultdict[tuple[str, int], list[int]] = defaultdict(list)

    def after(self, plan: DayPlan, day: FloorDay) -> Iterator[Complaint]:
        """Yield the cases that a floor's day leads to."""
        name = f"{plan.seed}/complaints/{plan.client.name}/{plan.site}"
        rng = Random(f"{name}/{plan.day.isoformat()}")  # noqa: S311 - a simulation, not a secret
        customers: defaultdict[int, list[SimulatedLeg]] = defaultdict(list)
        for leg in day.legs:
            customers[leg.customer].append(leg)
        number = 0
        for customer, legs in sorted(customers.items()):
            temper = Random(f"{name}/{customer}").gauss(0, TEMPER_SIGMA)  # noqa: S311 - as above
            met = _grievance(legs, self._earlier(plan, customer, legs))
            if rng.random() < 1 / (1 + exp(-(BASE + temper + met.log_odds()))):
                number += 1
                yield _case(rng, plan, number, legs, met)

    def _earlier(self, plan: DayPlan, customer: int, legs: Sequence[SimulatedLeg]) -> int:
        starts = [_start(leg) for leg in legs if leg.number == 1]
        known = self._called[plan.client.name, customer]
        known += starts
        last = max(starts, default=0)
        return sum(0 < last - at <= WEEK_MS for at in known)


def _start(leg: SimulatedLeg) -> int:
    return leg.before_queue_at or leg.refused_at or leg.queued_at


def _end(leg: SimulatedLeg) -> int:
    ends = (leg.ended_at, leg.abandoned_at, leg.callback_at, leg.flowed_out_at)
    return max([_start(leg), *(at for at in ends if at is not None)])


def _waited_ms(leg: SimulatedLeg) -> int:
    stops = (leg.answered_at, leg.abandoned_at, leg.callback_at, leg.flowed_out_at)
    return min((at - leg.queued_at for at in stops if at is not None), default=0)


def _grievance(legs: Sequence[SimulatedLeg], earlier: int) -> Grievance:
    held = sum(end - start for leg in legs for start, end in leg.holds or ())
    return Grievance(
        waited=sum(map(_waited_ms, legs)) / 60_000,
        held=held / 60_000,
        transfers=sum(leg.transfer_kind is not None for leg in legs),
        agent_ends=sum(leg.ended_by == "agent" for leg in legs),
        abandons=sum(
            leg.abandoned_at is not None and _waited_ms(leg) > SHORT_ABANDON_MS for leg in legs
        ),
        flags=sum(leg.complaint_at is not None for leg in legs),
        earlier=earlier,
    )


def _case(
    rng: Random, plan: DayPlan, number: int, legs: Sequence[SimulatedLeg], met: Grievance
) -> Complaint:
    last = max(legs, key=lambda leg: (_start(leg), leg.number))
    received = _end(last) + lognormal_ms(rng, DELAY_MEDIAN_S, DELAY_SIGMA) + 1
    closed = received + lognormal_ms(rng, CLOSING_MEDIAN_S, CLOSING_SIGMA)
    is_valid = rng.random() < VALID_RATE
    names_contact = rng.random() < NAMES_CONTACT_RATE
    prefix = contact_prefix(plan)
    said = f"{prefix}C{number:04d}"
    return identified(
        FactKind.COMPLAINTS,
        Complaint(
            v=SCHEMA_VERSION,
            record_id="",
            revision_id="",
            as_of_ms=closed,
            client=plan.client.name,
            site=plan.site,
            source=f"sim.complaints.{plan.client.name}",
            source_position=said,
            complaint_id=said,
            received_at_ms=received,
            category=met.category(),
            contact_id=f"{prefix}{last.contact:06d}" if names_contact else None,
            contact_at_ms=_start(last) if names_contact else None,
            customer_ref=customer_ref(CUSTOMER_KEY, caller_number(last.customer)),
            queue=last.queue,
            channel=CHANNELS[int(rng.random() * len(CHANNELS))],
            is_valid=is_valid,
            is_escalated=rng.random() < ESCALATED_RATE,
            fault=FAULTS[int(rng.random() * len(FAULTS))] if is_valid else None,
            closed_at_ms=closed,
        ),
    )
