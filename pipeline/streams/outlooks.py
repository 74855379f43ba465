"""Writes ``kpi.recovery``: while an alert fires, how the day ends and whom to call in.

A stage beside the fold: it reads the alerts of the partitions that this worker folds, and their
event time off the folds. What it says is worked out in a process of its own, one at a time, with
less right to the processor than the fold and a bound in time; so the event loop waits for nothing.

It keeps no state: alerts and what was said of them are read again from the two topics whenever
partitions come. What was worked out and not written is worked out again, under the same key; two
workers that have a partition for a moment write the same keys. Trouble here is logged and counted
and never stops the worker: the fold and the alerts are worth more than advice.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import sys
import time
from collections.abc import Awaitable, Callable, Mapping
from importlib.util import find_spec
from typing import Final

import msgspec
import structlog
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, ConsumerRecord, TopicPartition
from aiokafka.errors import KafkaError

from pipeline.alerting.episodes import Due, Episodes
from pipeline.alerting.record import read_alert
from pipeline.alerting.recovery import TOPIC, Answer, NoPlan, Recovery, key_of, recovery_id
from pipeline.broker.security import PLAINTEXT, Security
from pipeline.domain.alert import AlertStatus
from pipeline.errors import TerminalError
from pipeline.streams.meters import Meters, timed
from pipeline.streams.publisher import Outgoing

log = structlog.get_logger(__name__)

ALERTS: Final = "kpi.alerts"
POLL_MS: Final = 500
AT_ONCE: Final = 200
"""Records looked at before the fold has its turn: a few milliseconds."""
BOUND_S: Final = 60.0
"""How long an answer may take; it usually takes two or three seconds."""
AGAIN_S: Final = 30.0
"""After trouble with the broker."""
NICE: Final = 10
"""How much the working out gives way to the fold."""
_PROGRAM: Final = (sys.executable, "-m", "pipeline.offline.recovery")
_PACKAGE: Final = "duckdb"
"""What the program needs, and the worker does not."""
_MOST_WORDS: Final = 500

Times = Callable[[], Mapping[int, int]]
"""Returns the input partitions folded here, and how far event time has come (epoch ms)."""
Work = Callable[[Due], Awaitable[Answer]]


class _Written(msgspec.Struct):
    """What this stage needs of a record it wrote, or one before it."""

    alert_id: str
    at_ms: int
    status: AlertStatus
    partition: int


_encode: Final = msgspec.json.Encoder().encode


async def run(
    bootstrap: str,
    topic: Callable[[str], str],
    times: Times,
    meters: Meters,
    *,
    security: Security = PLAINTEXT,
    work: Work | None = None,
) -> None:
    """Write records until cancelled; begin again after trouble with the broker."""
    while True:
        try:
            await _Stage(bootstrap, topic, times, meters, security, work or work_out).run()
        except Exception as error:  # noqa: BLE001 - advice is not worth a worker
            log.warning("no outlooks for a while", error=repr(error), again_s=AGAIN_S)
        await asyncio.sleep(AGAIN_S)


class _Stage:
    def __init__(
        self,
        bootstrap: str,
        topic: Callable[[str], str],
        times: Times,
        meters: Meters,
        security: Security,
        work: Work,
    ) -> None:
        arguments = {"bootstrap_servers": bootstrap, **security.client_arguments()}
        self._consumer = AIOKafkaConsumer(
            group_id=None,
            enable_auto_commit=False,
            auto_offset_reset="earliest",
            **arguments,
        )
        self._producer = AIOKafkaProducer(enable_idempotence=True, acks="all", **arguments)
        self._alerts, self._written = topic(ALERTS), topic(TOPIC)
        self._times, self._meters, self._work = times, meters, work
        self._episodes: dict[int, Episodes] = {}
        self._count = 1
        """Partitions of our topics: as many as the input's, unless somebody made them so."""

    async def run(self) -> None:
        try:
            await self._consumer.start()
            await self._producer.start()
            while True:
                await self._turn()
        finally:
            for client in (self._consumer, self._producer):
                with contextlib.suppress(KafkaError):
                    await client.stop()

    async def _turn(self) -> None:
        """Read what is new; then say what has been due for longest, if anything is."""
        times = self._times()
        if set(times) != set(self._episodes):
            await self._begin(set(times))
            return
        if not times:
            await asyncio.sleep(POLL_MS / 1000)
            return
        await self._read(POLL_MS)
        found = [
            (due, partition)
            for partition, event_time_ms in times.items()
            for due in self._episodes[partition].due(event_time_ms)
        ]
        if found:
            await self._say(*min(found, key=lambda pair: (pair[0].at_ms, _alert_id(pair[0]))))

    async def _begin(self, partitions: set[int]) -> None:
        """Take over partitions: read their alerts, and what was said of them, to the end."""
        self._episodes = {partition: Episodes() for partition in partitions}
        self._consumer.unsubscribe()
        if not partitions:
            return
        tps = []
        for name in (self._alerts, self._written):
            self._count = len(await self._producer.partitions_for(name))
            if not self._count:
                msg = f"topic {name} does not exist; run: vane topics apply"
                raise TerminalError(msg)
            tps += [TopicPartition(name, p) for p in {p % self._count for p in partitions}]
        self._consumer.assign(tps)
        await self._consumer.seek_to_beginning(*tps)
        ends = await self._consumer.end_offsets(tps)
        while [tp for tp in tps if await self._consumer.position(tp) < ends[tp]]:
            await self._read(POLL_MS)

    async def _read(self, timeout_ms: int) -> None:
        found = await self._consumer.getmany(timeout_ms=timeout_ms, max_records=AT_ONCE)
        for tp, records in found.items():
            for record in records:
                _take(record, self._episodes, is_alert=tp.topic == self._alerts)
        await asyncio.sleep(0)  # what is fetched already is handed out without a turn of the loop

    async def _say(self, due: Due, partition: int) -> None:
        with timed(self._meters.outlook):
            answer = await self._work(due)
        key, value, _ = record_of(due, answer, partition)
        await self._producer.send_and_wait(
            self._written, value, key=key, partition=partition % self._count
        )
        is_last = due.status is AlertStatus.RESOLVED
        self._episodes[partition].said(_alert_id(due), due.at_ms, is_last=is_last)
        self._meters.outlooks.labels(str(answer.reason or "plan")).inc()
        self._meters.outlooks_skipped.inc(due.skipped)


def _alert_id(due: Due) -> str:
    return str(due.alert["alert_id"])


def record_of(due: Due, answer: Answer, partition: int) -> Outgoing:
    """Return the record that says how an alert's queue stands at an instant."""
    alert_id = _alert_id(due)
    record = Recovery(
        **{name: getattr(answer, name) for name in Answer.__dataclass_fields__},
        recovery_id=recovery_id(alert_id, due.at_ms),
        alert_id=alert_id,
        status=due.status,
        rule=due.alert["rule"],
        client=due.alert["client"],
        site=due.alert["site"],
        queue=due.alert["queue"],
        at_ms=due.at_ms,
        goal_permille=due.alert["goal_permille"],
        skipped=due.skipped,
        partition=partition,
    )
    return key_of(alert_id, due.at_ms), _encode({"v": 1, **msgspec.to_builtins(record)}), []


def _take(record: ConsumerRecord, parts: Mapping[int, Episodes], *, is_alert: bool) -> None:
    try:
        if is_alert:
            alert = read_alert(record.value)
            if alert.get("scope", "queue") != "queue":
                return  # how a day ends is worked out queue by queue
            if (episodes := parts.get(alert.get("partition", record.partition))) is not None:
                episodes.take(alert)
        else:
            written = msgspec.json.decode(record.value or b"", type=_Written)
            if (episodes := parts.get(written.partition)) is not None:
                is_last = written.status is AlertStatus.RESOLVED
                episodes.said(written.alert_id, written.at_ms, is_last=is_last)
    except (ValueError, TypeError) as error:
        where = {"topic": record.topic, "partition": record.partition, "offset": record.offset}
        log.warning("not a record of this topic", error=str(error), **where)


async def work_out(due: Due, *, bound_s: float = BOUND_S) -> Answer:
    """Ask the program for an answer; one that fails, or takes too long, is a reason as well."""
    if find_spec(_PACKAGE) is None:
        message = f"{_PACKAGE} is not installed beside this worker: requirements/batch.txt has it"
        return Answer(reason=NoPlan.FAILED, message=message)
    question = {name: due.alert[name] for name in ("client", "site", "queue")}
    process = await asyncio.create_subprocess_exec(
        *_PROGRAM,
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    started = time.monotonic()
    try:
        with contextlib.suppress(OSError):  # it may have ended already
            os.setpriority(os.PRIO_PROCESS, process.pid, NICE)
        async with asyncio.timeout(bound_s):
            out, err = await process.communicate(_encode(question | {"at_ms": due.at_ms}))
    except TimeoutError:
        seconds = time.monotonic() - started
        return Answer(reason=NoPlan.TOO_SLOW, message=f"no answer within {seconds:.0f} s")
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    try:
        return msgspec.json.decode(out, type=Answer)
    except ValueError:
        said = err.decode("utf-8", "replace").strip().splitlines() or ["it said nothing"]
        log.warning("no outlook", returncode=process.returncode, error=said[-1])
        return Answer(reason=NoPlan.FAILED, message=said[-1][:_MOST_WORDS])
