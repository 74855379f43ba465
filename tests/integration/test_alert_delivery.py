"""Alert delivery between workers, on a real broker."""

from __future__ import annotations

import asyncio
import contextlib
import json
import time
from collections.abc import Sequence
from typing import Final

import pytest
import structlog
from kafka import KafkaProducer
from kafka.admin import MemberToRemove

from pipeline.alerting.deliver import Deliverer
from pipeline.alerting.sink import AlertRecord
from pipeline.broker.admin import admin
from pipeline.errors import AlertRefused, TransientError
from pipeline.settings import Settings
from pipeline.streams import alert_delivery
from tests.unit.alerting.receiver import an_alert

pytestmark = [pytest.mark.integration, pytest.mark.timeout(120)]


JOINING = 6
ASKED_FOR_S = 3.5
"""Longer than the heartbeat, by which the first worker hears that another wants to join."""


class Sink:
    """Keeps what it is sent; holds every alert back until it is told to go on."""

    name: Final = "test"
    batch: int = 1

    def __init__(self) -> None:
        self.ids: list[str] = []
        self.holding = asyncio.Event()
        self.go_on = asyncio.Event()

    async def send(self, alerts: Sequence[AlertRecord]) -> None:
        self.ids += [alert["alert_id"] for alert in alerts]
        self.holding.set()
        await self.go_on.wait()


def produce(settings: Settings, alert_id: str, partition: int = 0) -> None:
    producer = KafkaProducer(bootstrap_servers=settings.bootstrap, acks="all")
    value = json.dumps(an_alert(alert_id)).encode()
    producer.send(settings.topic("kpi.alerts"), value, partition=partition)
    producer.flush()
    producer.close()


def expel_members(settings: Settings, group: str) -> int:
    """Remove the members of a group, as the coordinator does with one that was frozen."""
    with admin(settings.bootstrap) as client:
        members = client.describe_groups([group])[group]["members"]
        client.remove_group_members(group, [MemberToRemove(m["member_id"]) for m in members])
    return len(members)


def wait_for_members(settings: Settings, group: str, count: int) -> None:
    """Wait until so many workers have asked to be in a group."""
    with admin(settings.bootstrap) as client:
        while len(client.describe_groups([group])[group]["members"]) < count:
            time.sleep(0.05)


async def deliver_while_expelled(settings: Settings) -> list[str]:
    sink = Sink()
    topic, group = settings.topic("kpi.alerts"), settings.topic("deliver")
    task = asyncio.create_task(
        alert_delivery.run(settings.bootstrap, topic, group, Deliverer(sink))
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
        deliverer = Deliverer(sink)  # a new process remembers nothing
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


class OneByOne(Sink):
    """Refuses several at once; of single ones takes those before "b", until it is told to go on."""

    batch = 10

    async def send(self, alerts: Sequence[AlertRecord]) -> None:
        ids = [alert["alert_id"] for alert in alerts]
        if not self.go_on.is_set():
            if len(ids) > 1:
                raise AlertRefused("one at a time")
            if ids == ["b"]:
                self.holding.set()
                raise TransientError("down")
        self.ids += ids


async def deliver_across_a_stop_amid_a_refused_batch(settings: Settings) -> list[str]:
    sink, topic, group = OneByOne(), settings.topic("kpi.alerts"), settings.topic("deliver")

    def start() -> asyncio.Task[None]:
        deliverer = Deliverer(sink)  # a new process remembers nothing
        return asyncio.create_task(alert_delivery.run(settings.bootstrap, topic, group, deliverer))

    stopping = start()
    await sink.holding.wait()
    stopping.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await stopping
    assert sink.ids == ["a"]
    sink.go_on.set()
    going_on = start()
    async with asyncio.timeout(60):
        while "c" not in sink.ids and not going_on.done():  # noqa: ASYNC110 - two things to watch
            await asyncio.sleep(0.05)
    assert not going_on.done(), going_on.exception()
    going_on.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await going_on
    return sink.ids


def test_a_stop_amid_a_refused_batch_repeats_nothing_that_was_taken(settings: Settings) -> None:
    for alert_id in ("a", "b", "c"):
        produce(settings, alert_id)
    assert asyncio.run(deliver_across_a_stop_amid_a_refused_batch(settings)) == ["a", "b", "c"]


def test_a_stop_does_not_wait_for_a_receiver_that_never_answers(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def stop() -> bool:
        sink, topic, group = Sink(), settings.topic("kpi.alerts"), settings.topic("deliver")
        task = asyncio.create_task(
            alert_delivery.run(settings.bootstrap, topic, group, Deliverer(sink))
        )
        await sink.holding.wait()
        task.cancel()
        return task in (await asyncio.wait([task], timeout=30))[0]

    monkeypatch.setattr(alert_delivery, "WAITS_S", 0.2)
    produce(settings, "never answered")
    assert asyncio.run(stop())


async def deliver_while_others_join(settings: Settings) -> list[str]:
    """Let workers join while the receiver has an alert and has not answered.

    So many that hardly ever the first one is dealt the partition again that it is busy with.
    """
    topic, group = settings.topic("kpi.alerts"), settings.topic("deliver")

    def start(sink: Sink) -> asyncio.Task[None]:
        deliverer = Deliverer(sink)
        return asyncio.create_task(alert_delivery.run(settings.bootstrap, topic, group, deliverer))

    slow, prompt = Sink(), Sink()
    prompt.go_on.set()
    tasks = [start(slow)]
    await slow.holding.wait()
    tasks += [start(prompt) for _ in range(JOINING)]
    await asyncio.to_thread(wait_for_members, settings, group, len(tasks))
    await asyncio.sleep(ASKED_FOR_S)
    slow.go_on.set()
    for partition in range(4):
        await asyncio.to_thread(produce, settings, f"after {partition}", partition)
    async with asyncio.timeout(60):
        while len(set(slow.ids + prompt.ids)) < 5:  # noqa: ASYNC110 - two things to watch
            await asyncio.sleep(0.05)
    for task in tasks:
        task.cancel()
    await asyncio.wait(tasks)
    return sorted(slow.ids + prompt.ids)


def test_workers_that_join_amid_a_delivery_repeat_nothing(settings: Settings) -> None:
    produce(settings, "before")
    expected = ["after 0", "after 1", "after 2", "after 3", "before"]
    assert asyncio.run(deliver_while_others_join(settings)) == expected


class Down(Sink):
    """Takes nothing until it is told to go on."""

    async def send(self, alerts: Sequence[AlertRecord]) -> None:
        self.holding.set()
        if not self.go_on.is_set():
            raise TransientError("down for an hour")
        await super().send(alerts)


async def beside_one_that_is_down(settings: Settings) -> tuple[list[str], list[str], list[str]]:
    """Deliver to a receiver that is down and to one that is up; then let it come up elsewhere."""
    topic = settings.topic("kpi.alerts")

    def start(sink: Sink, group: str) -> asyncio.Task[None]:
        delivery = alert_delivery.run(
            settings.bootstrap, topic, settings.topic(group), Deliverer(sink)
        )
        return asyncio.create_task(delivery)

    down, up = Down(), Sink()
    up.go_on.set()
    tasks = [start(down, "down"), start(up, "up")]
    async with asyncio.timeout(60):
        await down.holding.wait()
        while len(up.ids) < 3:  # noqa: ASYNC110 - two things to watch
            await asyncio.sleep(0.05)
    meanwhile = list(down.ids)
    for task in tasks:
        task.cancel()
    began = time.monotonic()
    await asyncio.wait(tasks)
    assert time.monotonic() - began < alert_delivery.WAITS_S  # a pause is not waited for
    again = Down()
    again.go_on.set()
    tasks = [start(again, "down"), start(up, "up")]
    async with asyncio.timeout(60):
        while len(again.ids) < 3:  # noqa: ASYNC110 - two things to watch
            await asyncio.sleep(0.05)
    for task in tasks:
        task.cancel()
    await asyncio.wait(tasks)
    return meanwhile, up.ids, again.ids


def test_a_receiver_that_is_down_gets_its_alerts_later_and_holds_up_no_other(
    settings: Settings,
) -> None:
    for alert_id in "abc":
        produce(settings, alert_id)
    meanwhile, up, later = asyncio.run(beside_one_that_is_down(settings))
    assert meanwhile == []
    assert up == list("abc")
    assert later == list("abc")


def test_a_new_receiver_is_told_of_the_last_hour_and_not_of_the_month(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def first_told() -> list[str]:
        sink = Sink()
        sink.go_on.set()
        topic, group = settings.topic("kpi.alerts"), settings.topic("new")
        task = asyncio.create_task(
            alert_delivery.run(settings.bootstrap, topic, group, Deliverer(sink))
        )
        await asyncio.to_thread(produce, settings, "new")
        async with asyncio.timeout(60):
            await sink.holding.wait()
        task.cancel()
        await asyncio.wait([task])
        return sink.ids

    produce(settings, "old")
    time.sleep(2.5)
    monkeypatch.setattr(alert_delivery, "NEW_SINK_S", 1)
    assert asyncio.run(first_told()) == ["new"]


def test_what_is_no_alert_is_told_and_passed_over(settings: Settings) -> None:
    async def told() -> list[str]:
        sink = Sink()
        sink.go_on.set()
        topic, group = settings.topic("kpi.alerts"), settings.topic("mixed")
        task = asyncio.create_task(
            alert_delivery.run(settings.bootstrap, topic, group, Deliverer(sink))
        )
        async with asyncio.timeout(60):
            await sink.holding.wait()
        task.cancel()
        await asyncio.wait([task])
        return sink.ids

    producer = KafkaProducer(bootstrap_servers=settings.bootstrap, acks="all")
    for value in (b"not JSON", b"[]", json.dumps({"alert_id": "bare"}).encode(), None):
        producer.send(settings.topic("kpi.alerts"), value, key=b"k", partition=0)
    producer.flush()
    producer.close()
    produce(settings, "good")
    with structlog.testing.capture_logs() as lines:
        assert asyncio.run(told()) == ["good"]
    found = [(line["offset"], line["error"]) for line in lines if line["event"] == "not an alert"]
    assert [offset for offset, _ in found] == [0, 1, 2, 3]
    assert found[2][1] == "status: expected str, got None"
