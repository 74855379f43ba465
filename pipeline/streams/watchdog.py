"""Ends a worker that is stuck, so that whoever supervises it starts another."""

from __future__ import annotations

import asyncio
import faulthandler
import sys
import threading
import time

import structlog
from faust.types import TP

from pipeline.broker.knock import knock
from pipeline.errors import AccessDenied, BrokerUnavailable
from pipeline.settings import Settings
from pipeline.streams.app import VaneApp
from pipeline.streams.ending import end
from pipeline.streams.health import LOOKS_PER_LIMIT, Limits

log = structlog.get_logger(__name__)


class LoopWatch(threading.Thread):
    """Ends the process if the event loop does not turn for twice the limit.

    It counts its own wakings, not the clock: a process that was frozen is not stuck.
    """

    def __init__(self, limits: Limits) -> None:
        """Watch a loop in which ``beat`` will run; ``start`` begins."""
        super().__init__(name="loop-watch", daemon=True)
        self._limits = limits
        self._turns = 0

    async def beat(self) -> None:
        """Show that the loop turns, for as long as it does."""
        while True:
            self._turns += 1
            await asyncio.sleep(self._limits.stuck_after_s / LOOKS_PER_LIMIT / 2)

    def run(self) -> None:
        """Watch; called by ``start``."""
        seen, still = -1, 0
        while still < 2 * LOOKS_PER_LIMIT:
            time.sleep(self._limits.stuck_after_s / LOOKS_PER_LIMIT)
            still = still + 1 if self._turns == seen else 0
            seen = self._turns
        faulthandler.dump_traceback(sys.stderr)
        end(f"stuck: the event loop has not turned for {2 * self._limits.stuck_after_s:g} s")


async def watch(app: VaneApp, settings: Settings, limits: Limits) -> None:
    """Look at the worker's health until it stops; end it if it stays stuck."""
    while not app.should_stop:
        await asyncio.sleep(limits.interval_s)
        app.health.look(await _ends(app, limits.interval_s))
        if app.should_stop or not app.health.not_live():
            continue
        try:
            await knock(settings.bootstrap, settings.security)
        except BrokerUnavailable as error:
            log.warning("no broker answers", error=str(error))
            app.health.broker_is_away()
        except AccessDenied as error:
            end(error)
        if reasons := app.health.beyond_hope():
            end(f"stuck: {'; '.join(reasons)}")


async def _ends(app: VaneApp, timeout_s: float) -> dict[int, int] | None:
    engine = app.engine
    if not engine.assigned:
        return {}
    tps = [TP(engine.input_topic, number) for number in engine.assigned]
    try:
        found = await asyncio.wait_for(app.consumer.highwaters(*tps), timeout_s)
    except Exception as error:  # noqa: BLE001 - whatever keeps it from answering, it does not
        log.debug("ends of the log are not known", error=repr(error))
        return None
    return {tp.partition: end for tp, end in found.items()}
