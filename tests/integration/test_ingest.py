"""``vane ingest`` into a real broker: every row arrives, keyed, in order, or is a dead letter."""

from __future__ import annotations

import asyncio
import contextlib
import gzip
import json
import re
import signal
import subprocess
import sys
import time
from dataclasses import replace
from functools import partial
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from pipeline.codec.adapter import Origin
from pipeline.codec.encode import encode
from pipeline.commands.ingest import app
from pipeline.domain.events import EventType, customer_ref
from pipeline.errors import InputError
from pipeline.ingest.ami import AmiSession
from pipeline.ingest.canonical import key_of
from pipeline.ingest.connect import Address, Patience, listen
from pipeline.ingest.formats import FORMATS
from pipeline.ingest.intake import Intake
from pipeline.ingest.produce import partition_of, produce
from pipeline.ingest.session import Credentials
from pipeline.ingest.tally import Tally
from pipeline.settings import Settings
from pipeline.simulator.plan import Order, Scenario
from pipeline.simulator.run import write_canonical
from tests.factories import an_event
from tests.integration.live import environment, read_topic
from tests.line_reader import BLOCK_FORMAT, LINE_FORMAT, a_line

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
    assert time.monotonic() - started > 1.9
    assert len(read_topic(here, "acd.events")) == 400


def test_missing_topics_are_named_with_what_to_do(
    here: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    elsewhere = replace(here, topic_prefix="nowhere.")
    monkeypatch.setenv("VANE_TOPIC_PREFIX", elsewhere.topic_prefix)
    file = tmp_path / "calls.ndjson"
    file.write_bytes(encode(an_event(EventType.QUEUED)))
    with pytest.raises(InputError, match=r"nowhere\.acd\.agent-states.*vane topics apply"):
        ingest("--format", "canonical", file)


@pytest.fixture
def lines(monkeypatch: pytest.MonkeyPatch) -> tuple[str, ...]:
    """Let the command know the format of the tests' own; return the options to choose it."""
    monkeypatch.setitem(FORMATS, LINE_FORMAT.name, LINE_FORMAT)
    monkeypatch.setenv("VANE_CUSTOMER_KEY", "secret")
    return ("--format", LINE_FORMAT.name, "--client", "acme")


def ids(settings: Settings, topic: str = "acd.events") -> list[str]:
    return [json.loads(record.value)["event_id"] for record in read_topic(settings, topic)]


def test_a_log_ingested_twice_and_once_rotated_has_the_same_events(
    here: Settings, lines: tuple[str, ...], tmp_path: Path
) -> None:
    log = tmp_path / "queue_log"
    log.write_bytes(b"".join(a_line(n) for n in range(50)) + b"1700000000|ann||ready|\n")
    assert ingest(*lines, log).exit_code == 0
    once = ids(here)
    assert len(set(once)) == 50
    (tmp_path / "queue_log.1.gz").write_bytes(gzip.compress(log.read_bytes()))
    log.write_bytes(a_line(50))
    assert ingest(*lines, tmp_path).exit_code == 0
    assert ids(here)[:50] == once
    assert len(set(ids(here))) == 51
    states = ids(here, "acd.agent-states")
    assert (len(states), len(set(states))) == (2, 1)


def test_a_bank_file_ingested_twice_has_the_same_events(here: Settings, tmp_path: Path) -> None:
    file = tmp_path / "january.txt"
    file.write_bytes(BANK_ROW)
    packed = tmp_path / "january.gz"
    packed.write_bytes(gzip.compress(BANK_ROW))
    assert ingest("--format", "anonymous-bank", "--client", "bank", file, packed).exit_code == 0
    found = ids(here)
    assert (len(found), len(set(found))) == (8, 4)


def test_no_number_reaches_a_topic(here: Settings, lines: tuple[str, ...], tmp_path: Path) -> None:
    file = tmp_path / "log"
    file.write_bytes(a_line(1) + b"rubbish from +49 (30) 100-0001\n")
    assert ingest(*lines, file).exit_code == 0
    ref = customer_ref(b"secret", "49301000001")
    (event,), (letter,) = read_topic(here, "acd.events"), read_topic(here, "acd.events.dlq")
    assert json.loads(event.value)["customer_ref"] == ref
    assert letter.value == f"rubbish from +ref_{ref}".encode()
    everything = event.value + letter.value + b"".join(value for _, value in letter.headers)
    assert not re.search(rb"1000001|100-0001", everything)


def test_a_followed_log_arrives_while_it_grows_and_ends_with_its_counts(
    here: Settings, tmp_path: Path
) -> None:
    log = tmp_path / "calls.ndjson"
    line = encode(an_event(EventType.QUEUED)) + b"\n"
    log.write_bytes(line * 3)
    process = subprocess.Popen(
        [
            *(sys.executable, "-m", "pipeline", "ingest"),
            *("--format", "canonical", "--follow", str(log)),
        ],
        env=environment(here),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        wait_for(here, 3)
        log.rename(tmp_path / "calls.ndjson.1")
        log.write_bytes(line * 2)
        wait_for(here, 5)
        process.send_signal(signal.SIGTERM)
        out, err = process.communicate(timeout=30)
    finally:
        process.kill()
    assert process.returncode == 0, err
    assert "1 rotations followed" in out
    assert f"5 records to {here.topic('acd.events')}" in out


def wait_for(settings: Settings, count: int) -> None:
    deadline = time.monotonic() + 60
    while len(found := read_topic(settings, "acd.events")) < count:
        assert time.monotonic() < deadline, len(found)
        time.sleep(0.1)


def test_a_live_socket_that_breaks_arrives_whole_in_kafka(here: Settings) -> None:
    into = Intake(
        replace(BLOCK_FORMAT, session=AmiSession),
        Origin(client="acme", source="pbx", customer_key=b"key"),
        Tally(),
        topic=here.topic,
    )
    stop = asyncio.Event()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(ConnectionError):
            writer.write(b"Asterisk Call Manager/7.0.3\r\n")
            await reader.readuntil(b"\r\n\r\n")
            turn = into.tally.connects
            writer.write(b"Response: Success\r\nActionID: vane-login\r\n\r\n")
            for n in range(100):
                block = f"Event: QueueCallerJoin\r\nUniqueid: {turn}.{n}\r\n\r\n"
                writer.write(block.encode())
            writer.write(b"Event: QueueCallerJoin\r\nUniq")
            await writer.drain()
            if turn == 2:
                stop.set()
        writer.close()

    async def run() -> None:
        server = await asyncio.start_server(serve, "127.0.0.1", 0)
        address = Address("127.0.0.1", server.sockets[0].getsockname()[1])
        session = partial(AmiSession, Credentials(ami_user="vane", ami_secret="s3cret"))
        pieces = listen(address, session, into, stop, lambda _: None, Patience(first_retry=0.01))
        topics, tally = into.topics, into.tally
        await produce(pieces, tally, bootstrap=here.bootstrap, topics=topics, rate=None)
        server.close()

    asyncio.run(asyncio.wait_for(run(), 60))
    contacts = [json.loads(r.value)["contact_id"] for r in read_topic(here, "acd.events")]
    assert contacts[:200] == [f"{turn}.{n}" for turn in range(2) for n in range(100)]
    letters = read_topic(here, "acd.events.dlq")
    assert {dict(letter.headers)["dlq.reason"] for letter in letters} == {b"cut_off"}
    assert into.tally.adds_up
    assert len(into.tally.gaps) == into.tally.connects - 1
