"""What lies in the files: canonical bytes, disorder, duplicates, late events."""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys
from collections import Counter
from itertools import pairwise
from pathlib import Path
from random import Random
from typing import Any

import msgspec
import pytest

from pipeline.codec.decode import decode_agent_state, decode_call_event
from pipeline.codec.encode import encode
from pipeline.domain.events import AgentState, CallEvent, EventType, Rejected, event_id
from pipeline.simulator.delivery import LATE_BY_MS, Delivery
from pipeline.simulator.plan import Order, Scenario
from pipeline.simulator.run import AGENT_STATES_FILE, CALLS_FILE, TRUTH_FILE, write_canonical

HOUR = 3_600_000
NOT_SIMULATED = {
    *(AgentState.MEETING, AgentState.RINGING, AgentState.BACK_OFFICE, AgentState.OTHER),
}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Write two small days."""
    folder = tmp_path_factory.mktemp("simulated")
    order = Order(
        scenario=Scenario.NORMAL_MONTH,
        seed=3,
        year=2025,
        month=11,
        scale=0.3,
        days=2,
        late_rate=0.002,
    )
    write_canonical(order, folder, lambda _: None)
    return folder


@pytest.fixture(scope="module")
def calls(folder: Path) -> list[CallEvent]:
    """Return the call events in order of delivery."""
    events = []
    for line in (folder / CALLS_FILE).read_bytes().splitlines():
        event = decode_call_event(line)
        assert not isinstance(event, Rejected), event.message
        events.append(event)
    return events


def test_every_call_line_is_canonical(folder: Path, calls: list[CallEvent]) -> None:
    for line, event in zip((folder / CALLS_FILE).read_bytes().splitlines(), calls, strict=True):
        assert encode(event) == line


def test_every_agent_state_line_is_canonical(folder: Path) -> None:
    for line in (folder / AGENT_STATES_FILE).read_bytes().splitlines():
        event = decode_agent_state(line)
        assert not isinstance(event, Rejected), event.message
        assert encode(event) == line


def test_event_ids_are_hashes_of_source_and_position(calls: list[CallEvent]) -> None:
    for event in calls:
        assert event.event_id == event_id(event.source, event.source_position)


def test_an_event_id_stands_for_one_event(calls: list[CallEvent]) -> None:
    by_id: dict[str, CallEvent] = {}
    for event in calls:
        assert by_id.setdefault(event.event_id, event) == event


def test_every_kind_of_event_occurs(calls: list[CallEvent]) -> None:
    assert {event.type for event in calls} == set(EventType)


def test_the_truth_counts_records_duplicates_and_late_ones(
    folder: Path, calls: list[CallEvent]
) -> None:
    told = json.loads((folder / TRUTH_FILE).read_text())["delivery"]["acd.events"]
    distinct = len({event.event_id for event in calls})
    assert told["records"] == len(calls)
    assert told["distinct"] == distinct
    assert told["duplicates"] == len(calls) - distinct
    assert 0.003 < told["duplicates"] / distinct < 0.007
    newest = 0
    late = 0
    seen = set()
    for event in calls:
        newest = max(newest, event.occurred_at_ms)
        late += event.occurred_at_ms < newest - 2 * HOUR and event.event_id not in seen
        seen.add(event.event_id)
    # Before opening and after closing the log advances in steps, so a few pass unnoticed.
    assert told["late"] * 0.7 <= late <= told["late"]
    assert late > 0


def test_delivery_is_out_of_order_by_seconds(calls: list[CallEvent]) -> None:
    newest = 0
    disordered = 0
    for event in calls:
        disordered += event.occurred_at_ms < newest
        newest = max(newest, event.occurred_at_ms)
    assert disordered / len(calls) > 0.1


def test_a_delivery_takes_four_seconds_on_average() -> None:
    delivery = Delivery(Random(1), late_rate=0.0)  # noqa: S311 - as the simulator draws
    delivery.send([(at * 1_000_000, str(at)) for at in range(5_000)])
    delays = [arrives - int(line) * 1_000_000 for arrives, line in delivery.under_way]
    assert 3_800 < sum(delays) / len(delays) < 4_300


def test_no_telephone_number_is_written(folder: Path) -> None:
    assert b"86199" not in (folder / CALLS_FILE).read_bytes()


def test_a_leg_begins_in_the_queue_and_a_transfer_leads_to_the_next(
    calls: list[CallEvent],
) -> None:
    legs: dict[tuple[str, str, str, int], dict[str, CallEvent]] = {}
    for event in sorted(calls, key=lambda event: event.occurred_at_ms):
        place = (event.client, event.site, event.contact_id, event.leg)
        legs.setdefault(place, {}).setdefault(event.type, event)
    for place, leg in legs.items():
        if "dialed" in leg:
            continue
        if "queued" not in leg:
            (event,) = leg.values()
            assert event.reason in {"before_queue", "full", "closed"}
            continue
        assert leg["queued"].occurred_at_ms == min(e.occurred_at_ms for e in leg.values())
        assert len({"ended", "abandoned", "flowed_out", "callback_requested"} & set(leg)) == 1
        if "transferred" in leg:
            assert leg["ended"].reason == "transfer"
            target = leg["transferred"].transfer_target or ""
            following = legs.get((*place[:3], place[3] + 1))
            assert target.startswith("external:") == (following is None)
            for event in (following or {}).values():
                assert f"queue:{event.queue}" == target
                assert event.occurred_at_ms > leg["transferred"].occurred_at_ms


def test_an_outbound_call_is_dialed_then_picked_up_then_put_through(
    calls: list[CallEvent],
) -> None:
    legs: dict[str, list[CallEvent]] = {}
    for event in sorted({e.event_id: e for e in calls}.values(), key=_story_order):
        legs.setdefault(event.contact_id, []).append(event)
    stories = Counter(
        tuple(str(event.type) for event in events if event.type != "offered")
        for events in legs.values()
        if any(event.type == "dialed" for event in events)
    )
    served = ("dialed", "connected", "answered", "ended", "wrapup_started", "wrapup_ended")
    assert set(stories) == {("dialed", "ended"), ("dialed", "connected", "ended"), served}
    asked = {e.customer_ref for events in legs.values() for e in events if _asks(events)}
    assert asked & {e.customer_ref for e in calls if e.type == "dialed"}


def _story_order(event: CallEvent) -> tuple[int, bool]:
    return event.occurred_at_ms, event.type == "wrapup_started"


def _asks(events: list[CallEvent]) -> bool:
    return any(event.type == "callback_requested" for event in events)


def test_an_agent_logs_in_changes_state_and_logs_out(folder: Path) -> None:
    events = {}
    for line in (folder / AGENT_STATES_FILE).read_bytes().splitlines():
        event = decode_agent_state(line)
        assert not isinstance(event, Rejected)
        events[event.event_id] = event
    agents: dict[tuple[str, str], list[AgentState]] = {}
    for event in sorted(events.values(), key=lambda event: event.occurred_at_ms):
        agents.setdefault((event.client, event.agent), []).append(event.state)
    seen: Counter[AgentState] = Counter()
    for states in agents.values():
        seen.update(states)
        assert states[0] is AgentState.AVAILABLE
        assert states[-1] is AgentState.LOGGED_OUT
        assert all(a is not b for a, b in pairwise(states))
    assert set(seen) == set(AgentState) - NOT_SIMULATED


def digest(folder: Path) -> dict[str, str]:
    """Return the hash of every file."""
    return {
        path.name: hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


@pytest.mark.parametrize("form", ["canonical", "queue_log"])
def test_the_same_seed_gives_the_same_bytes_in_any_process(form: str, tmp_path: Path) -> None:
    command = "from pipeline.commands.simulate import app; app()"
    options = ["--seed", "5", "--scale", "0.05", "--days", "2", "--format", form]
    digests = []
    for hash_seed in ("1", "2"):
        out = tmp_path / hash_seed
        subprocess.run(
            [sys.executable, "-c", command, *options, "--out", str(out)],
            check=True,
            capture_output=True,
            env=os.environ | {"PYTHONHASHSEED": hash_seed, "VANE_CUSTOMER_KEY": hash_seed},
        )
        digests.append(digest(out))
    assert digests[0] == digests[1]


def test_another_seed_gives_other_calls_under_other_names(tmp_path: Path) -> None:
    ids = []
    for seed in (1, 2):
        order = Order(
            scenario=Scenario.DOUBLE11, seed=seed, year=2025, month=11, scale=0.02, late_rate=0.0
        )
        write_canonical(order, tmp_path, lambda _: None)
        lines = (tmp_path / CALLS_FILE).read_bytes().splitlines()
        ids.append({msgspec.json.decode(line)["event_id"] for line in lines})
    assert not ids[0] & ids[1]


def test_fewer_days_are_the_beginning_of_more(tmp_path: Path) -> None:
    written: list[list[dict[str, Any]]] = []
    for days in (1, 2):
        order = Order(
            scenario=Scenario.NORMAL_MONTH, seed=1, year=2025, month=11, scale=0.05, days=days
        )
        write_canonical(order, tmp_path, lambda _: None)
        written.append(json.loads((tmp_path / TRUTH_FILE).read_text())["days"])
    assert [row for row in written[1] if row["day"] == "2025-11-01"] == written[0]


def test_a_late_event_arrives_past_the_grace() -> None:
    delivery = Delivery(Random(1), late_rate=1.0)  # noqa: S311 - as the simulator draws
    delivery.send([(1_000, "late")])
    assert delivery.arrived(1_000 + LATE_BY_MS) == []
    assert delivery.flush() == ["late"]
    assert delivery.late == 1
