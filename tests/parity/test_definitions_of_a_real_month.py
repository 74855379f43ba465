"""SQL and the Python reference agree on a bank's real January 1999 by every definition.

Each definition has its turn on each of the bank's queues; the calls are split over so many clients,
each with another definition, that one load serves them all. The bank's times are Israel's.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Final

import pytest

from pipeline.codec.adapter import Origin
from pipeline.codec.anonymous_bank import AnonymousBankAdapter
from pipeline.config_files import QueueEntry, Targets
from pipeline.domain.business_time import Month
from pipeline.domain.events import CallEvent
from pipeline.domain.target import ServiceTarget, TargetHistory
from pipeline.settings import PROJECT_ROOT
from tests.parity import test_definitions as parity

JANUARY: Final = (
    PROJECT_ROOT.parent / "shared" / "realdata" / "anonymous_bank_1999" / "january1999.txt"
)
ZONE: Final = "Asia/Jerusalem"
MONTH: Final = Month(1999, 1)
RULES: Final = parity.DELIVERED + parity.COMBINED

pytestmark = pytest.mark.skipif(
    not JANUARY.exists(), reason="no ../shared/realdata beside the repository"
)


def by_definition() -> Targets:
    """Return terms in which the client ``bank7`` counts by the seventh definition."""
    entries = tuple(
        QueueEntry(f"bank{number}", "*", "*", ZONE, TargetHistory((0,), (target,)))
        for number, target in enumerate(
            ServiceTarget(
                threshold_ms=20_000,
                inclusive=rules.inclusive,
                short_abandon_ms=rules.short_abandon_ms,
                long_hold_ms=120_000,
                goal_permille=800,
                definition=rules,
                zone=ZONE,
            )
            for rules in RULES
        )
    )
    return Targets(entries, "real")


def bank_logs() -> list[list[CallEvent]]:
    """Return the month's events, a log per client: the calls are dealt out in turn."""
    reader = AnonymousBankAdapter(Origin(client="bank", source="bank", customer_key=b"key"))
    for line in JANUARY.read_bytes().splitlines():
        reader.feed(line)
    logs: list[list[CallEvent]] = [[] for _ in RULES]
    turns: dict[str, int] = {}
    for event in reader.finish():
        turn = turns.setdefault(event.contact_id, len(turns) % len(RULES))
        logs[turn].append(replace(event, client=f"bank{turn}"))
    return logs


def test_every_definition_gives_the_same_figures_of_a_real_month(models: dict[str, str]) -> None:
    logs = bank_logs()
    marks = [max(e.occurred_at_ms for e in log) for log in logs]
    by = by_definition()
    with parity.opened(models) as con:
        parity.load(con, logs, marks, by, None, month=MONTH)
        figures = parity.figures(con, "current")
    assert parity.differences(figures, parity.expected(logs, marks, by)) == []
    assert {key[0] for key in figures} == {f"bank{n}" for n in range(len(RULES))}
    assert len(figures) > 10_000
