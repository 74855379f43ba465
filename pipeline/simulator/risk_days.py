"""Customers' days of a simulated month with their signals and whether a complaint case came.

What weights are fitted to, and judged by: the events go through the wire contract and the kernel as
those of a real month do.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime
from typing import Any
from zoneinfo import ZoneInfo

import msgspec

from pipeline.codec.decode import decode_call_event
from pipeline.domain.complaint import Complaint
from pipeline.domain.events import CallEvent
from pipeline.domain.risk import RiskHistory, Signals
from pipeline.domain.risk_contact import Place
from pipeline.domain.risk_contacts import RiskBook, customer_days
from pipeline.domain.target import TargetHistory
from pipeline.simulator.canonical import call_records
from pipeline.simulator.complaints import Complainers
from pipeline.simulator.floor import simulate_day
from pipeline.simulator.plan import Order
from pipeline.simulator.profile import CLIENTS, ClientProfile

Targets = Callable[[str, str, str], TargetHistory]
"""Client, site and queue to dated terms."""


def risk_days(
    order: Order,
    targets: Targets,
    terms: Callable[[str], RiskHistory],
    only_client: str | None = None,
) -> Iterator[tuple[Signals, bool]]:
    """Yield each known customer's day of a simulation: its signals, and whether a case followed.

    Days whose outcome window is not over when the simulation ends count by what came: cases are
    simulated with the day, whenever they are received.
    """
    for client in CLIENTS:
        if only_client not in {None, client.name}:
            continue
        book, cases = _simulated(order, client, targets)
        history = terms(client.name)
        contacts = book.contacts(cases, day_of=_days_of(client), terms_on=history.on)
        for day in customer_days(contacts, cases, history.on):
            yield day.signals, bool(day.cases)


def _simulated(
    order: Order, client: ClientProfile, targets: Targets
) -> tuple[RiskBook, dict[str, list[Complaint]]]:
    known: dict[Place, TargetHistory] = {}

    def history(place: Place) -> TargetHistory:
        if place not in known:
            known[place] = targets(client.name, *place)
        return known[place]

    book, complainers = RiskBook(history), Complainers()
    cases: defaultdict[str, list[Complaint]] = defaultdict(list)
    for day in order.dates():
        for plan in order.plans(day):
            if plan.client is not client:
                continue
            floor_day = simulate_day(plan)
            for case in complainers.after(plan, floor_day):
                cases[case.customer_ref or ""].append(case)
            for _, line in call_records(plan, floor_day):
                record: Any = decode_call_event(line.encode())
                book.add(CallEvent(**msgspec.structs.asdict(record)))
    return book, cases


def _days_of(client: ClientProfile) -> Callable[[Place, int], date]:
    zone = ZoneInfo(client.zone)
    return lambda _, at_ms: datetime.fromtimestamp(at_ms / 1000, UTC).astimezone(zone).date()
