"""Draws facts about simulated events: of each kind there is, some corrected, some withdrawn."""

from __future__ import annotations

from random import Random
from typing import Any, Final

from pipeline.domain.complaint import Fault
from pipeline.domain.evaluation import Sampling
from pipeline.domain.fact import FactKind
from pipeline.domain.kpi import PANE_MS
from pipeline.domain.schedule import ACTIVITIES
from tests.facts import a_fact

Event = dict[str, Any]
HOUR_MS: Final = 3_600_000
AS_OF_MS: Final = 1_762_000_000_000
SITES: Final = {
    ("meridian", "sh"): ["service", "orders", "returns"],
    ("meridian", "cd"): ["service", "orders", "returns"],
    ("harbour", ""): ["cards", "loans"],
}
"""Client and site to queues, as the simulator has them."""


def draw_alert(rng: Random, number: int, calls: list[Event]) -> Event:
    """Return a transition of one of two rules; of ``number`` some are told twice."""
    call = rng.choice(calls)
    offered = rng.randint(20, 200)
    return {
        "v": 1,
        "alert_id": f"{rng.randint(1, number):032x}",
        "status": rng.choice(["firing", "resolved"]),
        "rule": rng.choice(["service-level-drop", "night-watch"]),
        "rule_version": "3b1f0a9c77de",
        "severity": "page",
        "runbook": "docs/runbooks/service-level-drop.md",
        "client": call["client"],
        "site": call.get("site", ""),
        "queue": rng.choice([call["queue"], "elsewhere"]),
        "at_ms": call["occurred_at_ms"] // PANE_MS * PANE_MS,
        "window_ms": 300_000,
        "offered": offered,
        "answered_within": rng.randint(0, offered),
        "goal_permille": 800,
        "revision": 1,
        "partition": 0,
    }


def draw(rng: Random, kind: FactKind, number: int, calls: list[Event], states: list[Event]) -> Any:
    """Return a fact about the events given; some are revisions of others, some withdrawn.

    ``number`` is how many are drawn of a kind.
    """
    site = rng.choice(list(SITES))
    call = rng.choice([c for c in calls if (c["client"], c.get("site", "")) == site])
    state = rng.choice([a for a in states if (a["client"], a.get("site", "")) == site])
    at_ms = state["occurred_at_ms"] // 900_000 * 900_000
    name = str(rng.randint(1, number))
    head = {
        "client": site[0],
        "site": site[1],
        "as_of_ms": AS_OF_MS + rng.randint(1, 3),
        "is_withdrawn": rng.random() < 0.1,
    }
    own: dict[str, Any] = {}
    match kind:
        case FactKind.FORECAST:
            own = {
                "queue": rng.choice([*SITES[site], "elsewhere"]),
                "interval_start_ms": at_ms + rng.choice([0, 0, 0, 300_000]),
                "interval_ms": rng.choice([900_000, 1_800_000]),
                "calls_milli": rng.randint(0, 50_000),
                "aht_ms": rng.choice([None, 240_123]),
                "agents_milli": rng.choice([None, 7_500]),
            }
        case FactKind.SCHEDULE:
            own = {
                "agent": state["agent"],
                "start_ms": at_ms,
                "end_ms": at_ms + rng.choice([1, 2, 8]) * HOUR_MS // 2,
                "activity": rng.choice(ACTIVITIES),
                "is_paid": rng.random() < 0.7,
                "is_billable": rng.random() < 0.7,
            }
        case FactKind.QA:
            own = {
                "agent": state["agent"],
                "evaluated_at_ms": at_ms,
                "evaluation_id": name,
                "score_milli": rng.randint(0, 100_000),
                "sampling": rng.choice(list(Sampling)),
                "contact_id": rng.choice([None, call["contact_id"]]),
                "compliance_critical_count": rng.choice([None, 0, 1]),
            }
        case FactKind.COMPLAINTS:
            own = {
                "complaint_id": name,
                "received_at_ms": at_ms,
                "contact_id": rng.choice([None, call["contact_id"]]),
                "contact_at_ms": rng.choice([None, at_ms - HOUR_MS]),
                "queue": rng.choice([None, *SITES[site], "elsewhere"]),
                "is_valid": rng.choice([None, True, False]),
                "is_escalated": rng.random() < 0.5,
                "fault": rng.choice([None, *Fault]),
                "closed_at_ms": rng.choice([None, at_ms + HOUR_MS]),
            }
        case FactKind.INCIDENTS:
            own = {
                "incident_id": name,
                "start_ms": at_ms,
                "end_ms": rng.choice([None, at_ms, *(at_ms + n * HOUR_MS for n in (1, 2, 12))]),
                "is_excluded": rng.random() < 0.8,
                "queues": tuple(rng.sample([*SITES[site], "elsewhere"], rng.randint(0, 2))),
            }
        case FactKind.PEOPLE:
            own = {
                "agent": state["agent"],
                "valid_from_ms": at_ms - rng.choice([0, 240, 2400]) * HOUR_MS,
                "valid_to_ms": rng.choice([None, at_ms + 48 * HOUR_MS]),
                "team": rng.choice(["red", "blue"]),
                "queues": tuple(rng.sample(SITES[site], 1)),
            }
    return a_fact(kind, **head, **own)
