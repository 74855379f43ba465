"""Where alerts go: each sink takes one alert and either delivers it or raises."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final, Protocol

import aiohttp
import structlog

from pipeline.errors import TransientError

log = structlog.get_logger(__name__)

WEBHOOK_TIMEOUT_S: Final = 10
_OK: Final = range(200, 300)


class Sink(Protocol):
    """Somewhere an alert can be delivered to."""

    name: str

    async def send(self, alert: Mapping[str, Any]) -> None:
        """Deliver one alert.

        Raises:
            TransientError: not delivered; trying again may help.
        """
        ...


class LogSink:
    """Writes alerts to the process log."""

    name = "log"

    async def send(self, alert: Mapping[str, Any]) -> None:
        """Log the alert; cannot fail."""
        write = log.warning if alert["status"] == "firing" else log.info
        write("alert", status=alert["status"], text=describe(alert), alert_id=alert["alert_id"])


class WebhookSink:
    """Posts alerts as JSON; ``Idempotency-Key`` carries the alert id."""

    name = "webhook"

    def __init__(self, url: str) -> None:
        """Remember the address; connections are opened as needed."""
        self._url = url

    async def send(self, alert: Mapping[str, Any]) -> None:
        """Post the alert; any answer but 2xx, or none in 10 s, is a TransientError."""
        timeout = aiohttp.ClientTimeout(total=WEBHOOK_TIMEOUT_S)
        body = {**alert, "text": describe(alert)}
        headers = {"Idempotency-Key": str(alert["alert_id"])}
        try:
            async with (
                aiohttp.ClientSession(timeout=timeout) as session,
                session.post(self._url, json=body, headers=headers) as answer,
            ):
                if answer.status not in _OK:
                    msg = f"webhook {self._url} answered {answer.status}, expected 2xx"
                    raise TransientError(msg)
        except (aiohttp.ClientError, TimeoutError) as error:
            msg = f"webhook {self._url} did not answer: {error!r}"
            raise TransientError(msg) from error


def describe(alert: Mapping[str, Any]) -> str:
    """Return the alert in a sentence."""
    queue = "/".join(part for part in (alert["client"], alert["site"], alert["queue"]) if part)
    level = 100 * alert["answered_within"] / alert["offered"]
    window = alert["window_ms"] // 60_000
    verb = "fell to" if alert["status"] == "firing" else "is back at"
    return (
        f"Service level of {queue} {verb} {level:.0f} % over {window} min "
        f"({alert['answered_within']} of {alert['offered']} calls in time; "
        f"goal {alert['goal_permille'] / 10:.0f} %)"
    )
