"""A complaint somebody made, and which complaints a contract counts.

There is no authoritative formula for a complaint rate, so every choice is kept apart: all or the
valid alone, escalated or not, whose fault, and whether a complaint counts when it was received or
when the contact happened that it is about. SQL mirrors ``scopes`` in ``fct_complaint_months``.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from pipeline.domain.fact import Fact


class Fault(StrEnum):
    """Whose fault it was: the agent's, the client's, or the vendor's who runs the centre."""

    AGENT = "agent"
    CLIENT = "client"
    VENDOR = "vendor"


@dataclass(frozen=True, slots=True, kw_only=True)
class Complaint(Fact):
    """One complaint, received at ``received_at_ms``, epoch milliseconds UTC.

    ``contact_at_ms``: when the contact happened that it is about. ``is_valid`` and ``fault`` are
    None until decided, ``closed_at_ms`` until closed.
    """

    complaint_id: str
    received_at_ms: int
    category: str
    contact_id: str | None = None
    contact_at_ms: int | None = None
    customer_ref: str | None = None
    queue: str | None = None
    agent: str | None = None
    channel: str | None = None
    is_valid: bool | None = None
    is_escalated: bool = False
    fault: Fault | None = None
    closed_at_ms: int | None = None


SCOPES: Final = (
    *("cases", "cases_valid", "cases_escalated", "cases_valid_escalated"),
    *("cases_by_agent", "cases_by_client", "cases_by_vendor"),
    *("cases_undecided", "cases_closed"),
)
"""The counts kept apart; each but the first is part of ``cases``."""


def scopes(complaint: Complaint) -> dict[str, int]:
    """Return what a complaint adds to each count of ``SCOPES``, 0 or 1.

    Fault counts valid complaints only: of one that is not valid nobody is at fault. Undecided is
    one whose validity nobody has decided yet.
    """
    is_valid = complaint.is_valid is True
    return {
        "cases": 1,
        "cases_valid": int(is_valid),
        "cases_escalated": int(complaint.is_escalated),
        "cases_valid_escalated": int(is_valid and complaint.is_escalated),
        "cases_by_agent": int(is_valid and complaint.fault is Fault.AGENT),
        "cases_by_client": int(is_valid and complaint.fault is Fault.CLIENT),
        "cases_by_vendor": int(is_valid and complaint.fault is Fault.VENDOR),
        "cases_undecided": int(complaint.is_valid is None),
        "cases_closed": int(complaint.closed_at_ms is not None),
    }
