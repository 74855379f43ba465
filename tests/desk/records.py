"""Records of the desk as tests need them: alerts out of the log, cases, commands."""

from __future__ import annotations

import json
from typing import Any, Final

from sqlalchemy import Engine

from pipeline.desk.alert_intake import Word, take
from pipeline.desk.perform import OPEN, Command, enter
from pipeline.desk.store import writing

NOON_MS: Final = 1_762_862_400_000
"""2025-11-11 12:00 UTC."""
FIRST: Final = f"{1:032x}"


def a_word(number: int, status: str = "firing", **own: Any) -> dict[str, Any]:
    """Return a record of kpi.alerts; ``number`` gives its id and its place in time."""
    return {
        "v": 1,
        "alert_id": f"{number:032x}",
        "status": status,
        "rule": "service-level-drop",
        "rule_version": "3b1f0a9c77de",
        "severity": "page",
        "runbook": "docs/runbooks/service-level-drop.md",
        "client": "acme",
        "site": "",
        "queue": "service",
        "at_ms": NOON_MS + 30_000 * number,
        "window_ms": 300_000,
        "offered": 40,
        "answered_within": 20,
        "goal_permille": 800,
        "revision": number,
        "partition": 0,
    } | own


def line(record: dict[str, Any]) -> bytes:
    """Return a record as the log has it."""
    return json.dumps(record, separators=(",", ":")).encode()


def tell(store: Engine, *records: dict[str, Any]) -> list[Word]:
    """Take records in, in one transaction."""
    with writing(store) as trail:
        return [take(trail, line(record), now_ms=NOON_MS) for record in records]


def a_case(number: int = 1, **own: Any) -> dict[str, Any]:
    """Return what a case has besides its state."""
    return {
        "client": "acme",
        "site": "",
        "queue": "service",
        "customer_ref": f"{number:024x}",
        "contact_id": f"c{number}",
        "business_on": "2025-11-11",
        "risk_milli": -3_000,
        "reason": "waited 252 s (+1.408)",
        "opened_at_ms": NOON_MS,
        "due_at_ms": NOON_MS + 86_400_000,
    } | own


def open_case(store: Engine, record_id: str = "k1", number: int = 1) -> None:
    """Open a case."""
    command = a_command("case", record_id, OPEN, key=f"open/{record_id}")
    with writing(store) as trail:
        enter(trail, command, a_case(number))


def a_command(kind: str, record_id: str, action: str, **own: Any) -> Command:
    """Return a command; by default of Li, by hand."""
    known: dict[str, Any] = {"actor": "li", "via": "cli", "key": action, "at_ms": NOON_MS + 60_000}
    return Command(kind=kind, record_id=record_id, action=action, **(known | own))
