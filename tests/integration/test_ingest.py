"""``vane ingest`` into a real broker: every row arrives, keyed, in order, or is a dead letter."""

from __future__ import annotations

import json
import time
from dataclasses import replace
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from pipeline.codec.encode import encode
from pipeline.commands.ingest import app
from pipeline.domain.events import EventType
from pipeline.errors import InputError
from pipeline.ingest.canonical import key_of
from pipeline.ingest.produce import partition_of
from pipeline.settings import Settings
from pipeline.simulator.plan import Order, Scenario
from pipeline.simulator.run import write_canonical
from tests.factories import an_event
from tests.integration.live import read_topic

pytestmark = [pytest.mark.integration, pytest.mark.timeout(120)]

RUN = CliRunner()
BANK_ROW = (
    b"AA0101\t2\t7\t0\tPS\t990101\t9:00:00\t9:00:10\t10\t9:00:10\t9:00:20\t10\t"
    b"AGENT\t9:00:20\t9:01:00\t40\tANN"
)
PHANTOM = BANK_ROW.replace(b"AGENT", b"PHANTOM")


@pytest.fixture
def here(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> Settings:
    """Let the command find the test's broker and topics."""
    monkeypatch.setenv("VANE_HOME", str(settings.home))
    monkeypatch.setenv("VANE_BOOTSTRAP", settings.bootstrap)
    monkeypatch.setenv("VANE_TOPIC_PREFIX", settings.topic_prefix)
    return settings


def ingest(*arguments: object) -> Result:
    result = RUN.invoke(app, [str(argument) for argument in arguments])
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    return result


def test_a_simulation_arrives_whole_keyed_and_in_order_each_time_it_is_sent(
    here: Settings, tmp_path: Path
) -> None:
    order = Order(scenario=Scenario.DOUBLE11, seed=1, year=2025, month=11, scale=0.1)
    write_canonical(order, tmp_path, lambda _: None)
    for _ in range(2):
        assert ingest("--format", "canonical", tmp_path).exit_code == 0
    for name in ("acd.events", "acd.agent-states"):
        lines = (tmp_path / f"{name}.ndjson").read_bytes().splitlines()
        arrived = read_topic(here, name)
        assert len(arrived) == 2 * len(lines)
        expected: dict[int, list[bytes]] = {}
        for line in lines:
            expected.setdefault(partition_of(key_of(line), 4), []).append(line)
        for partition, values in expected.items():
            there = [r for r in arrived if r.partition == partition]
            assert [r.value for r in there] == values + values
            assert [r.key for r in there] == [key_of(r.value) for r in there]
        assert len(expected) > 1
    assert read_topic(here, "acd.events.dlq") == []


def test_a_bank_file_arrives_in_order_of_time_and_its_bad_rows_as_dead_letters(
    here: Settings, tmp_path: Path
) -> None:
    file = tmp_path / "january.txt"
    earlier = BANK_ROW.replace(b"AA0101\t2", b"AA0102\t1").replace(b"\t9:", b"\t8:")
    file.write_bytes(b"\r\n".join([BANK_ROW, PHANTOM, earlier, b"rubbish"]))
    result = ingest("--format", "anonymous-bank", "--client", "bank", file)
    assert result.exit_code == 0
    events = [json.loads(r.value) for r in read_topic(here, "acd.events")]
    assert [(e["contact_id"], e["type"]) for e in events] == [
        (contact, kind)
        for contact in ("AA0102-1", "AA0101-2")
        for kind in ("queued", "offered", "answered", "ended")
    ]
    letters = read_topic(here, "acd.events.dlq")
    assert [letter.value for letter in letters] == [PHANTOM, b"rubbish"]
    headers = [{name: value.decode() for name, value in letter.headers} for letter in letters]
    assert [h["dlq.reason"] for h in headers] == ["phantom", "bad_row"]
    assert [h["__connect.errors.topic"] for h in headers] == [here.topic("acd.events")] * 2
    assert headers[1]["__connect.errors.exception.message"].startswith("january.txt:4: expected 17")


def test_bytes_that_are_no_event_are_passed_on_for_the_stream_to_judge(
    here: Settings, tmp_path: Path
) -> None:
    file = tmp_path / "odd.ndjson"
    huge = b"x" * 10_000_000
    good = encode(an_event(EventType.QUEUED, site="north"))
    file.write_bytes(b"{broken\n" + huge + b"\n" + good + b"\n")
    assert ingest("--format", "canonical", file).exit_code == 0
    assert {(r.key, r.value) for r in read_topic(here, "acd.events")} == {
        (b"", b"{broken"),
        (b"", huge),
        (b"acme/north", good),
    }


def test_a_rate_is_kept(here: Settings, tmp_path: Path) -> None:
    file = tmp_path / "calls.ndjson"
    file.write_bytes((encode(an_event(EventType.QUEUED)) + b"\n") * 400)
    started = time.monotonic()
    assert ingest("--format", "canonical", "--rate", "200", file).exit_code == 0
    assert 1.9 < time.monotonic() - started < 6
    assert len(read_topic(here, "acd.events")) == 400


def test_missing_topics_are_named_with_what_to_do(
    here: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    elsewhere = replace(here, topic_prefix="nowhere.")
    monkeypatch.setenv("VANE_TOPIC_PREFIX", elsewhere.topic_prefix)
    file = tmp_path / "calls.ndjson"
    file.write_bytes(encode(an_event(EventType.QUEUED)))
    with pytest.raises(InputError, match=r"nowhere\.acd\.events.*vane topics apply"):
        ingest("--format", "canonical", file)
