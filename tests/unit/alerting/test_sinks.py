"""Sinks: what a receiver gets, and which answers are worth another try."""

from __future__ import annotations

import asyncio

import pytest
import structlog

from pipeline.alerting.sinks import LogSink, WebhookSink, describe
from pipeline.errors import TransientError
from tests.unit.alerting.receiver import an_alert, nobody_there, receiving


@pytest.mark.parametrize("status", [200, 202, 204, 299])
def test_a_2xx_answer_is_a_delivery(status: int) -> None:
    with receiving(status) as receiver:
        asyncio.run(WebhookSink(receiver.url).send(an_alert()))
    ((headers, body),) = receiver.got
    assert headers["Idempotency-Key"] == "a1"
    assert headers["Content-Type"] == "application/json"
    assert body == {**an_alert(), "text": describe(an_alert())}


@pytest.mark.parametrize("status", [304, 400, 404, 429, 500, 503])
def test_any_other_answer_is_worth_another_try_and_names_the_status(status: int) -> None:
    with (
        receiving(status) as receiver,
        pytest.raises(TransientError, match=f"answered {status}, expected 2xx"),
    ):
        asyncio.run(WebhookSink(receiver.url).send(an_alert()))


def test_a_refused_connection_is_worth_another_try_and_names_the_address() -> None:
    url = nobody_there()
    with pytest.raises(TransientError, match=f"webhook {url} did not answer"):
        asyncio.run(WebhookSink(url).send(an_alert()))


def test_an_alert_in_a_sentence() -> None:
    assert describe(an_alert()) == (
        "Service level of acme/north/service fell to 65 % over 5 min "
        "(13 of 20 calls in time; goal 80 %)"
    )
    assert describe(an_alert(status="resolved", site="", answered_within=20)) == (
        "Service level of acme/service is back at 100 % over 5 min "
        "(20 of 20 calls in time; goal 80 %)"
    )


@pytest.mark.parametrize(("status", "level"), [("firing", "warning"), ("resolved", "info")])
def test_the_log_gets_the_sentence_at_a_level_that_fits(status: str, level: str) -> None:
    with structlog.testing.capture_logs() as lines:
        asyncio.run(LogSink().send(an_alert(status=status)))
    (line,) = lines
    assert (line["log_level"], line["status"], line["alert_id"]) == (level, status, "a1")
    assert line["text"] == describe(an_alert(status=status))
