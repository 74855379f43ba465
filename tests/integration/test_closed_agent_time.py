"""A closed month keeps the zone and the terms of agents' time; who never came was scheduled."""

from __future__ import annotations

from typing import Any

import pytest

from pipeline.batch.month import close_month
from pipeline.codec.encode import encode
from pipeline.domain.fact import FactKind, identified
from pipeline.lake import catalog, landing, manifest
from pipeline.lake.shape import AGENT_STATES, CALL_EVENTS, SHAPES
from pipeline.settings import Settings
from tests.facts import a_fact
from tests.integration.test_month import CALL_MS, NOVEMBER, Rec, ask, deployment, land, one_call

__all__ = ["deployment"]

HOUR = 3_600_000
SCHEDULE = "ref.schedule"
DAYS = (
    "select site, agent, business_on::text, logged_in_ms, paid_ms, scheduled_ms, adherent_ms "
    "from bi_agent_days order by all"
)


def land_shift(settings: Settings, **fields: Any) -> None:
    shift = identified(FactKind.SCHEDULE, a_fact(FactKind.SCHEDULE, **fields))
    draft = landing.Draft(SHAPES[SCHEDULE], "id", 0, 0, 0)
    draft.add([Rec(0, encode(shift), shift.as_of_ms)], now_ms=0)
    batch = landing.write(settings.landing, draft)
    manifest.commit(settings.landing, batch)
    assert batch.rejects == 0


def legs_that_never_queue() -> list[dict[str, Any]]:
    """Return a call that was refused and one that was dialed: no warning is due of either."""
    refused = {"contact_id": "r", "type": "refused", "reason": "full"}
    dialed = {"contact_id": "d", "type": "dialed"}
    leg = {"queue": "service", "leg": 1, "occurred_at_ms": CALL_MS}
    return [leg | refused, leg | dialed]


@pytest.fixture
def worked(deployment: Settings) -> Settings:
    """Ann, of one site, works and is trained over midnight; bob, of another, never logs in."""
    midnight = CALL_MS + 12 * HOUR
    land(deployment, CALL_EVENTS, [*one_call(), *legs_that_never_queue()])
    states = (("available", -HOUR), ("training", 0), ("logged_out", HOUR))
    land(
        deployment,
        AGENT_STATES,
        [{"agent": "ann", "state": s, "occurred_at_ms": midnight + at} for s, at in states],
    )
    land_shift(deployment, agent="bob", site="hh", start_ms=CALL_MS, end_ms=CALL_MS + 2 * HOUR)
    return deployment


def test_a_closed_month_keeps_the_zone_and_the_terms_of_agents_time(worked: Settings) -> None:
    said: list[str] = []
    first = close_month(worked, NOVEMBER, report=said.append)
    assert not [line for line in said if "changed" in line or "headless" in line]
    days = ask(worked, DAYS)
    # a schedule for a site that no agent logged in at is scheduled time that nobody kept to
    assert days == [
        ("", "ann", "2025-11-11", HOUR, HOUR, 0, 0),
        ("", "ann", "2025-11-12", HOUR, HOUR, 0, 0),
        ("hh", "bob", "2025-11-11", 0, 0, 2 * HOUR, 0),
    ]
    assert ask(worked, "select adherence from bi_agent_months where agent = 'bob'") == [(0.0,)]

    queues, terms = (worked.config_dir / name for name in ("queues.yaml", "agent_time.yaml"))
    queues.write_text(queues.read_text().replace("Asia/Shanghai", "Europe/Berlin"))
    unpaid = terms.read_text().replace("training, meeting,\n", "\n")
    assert unpaid != terms.read_text()
    terms.write_text(unpaid)
    again = close_month(worked, NOVEMBER, report=said.append)
    assert ask(worked, DAYS) == days
    assert [line for line in said if "agents' " in line] == [
        f"{what} changed since the month was closed: {site}; {stands}"
        for site in ("acme", "acme/hh")
        for what, stands in (
            ("zone of agents' days", "Asia/Shanghai stands, not Europe/Berlin"),
            ("terms of agents' time", "the closed ones stand"),
        )
    ]
    assert [d.sha256 for d in first.run.datasets] == [d.sha256 for d in again.run.datasets]
    assert first.run.sites == again.run.sites == catalog.read_runs(worked.published)[0].sites
