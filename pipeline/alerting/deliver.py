"""Delivers each alert once per id to one sink: repeats are dropped, failures are tried again."""

from __future__ import annotations

import asyncio
import time
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Iterable, Sequence
from typing import Final, Protocol

import structlog

from pipeline import tracing
from pipeline.alerting.sink import AlertRecord, Sink, StandingSink
from pipeline.errors import AlertRefused, ReceiverBusy, TransientError

log = structlog.get_logger(__name__)

FIRST_DELAY_S: Final = 0.5
LONGEST_DELAY_S: Final = 60.0
PATIENCE_S: Final = 24 * 3600.0
"""How long one delivery is tried; a receiver that is down for less loses nothing."""
NOTED_EVERY_S: Final = 15.0
"""How often a pause, of an hour perhaps, tells that it goes on: as often as Prometheus looks."""
REMEMBERED: Final = 10_000
AGAIN_AFTER_FAILURE_S: Final = 5.0
"""Until what stands is told again to a receiver that did not take it."""

FROZEN_S: Final = 8.0
"""A worker that stood still for longer than it meant to may know of what is over for long: other
workers have had its partitions since."""


class Tally(Protocol):
    """Who is told how delivery goes."""

    def attempt(self, sink: str, result: str, seconds: float, /) -> None:
        """Count an attempt: "delivered", "failed" or "refused", and how long it took."""

    def alert(self, sink: str, result: str, /) -> None:
        """Count an alert: "delivered", "repeated" (dropped) or "failed" (given up)."""

    def trying(self, sink: str, seconds: float, /) -> None:
        """Note for how long a delivery has been tried; 0 when it is over."""

    def standing(self, sink: str, alerts: int, /) -> None:
        """Note how many alerts the sink tells again."""


class Deliverer:
    """Remembers the ids it has seen; a replayed log emits the same ids again."""

    def __init__(
        self,
        sink: Sink,
        *,
        tally: Tally | None = None,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """Deliver to a sink; ``sleep`` waits between attempts, ``clock`` measures seconds."""
        self.sink = sink
        self._tally = tally
        self._sleep = sleep
        self._clock = clock
        self._seen: OrderedDict[str, None] = OrderedDict()
        self._again = asyncio.Event()

    def remember(self, alert_ids: Iterable[str]) -> None:
        """Take these ids as delivered (by an earlier run)."""
        for alert_id in alert_ids:
            self._seen[alert_id] = None
            if len(self._seen) > REMEMBERED:
                self._seen.popitem(last=False)

    def has_dealt_with(self, alert: AlertRecord) -> bool:
        """Say whether an alert was taken, or given up, of late."""
        return str(alert["alert_id"]) in self._seen

    def forget(self) -> None:
        """Leave what stands to others, and take nothing as told that the log may bring again.

        For a receiver that is told of the same alert any number of times anyway.
        """
        if isinstance(self.sink, StandingSink):
            self.sink.forget()
            self._seen.clear()

    async def deliver(
        self, alerts: Sequence[AlertRecord], asked_back: asyncio.Event | None = None
    ) -> bool:
        """Deliver the alerts whose ids were not seen; say whether they are dealt with.

        They are not if ``asked_back`` is set while a pause is waited for: then whoever has their
        partition next has to. An alert that is refused, or not taken for ``PATIENCE_S``, is
        logged, counted and dealt with.
        """
        new: dict[str, AlertRecord] = {}
        for alert in alerts:
            alert_id = str(alert["alert_id"])
            if alert_id in self._seen or alert_id in new:
                self._count("repeated")
            else:
                new[alert_id] = alert
        if not new:
            return True
        attributes = {"vane.alert.id": ",".join(new), "vane.alert.sink": self.sink.name}
        with tracing.span("deliver", attributes):
            return await self._until_dealt_with(list(new.values()), asked_back or asyncio.Event())

    async def keep_telling(self) -> None:
        """Tell a receiver that forgets what stands, until cancelled; with another, do nothing."""
        sink = self.sink
        if not isinstance(sink, StandingSink):
            return
        pause = sink.again_s
        while True:
            began = self._clock()
            await _first_of(self._sleep(pause), self._again.wait())
            self._again.clear()
            if self._clock() - began > pause + FROZEN_S:
                pause = AGAIN_AFTER_FAILURE_S  # by then it is known whose partitions they are
                continue
            error = await self._attempt(sink.send_again) if sink.standing() else None
            pause = sink.again_s
            if error is not None:
                pause = min(pause, AGAIN_AFTER_FAILURE_S)
                log.warning("standing alerts not told", sink=sink.name, error=str(error))
            self._note_standing()

    def tell_soon(self) -> None:
        """Tell what stands without waiting for its time."""
        self._again.set()

    async def _until_dealt_with(
        self, alerts: Sequence[AlertRecord], asked_back: asyncio.Event
    ) -> bool:
        delay, waited, attempt = FIRST_DELAY_S, 0.0, 1
        while True:
            error = await self._attempt(lambda: self.sink.send(alerts))
            if error is None:
                self._end(alerts, "delivered")
                return True
            if isinstance(error, AlertRefused):
                if len(alerts) > 1:  # whichever it is, the others are not to be lost with it
                    for alert in alerts:
                        if not await self._until_dealt_with([alert], asked_back):
                            return False
                    return True
                return self._give_up(alerts, error)
            if waited >= PATIENCE_S:
                return self._give_up(alerts, error)
            log.warning(
                "alert not delivered", sink=self.sink.name, attempt=attempt, error=str(error)
            )
            wait = max(delay, error.after_s) if isinstance(error, ReceiverBusy) else delay
            if not await self._pause(wait, waited, asked_back):
                self._note_trying(0.0)
                return False
            waited += wait
            delay = min(2 * delay, LONGEST_DELAY_S)
            attempt += 1

    async def _pause(self, wait: float, waited: float, asked_back: asyncio.Event) -> bool:
        """Wait, noting how long it has been on top of ``waited``; say whether to try again."""
        passed = 0.0
        while passed < wait and not asked_back.is_set():
            step = min(NOTED_EVERY_S, wait - passed)
            await _first_of(self._sleep(step), asked_back.wait())
            passed += step
            if not asked_back.is_set():
                self._note_trying(waited + passed)
        return not asked_back.is_set()

    async def _attempt(
        self, send: Callable[[], Awaitable[None]]
    ) -> TransientError | AlertRefused | None:
        started = self._clock()
        failure: TransientError | AlertRefused | None = None
        try:
            await send()
        except (TransientError, AlertRefused) as error:
            failure = error
        if self._tally is not None:
            result = "refused" if isinstance(failure, AlertRefused) else "failed"
            took = self._clock() - started
            self._tally.attempt(self.sink.name, result if failure else "delivered", took)
        return failure

    def _give_up(self, alerts: Sequence[AlertRecord], error: Exception) -> bool:
        for alert in alerts:
            log.error(
                "alert given up",
                sink=self.sink.name,
                alert_id=alert["alert_id"],
                error=str(error),
            )
        self._end(alerts, "failed")
        return True

    def _end(self, alerts: Sequence[AlertRecord], result: str) -> None:
        self.remember(str(alert["alert_id"]) for alert in alerts)
        for _ in alerts:
            self._count(result)
        self._note_trying(0.0)
        self._note_standing()

    def _count(self, result: str) -> None:
        if self._tally is not None:
            self._tally.alert(self.sink.name, result)

    def _note_trying(self, seconds: float) -> None:
        if self._tally is not None:
            self._tally.trying(self.sink.name, seconds)

    def _note_standing(self) -> None:
        if self._tally is not None and isinstance(self.sink, StandingSink):
            self._tally.standing(self.sink.name, self.sink.standing())


async def _first_of(*waits: Awaitable[object]) -> None:
    """Wait for one of them; the others are cancelled."""
    tasks = [asyncio.ensure_future(wait) for wait in waits]
    try:
        done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for task in tasks:
            task.cancel()
    for task in done:
        task.result()
