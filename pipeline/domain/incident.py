"""Something that went wrong, for how long, and whether a contract leaves that time out.

Causes are the five of a root-cause diagram (人机料法环): people, machine, material, method,
environment. ``excluded`` says which time a queue's figures leave out; SQL mirrors it in
``int_excluded_spans``.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum

from pipeline.domain.fact import Fact


class IncidentKind(StrEnum):
    """What failed."""

    TELEPHONY = "telephony"
    NETWORK = "network"
    POWER = "power"
    CLIENT_SYSTEM = "client_system"
    OUR_SYSTEM = "our_system"
    STAFFING = "staffing"
    VOLUME = "volume"
    FORCE_MAJEURE = "force_majeure"
    OTHER = "other"


class Cause(StrEnum):
    """Why, in the five causes of 人机料法环."""

    PEOPLE = "people"
    MACHINE = "machine"
    MATERIAL = "material"
    METHOD = "method"
    ENVIRONMENT = "environment"


@dataclass(frozen=True, slots=True, kw_only=True)
class Incident(Fact):
    """Lasted ``[start_ms, end_ms)``, epoch milliseconds UTC; ``end_ms`` is None while it lasts.

    ``queues``: those it hit; none named means all of the site. ``is_excluded``: agreed with the
    client that the time is left out; ``evidence`` says where that is written.
    """

    incident_id: str
    start_ms: int
    kind: IncidentKind
    is_excluded: bool
    queues: tuple[str, ...] = ()
    end_ms: int | None = None
    cause: Cause | None = None
    evidence: str | None = None


def excluded(incidents: Iterable[Incident], queue: str, until_ms: int) -> list[tuple[int, int]]:
    """Return the time a queue's figures leave out: (start, end), ascending, without overlaps.

    Args:
        incidents: those in force of the queue's client and site.
        queue: whose time.
        until_ms: how far time has come; one that lasts is taken up to here.
    """
    given = sorted(
        (incident.start_ms, until_ms if incident.end_ms is None else incident.end_ms)
        for incident in incidents
        if incident.is_excluded and (not incident.queues or queue in incident.queues)
    )
    found: list[tuple[int, int]] = []
    for start, end in given:
        if start >= end:
            continue
        if found and start <= found[-1][1]:
            found[-1] = (found[-1][0], max(found[-1][1], end))
        else:
            found.append((start, end))
    return found
