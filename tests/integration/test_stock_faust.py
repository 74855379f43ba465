"""What stock Faust does with what goes wrong: each is why Vane does not use it so.

When one of these fails after an upgrade, Faust has changed: read what the docstring says Vane does
instead, and whether it still has to.
"""

from __future__ import annotations

import os
import subprocess
import sys
import time
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from kafka import KafkaConsumer, KafkaProducer, TopicPartition
from kafka.admin import NewTopic

from pipeline.broker.admin import admin
from pipeline.settings import PROJECT_ROOT

pytestmark = [pytest.mark.integration, pytest.mark.timeout(120)]

EVENTS = 1_000


class Stock:
    """A topic with numbers, and the stock app of a case over it."""

    def __init__(self, kafka: str, case: str, folder: Path) -> None:
        self.kafka, self.case, self.folder = kafka, case, folder
        self.topic = f"stock-{uuid.uuid4().hex[:8]}"
        self.changes = f"{self.topic}-{case}-counts-changelog"
        with admin(kafka) as client:
            client.create_topics([NewTopic(self.topic, 1, 1)])

    def send(self, events: int, *, poison: int | None = None) -> None:
        producer = KafkaProducer(bootstrap_servers=self.kafka, acks="all")
        sent = [
            producer.send(
                self.topic, b"not json" if number == poison else b"%d" % number, partition=0
            )
            for number in range(events)
        ]
        for one in sent:
            one.get(30)
        producer.close()

    def start(self, **more: str) -> subprocess.Popen[bytes]:
        environment = os.environ | {
            "CASE": self.case,
            "TOPIC": self.topic,
            "BOOTSTRAP": self.kafka,
            "DATADIR": str(self.folder / "faust"),
            "PROCESSED": str(self.folder / "processed"),
            "PYTHONPATH": str(PROJECT_ROOT),
            **more,
        }
        command = [sys.executable, "-m", "tests.integration.stock_faust", "worker", "-l", "error"]
        return subprocess.Popen(command, env=environment, cwd=self.folder)

    @property
    def processed(self) -> list[int]:
        path = self.folder / "processed"
        return [int(line) for line in path.read_text().splitlines()] if path.exists() else []

    def committed(self) -> int:
        group = f"{self.topic}-{self.case}"
        consumer = KafkaConsumer(bootstrap_servers=self.kafka, group_id=group)
        found = consumer.committed(TopicPartition(self.topic, 0))
        consumer.close(autocommit=False)
        return int(found or 0)

    def run_until(self, what: Callable[[], bool], **more: str) -> None:
        """Run the app until something holds, then stop it."""
        process = self.start(**more)
        try:
            deadline = time.monotonic() + 60
            while not what():
                assert time.monotonic() < deadline, (self.committed(), len(self.processed))
                time.sleep(0.3)
        finally:
            process.kill()
            process.wait(10)


@pytest.fixture
def stock(kafka: str, tmp_path: Path) -> Iterator[Callable[[str], Stock]]:
    made: list[Stock] = []

    def make(case: str) -> Stock:
        made.append(Stock(kafka, case, tmp_path))
        return made[-1]

    yield make
    with admin(kafka) as client:
        mine = tuple(found.topic for found in made)
        client.delete_topics([name for name in client.list_topics() if name.startswith(mine)])


def test_take_loses_what_comes_while_its_agent_is_down(stock: Callable[[str], Stock]) -> None:
    """An exception in a batch: everything is committed, far from everything processed.

    Vane has chunks from its own transport, and a fold that fails ends the worker.
    """
    found = stock("take")
    found.send(EVENTS)
    found.run_until(lambda: found.committed() == EVENTS)
    assert len(set(found.processed)) < EVENTS - 40


def test_an_exception_loses_its_event(stock: Callable[[str], Stock]) -> None:
    """The event is acknowledged and skipped. Vane stops, and folds it again from the snapshot."""
    found = stock("one-by-one")
    found.send(EVENTS)
    found.run_until(lambda: found.committed() == EVENTS)
    assert len(found.processed) == EVENTS - 1


def test_bytes_that_cannot_be_decoded_vanish(stock: Callable[[str], Stock]) -> None:
    """They are committed and in no agent. Vane decodes itself; they go to ``acd.events.dlq``."""
    found = stock("poison")
    found.send(EVENTS, poison=5)
    found.run_until(lambda: found.committed() == EVENTS)
    assert 5 not in found.processed
    assert len(found.processed) < EVENTS


def test_a_table_counts_twice_after_a_kill(stock: Callable[[str], Stock]) -> None:
    """Changes are written at once, offsets later. Vane's snapshot carries its own offset."""
    found = stock("table")
    found.send(EVENTS)
    assert found.start().wait(60) == 1
    assert found.committed() == 0
    # How many of the thousand come again is Faust's affair (once it was 999): that any do is ours.
    found.run_until(lambda: max(found.processed) > EVENTS, AGAIN="1")


def test_a_hopping_window_writes_a_record_per_window_and_event(
    stock: Callable[[str], Stock],
) -> None:
    """Five windows, five changelog records an event. Vane writes panes, summed when read."""
    found = stock("hopping")
    found.send(200)
    found.run_until(lambda: found.committed() == 200)
    consumer = KafkaConsumer(bootstrap_servers=found.kafka)
    tp = TopicPartition(found.changes, 0)
    assert consumer.end_offsets([tp])[tp] == 5 * 200
    consumer.close()
