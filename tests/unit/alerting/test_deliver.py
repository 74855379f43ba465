"""Delivery: once per id, tried again with growing pauses, given up loudly."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any

import pytest
import structlog

from pipeline.alerting.deliver import ATTEMPTS, FIRST_DELAY_S, REMEMBERED, Deliverer
from pipeline.alerting.sinks import LogSink, Sink, WebhookSink
from tests.unit.alerting.receiver import an_alert, nobody_there, receiving


class Pauses(list[float]):
    """Sleeps no time and keeps how long was asked for."""

    async def __call__(self, seconds: float) -> None:
        self.append(seconds)


class Kept:
    """A sink that keeps what it gets."""

    name = "kept"

    def __init__(self) -> None:
        self.ids: list[str] = []

    async def send(self, alert: Mapping[str, Any]) -> None:
        self.ids.append(alert["alert_id"])


def deliver(deliverer: Deliverer, *alerts: dict[str, Any]) -> tuple[int, int, int]:
    async def all_of_them() -> None:
        for alert in alerts:
            await deliverer.deliver(alert)

    asyncio.run(all_of_them())
    return deliverer.delivered, deliverer.repeated, deliverer.failed


def test_a_repeat_is_dropped_and_counted() -> None:
    with receiving(200) as receiver:
        deliverer = Deliverer([WebhookSink(receiver.url)])
        assert deliver(deliverer, an_alert("a"), an_alert("a"), an_alert("b")) == (2, 1, 0)
    assert [headers["Idempotency-Key"] for headers, _ in receiver.got] == ["a", "b"]


def test_a_failure_is_tried_again_after_a_pause() -> None:
    pauses = Pauses()
    with receiving(500, 503, 200) as receiver:
        deliverer = Deliverer([WebhookSink(receiver.url)], sleep=pauses)
        assert deliver(deliverer, an_alert()) == (1, 0, 0)
    assert pauses == [FIRST_DELAY_S, 2 * FIRST_DELAY_S]
    assert len(receiver.got) == 3


def test_a_sink_that_stays_down_is_given_up_and_counted() -> None:
    pauses = Pauses()
    deliverer = Deliverer([WebhookSink(nobody_there())], sleep=pauses)
    with structlog.testing.capture_logs() as lines:
        assert deliver(deliverer, an_alert()) == (0, 0, 1)
    assert pauses == [FIRST_DELAY_S * 2**i for i in range(ATTEMPTS - 1)]
    assert [line["log_level"] for line in lines] == ["warning"] * ATTEMPTS + ["error"]
    assert (lines[-1]["event"], lines[-1]["alert_id"]) == ("alert given up", "a1")


def test_one_sink_that_is_down_does_not_keep_an_alert_from_the_others() -> None:
    kept = Kept()
    sinks: list[Sink] = [WebhookSink(nobody_there()), kept, LogSink()]
    assert deliver(Deliverer(sinks, sleep=Pauses()), an_alert("a")) == (0, 0, 1)
    assert kept.ids == ["a"]


def test_an_error_that_is_a_bug_is_not_tried_again() -> None:
    pauses = Pauses()
    broken = an_alert()
    del broken["offered"]
    with receiving(200) as receiver, pytest.raises(KeyError, match="offered"):
        deliver(Deliverer([WebhookSink(receiver.url)], sleep=pauses), broken)
    assert (pauses, receiver.got) == ([], [])


def test_ids_of_an_earlier_run_count_as_delivered() -> None:
    kept = Kept()
    deliverer = Deliverer([kept])
    deliverer.remember(["a", "b"])
    assert deliver(deliverer, an_alert("a"), an_alert("b"), an_alert("c")) == (1, 2, 0)
    assert kept.ids == ["c"]


def test_the_memory_of_ids_is_bounded_and_forgets_the_oldest() -> None:
    deliverer = Deliverer([Kept()])
    deliverer.remember(str(i) for i in range(REMEMBERED + 1))
    assert deliver(deliverer, an_alert("1")) == (0, 1, 0)
    assert deliver(deliverer, an_alert("0")) == (1, 1, 0)


def test_attempts_and_what_became_of_alerts_are_told() -> None:
    attempts: list[tuple[str, str, bool]] = []
    alerts: list[str] = []
    sinks: list[Sink] = [WebhookSink(nobody_there()), Kept()]
    deliverer = Deliverer(
        sinks,
        sleep=Pauses(),
        on_attempt=lambda sink, result, seconds: attempts.append((sink, result, seconds >= 0)),
        on_alert=alerts.append,
    )
    deliver(deliverer, an_alert("a"), an_alert("a"))
    assert sorted(attempts) == [
        ("kept", "delivered", True),
        *[("webhook", "failed", True)] * ATTEMPTS,
    ]
    assert alerts == ["failed", "repeated"]
