"""Delivers each alert once per id and sink: repeats are dropped, failures are tried again."""

from __future__ import annotations

import asyncio
import time
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from typing import Any, Final

import structlog

from pipeline.alerting.sinks import Sink
from pipeline.errors import TransientError

log = structlog.get_logger(__name__)

ATTEMPTS: Final = 6
FIRST_DELAY_S: Final = 0.5
REMEMBERED: Final = 10_000


class Deliverer:
    """Remembers the ids it has seen; a replayed log emits the same ids again."""

    def __init__(
        self,
        sinks: Sequence[Sink],
        *,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
        on_attempt: Callable[[str, str, float], None] = lambda _sink, _result, _seconds: None,
        on_alert: Callable[[str], None] = lambda _result: None,
    ) -> None:
        """Deliver to every sink; ``sleep`` waits between attempts.

        ``on_attempt`` is told the sink, "delivered" or "failed", and the seconds an attempt took;
        ``on_alert`` what became of each alert: "delivered", "repeated" or "failed".
        """
        self._on_attempt = on_attempt
        self._on_alert = on_alert
        self._sinks = tuple(sinks)
        self._sleep = sleep
        self._seen: OrderedDict[str, None] = OrderedDict()
        self.delivered = 0
        self.repeated = 0
        self.failed = 0

    def remember(self, alert_ids: Iterable[str]) -> None:
        """Take these ids as delivered (by an earlier run)."""
        for alert_id in alert_ids:
            self._seen[alert_id] = None
            if len(self._seen) > REMEMBERED:
                self._seen.popitem(last=False)

    async def deliver(self, alert: Mapping[str, Any]) -> None:
        """Deliver an alert unless its id was seen; a sink that stays down is logged and counted."""
        alert_id = str(alert["alert_id"])
        if alert_id in self._seen:
            self.repeated += 1
            self._on_alert("repeated")
            return
        results = await asyncio.gather(*(self._try(sink, alert) for sink in self._sinks))
        self.remember([alert_id])
        if all(results):
            self.delivered += 1
        else:
            self.failed += 1
        self._on_alert("delivered" if all(results) else "failed")

    async def _try(self, sink: Sink, alert: Mapping[str, Any]) -> bool:
        delay = FIRST_DELAY_S
        for attempt in range(1, ATTEMPTS + 1):
            started = time.monotonic()
            try:
                await sink.send(alert)
            except TransientError as error:
                self._on_attempt(sink.name, "failed", time.monotonic() - started)
                log.warning(
                    "alert not delivered", sink=sink.name, attempt=attempt, error=str(error)
                )
            else:
                self._on_attempt(sink.name, "delivered", time.monotonic() - started)
                return True
            if attempt < ATTEMPTS:
                await self._sleep(delay)
                delay *= 2
        log.error("alert given up", sink=sink.name, alert_id=alert["alert_id"])
        return False
