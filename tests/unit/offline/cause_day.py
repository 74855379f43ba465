"""A morning of 双11 as the lander leaves it, with calls, agents' states, shifts and an incident."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from pipeline.codec.encode import encode
from pipeline.codec.fact_fields import TOPICS
from pipeline.domain.events import AgentState, AgentStateEvent, event_id
from pipeline.domain.fact import FactKind, identified
from pipeline.domain.incident import Incident, IncidentKind
from pipeline.domain.shift import Shift
from pipeline.lake.shape import AGENT_STATES, CALL_EVENTS
from pipeline.settings import Settings
from tests.factories import an_event
from tests.unit.offline import landed_day as landed

HOUR_MS = 3_600_000
_PLAIN: dict[str, Any] = {
    "v": 1,
    "record_id": "",
    "revision_id": "",
    "as_of_ms": 1,
    "client": "meridian",
    "site": "sh",
    "source": "wfm",
    "source_position": "1",
}


def call(contact: str, at_ms: int, agent: str | None = "anna", **given: Any) -> list[bytes]:
    """Return the events of a leg that queued at an instant; ``rang`` let it ring for 20 s before.

    Answered after 5 s, talk ``talk_s``, after-call work 30 s; without an agent it hangs up.
    """
    talk_s = given.pop("talk_s", 210)
    rang = given.pop("rang", None)
    names = {"client": "meridian", "site": "sh", "contact_id": contact} | given

    def event(kind: str, after_s: float, **more: Any) -> bytes:
        at = at_ms + round(1000 * after_s)
        return encode(an_event(kind, **(names | more), occurred_at_ms=at))

    found = [event("queued", 0)]
    if rang is not None:
        found += [event("offered", 1, agent=rang), event("ring_no_answer", 21, agent=rang)]
    if agent is None:
        return [*found, event("abandoned", 60)]
    return [
        *found,
        event("offered", 3, agent=agent),
        event("answered", 5, agent=agent),
        event("ended", 5 + talk_s),
        event("wrapup_started", 5 + talk_s),
        event("wrapup_ended", 35 + talk_s),
    ]


def state(agent: str, at_ms: int, what: AgentState) -> bytes:
    return encode(
        AgentStateEvent(
            v=1,
            event_id=event_id("acd", f"{agent}{at_ms}{what}"),
            state=what,
            occurred_at_ms=at_ms,
            client="meridian",
            site="sh",
            agent=agent,
            source="acd",
            source_position="1",
        )
    )


def shift(agent: str, start_ms: int, end_ms: int, activity: str = "on_queue") -> bytes:
    given = {
        "agent": agent,
        "start_ms": start_ms,
        "end_ms": end_ms,
        "activity": activity,
        "is_paid": True,
        "is_billable": True,
    }
    return encode(identified(FactKind.SCHEDULE, Shift(**(_PLAIN | given))))


def incident(name: str, start_ms: int, end_ms: int | None, **given: Any) -> bytes:
    plain = {
        "incident_id": name,
        "start_ms": start_ms,
        "end_ms": end_ms,
        "kind": IncidentKind.TELEPHONY,
        "is_excluded": False,
    }
    return encode(identified(FactKind.INCIDENTS, Incident(**(_PLAIN | plain | given))))


def land(
    settings: Settings,
    *,
    calls: Iterable[Iterable[bytes]] = (),
    states: Iterable[bytes] = (),
    shifts: Iterable[bytes] = (),
    incidents: Iterable[bytes] = (),
) -> None:
    """Land each kind that there is any of; once per settings."""
    for topic, records in (
        (CALL_EVENTS, [event for leg in calls for event in leg]),
        (AGENT_STATES, list(states)),
        (TOPICS[FactKind.SCHEDULE], list(shifts)),
        (TOPICS[FactKind.INCIDENTS], list(incidents)),
    ):
        if records:
            landed.land_records(settings, topic, records)
