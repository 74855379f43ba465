"""Alerts by e-mail, over SMTP: encrypted by STARTTLS (``smtp:``) or from the start (``smtps:``).

``smtp+plain:`` is for a relay on this machine or network; a password is not sent over it.
"""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import smtplib
import ssl
from collections.abc import Sequence
from email.message import EmailMessage
from email.utils import formatdate
from pathlib import Path
from typing import Final
from urllib.parse import unquote, urlsplit

import structlog

from pipeline.alerting.posting import TIMEOUT_S, host
from pipeline.alerting.sentence import describe, line, place
from pipeline.alerting.sink import AlertRecord
from pipeline.errors import AlertRefused, TransientError

log = structlog.get_logger(__name__)

PORTS: Final = {"smtp": 587, "smtps": 465, "smtp+plain": 25}
_PERMANENT: Final = 500
"""SMTP answers from here on say that trying again will not help (RFC 5321, 4.2.1)."""


class MailSink:
    """Mails alerts; those that come together share a message."""

    name: Final = "mail"
    batch: Final = 50

    def __init__(
        self,
        url: str,
        *,
        password: str,
        sender: str,
        recipients: Sequence[str],
        ca_file: Path | None = None,
    ) -> None:
        """Remember the server, ``smtp://USER@HOST:PORT``, who sends and to whom."""
        self._url = url
        self._password = password
        self._sender = sender
        self._recipients = tuple(recipients)
        self._ca_file = ca_file

    async def send(self, alerts: Sequence[AlertRecord]) -> None:
        """Mail the alerts in one message, in a thread: a slow server holds up nobody else."""
        message = compose(alerts, self._sender, self._recipients)
        await asyncio.to_thread(self._send, message)

    def _send(self, message: EmailMessage) -> None:
        where = f"mail at {host(self._url)}"
        try:
            client = self._connected()
            try:
                refused = client.send_message(message)
                with contextlib.suppress(OSError):  # it has the mail, however it says goodbye
                    client.quit()
            finally:
                client.close()
        except smtplib.SMTPRecipientsRefused as error:
            codes = [code for code, _ in error.recipients.values()]
            raise _failure(f"{where}: {error}", min(codes)) from error
        except smtplib.SMTPResponseException as error:
            raise _failure(f"{where}: {error}", error.smtp_code) from error
        except smtplib.SMTPNotSupportedError as error:
            msg = f"{where}: {error} Without encryption it would be smtp+plain://"
            raise AlertRefused(msg) from error
        except OSError as error:  # SMTPException is one, and so is what ssl raises
            msg = f"{where} did not take it: {error!r}"
            raise TransientError(msg) from error
        except ValueError as error:  # what smtplib cannot encode; its text holds the password
            msg = f"{where}: user, password or message cannot be sent: {type(error).__name__}"
            raise AlertRefused(msg) from None
        if refused:
            log.error("mail refused for some", server=host(self._url), refused=sorted(refused))

    def _connected(self) -> smtplib.SMTP:
        parts = urlsplit(self._url)
        name, port = parts.hostname or "", parts.port or PORTS[parts.scheme]
        context = ssl.create_default_context(cafile=self._ca_file)
        if parts.scheme == "smtps":
            client: smtplib.SMTP = smtplib.SMTP_SSL(name, port, timeout=TIMEOUT_S, context=context)
        else:
            client = smtplib.SMTP(name, port, timeout=TIMEOUT_S)
        try:
            if parts.scheme == "smtp":
                client.starttls(context=context)
            if parts.username:
                client.login(unquote(parts.username), self._password)
        except BaseException:
            client.close()
            raise
        return client


def _failure(message: str, code: int) -> TransientError | AlertRefused:
    return AlertRefused(message) if code >= _PERMANENT else TransientError(message)


def compose(alerts: Sequence[AlertRecord], sender: str, recipients: Sequence[str]) -> EmailMessage:
    """Return the message; the same alerts have the same Message-ID, by which a mailbox can tell."""
    message = EmailMessage()
    first = alerts[0]
    if len(alerts) == 1:
        subject = f"[{first['status'].upper()} {first['severity']}] {place(first)}: {first['rule']}"
    else:
        firing = sum(alert["status"] == "firing" for alert in alerts)
        subject = f"[{firing} FIRING, {len(alerts) - firing} RESOLVED] service level of queues"
    # A line's end in a queue's name would begin a header of its own.
    message["Subject"] = " ".join(subject.split())
    message["From"] = sender
    message["To"] = ", ".join(recipients)
    message["Date"] = formatdate()
    ids = "".join(str(alert["alert_id"]) for alert in alerts)
    digest = hashlib.blake2b(ids.encode(), digest_size=16).hexdigest()
    message["Message-ID"] = f"<{digest}@vane.invalid>"
    message["Auto-Submitted"] = "auto-generated"
    paragraphs = [
        f"{describe(first)}\n\nWhat to do: {first['runbook']}\nAlert: {first['alert_id']}"
    ]
    if len(alerts) > 1:
        paragraphs = [f"{line(alert)} ({alert['alert_id']})" for alert in alerts]
    message.set_content("\n".join(paragraphs) + "\n")
    return message
