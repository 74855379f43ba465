"""Real Amazon Connect contact records and an agent event: their own figures come out."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from pipeline.codec.connect_agents import ConnectAgentAdapter
from pipeline.codec.connect_records import ConnectRecordAdapter
from pipeline.domain.outcome import OutcomeKind
from pipeline.settings import PROJECT_ROOT
from tests.adapted import adapt, outcome, seconds

FOLDER = PROJECT_ROOT.parent / "shared/realdata/amazon_connect"
RECORDS = FOLDER / "contact_records.masked.jsonl"
HEART_BEAT = FOLDER / "agent_event_heartbeat.json"

pytestmark = pytest.mark.skipif(
    not FOLDER.exists(), reason="no ../shared/realdata beside the repository"
)

EXPECTED = {
    "6fe40d2a-1a89-4d73-bfcf-5d9c33894f47": (346, 239, 221, 5),
    "15a5cf14-3212-45a1-9f86-a8e97db8afaf": (7, 33, 0, 32),
}
"""Queue, talk, hold and after-call work, in seconds, by contact."""


def lines(path: Path) -> list[bytes]:
    return path.read_bytes().splitlines()


@pytest.mark.parametrize("step", [1, -1])
def test_the_records_give_connects_own_durations_in_either_order(step: int) -> None:
    found = adapt(ConnectRecordAdapter, lines(RECORDS)[::step])
    assert {leg[0]: seconds(facts) for leg, facts in found.facts.items()} == EXPECTED
    assert {outcome(facts).kind for facts in found.facts.values()} == {OutcomeKind.ANSWERED}
    assert found.skipped == {"superseded": 2}
    assert found.rejected == []
    assert found.anomalies == {}


def test_reading_the_file_twice_changes_nothing() -> None:
    once, twice = (adapt(ConnectRecordAdapter, lines(RECORDS) * n) for n in (1, 2))
    assert sorted(e.event_id for e in once.calls) == sorted(e.event_id for e in twice.calls)
    assert sum(twice.skipped.values()) == 6


def test_no_number_of_the_records_is_in_an_event() -> None:
    told = str(adapt(ConnectRecordAdapter, lines(RECORDS)).calls)
    numbers = [
        record[part]["Address"].lstrip("+")
        for record in map(json.loads, lines(RECORDS))
        for part in ("CustomerEndpoint", "SystemEndpoint", "TransferredToEndpoint")
        if record[part]
    ]
    assert len(numbers) > 6
    assert [number for number in numbers if number in told] == []


def test_the_heart_beat_of_an_agent_who_is_offline_proves_nothing_but_that() -> None:
    found = adapt(ConnectAgentAdapter, [HEART_BEAT.read_bytes()])
    (state,) = found.states
    assert (state.agent, state.state, state.reason) == ("aestest", "logged_out", "heartbeat")
    assert state.occurred_at_ms == 1_565_729_924_031
    assert found.calls == []
