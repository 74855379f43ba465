"""Opens complaint cases for the customers on the list of a day: one per customer, once per day."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, Engine, exists, select

from pipeline.desk.case import CASE, CaseState
from pipeline.desk.perform import OPEN, Command, enter
from pipeline.desk.store import writing
from pipeline.desk.tables import cases


@dataclass(frozen=True, slots=True, kw_only=True)
class AtRisk:
    """A customer on the list of a business day, and why; as ``bi_at_risk_customers`` has it."""

    client: str
    site: str
    queue: str
    customer_ref: str
    contact_id: str
    business_on: str
    risk_milli: int
    reason: str


@dataclass(slots=True)
class Opened:
    """What became of each customer: a case, none because one is alive, none because of before."""

    opened: int = 0
    alive: int = 0
    known: int = 0


def open_cases(
    store: Engine, listed: Iterable[AtRisk], *, actor: str, via: str, at_ms: int, due_at_ms: int
) -> Opened:
    """Open a case for each customer, all in one transaction.

    A customer whose last case is not closed gets none, and neither does one who had one for this
    day before, closed by now.
    """
    found = Opened()
    with writing(store) as trail:
        for customer in listed:
            case_id = id_of(customer)
            if _is_there(trail.con, cases.c.id == case_id):
                found.known += 1
            elif _is_there(
                trail.con,
                cases.c.client == customer.client,
                cases.c.customer_ref == customer.customer_ref,
                cases.c.state != CaseState.CLOSED,
            ):
                found.alive += 1
            else:
                command = Command(
                    kind=CASE.kind,
                    record_id=case_id,
                    action=OPEN,
                    actor=actor,
                    via=via,
                    key=f"open/{case_id}",
                    at_ms=at_ms,
                )
                said = {name: getattr(customer, name) for name in AtRisk.__slots__}
                enter(trail, command, said | {"opened_at_ms": at_ms, "due_at_ms": due_at_ms})
                found.opened += 1
    return found


def id_of(customer: AtRisk) -> str:
    """Return the id of the case that a customer's day leads to: 32 hex digits."""
    raw = f"{customer.client}\x1f{customer.customer_ref}\x1f{customer.business_on}"
    return hashlib.blake2b(raw.encode(), digest_size=16).hexdigest()


def _is_there(con: Connection, *conditions: Any) -> bool:  # noqa: ANN401 - SQL expressions
    return bool(con.execute(select(exists().where(*conditions))).scalar())
