"""Alerts in the log of the process."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import structlog

from pipeline.alerting.sentence import describe
from pipeline.alerting.sink import AlertRecord

log = structlog.get_logger(__name__)


class LogSink:
    """Writes alerts to the process log."""

    name: Final = "log"
    batch: Final = 100

    async def send(self, alerts: Sequence[AlertRecord]) -> None:
        """Log each alert; cannot fail."""
        for alert in alerts:
            write = log.warning if alert["status"] == "firing" else log.info
            write("alert", status=alert["status"], text=describe(alert), alert_id=alert["alert_id"])
