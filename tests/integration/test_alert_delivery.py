"""Alert delivery between workers, on a real broker."""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import Mapping
from typing import Any

import pytest
from kafka import KafkaProducer
from kafka.admin import MemberToRemove

from pipeline.alerting.deliver import Deliverer
from pipeline.broker.admin import admin
from pipeline.settings import Settings
from pipeline.streams import alert_delivery

pytestmark = [pytest.mark.integration, pytest.mark.timeout(120)]


class Sink:
    """Keeps what it is sent; holds every alert back until it is told to go on."""

    name = "test"

    def __init__(self) -> None:
        self.ids: list[str] = []
        self.holding = asyncio.Event()
        self.go_on = asyncio.Event()

    async def send(self, alert: Mapping[str, Any]) -> None:
        self.ids.append(alert["alert_id"])
        self.holding.set()
        await self.go_on.wait()


def produce(settings: Settings, alert_id: str) -> None:
    producer = KafkaProducer(bootstrap_servers=settings.bootstrap, acks="all")
    value = json.dumps({"alert_id": alert_id}).encode()
    producer.send(settings.topic("kpi.alerts"), value, partition=0)
    producer.flush()
    producer.close()


def expel_members(settings: Settings, group: str) -> int:
    """Remove the members of a group, as the coordinator does with one that was frozen."""
    with admin(settings.bootstrap) as client:
        members = client.describe_groups([group])[group]["members"]
        client.remove_group_members(group, [MemberToRemove(m["member_id"]) for m in members])
    return len(members)


async def deliver_while_expelled(settings: Settings) -> list[str]:
    sink = Sink()
    topic, group = settings.topic("kpi.alerts"), settings.topic("deliver")
    task = asyncio.create_task(
        alert_delivery.run(settings.bootstrap, topic, group, Deliverer([sink]))
    )
    await sink.holding.wait()
    assert await asyncio.to_thread(expel_members, settings, group) == 1
    sink.go_on.set()
    await asyncio.to_thread(produce, settings, "after")
    async with asyncio.timeout(60):
        while "after" not in sink.ids and not task.done():  # noqa: ASYNC110 - two things to watch
            await asyncio.sleep(0.05)
    assert not task.done(), task.exception()
    task.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await task
    return sink.ids


def test_a_worker_that_lost_its_alerts_amid_a_delivery_goes_on(settings: Settings) -> None:
    produce(settings, "before")
    assert asyncio.run(deliver_while_expelled(settings)) == ["before", "after"]


async def deliver_across_a_stop(settings: Settings) -> list[str]:
    """Stop while the receiver has an alert and has not answered; then start again."""
    sink, topic, group = Sink(), settings.topic("kpi.alerts"), settings.topic("deliver")

    def start() -> asyncio.Task[None]:
        deliverer = Deliverer([sink])  # a new process remembers nothing
        return asyncio.create_task(alert_delivery.run(settings.bootstrap, topic, group, deliverer))

    stopping = start()
    await sink.holding.wait()
    stopping.cancel()
    await asyncio.sleep(0)
    sink.go_on.set()
    await asyncio.wait([stopping])
    await asyncio.to_thread(produce, settings, "after")
    task = start()
    async with asyncio.timeout(60):
        while "after" not in sink.ids and not task.done():  # noqa: ASYNC110 - two things to watch
            await asyncio.sleep(0.05)
    task.cancel()
    await asyncio.wait([task])
    return sink.ids


def test_a_clean_stop_amid_a_delivery_repeats_nothing(settings: Settings) -> None:
    produce(settings, "before")
    assert asyncio.run(deliver_across_a_stop(settings)) == ["before", "after"]


def test_a_stop_does_not_wait_for_a_receiver_that_never_answers(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def stop() -> bool:
        sink, topic, group = Sink(), settings.topic("kpi.alerts"), settings.topic("deliver")
        task = asyncio.create_task(
            alert_delivery.run(settings.bootstrap, topic, group, Deliverer([sink]))
        )
        await sink.holding.wait()
        task.cancel()
        return task in (await asyncio.wait([task], timeout=30))[0]

    monkeypatch.setattr(alert_delivery, "STOP_WAITS_S", 0.2)
    produce(settings, "never answered")
    assert asyncio.run(stop())
