"""The webhook: what a receiver gets, how it knows the sender, which answers are worth a try."""

from __future__ import annotations

import asyncio
import time
from email.utils import formatdate
from typing import Any

import pytest
import structlog

from pipeline.alerting.log_sink import LogSink
from pipeline.alerting.posting import BUSY_S, LONGEST_WAIT_S
from pipeline.alerting.sentence import describe
from pipeline.alerting.signature import HEADER, TOLERANCE_S, sign, verify
from pipeline.alerting.webhook import WebhookSink
from pipeline.errors import AlertRefused, ReceiverBusy, TransientError
from pipeline.settings import PROJECT_ROOT
from tests.unit.alerting.receiver import Said, an_alert, nobody_there, receiving

SECRET = "shared by both"


def send(url: str, secret: str = "") -> None:
    asyncio.run(WebhookSink(url, secret).send([an_alert()]))


@pytest.mark.parametrize("status", [200, 202, 204, 299])
def test_a_2xx_answer_is_a_delivery(status: int) -> None:
    with receiving(status) as receiver:
        send(receiver.url)
    ((headers, body),) = receiver.got
    assert headers["Idempotency-Key"] == "a1"
    assert headers["Content-Type"] == "application/json"
    assert HEADER not in headers
    assert body == {**an_alert(), "text": describe(an_alert())}


def test_the_receiver_can_tell_who_sent_it() -> None:
    with receiving(204) as receiver:
        send(receiver.url, SECRET)
    ((headers, _),), (raw,) = receiver.got, receiver.raw
    assert verify(SECRET.encode(), raw, headers[HEADER], time.time())
    assert not verify(b"another secret", raw, headers[HEADER], time.time())
    assert not verify(SECRET.encode(), raw + b" ", headers[HEADER], time.time())


def test_a_recording_is_refused_and_so_is_another_time_under_the_same_digest() -> None:
    header = sign(b"secret", b"body", 1_000_000)
    assert verify(b"secret", b"body", header, 1_000_000 + TOLERANCE_S)
    assert not verify(b"secret", b"body", header, 1_000_001 + TOLERANCE_S)
    assert not verify(b"secret", b"body", header, 999_999 - TOLERANCE_S)
    later = header.replace("t=1000000", "t=2000000")
    assert later != header
    assert not verify(b"secret", b"body", later, 2_000_000)


def test_the_documentation_s_receiver_takes_what_is_ours_and_nothing_else() -> None:
    text = (PROJECT_ROOT / "docs" / "alerting.md").read_text(encoding="utf-8")
    code = text.partition("```python\n")[2].partition("```")[0]
    there: dict[str, Any] = {}
    exec(code, there)  # noqa: S102 - our own documentation
    now = int(time.time())
    header = sign(b"secret", b"body", now)
    assert there["is_ours"](b"secret", b"body", header)
    assert not there["is_ours"](b"other", b"body", header)
    assert not there["is_ours"](b"secret", b"body!", header)
    assert not there["is_ours"](b"secret", b"body", sign(b"secret", b"body", now - 400))


@pytest.mark.parametrize("header", ["", "t=1,v1=", "v1=00,t=1", "t=1,v1=" + "g" * 64])
def test_what_is_no_signature_is_refused(header: str) -> None:
    assert not verify(b"secret", b"body", header, 1)


def test_the_signature_is_what_the_documentation_says() -> None:
    """By OpenSSL: printf '1764230400.{}' | openssl dgst -sha256 -hmac secret."""
    assert sign(b"secret", b"{}", 1_764_230_400) == (
        "t=1764230400,v1=708ee18f01c6d1255baa39f1966ef05488d11a2ea44b28946aa7a0f6bfcbe682"
    )


@pytest.mark.parametrize("status", [408, 425, 500, 502, 503, 504])
def test_a_servers_error_is_worth_another_try_and_names_the_status(status: int) -> None:
    with (
        receiving(status) as receiver,
        pytest.raises(TransientError, match=f"answered {status}, expected 2xx") as caught,
    ):
        send(receiver.url)
    assert not isinstance(caught.value, ReceiverBusy)


@pytest.mark.parametrize("status", [301, 307, 400, 401, 403, 404, 410, 413])
def test_any_other_answer_is_a_refusal_and_nobody_is_redirected(status: int) -> None:
    elsewhere = Said(status, "go away", {"Location": "/other"})
    with (
        receiving(elsewhere) as receiver,
        pytest.raises(AlertRefused, match=f"answered {status}, expected 2xx: 'go away'|: ''"),
    ):
        send(receiver.url)
    assert len(receiver.got) == 1


def test_an_answer_that_repeats_the_address_does_not_bring_it_into_the_log() -> None:
    said = Said(404, '{"error":"no handler","path":"/alerts/SECRET", "query": "token=SECRET 2"}')
    with receiving(said) as receiver, pytest.raises(AlertRefused, match="no handler") as caught:
        send(f"{receiver.url}/SECRET?token=SECRET%202")
    assert "SECRET" not in str(caught.value)


@pytest.mark.parametrize(
    ("status", "header", "wait"),
    [
        (429, None, BUSY_S),
        (429, "7", 7),
        (503, "0", 0),
        (429, "999999", LONGEST_WAIT_S),
        (429, "soon", BUSY_S),
        (429, formatdate(0, usegmt=True), 0),
    ],
)
def test_a_busy_receiver_says_when_to_come_again(
    status: int, header: str | None, wait: float
) -> None:
    said = Said(status, headers={} if header is None else {"Retry-After": header})
    with receiving(said) as receiver, pytest.raises(ReceiverBusy) as caught:
        send(receiver.url)
    assert caught.value.after_s == wait


def test_a_refused_connection_is_worth_another_try_and_names_the_host_alone() -> None:
    url = nobody_there().replace("//", "//user:secret@") + "?token=secret"
    with pytest.raises(TransientError, match=r"webhook at 127\.0\.0\.1:\d+ did not") as caught:
        send(url)
    assert "secret" not in str(caught.value)


def test_an_alert_in_a_sentence() -> None:
    assert describe(an_alert()) == (
        "Service level of acme/north/service fell to 65 % over 5 min "
        "(13 of 20 calls in time; goal 80 %)"
    )
    assert describe(an_alert(status="resolved", site="", answered_within=20)) == (
        "Service level of acme/service is back at 100 % over 5 min "
        "(20 of 20 calls in time; goal 80 %)"
    )
    assert "no calls over 5 min" in describe(an_alert(offered=0, answered_within=0))


@pytest.mark.parametrize(("status", "level"), [("firing", "warning"), ("resolved", "info")])
def test_the_log_gets_the_sentence_at_a_level_that_fits(status: str, level: str) -> None:
    with structlog.testing.capture_logs() as lines:
        asyncio.run(LogSink().send([an_alert(status=status)]))
    (line,) = lines
    assert (line["log_level"], line["status"], line["alert_id"]) == (level, status, "a1")
    assert line["text"] == describe(an_alert(status=status))
