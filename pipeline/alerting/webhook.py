"""Alerts as JSON to an address of the user's own, signed where there is a secret."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import Final

from pipeline import tracing
from pipeline.alerting.posting import encode, post, require_ok
from pipeline.alerting.sentence import describe
from pipeline.alerting.signature import HEADER, sign
from pipeline.alerting.sink import AlertRecord


class WebhookSink:
    """Posts each alert alone; ``Idempotency-Key`` carries its id."""

    name: Final = "webhook"
    batch: Final = 1

    def __init__(self, url: str, secret: str = "") -> None:
        """Remember the address, and the secret to sign with if there is one."""
        self._url = url
        self._secret = secret.encode()

    async def send(self, alerts: Sequence[AlertRecord]) -> None:
        """Post the alert; only 2xx is a delivery."""
        for alert in alerts:
            body = encode({**alert, "text": describe(alert)})
            headers = {"Idempotency-Key": str(alert["alert_id"]), **tracing.carried()}
            if self._secret:
                headers[HEADER] = sign(self._secret, body, int(time.time()))
            answer = await post(self.name, self._url, body, headers)
            require_ok(self.name, self._url, answer)
