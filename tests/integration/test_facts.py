"""Files of facts to a closed month on a real broker: ingest, land, month, query."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from pipeline.batch.land import land
from pipeline.codec.encode import encode
from pipeline.codec.fact_fields import TOPICS
from pipeline.commands.ingest import app
from pipeline.domain.events import AgentStateEvent, EventType
from pipeline.domain.fact import FactKind
from pipeline.settings import PROJECT_ROOT, Settings
from tests.agent_logs import a_state_event
from tests.factories import an_event
from tests.integration.live import read_topic
from tests.integration.test_month import CALL_MS, CONTRACT, QUEUES, ask, close

pytestmark = [pytest.mark.integration, pytest.mark.timeout(300)]

RUN = CliRunner()
HOUR = 3_600_000
# Shanghai, 2025-11-11: the call is answered at 12:00, ann works from 12:00 to 14:00.
FILES = {
    "schedule-2025-11-01.csv": """\
agent,start,end,activity,shift_id
ann,2025-11-11 08:00,2025-11-11 13:00,on_queue,1
ann,2025-11-11 13:00,2025-11-11 13:30,break,2
bob,2025-11-11 12:00,2025-11-11 14:00,on_queue,3
bob,2025-11-12 12:00,2025-11-12 14:00,on_queue,4
""",
    # as of the tenth: ann's shift begins at noon, bob has one less
    "schedule-2025-11-10.csv": """\
agent,start,end,activity,shift_id,is_withdrawn
ann,2025-11-11 12:00,2025-11-11 13:00,on_queue,1,
bob,2025-11-12 12:00,2025-11-12 14:00,on_queue,4,yes
bob,2025-11-12 14:00,2025-11-12 12:00,on_queue,5,
""",
    "forecast-2025-11-10.json": [
        {"queue": "service", "interval_start": "2025-11-11T12:00", "interval_min": 30}
        | {"calls": 1.5, "aht_s": 60},
        {"queue": "service", "interval_start": "2025-11-11T12:30", "interval_min": 30, "calls": 2},
        {"queue": "service", "interval_start": "2025-11-11T12:35", "interval_min": 7, "calls": 2},
    ],
    "complaints-2025-12-03.csv": """\
complaint_id,received_at,category,contact_id,is_valid,is_escalated,fault,customer_number
1,2025-11-12 09:00,rude,c-1,true,true,agent,+86 21 5555 0101
2,2025-12-02 09:00,waiting,c-1,false,,,
3,2025-11-30 23:59,other,,,,,
4,whenever,other,,,,,+86 21 5555 0102
""",
    "incidents-2025-11-12.csv": """\
incident_id,start,end,kind,cause,is_excluded,evidence
I-1,2025-11-11 12:00,2025-11-11 12:30,client_system,machine,yes,mail
I-2,2025-11-11 12:20,2025-11-11 13:00,telephony,machine,yes,mail
I-3,2025-11-11 18:00,,power,environment,no,
""",
    "qa-2025-11-20.csv": """\
agent,form,evaluated_at,score,sampling,contact_id,compliance_critical_count,population_count
ann,voice-3,2025-11-20 10:00,87.5,random,c-1,1,40
""",
    "people-2025-11-01.csv": """\
agent,team,leader,valid_from,queues
ann,red,lea,2025-01-01,service
ann,blue,lou,2025-11-15,service;sales
""",
}


@pytest.fixture
def here(settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Settings:
    """A deployment whose command finds the test's broker, with one contract and no data."""
    config = tmp_path / "config"
    (config / "contracts").mkdir(parents=True)
    (config / "contracts" / "acme.yaml").write_text(CONTRACT)
    (config / "queues.yaml").write_text(QUEUES)
    for name in ("agent_time.yaml", "wind_vane.yaml"):
        shutil.copy(PROJECT_ROOT / "config" / name, config)
    monkeypatch.setenv("VANE_HOME", str(settings.home))
    monkeypatch.setenv("VANE_BOOTSTRAP", settings.bootstrap)
    monkeypatch.setenv("VANE_TOPIC_PREFIX", settings.topic_prefix)
    monkeypatch.setenv("VANE_CUSTOMER_KEY", "a secret of the test")
    return replace(settings, config_dir=config)


def ingest(*arguments: object) -> None:
    result = RUN.invoke(app, [str(argument) for argument in arguments])
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    assert result.exit_code == 0, result.output


def send_calls(folder: Path) -> None:
    """Send one call, and ann's two hours."""
    calls = [
        an_event(kind, at, contact_id="c-1")
        for kind, at in (
            (EventType.QUEUED, 0),
            (EventType.OFFERED, 5_000),
            (EventType.ANSWERED, 9_000),
            (EventType.ENDED, 69_000),
        )
    ]
    states: list[AgentStateEvent] = [
        a_state_event("available", CALL_MS, number=1),
        a_state_event("break", CALL_MS + HOUR, number=2),
        a_state_event("available", CALL_MS + HOUR + HOUR // 4, number=3),
        a_state_event("logged_out", CALL_MS + 2 * HOUR, number=4),
    ]
    for name, events in (("acd.events", calls), ("acd.agent-states", states)):
        lines = b"".join(encode(event) + b"\n" for event in events)
        (folder / f"{name}.ndjson").write_bytes(lines)
    ingest("--format", "canonical", folder)


def test_facts_from_files_are_in_the_closed_month(here: Settings, tmp_path: Path) -> None:
    calls = tmp_path / "calls"
    calls.mkdir()
    send_calls(calls)
    # the order of files says nothing, nor how often they are sent
    for name in [*reversed(FILES), *FILES]:
        content: Any = FILES[name]
        file = tmp_path / name
        file.write_text(content if isinstance(content, str) else json.dumps(content))
        kind = name.split("-", maxsplit=1)[0]
        ingest(
            *("--format", kind, "--client", "acme", "--timezone", "Asia/Shanghai"),
            *("--source", f"{kind}-system", file),
        )
    letters = read_topic(here, f"{TOPICS[FactKind.COMPLAINTS]}.dlq")
    assert [dict(letter.headers)["dlq.reason"] for letter in letters] == [b"bad_value"] * 2
    assert all(b"5555" not in letter.value for letter in letters)
    assert len(read_topic(here, "ref.schedule.dlq")) == 2
    for record in read_topic(here, TOPICS[FactKind.COMPLAINTS]):
        assert record.key == b"acme"
        assert b"5555" not in record.value

    landed = land(here)
    assert landed.rejects.total() == 0
    assert landed.rows["ref.schedule"] == 2 * 6
    closed = close(here)
    assert not closed.is_empty
    assert [w for w in closed.run.warnings if "facts" in w] == []
    assert any("forecasts_that_overlap = 1" in w for w in closed.run.warnings)

    days = ask(
        here,
        "select agent, business_on::text, scheduled_ms, adherent_ms, logged_in_ms "
        "from fct_agent_days order by all",
    )
    assert days == [
        ("ann", "2025-11-11", 3 * HOUR // 2, HOUR + HOUR // 4, 2 * HOUR),
        ("bob", "2025-11-11", 2 * HOUR, 0, 0),
    ]
    assert ask(
        here,
        "select queue, attribution, cases, cases_valid, cases_escalated, cases_by_agent, "
        "cases_undecided, cases_unplaced, handled, cases_per_thousand "
        "from bi_complaint_months order by all",
    ) == [
        ("", "received", 1, 0, 0, 0, 1, 1, 0, None),
        ("service", "contact", 2, 1, 1, 1, 0, 0, 1, 2000.0),
        ("service", "received", 1, 1, 1, 1, 0, 0, 1, 1000.0),
    ]
    assert ask(
        here,
        "select queue, started_at_ms, excluded_ms, incident_count, incident_ids "
        "from fct_excluded_spans",
    ) == [("service", CALL_MS, HOUR, 2, ["I-1", "I-2"])]
    assert ask(
        here,
        "select interval_start_ms - ?, forecast_calls_milli, forecast_handle_ms, is_comparable, "
        "offered, handled, handle_ms from fct_forecast_intervals order by 1".replace(
            "?", str(CALL_MS)
        ),
    ) == [
        (0, 1_500, 90_000, True, 1, 1, 60_000),
        (HOUR // 2, 2_000, None, True, 0, 0, 0),
        (35 * 60_000, 2_000, None, False, None, None, None),
    ]
    assert ask(
        here,
        "select agent, team, score_milli, max_score_milli, compliance_critical_count, "
        "population_count from fct_evaluations",
    ) == [("ann", "blue", 87_500, 100_000, 1, 40)]
    assert ask(here, "select team, leader, queues from dim_people order by valid_from_ms") == [
        ("red", "lea", ["service"]),
        ("blue", "lou", ["sales", "service"]),
    ]
