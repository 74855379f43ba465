"""Alerts to a Slack channel by an incoming webhook, or to what speaks as Slack does."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape
from typing import Final

from pipeline.alerting.chat import BATCH, text_of
from pipeline.alerting.posting import TOLD, encode, host, post, require_ok
from pipeline.alerting.sink import AlertRecord
from pipeline.errors import AlertRefused


class SlackSink:
    """Says alerts in a channel of Slack."""

    name: Final = "slack"
    batch: Final = BATCH

    def __init__(self, url: str) -> None:
        """Remember the webhook's address, which is a secret."""
        self._url = url

    async def send(self, alerts: Sequence[AlertRecord]) -> None:
        """Say the alerts in one message."""
        # & < > are its control characters: "<!channel>" would call everybody.
        message = {"text": escape(text_of(alerts), quote=False)}
        answer = await post(self.name, self._url, encode(message), {})
        require_ok(self.name, self._url, answer)
        if answer.text.strip() != "ok":
            msg = f"slack at {host(self._url)} answered {answer.text[:TOLD]!r}, expected 'ok'"
            raise AlertRefused(msg)
