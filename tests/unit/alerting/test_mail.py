"""Mail, to a real SMTP server: encryption, password, answers, and what the message says."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
import structlog

from pipeline.alerting import mail
from pipeline.alerting.mail import MailSink
from pipeline.errors import AlertRefused, TransientError
from tests.unit.alerting.receiver import an_alert
from tests.unit.alerting.smtp_server import PASSWORD, certificate, free_port, smtp_server

FLOOR = "floor@acme.example"
USER = "vane%40acme@"


@pytest.fixture(scope="module")
def pem(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return certificate(tmp_path_factory.mktemp("mail"))


def send(
    url: str,
    *alerts: dict[str, Any],
    password: str = "",
    to: Sequence[str] = (FLOOR,),
    ca: Path | None = None,
) -> None:
    sink = MailSink(url, password=password, sender="vane@acme.example", recipients=to, ca_file=ca)
    asyncio.run(sink.send(alerts or [an_alert()]))


def test_one_alert_is_one_message_that_says_what_to_do() -> None:
    with smtp_server() as server:
        send(f"smtp+plain://127.0.0.1:{server.port}", to=(FLOOR, "duty@acme.example"))
    (message,) = server.taken
    assert message["Subject"] == "[FIRING page] acme/north/service: service-level-drop"
    assert (message["From"], message["To"]) == ("vane@acme.example", f"{FLOOR}, duty@acme.example")
    assert server.recipients == [[FLOOR, "duty@acme.example"]]
    text = message.get_content()
    assert "Service level of acme/north/service fell to 65 % over 5 min" in text
    assert "What to do: docs/runbooks/service-level-drop.md" in text
    assert "Alert: a1" in text
    assert message["Auto-Submitted"] == "auto-generated"


def test_alerts_that_come_together_share_a_message() -> None:
    with smtp_server() as server:
        alerts = [an_alert("a"), an_alert("b", status="resolved"), an_alert("c", queue="客服")]
        send(f"smtp+plain://127.0.0.1:{server.port}", *alerts)
    (message,) = server.taken
    assert message["Subject"] == "[2 FIRING, 1 RESOLVED] service level of queues"
    lines = message.get_content().splitlines()
    assert [line.split("]")[0] for line in lines] == [
        "[FIRING page",
        "[RESOLVED page",
        "[FIRING page",
    ]
    assert "acme/north/客服" in lines[2]


def test_the_same_alerts_have_the_same_message_id_and_others_another() -> None:
    def message_id(*ids: str) -> str:
        return str(mail.compose([an_alert(i) for i in ids], "a@b", [FLOOR])["Message-ID"])

    assert message_id("a", "b") == message_id("a", "b")
    assert len({message_id("a"), message_id("b"), message_id("a", "b")}) == 3


def test_a_line_s_end_in_a_name_makes_no_header() -> None:
    message = mail.compose([an_alert(queue="q\r\nBcc: all@acme.example")], "a@b", [FLOOR])
    assert message["Bcc"] is None
    assert "q Bcc: all@acme.example" in message["Subject"]


@pytest.mark.filterwarnings("ignore:Requiring AUTH")  # it takes STARTTLS alone for TLS
@pytest.mark.parametrize("from_the_start", [False, True])
def test_mail_is_encrypted_and_the_password_comes_after_that(
    pem: Path, *, from_the_start: bool
) -> None:
    scheme = "smtps" if from_the_start else "smtp"
    with smtp_server(pem, from_the_start=from_the_start) as server:
        send(f"{scheme}://{USER}127.0.0.1:{server.port}", password=PASSWORD, ca=pem)
    assert (server.encrypted, server.users) == ([True], ["vane@acme"])


def test_a_wrong_password_is_a_refusal(pem: Path) -> None:
    with smtp_server(pem) as server, pytest.raises(AlertRefused, match=r"mail at .*535") as caught:
        send(f"smtp://{USER}127.0.0.1:{server.port}", password="wr0ng", ca=pem)
    assert server.taken == []
    assert "wr0ng" not in str(caught.value)


def test_a_password_that_cannot_be_sent_is_a_refusal_and_stays_secret(pem: Path) -> None:
    with smtp_server(pem) as server, pytest.raises(AlertRefused, match="cannot be sent") as caught:
        send(f"smtp://{USER}127.0.0.1:{server.port}", password="pässwort", ca=pem)
    assert server.taken == []
    assert "sswort" not in str(caught.value)


def test_a_server_that_is_rude_at_goodbye_has_the_mail_all_the_same() -> None:
    with smtp_server() as server:
        server.quit_answer = "421 closing"
        send(f"smtp+plain://127.0.0.1:{server.port}")
    assert len(server.taken) == 1


def test_a_certificate_nobody_vouches_for_gets_no_password(pem: Path) -> None:
    with smtp_server(pem) as server, pytest.raises(TransientError, match="CERTIFICATE_VERIFY"):
        send(f"smtp://{USER}127.0.0.1:{server.port}", password=PASSWORD)
    assert (server.taken, server.users) == ([], [])


def test_a_server_without_encryption_is_refused_and_what_to_set_is_said() -> None:
    with smtp_server() as server, pytest.raises(AlertRefused, match=r"smtp\+plain://"):
        send(f"smtp://127.0.0.1:{server.port}")
    assert server.taken == []


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        ("451 try again later", TransientError),
        ("452 mailbox full", TransientError),
        ("550 looks like spam", AlertRefused),
        ("554 no", AlertRefused),
    ],
)
def test_the_first_digit_says_whether_to_try_again(answer: str, expected: type[Exception]) -> None:
    with smtp_server() as server:
        server.data_answer = answer
        with pytest.raises(expected, match=answer[:3]):
            send(f"smtp+plain://127.0.0.1:{server.port}")


def test_a_mailbox_that_is_gone_costs_the_others_nothing_and_is_told() -> None:
    with smtp_server() as server, structlog.testing.capture_logs() as lines:
        url = f"smtp+plain://127.0.0.1:{server.port}"
        send(url, to=(server.unknown, FLOOR))
        with pytest.raises(AlertRefused, match="550"):
            send(url, to=(server.unknown,))
    assert server.recipients == [[FLOOR]]
    assert [(line["event"], line["refused"]) for line in lines] == [
        ("mail refused for some", [server.unknown])
    ]


def test_nobody_there_is_worth_another_try() -> None:
    with pytest.raises(TransientError, match=r"mail at 127\.0\.0\.1:\d+ did not take it"):
        send(f"smtp://127.0.0.1:{free_port()}")
