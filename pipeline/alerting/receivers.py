"""Who is told of alerts: as the settings have it, what is wrong with that, and the sinks of it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final
from urllib.parse import unquote, urlsplit

from pipeline.alerting.alertmanager import STANDS_S, AlertmanagerSink
from pipeline.alerting.dingtalk import DingTalkSink
from pipeline.alerting.feishu import FeishuSink
from pipeline.alerting.log_sink import LogSink
from pipeline.alerting.mail import PORTS, MailSink
from pipeline.alerting.posting import host
from pipeline.alerting.sink import Sink
from pipeline.alerting.slack import SlackSink
from pipeline.alerting.webhook import WebhookSink
from pipeline.alerting.wecom import WeComSink

Problem = tuple[str, str]
"""Name of the variable, and what was expected of it."""

_ADDRESS: Final = re.compile(r"[^\s@<>,]+@[^\s@<>,]+")
_SHORTEST_AGAIN_S: Final = 1.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Receivers:
    """Each field is the variable ``VANE_`` and its name in capitals; empty: not told."""

    alertmanager_url: str = field(default="", repr=False)
    """One or, by commas, several Alertmanagers, each told everything; without ``/api``."""
    alertmanager_resend_s: float = 60.0
    """How often what fires is told again (``VANE_ALERTMANAGER_RESEND_S``)."""
    webhook_url: str = field(default="", repr=False)
    """Gets each alert as JSON."""
    webhook_secret: str = field(default="", repr=False)
    """Signs what the webhook gets."""
    smtp_url: str = field(default="", repr=False)
    """``smtp://USER@HOST:PORT``, ``smtps://`` or ``smtp+plain://``."""
    smtp_password: str = field(default="", repr=False)
    smtp_ca_file: Path | None = None
    """PEM: who signed the server's certificate; default: whom the system trusts."""
    mail_from: str = ""
    mail_to: str = ""
    """One address or several, by commas."""
    dingtalk_url: str = field(default="", repr=False)
    dingtalk_secret: str = field(default="", repr=False)
    wecom_url: str = field(default="", repr=False)
    feishu_url: str = field(default="", repr=False)
    feishu_secret: str = field(default="", repr=False)
    slack_url: str = field(default="", repr=False)

    def problems(self) -> Iterator[Problem]:
        """Yield everything that is wrong; of addresses, which may hold secrets, not the value."""
        alertmanagers = _listed(self.alertmanager_url)
        for url in alertmanagers:
            yield from _web_address("VANE_ALERTMANAGER_URL", url)
        if len({host(url) for url in alertmanagers}) < len(alertmanagers):
            yield "VANE_ALERTMANAGER_URL", "expected each Alertmanager once"
        if not _SHORTEST_AGAIN_S <= self.alertmanager_resend_s <= STANDS_S / 2:
            expected = f"expected from {_SHORTEST_AGAIN_S:g} to {STANDS_S / 2:g} seconds"
            yield "VANE_ALERTMANAGER_RESEND_S", f"{expected}, got {self.alertmanager_resend_s:g}"
        for name in ("webhook", "dingtalk", "wecom", "feishu", "slack"):
            url, variable = getattr(self, f"{name}_url"), f"VANE_{name.upper()}_URL"
            if url:
                yield from _web_address(variable, url)
            if getattr(self, f"{name}_secret", "") and not url:
                yield f"VANE_{name.upper()}_SECRET", f"expected {variable} with it, got none"
        yield from self._mail_problems()

    def _mail_problems(self) -> Iterator[Problem]:
        values = {"VANE_SMTP_URL": self.smtp_url, "VANE_MAIL_FROM": self.mail_from,
                  "VANE_MAIL_TO": self.mail_to}  # fmt: skip
        missing = [name for name, value in values.items() if not value]
        if self.smtp_password and not self.smtp_url:
            yield "VANE_SMTP_PASSWORD", "expected VANE_SMTP_URL with it, got none"
        if len(missing) == len(values):
            return
        for name in missing:
            yield name, "expected it beside the other settings of mail, got none"
        for name, value in (("VANE_MAIL_FROM", self.mail_from), ("VANE_MAIL_TO", self.mail_to)):
            for address in _listed(value):
                if not _ADDRESS.fullmatch(address):
                    yield name, f"expected a mail address, got {address!r}"
        if self.smtp_ca_file is not None and not self.smtp_ca_file.is_file():
            yield "VANE_SMTP_CA_FILE", f"expected a PEM file, got {str(self.smtp_ca_file)!r}"
        if self.smtp_url:
            yield from self._server_problems()

    def _server_problems(self) -> Iterator[Problem]:
        parts = urlsplit(self.smtp_url)
        if parts.scheme not in PORTS or not parts.hostname or not _port_ok(self.smtp_url):
            known = "://, ".join(PORTS)
            yield "VANE_SMTP_URL", f"expected {known}:// and a host"
        elif parts.password is not None:
            yield "VANE_SMTP_URL", "expected the password in VANE_SMTP_PASSWORD (or _FILE) alone"
        elif bool(parts.username) != bool(self.smtp_password):
            yield "VANE_SMTP_URL", "expected USER@ in it and VANE_SMTP_PASSWORD, or neither"
        elif parts.scheme == "smtp+plain" and self.smtp_password:
            yield "VANE_SMTP_URL", "expected smtp:// or smtps:// where there is a password"
        elif not unquote(parts.username or "").isascii():
            yield "VANE_SMTP_URL", "expected a user of ASCII characters"
        elif not self.smtp_password.isascii():
            yield "VANE_SMTP_PASSWORD", "expected ASCII characters"


def sinks_of(receivers: Receivers) -> list[Sink]:
    """Return a sink for each receiver, the log first."""
    r = receivers
    found: list[Sink] = [LogSink()]
    found += [
        AlertmanagerSink(url, again_s=r.alertmanager_resend_s)
        for url in _listed(r.alertmanager_url)
    ]
    if r.webhook_url:
        found.append(WebhookSink(r.webhook_url, r.webhook_secret))
    if r.smtp_url:
        found.append(
            MailSink(
                r.smtp_url,
                password=r.smtp_password,
                sender=r.mail_from,
                recipients=_listed(r.mail_to),
                ca_file=r.smtp_ca_file,
            )
        )
    if r.dingtalk_url:
        found.append(DingTalkSink(r.dingtalk_url, r.dingtalk_secret))
    if r.wecom_url:
        found.append(WeComSink(r.wecom_url))
    if r.feishu_url:
        found.append(FeishuSink(r.feishu_url, r.feishu_secret))
    if r.slack_url:
        found.append(SlackSink(r.slack_url))
    return found


def _listed(text: str) -> list[str]:
    return [part.strip() for part in text.split(",") if part.strip()]


def _web_address(variable: str, url: str) -> Iterator[Problem]:
    parts = urlsplit(url)
    if parts.scheme not in {"http", "https"} or not parts.hostname or not _port_ok(url):
        yield variable, "expected http:// or https:// and a host"
    elif any(c.isspace() for c in url):
        yield variable, "expected an address without spaces"


def _port_ok(url: str) -> bool:
    try:
        return urlsplit(url).port != 0
    except ValueError:
        return False
