"""``kpi.recovery`` on a real broker: what it says, after kills, and without a forecast."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import shutil
import signal
import subprocess
import time
from collections.abc import AsyncIterator, Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from kafka import KafkaProducer

from pipeline.alerting.episodes import EVERY_MS, Due
from pipeline.alerting.recovery import Answer, NoPlan, recovery_id
from pipeline.codec.encode import encode
from pipeline.domain.alert import AlertStatus
from pipeline.settings import PROJECT_ROOT, Settings
from pipeline.streams import outlooks
from pipeline.streams.meters import Meters
from tests.factories import an_event
from tests.integration.live import PARTITIONS, Worker, margin_alone, read_topic, running, send
from tests.unit.alerting.receiver import an_alert
from tests.unit.offline import landed_day as landed

pytestmark = [pytest.mark.integration, pytest.mark.timeout(180)]

TEN = landed.local("2025-11-11 10:00")
WHERE = {"client": "meridian", "site": "sh", "queue": "service", "partition": 1}


def alert(alert_id: str, at_ms: int, status: str = "firing", **more: Any) -> dict[str, Any]:
    return an_alert(alert_id, at_ms=at_ms, status=status, goal_permille=850, **(WHERE | more))


def produce(settings: Settings, *alerts: dict[str, Any]) -> None:
    producer = KafkaProducer(bootstrap_servers=settings.bootstrap, acks="all")
    for one in alerts:
        value = json.dumps(one).encode()
        producer.send(settings.topic("kpi.alerts"), value, partition=one["partition"])
    producer.flush()
    producer.close()


def written(settings: Settings) -> list[dict[str, Any]]:
    """Return the records of the topic, each with its key."""
    return [
        json.loads(record.value) | {"key": record.key.decode(), "on": record.partition}
        for record in read_topic(settings, "kpi.recovery")
    ]


@contextlib.asynccontextmanager
async def stage(
    settings: Settings, times: dict[int, int], work: outlooks.Work, meters: Meters | None = None
) -> AsyncIterator[asyncio.Task[None]]:
    task = asyncio.create_task(
        outlooks.run(
            settings.bootstrap, settings.topic, lambda: dict(times), meters or Meters(), work=work
        )
    )
    try:
        yield task
    finally:
        task.cancel()
        await asyncio.wait([task])


async def until(what: Callable[[], bool], task: asyncio.Task[None]) -> None:
    async with asyncio.timeout(60):
        while not await asyncio.to_thread(what):
            assert not task.done(), task.exception()
            await asyncio.sleep(0.1)


async def at_once(_due: Due) -> Answer:
    return Answer(reason=NoPlan.NO_FORECAST, message="none")


def test_an_alert_is_told_of_from_its_start_to_its_end(settings: Settings) -> None:
    times = {0: TEN, 1: TEN}

    async def scenario() -> None:
        async with stage(settings, times, at_once) as task:
            await asyncio.to_thread(produce, settings, alert("a1", TEN))
            await until(lambda: len(written(settings)) == 1, task)
            times[1] = TEN + EVERY_MS
            await until(lambda: len(written(settings)) == 2, task)
            times[1] = TEN + 4 * EVERY_MS
            await until(lambda: len(written(settings)) == 3, task)
            end = alert("a2", TEN + 4 * EVERY_MS + 30_000, "resolved")
            await asyncio.to_thread(produce, settings, end)
            await until(lambda: len(written(settings)) == 4, task)

    asyncio.run(scenario())
    found = written(settings)
    assert [(r["status"], (r["at_ms"] - TEN) / EVERY_MS, r["skipped"]) for r in found] == [
        ("firing", 0, 0),
        ("firing", 1, 0),
        ("firing", 4, 2),
        ("resolved", 4.1, 0),
    ]
    assert {(r["alert_id"], r["on"], r["reason"]) for r in found} == {("a1", 1, "no_forecast")}
    for record in found:
        assert record["key"] == f"a1/{record['at_ms']}"
        assert record["recovery_id"] == recovery_id("a1", record["at_ms"])


def test_a_stage_that_starts_anew_repeats_nothing_and_misses_nothing(settings: Settings) -> None:
    times = {1: TEN}
    amid = asyncio.Event()

    async def for_ever(_due: Due) -> Answer:
        amid.set()
        await asyncio.sleep(3600)
        raise AssertionError

    async def scenario() -> None:
        await asyncio.to_thread(produce, settings, alert("a1", TEN))
        async with stage(settings, times, at_once) as task:
            await until(lambda: len(written(settings)) == 1, task)
        times[1] = TEN + EVERY_MS
        async with stage(settings, times, for_ever):  # dies amid working out
            await asyncio.wait_for(amid.wait(), 60)
        assert len(written(settings)) == 1
        async with stage(settings, times, at_once) as task:
            await until(lambda: len(written(settings)) == 2, task)
            await asyncio.sleep(2)
        async with stage(settings, times, at_once):
            await asyncio.sleep(3)

    asyncio.run(scenario())
    assert [(r["at_ms"] - TEN) // EVERY_MS for r in written(settings)] == [0, 1]


def test_what_is_no_alert_is_passed_over_and_trouble_stops_nobody(settings: Settings) -> None:
    producer = KafkaProducer(bootstrap_servers=settings.bootstrap, acks="all")
    for name in ("kpi.alerts", "kpi.recovery"):
        producer.send(settings.topic(name), b"{", key=b"x", partition=1)
    producer.flush()
    producer.close()

    async def scenario() -> None:
        await asyncio.to_thread(produce, settings, alert("a1", TEN))
        async with stage(settings, {1: TEN}, at_once) as task:
            await until(lambda: len(read_topic(settings, "kpi.recovery")) == 2, task)
        missing = replace(settings, topic_prefix="nowhere.")
        async with stage(missing, {1: TEN}, at_once) as task:
            await asyncio.sleep(3)
            assert not task.done()

    asyncio.run(scenario())


def test_the_loop_waits_for_nothing_while_it_is_worked_out(
    settings: Settings, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """With the real program: its answer is the plan, and no turn of the loop took 20 ms of it."""
    land_morning(settings, monkeypatch, tmp_path)
    turns: list[float] = []

    async def watch() -> None:
        while True:
            before = time.thread_time()
            await asyncio.sleep(0)
            turns.append(time.thread_time() - before)
            await asyncio.sleep(0.001)

    async def scenario() -> Answer:
        watching = asyncio.create_task(watch())
        found = await outlooks.work_out(Due(alert("a1", TEN), AlertStatus.FIRING, TEN, 0))
        watching.cancel()
        return found

    found = asyncio.run(scenario())
    assert (found.reason, found.plan_is_enough) == (None, True)
    assert found.steps
    assert len(turns) > 100
    assert max(turns) < 0.02


def test_an_answer_that_takes_too_long_is_given_up_and_its_process_killed(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(outlooks, "_PROGRAM", ("sleep", "3600.25"))
    due = Due(alert("a1", TEN), AlertStatus.FIRING, TEN, 0)
    found = asyncio.run(outlooks.work_out(due, bound_s=0.3))
    assert found.reason is NoPlan.TOO_SLOW
    listed = subprocess.run(["ps", "-eo", "args"], capture_output=True, text=True, check=True)
    assert "sleep 3600.25" not in listed.stdout


def test_a_program_that_fails_is_a_reason(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(outlooks, "_PROGRAM", ("sh", "-c", "echo 'no duckdb here' >&2; exit 1"))
    due = Due(alert("a1", TEN), AlertStatus.FIRING, TEN, 0)
    found = asyncio.run(outlooks.work_out(due))
    assert (found.reason, found.message) == (NoPlan.FAILED, "no duckdb here")


def test_a_worker_without_the_packages_of_the_batch_says_so(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(outlooks, "_PACKAGE", "no_such_package")
    due = Due(alert("a1", TEN), AlertStatus.FIRING, TEN, 0)
    found = asyncio.run(outlooks.work_out(due))
    assert found.reason is NoPlan.FAILED
    assert "no_such_package is not installed beside this worker" in (found.message or "")


def test_many_alerts_are_taken_over_without_holding_up_the_loop(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Between two turns of the loop no more than a few records are looked at."""
    old = [
        alert(f"{status}{i}", TEN - 86_400_000 * 2 + i * 30_000, status, queue=f"q{i % 7}")
        for i in range(2000)
        for status in ("firing", "resolved")
    ]
    taken = most = 0
    take = outlooks._take

    def counted(*given: Any, **more: Any) -> None:
        nonlocal taken
        taken += 1
        take(*given, **more)

    async def watch() -> None:
        nonlocal most
        while True:
            before = taken
            await asyncio.sleep(0)
            most = max(most, taken - before)

    async def scenario() -> None:
        await asyncio.to_thread(produce, settings, *old, alert("new", TEN))
        watching = asyncio.create_task(watch())
        async with stage(settings, {1: TEN}, at_once) as task:
            await until(lambda: len(written(settings)) >= 1, task)
            watching.cancel()

    monkeypatch.setattr(outlooks, "_take", counted)
    asyncio.run(scenario())
    assert [r["alert_id"] for r in written(settings)] == ["new"]
    assert taken > len(old)
    assert most <= outlooks.AT_ONCE


def land_morning(settings: Settings, monkeypatch: pytest.MonkeyPatch, folder: Path) -> None:
    """Land a bad morning of 双11 in the home of these settings."""
    config = folder / "config-of-worker"
    shutil.copytree(PROJECT_ROOT / "config", config)
    monkeypatch.setenv("VANE_HOME", str(settings.home))
    monkeypatch.setenv("VANE_CONFIG", str(config))
    service, handle = landed.panes_of("2025-11-11", from_h=8, until_h=10, calls=357, in_time=84)
    landed.land_live(settings, service, handle)
    rows = [landed.a_forecast(at) for at in landed.quarters("2025-11-11")]
    landed.land_forecast(settings, rows)


def bad_minutes(start_ms: int, minutes: int, of: str) -> list[tuple[bytes, bytes]]:
    """Return calls that all hang up after half a minute: forty a minute."""
    names: dict[str, Any] = {"client": "meridian", "site": "sh"}
    events = []
    for i in range(40 * minutes):
        at = start_ms + i * 1500
        contact = f"{of}-{i}"
        events.append(an_event("queued", contact_id=contact, occurred_at_ms=at, **names))
        events.append(
            an_event("abandoned", contact_id=contact, occurred_at_ms=at + 30_000, **names)
        )
    events.sort(key=lambda event: event.occurred_at_ms)
    return [(b"meridian/sh", encode(event)) for event in events]


def children(worker: Worker) -> list[int]:
    """Return the processes that a worker works answers out in."""
    listed = subprocess.run(
        ["ps", "-eo", "pid,ppid,args"], capture_output=True, text=True, check=True
    )
    rows = [line.split(None, 2) for line in listed.stdout.splitlines()[1:]]
    return [
        int(pid)
        for pid, parent, args in rows
        if int(parent) == worker.process.pid and "pipeline.offline.recovery" in args
    ]


@pytest.mark.parametrize("has_forecast", [True, False])
def test_a_worker_killed_while_it_is_worked_out_says_it_after_its_restart(
    settings: Settings, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, *, has_forecast: bool
) -> None:
    settings = margin_alone(settings, tmp_path)
    if has_forecast:
        land_morning(settings, monkeypatch, tmp_path)
    send(settings, bad_minutes(TEN, 6, "a"), partition=1)
    with running(settings) as first:
        first.wait_for(lambda w: bool(children(w)))
        orphans = children(first)
        first.kill()
        for orphan in orphans:
            with contextlib.suppress(ProcessLookupError):
                os.kill(orphan, signal.SIGKILL)
    before = written(settings)
    with running(settings) as second:
        second.wait_for(lambda _: len(written(settings)) > len(before))
        (record, *_) = written(settings)
        send(settings, bad_minutes(TEN + 360_000, 6, "b"), partition=1)
        second.wait_for(
            lambda _: (
                {r["at_ms"] for r in written(settings)} > {record["at_ms"]}
                and len({r["at_ms"] for r in written(settings)}) > 1
            )
        )
        second.wait_for(lambda w: not children(w))
        assert second.stop() == 0
    found = written(settings)
    alerts = [json.loads(r.value) for r in read_topic(settings, "kpi.alerts")]
    assert {r["alert_id"] for r in found} == {alerts[0]["alert_id"]}
    assert len({r["key"] for r in found}) == len(found)
    first_ms = alerts[0]["at_ms"]
    assert {(r["at_ms"] - first_ms) % EVERY_MS for r in found} == {0}
    assert PARTITIONS > 1
    for said in found:
        if has_forecast:
            assert (said["reason"], said["standing"]) == (None, "at risk")
            assert said["steps"]
            assert "out of reach after" in said["text"]
        else:
            assert said["reason"] == "no_forecast"
            assert "no forecast of 2025-11-11" in said["message"]
