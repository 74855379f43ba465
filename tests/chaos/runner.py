"""Runs a schedule on a real broker with real workers, and lets everything come to rest."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from kafka import KafkaConsumer, KafkaProducer, OffsetAndMetadata, TopicPartition
from kafka.admin import ConfigResource, ConfigResourceType

from pipeline.broker import local
from pipeline.broker.admin import admin
from pipeline.broker.record import running as broker_of
from pipeline.errors import InputError
from pipeline.settings import Settings
from tests.chaos.load import Portion, portions
from tests.chaos.schedule import SESSION_S, SLOTS, Fault, Schedule, Step
from tests.integration import live
from tests.integration.webhook import Manner, Webhook

PACE_S: Final = 0.4
"""From one portion to the next, so that faults strike while there is something to fold."""
SETTLED_S: Final = 120.0
RELEASED_S: Final = 20.0
INJECTED: Final = "publishing fails today"
"""In the log of a worker that had the fault, and may be ending by it when it is stopped."""
OPTIONS: Final = ("--snapshot-interval", "0.5", "--session-timeout", str(SESSION_S))
MANNERS: Final = {
    Fault.WEBHOOK_SLOW: Manner.SLOW,
    Fault.WEBHOOK_REFUSING: Manner.REFUSING,
    Fault.WEBHOOK_UNANSWERING: Manner.UNANSWERING,
}


@dataclass
class Campaign:
    """A broker that outlives its schedules, though they restart it."""

    home: Path
    jars: Path
    bootstrap: str

    def restart(self, *, kill: bool) -> None:
        """End the broker, and start it again at its old address."""
        record = broker_of(self.home)
        assert record is not None
        if kill:
            with contextlib.suppress(ProcessLookupError):
                os.kill(record.pid, signal.SIGKILL)
        local.stop(self.home)
        port = int(self.bootstrap.rpartition(":")[2])
        deadline = time.monotonic() + RELEASED_S
        while True:
            try:
                local.start(self.home, self.jars, port=port)
            except InputError:  # a killed process takes a moment to let go of its port
                assert time.monotonic() < deadline
                time.sleep(0.1)
            else:
                return


@contextlib.contextmanager
def broker_to_restart(home: Path, jars: Path) -> Iterator[Campaign]:
    """Yield a broker on a port that no client gets for its own end of a connection.

    At one from that range, a client that tries again and again while the broker is away connects
    to itself at last, and the broker cannot have its port back.
    """
    for port in range(21_000, 29_000):
        with contextlib.suppress(InputError):
            record = local.start(home, jars, port=port)
            break
    else:
        raise AssertionError
    try:
        yield Campaign(home, jars, record.bootstrap)
    finally:
        local.stop(home)


@dataclass
class Run:
    """One schedule under way."""

    campaign: Campaign
    settings: Settings
    schedule: Schedule
    webhook: Webhook
    wrong: str | None = None
    """A fault that its workers have all along."""
    workers: dict[int, live.Worker] = field(default_factory=dict)
    due: list[tuple[float, Callable[[], None]]] = field(default_factory=list)
    frozen: set[int] = field(default_factory=set)
    ended: list[live.Worker] = field(default_factory=list)
    events: int = 0

    @property
    def fault_file(self) -> Path:
        return self.settings.home / "fail"

    def start(self, slot: int) -> None:
        """Start a worker in a slot, unless one is there."""
        if slot not in self.workers:
            is_faulty = self.wrong or Fault.EXCEPTION in self.schedule.faults
            self.workers[slot] = live.Worker(
                self.settings,
                *OPTIONS,
                module="tests.chaos.faulty_worker" if is_faulty else "pipeline",
                FAULT=self.wrong or Fault.EXCEPTION,
                FAULT_FILE=str(self.fault_file),
                VANE_WEBHOOK_URL=self.webhook.url,
            )

    def later(self, seconds: float, what: Callable[[], None]) -> None:
        self.due.append((time.monotonic() + seconds, what))

    def tend(self) -> None:
        """Do what is due; start again, as a supervisor would, what ended by itself."""
        now = time.monotonic()
        for entry in [entry for entry in self.due if entry[0] <= now]:
            self.due.remove(entry)
            entry[1]()
        for slot, worker in list(self.workers.items()):
            if worker.process.poll() is not None:
                self.ended.append(self.workers.pop(slot))
                self.start(slot)

    def pass_time(self, seconds: float) -> None:
        until = time.monotonic() + seconds
        while (left := until - time.monotonic()) > 0:
            self.tend()
            time.sleep(min(0.05, left))

    def wait_until(self, what: Callable[[], bool], say: Callable[[], Any]) -> None:
        deadline = time.monotonic() + SETTLED_S
        while not what():
            self.tend()
            assert time.monotonic() < deadline, f"not within {SETTLED_S:.0f} s: {say()}"
            time.sleep(0.1)

    # --- faults -------------------------------------------------------------------------------

    def strike(self, step: Step) -> None:  # noqa: C901 - one table of what faults do
        """Bring a fault about; what ends it is done later."""
        slot = step.worker if step.worker in self.workers else min(self.workers, default=0)
        match step.fault:
            case Fault.KILL:
                self._kill(slot)
                self.later(step.seconds, lambda: self.start(slot))
            case Fault.FREEZE | Fault.ZOMBIE:
                if step.fault is Fault.ZOMBIE and len(self.workers) == 1:
                    self.start(min(set(range(SLOTS)) - self.workers.keys()))
                self._freeze(slot)
                self.later(step.seconds, lambda: self._thaw(slot))
            case Fault.JOIN:
                self.start(slot if slot not in self.workers else step.worker or 0)
            case Fault.LEAVE:
                self._leave(slot)
            case Fault.REWIND:
                for number in list(self.workers):
                    self._kill(number)
                self._commit_the_end()
                for number in range(self.schedule.workers):
                    self.start(number)
            case Fault.EXCEPTION:
                self.fault_file.touch()
            case Fault.BROKER_RESTART | Fault.BROKER_KILL:
                self.campaign.restart(kill=step.fault is Fault.BROKER_KILL)
            case Fault.WEBHOOK_SLOW | Fault.WEBHOOK_REFUSING | Fault.WEBHOOK_UNANSWERING:
                self.webhook.manner = MANNERS[step.fault]
                self.later(step.seconds, self._prompt)

    def _prompt(self) -> None:
        self.webhook.manner = Manner.PROMPT

    def _kill(self, slot: int) -> None:
        worker = self.workers.pop(slot, None)
        if worker is not None:
            self.frozen.discard(slot)
            worker.kill()

    def _leave(self, slot: int) -> None:
        worker = self.workers.pop(slot, None)
        if worker is not None:
            self._wake(worker, slot)
            worker.wait_for(lambda w: w.status() is not None)  # before that a signal just ends it
            assert worker.stop() == 0, worker.log.read_text()[-2000:]
        if not self.workers:
            self.start(slot)

    def _freeze(self, slot: int) -> None:
        if slot in self.workers:
            self.frozen.add(slot)
            self.workers[slot].process.send_signal(signal.SIGSTOP)

    def _thaw(self, slot: int) -> None:
        if slot in self.frozen and slot in self.workers:
            self._wake(self.workers[slot], slot)

    def _wake(self, worker: live.Worker, slot: int) -> None:
        self.frozen.discard(slot)
        worker.process.send_signal(signal.SIGCONT)

    def _commit_the_end(self) -> None:
        """Commit for the group that everything has been read, which no snapshot says."""
        topic = self.settings.topic("acd.events")
        consumer = KafkaConsumer(
            bootstrap_servers=self.settings.bootstrap,
            group_id=f"{self.settings.topic_prefix}vane",
            enable_auto_commit=False,
        )
        tps = [TopicPartition(topic, p) for p in range(live.PARTITIONS)]
        consumer.assign(tps)
        ends = consumer.end_offsets(tps)
        deadline = time.monotonic() + 30
        while True:
            try:
                consumer.commit({tp: OffsetAndMetadata(end, "", -1) for tp, end in ends.items()})
            except Exception:  # noqa: BLE001 - the group has members until their sessions end
                assert time.monotonic() < deadline
                time.sleep(0.5)
            else:
                break
        consumer.close()

    # --- the run ------------------------------------------------------------------------------

    def send(self, producer: KafkaProducer, portion: Portion) -> None:
        if portion.after_snapshot:
            size = live.log_size(self.settings)
            self.wait_until(
                lambda: live.together(*self.workers.values()) >= size, lambda: "no snapshot"
            )
            self.pass_time(1)
        topic = self.settings.topic("acd.events")
        for partition, key, value in portion.records:
            producer.send(topic, value, key=key, partition=partition)
        producer.flush()

    def run(self) -> None:
        """Send all portions while the faults strike, then wait until nothing is left to do."""
        if Fault.COMPACTION in self.schedule.whole:
            _compact_at_once(self.settings)
        for slot in range(self.schedule.workers):
            self.start(slot)
        steps = {step.portion: step for step in self.schedule.steps}
        producer = KafkaProducer(
            bootstrap_servers=self.settings.bootstrap,
            acks="all",
            enable_idempotence=True,
            max_request_size=20_000_000,
        )
        for number, portion in enumerate(portions(self.schedule, self.settings)):
            self.send(producer, portion)
            if number in steps and steps[number].fault is not Fault.RETENTION:
                self.strike(steps[number])
            self.pass_time(PACE_S)
        producer.close()
        while self.due:
            self.pass_time(0.1)

    def settle(self) -> live.Clean:
        """Wait until all is folded and told; stop the workers; return what should be there."""
        clean = live.clean_fold(self.settings)
        size = self.events = live.log_size(self.settings)
        self.wait_until(
            lambda: live.together(*self.workers.values()) >= size,
            lambda: (
                size,
                [(w.status(), w.log.read_text()[-2000:]) for w in self.workers.values()],
            ),
        )
        if self.wrong:  # it may never tell what it should
            return clean
        self.wait_until(
            lambda: set(self.webhook.ids) >= clean.alert_ids,
            lambda: f"alerts {sorted(clean.alert_ids - set(self.webhook.ids))} were not delivered",
        )
        for worker in self.workers.values():
            code, said = worker.stop(), worker.log.read_text()
            assert code == 0 or INJECTED in said, said[-3000:]
        self.workers.clear()
        return clean

    def close(self) -> None:
        for worker in self.workers.values():
            worker.kill()


def _compact_at_once(settings: Settings) -> None:
    """Have the cleaner look at every snapshot it can."""
    topic = settings.topic("vane.snapshots")
    wanted = {"segment.ms": "500", "min.cleanable.dirty.ratio": "0.001"}
    with admin(settings.bootstrap) as client:
        client.alter_configs([ConfigResource(ConfigResourceType.TOPIC, topic, wanted)])


@contextlib.contextmanager
def underway(run: Run) -> Iterator[Run]:
    """Yield a run whose processes end with the block."""
    try:
        yield run
    finally:
        run.close()


def trim(settings: Settings) -> int | None:
    """Delete records beyond the newest snapshot of the busiest partition; return the partition."""
    progress = live.newest_progress(settings)
    busiest = max(progress.values(), key=lambda p: p["next_offset"])
    partition, upto = busiest["partition"], busiest["next_offset"]
    key, value = b"meridian/sh", json.dumps({"v": 1}).encode()
    live.send(settings, [(key, value)] * 20, partition=partition)
    with admin(settings.bootstrap) as client:
        client.delete_records({TopicPartition(settings.topic("acd.events"), partition): upto + 10})
    return partition
