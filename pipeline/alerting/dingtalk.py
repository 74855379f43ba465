"""Alerts to a DingTalk group by its custom robot, signed (加签) where there is a secret.

Its keyword or address filters, where set, must let the text or this machine pass.
"""

from __future__ import annotations

import base64
import hmac
import time
from collections.abc import Sequence
from typing import Final
from urllib.parse import urlencode

from pipeline.alerting.chat import BATCH, Codes, say, text_of
from pipeline.alerting.sink import AlertRecord

CODES: Final = Codes(names=("errcode",), too_many={130101, 410100, 90030}, passing={-1})


class DingTalkSink:
    """Says alerts in a group of DingTalk (钉钉)."""

    name: Final = "dingtalk"
    batch: Final = BATCH

    def __init__(self, url: str, secret: str = "") -> None:
        """Remember the robot's address, which holds its token, and its secret if it has one."""
        self._url = url
        self._secret = secret

    async def send(self, alerts: Sequence[AlertRecord]) -> None:
        """Say the alerts in one message."""
        url = self._url
        if self._secret:
            url += ("&" if "?" in url else "?") + signed(self._secret, time.time_ns() // 1_000_000)
        message = {"msgtype": "text", "text": {"content": text_of(alerts)}}
        await say(self.name, url, message, CODES)


def signed(secret: str, at_ms: int) -> str:
    """Return the two parameters that sign a request: HMAC-SHA256 of instant and secret."""
    digest = hmac.digest(secret.encode(), f"{at_ms}\n{secret}".encode(), "sha256")
    return urlencode({"timestamp": at_ms, "sign": base64.b64encode(digest).decode()})
