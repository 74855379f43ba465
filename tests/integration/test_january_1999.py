"""A real month of a real bank, from its file through Kafka and Faust to the published month.

January 1999 of the "Anonymous Bank" (I. Guedj and A. Mandelbaum, Technion). The expected
figures were counted from the file by others.
"""

from __future__ import annotations

import json
from typing import Any

import pytest

from pipeline.settings import PROJECT_ROOT, Settings
from tests.integration import live

JANUARY = PROJECT_ROOT.parent / "shared" / "realdata" / "anonymous_bank_1999" / "january1999.txt"

pytestmark = [
    pytest.mark.integration,
    pytest.mark.timeout(280),
    pytest.mark.skipif(not JANUARY.exists(), reason="no ../shared/realdata beside the repository"),
]

LEGS = """
select count(*) filter (where outcome = 'answered') as answered,
       count(*) filter (where outcome = 'abandoned') as abandoned,
       sum(before_queue_count) as before_queue,
       count(*) filter (where wait_ms > 0) as queued,
       count(*) filter (where wait_ms > 0 and outcome = 'abandoned') as queued_abandoned,
       avg(talk_ms) filter (where talk_ms > 0 and talk_ms <= 3600000) / 1000 as mean_service_s
from fct_leg_facts where client = 'bank' and month = '1999-01'
"""


def query(settings: Settings, sql: str) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = json.loads(live.vane(settings, "query", sql, "--format", "json"))
    return rows


def test_january_1999_is_counted_to_the_call_and_live_equals_month(settings: Settings) -> None:
    printed = live.vane(
        settings, "ingest", "--format", "anonymous-bank", "--client", "bank", str(JANUARY)
    )
    assert all(n in printed for n in ("31,600", "31,359", "240"))  # with the header line
    total = live.log_size(settings)
    with live.running(settings) as worker:
        worker.wait_for(lambda w: w.folded() >= total)
        assert worker.stop() == 0
    live.vane(settings, "land")
    live.vane(settings, "month", "run", "--month", "1999-01")

    (legs,) = query(settings, LEGS)
    assert legs["answered"] == 27_060
    assert legs["abandoned"] + legs["before_queue"] == 4_299
    assert (legs["queued"], legs["queued_abandoned"]) == (16_665, 3_080)
    assert round(legs["mean_service_s"], 1) == 184.7

    dead = live.read_topic(settings, "acd.events.dlq")
    reasons = [dict(r.headers)["dlq.reason"] for r in dead]
    assert reasons.count(b"phantom") == 240
    assert len(reasons) + legs["answered"] + legs["abandoned"] + legs["before_queue"] == 31_599
    assert all(b"PHANTOM" in r.value for r in dead)

    verdict = live.vane(settings, "reconcile", "--month", "1999-01")
    assert "live = month:" in verdict
    assert ", 0 differences" in verdict

    clean = live.clean_fold(settings)
    assert live.live_panes(settings) == clean.panes
