"""Alerts to a Feishu (or Lark) group by its custom robot, signed where there is a secret."""

from __future__ import annotations

import base64
import hmac
import time
from collections.abc import Sequence
from typing import Final

from pipeline.alerting.chat import BATCH, Codes, say, text_of
from pipeline.alerting.sink import AlertRecord

# Older robots say StatusCode, and both where they took a message.
CODES: Final = Codes(names=("code", "StatusCode"), too_many={9499, 11232, 230020})


class FeishuSink:
    """Says alerts in a group of Feishu (飞书)."""

    name: Final = "feishu"
    batch: Final = BATCH

    def __init__(self, url: str, secret: str = "") -> None:
        """Remember the robot's address, which holds its token, and its secret if it has one."""
        self._url = url
        self._secret = secret

    async def send(self, alerts: Sequence[AlertRecord]) -> None:
        """Say the alerts in one message."""
        # "<at ...>" in a text calls people; a queue's name must not.
        text = text_of(alerts).replace("<", "‹")
        message: dict[str, object] = {"msg_type": "text", "content": {"text": text}}
        if self._secret:
            message |= signed(self._secret, int(time.time()))
        await say(self.name, self._url, message, CODES)


def signed(secret: str, at_s: int) -> dict[str, str]:
    """Return the fields that sign a message: an HMAC-SHA256 of nothing, by instant and secret."""
    digest = hmac.digest(f"{at_s}\n{secret}".encode(), b"", "sha256")
    return {"timestamp": str(at_s), "sign": base64.b64encode(digest).decode()}
