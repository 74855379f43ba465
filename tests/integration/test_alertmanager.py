"""Alerts in a real Alertmanager: begun, kept up, ended, and there again after a kill of either."""

from __future__ import annotations

import asyncio
import contextlib
import json
import time
import urllib.request
from collections import Counter
from collections.abc import Callable, Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from kafka import KafkaProducer

from pipeline.alerting.alertmanager import STANDS_S, AlertmanagerSink
from pipeline.codec.encode import encode
from pipeline.errors import AlertRefused
from pipeline.settings import Settings
from tests.factories import an_event
from tests.integration import live
from tests.integration.alertmanager import Alertmanager, alertmanager
from tests.integration.webhook import Manner, receiver
from tests.unit.alerting.receiver import an_alert

pytestmark = [pytest.mark.integration, pytest.mark.timeout(240)]

STORM = 500
CALLS = 20
FEW = 60
"""Alerts that have been delivered when the kills come: early in the storm, and not at its start."""
AGAIN = {"VANE_ALERTMANAGER_RESEND_S": "1"}


def until(what: Callable[[], bool], seen: Callable[[], object], timeout: float = 60) -> None:
    deadline = time.monotonic() + timeout
    while not what():
        assert time.monotonic() < deadline, seen()
        time.sleep(0.02)


def ago(seconds: float) -> int:
    """Return a time in the past as the fold has it, epoch ms at a pane's boundary."""
    return int(time.time() - seconds) // 30 * 30_000


def epoch(instant: str) -> float:
    return datetime.fromisoformat(instant).timestamp()


def tell(settings: Settings, *alerts: dict[str, Any], partition: int = 0) -> None:
    producer = KafkaProducer(bootstrap_servers=settings.bootstrap, acks="all")
    for alert in alerts:
        value = json.dumps(alert).encode()
        producer.send(settings.topic("kpi.alerts"), value, partition=partition)
    producer.flush()
    producer.close()


@pytest.fixture
def one(tmp_path: Path) -> Iterator[Alertmanager]:
    with alertmanager(tmp_path / "am") as found:
        yield found


def test_labels_are_identity_and_an_end_ends_it(one: Alertmanager) -> None:
    sink = AlertmanagerSink(one.url)
    begun, ended = ago(600), ago(60)

    async def send(*alerts: dict[str, Any]) -> None:
        await sink.send(alerts)

    asyncio.run(send(an_alert("a1", at_ms=begun)))
    (alert,) = one.alerts()
    assert alert["labels"] == {
        "alertname": "service-level-drop",
        "client": "acme",
        "site": "north",
        "queue": "service",
        "kpi": "service_level",
        "severity": "page",
        "rule_version": "0123456789ab",
        "scope": "queue",
    }
    assert alert["annotations"]["summary"].startswith("Service level of acme/north/service fell")
    assert epoch(alert["startsAt"]) == begun / 1000
    assert epoch(alert["endsAt"]) > time.time() + STANDS_S - 60
    asyncio.run(send(an_alert("a2", at_ms=begun, offered=30)))
    (alert,) = one.alerts()  # the numbers changed, the alert is the same
    assert (alert["annotations"]["alert_id"], alert["annotations"]["offered"]) == ("a2", "30")
    asyncio.run(send(an_alert("a3", at_ms=ended, status="resolved")))
    assert one.alerts() == []


def test_a_telling_of_the_past_that_comes_late_does_not_make_it_stand(one: Alertmanager) -> None:
    """As from a worker that was frozen: its successor tells of the end again."""
    successor, frozen = AlertmanagerSink(one.url), AlertmanagerSink(one.url)
    fires = an_alert("a1", at_ms=ago(600))

    async def play() -> None:
        await frozen.send([fires])
        successor.restore([(fires, time.time())])
        await successor.send([an_alert("a2", at_ms=ago(60), status="resolved")])
        assert one.alerts() == []
        await frozen.send_again()
        assert len(one.alerts()) == 1
        await successor.send_again()
        assert one.alerts() == []

    asyncio.run(play())


def test_an_address_that_is_not_alertmanagers_is_a_refusal(one: Alertmanager) -> None:
    with pytest.raises(AlertRefused, match=r"alertmanager-127\.0\.0\.1:\d+ .* answered 404"):
        asyncio.run(AlertmanagerSink(f"{one.url}/nowhere").send([an_alert("a")]))
    assert one.alerts() == []


def test_what_fires_is_kept_up_ends_and_is_there_again_after_a_restart_of_alertmanager(
    settings: Settings, one: Alertmanager
) -> None:
    fires, other = an_alert("a1", at_ms=ago(600)), an_alert("b1", at_ms=ago(600), queue="other")
    environment = AGAIN | {"VANE_ALERTMANAGER_URL": one.url}
    with live.running(settings, **environment) as worker:
        tell(settings, fires, other)
        worker.wait_for(lambda _: one.ids() == {"a1", "b1"})
        first = max(alert["endsAt"] for alert in one.alerts())
        worker.wait_for(lambda _: min(a["endsAt"] for a in one.alerts()) > first)
        one.kill()
        one.start()
        worker.wait_for(lambda _: one.ids() == {"a1", "b1"})
        tell(settings, an_alert("b2", at_ms=ago(30), queue="other", status="resolved"))
        worker.wait_for(lambda _: one.ids() == {"a1"})
        one.kill()
        one.start()
        worker.wait_for(lambda _: one.ids() == {"a1"})
        assert worker.stop() == 0
    # Nobody tells it any more, and the calls are no better for it.
    assert one.ids() == {"a1"}
    one.kill()
    one.start()
    with live.running(settings, **environment) as worker:
        worker.wait_for(lambda _: one.ids() == {"a1"})
        tell(settings, an_alert("a2", at_ms=ago(0), status="resolved"))
        worker.wait_for(lambda _: one.alerts() == [])


def test_of_two_alertmanagers_each_is_told_and_neither_waits_for_the_other(
    settings: Settings, one: Alertmanager, tmp_path: Path
) -> None:
    with alertmanager(tmp_path / "second") as second:
        second.kill()
        urls = {"VANE_ALERTMANAGER_URL": f"{one.url},{second.url}"}
        with live.running(settings, **AGAIN, **urls) as worker:
            tell(settings, an_alert("a1", at_ms=ago(60)), partition=3)
            worker.wait_for(lambda _: one.ids() == {"a1"})
            tell(settings, an_alert("b1", at_ms=ago(60), queue="other"), partition=1)
            worker.wait_for(lambda _: one.ids() == {"a1", "b1"})
            second.start()
            worker.wait_for(lambda _: second.ids() == {"a1", "b1"})


def storm(settings: Settings) -> set[str]:
    """Let all calls of 500 queues wait too long at once; return the ids of the alerts."""
    for partition in range(live.PARTITIONS):
        client = f"client-{partition}"
        calls = [
            an_event("queued", n, client=client, queue=f"q{q:03}", contact_id=f"{q}-{n}")
            for q in range(STORM // live.PARTITIONS)
            for n in range(CALLS)
        ]
        later = an_event("queued", 120_000, client=client, queue="q000", contact_id="later")
        records = [(client.encode(), encode(event)) for event in [*calls, later]]
        live.send(settings, records, partition=partition)
    ids = live.clean_fold(settings, settings.config_dir).alert_ids
    assert len(ids) == STORM
    return ids


def test_a_storm_of_500_alerts_in_which_worker_and_alertmanager_are_killed(
    settings: Settings, one: Alertmanager, tmp_path: Path
) -> None:
    settings = live.margin_alone(settings, tmp_path)
    ids = storm(settings)
    with receiver() as webhook:
        environment = AGAIN | {"VANE_ALERTMANAGER_URL": one.url, "VANE_WEBHOOK_URL": webhook.url}
        with live.running(settings, **environment) as worker:
            worker.wait_for(lambda _: len(webhook.ids) >= FEW)
            one.kill()
            worker.wait_for(lambda _: len(webhook.ids) >= 2 * FEW)
            worker.kill()
        assert len(webhook.ids) < STORM, "the kill came too late to be one amid the storm"
        one.start()
        with live.running(settings, **environment) as worker:
            worker.wait_for(lambda _: one.ids() == ids and set(webhook.ids) == ids)
            one.kill()
            one.start()
            worker.wait_for(lambda _: one.ids() == ids)
            assert worker.stop() == 0
    assert len(one.alerts()) == STORM  # of each queue one
    repeated = {key: count for key, count in Counter(webhook.ids).items() if count > 1}
    assert len(repeated) <= 1  # the one in the worker's hand when it was killed
    assert set(repeated.values()) <= {2}


def test_a_receiver_that_refuses_or_is_slow_does_not_hold_up_alertmanager(
    settings: Settings, one: Alertmanager
) -> None:
    with receiver() as webhook:
        webhook.manner = Manner.REFUSING
        urls = {"VANE_ALERTMANAGER_URL": one.url, "VANE_WEBHOOK_URL": webhook.url}
        with live.running(settings, **urls) as worker:
            tell(settings, *[an_alert(f"a{n}", at_ms=ago(60), queue=f"q{n}") for n in range(20)])
            worker.wait_for(lambda _: len(one.ids()) == 20 and webhook.refused > 0)
            assert webhook.taken == []
            assert metric(worker, "vane_alert_attempts_total", "webhook", "failed") >= 1
            assert metric(worker, "vane_alert_deliveries_total", "webhook", "delivered") == 0
            until(lambda: metric(worker, "vane_alert_trying_seconds", "webhook") > 0, worker.status)
            webhook.manner = Manner.SLOW
            worker.wait_for(lambda _: bool(webhook.taken))
            tell(settings, an_alert("b", at_ms=ago(30), queue="late"))
            worker.wait_for(lambda _: "b" in one.ids())
            assert "b" not in webhook.ids
            webhook.manner = Manner.PROMPT
            worker.wait_for(lambda _: len(webhook.ids) == 21)
            assert metric(worker, "vane_alert_trying_seconds", "webhook") == 0
            assert metric(worker, "vane_alerts_standing", f"alertmanager-{one.url[7:]}") == 21


def metric(worker: live.Worker, name: str, *labels: str) -> float:
    """Return the value of a metric with these labels, 0 if there is none."""
    url = f"http://127.0.0.1:{worker.port}/metrics"
    with contextlib.suppress(OSError), urllib.request.urlopen(url, timeout=5) as answer:
        for line in answer.read().decode().splitlines():
            if line.startswith(f"{name}{{") and all(f'"{label}"' in line for label in labels):
                return float(line.rpartition(" ")[2])
    return 0.0
