"""Alerts to a WeCom group by its message robot; the key in its address is all that it asks for."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from pipeline.alerting.chat import Codes, say, text_of
from pipeline.alerting.sink import AlertRecord

CODES: Final = Codes(names=("errcode",), too_many={45009, 45033}, passing={-1, 6000})
BYTES: Final = 2048
"""The most that a text may have in UTF-8."""


class WeComSink:
    """Says alerts in a group of WeCom (企业微信)."""

    name: Final = "wecom"
    batch: Final = 5

    def __init__(self, url: str) -> None:
        """Remember the robot's address, which holds its key."""
        self._url = url

    async def send(self, alerts: Sequence[AlertRecord]) -> None:
        """Say the alerts in one message."""
        await say(self.name, self._url, message(text_of(alerts)), CODES)


def message(text: str) -> dict[str, object]:
    """Return the message; of a text that is too long, what fits of it, and that it was cut."""
    raw = text.encode()
    if len(raw) > BYTES:
        text = raw[: BYTES - len("…".encode())].decode("utf-8", "ignore") + "…"
    return {"msgtype": "text", "text": {"content": text}}
