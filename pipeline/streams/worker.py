"""Runs the worker process."""

from __future__ import annotations

import asyncio
import logging
import os
import socket
from collections.abc import Collection
from dataclasses import replace
from signal import Signals

import faust
import structlog
import uvloop

from pipeline import tracing
from pipeline.broker.knock import knock
from pipeline.settings import Settings
from pipeline.streams import logs
from pipeline.streams.app import Membership, build
from pipeline.streams.ending import end, end_within
from pipeline.streams.garbage import collect_seldom
from pipeline.streams.health import Limits
from pipeline.streams.watchdog import LoopWatch, watch

log = structlog.get_logger(__name__)


class _Worker(faust.Worker):
    """Faust's worker; its stop is bounded, and a second signal ends it at once."""

    stop_within_s: float
    name: str
    watches: Collection[asyncio.Task[None]] = ()

    def on_setup_root_logger(self, logger: logging.Logger, level: int) -> None:
        """Have Faust's own lines written as ours are."""
        if logs.is_json():
            logger.handlers[:] = [logs.json_handler(self.name)]
        else:
            super().on_setup_root_logger(logger, level)

    def _schedule_shutdown(self, signal: Signals) -> None:
        if self._signal_stop_time:
            end(f"{signal.name} again: ended at once; the next worker goes on from a snapshot")
        super()._schedule_shutdown(signal)
        log.info("stopping", signal=signal.name)
        why = f"not stopped within {self.stop_within_s:g} s of {signal.name} (--shutdown-timeout)"
        end_within(self.stop_within_s, why)

    def _shutdown_loop(self) -> None:
        # It waits two seconds for tasks that do not end, and these never do.
        for task in self.watches:
            task.cancel()
        super()._shutdown_loop()

    async def _sentinel_task(self) -> None:
        """Add no second's sleep to a stop: everything has ended before."""


def _free_port(host: str) -> int:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.create_server((host, 0), family=family) as probe:
        port: int = probe.getsockname()[1]
        return port


def run(
    settings: Settings,
    *,
    membership: Membership,
    snapshot_interval_s: float,
    loglevel: str,
    log_format: str,
    fold: str,
    limits: Limits,
) -> None:
    """Run until SIGTERM or SIGINT; returns after a clean stop, exits with 1 after a crash.

    A worker that stays stuck, as ``limits`` say, exits with 1 too.

    Raises:
        BrokerUnavailable: no broker answers.
        AccessDenied: it does not let us in.
    """
    name = f"{socket.gethostname()}:{os.getpid()}"
    logs.configure(log_format, loglevel, name)
    traced = tracing.start(name)
    log.info("worker started", fold=fold, app_id=membership.app_id, traced=traced)
    asyncio.run(knock(settings.bootstrap, settings.security))
    uvloop.install()
    settings.home.mkdir(parents=True, exist_ok=True)
    settings = replace(settings, web_port=settings.web_port or _free_port(settings.web_host))
    log.info("status page", url=f"http://{settings.web_host}:{settings.web_port}/")
    app = build(
        settings, membership=membership, snapshot_interval_s=snapshot_interval_s, limits=limits
    )
    logging.getLogger("aiokafka").setLevel(logging.ERROR)
    worker = _Worker(app, loglevel=loglevel, quiet=logs.is_json(), redirect_stdouts=False)
    worker.spinner = None  # it writes control characters, into a log too
    worker.name = name
    worker.stop_within_s = limits.shutdown_timeout_s
    loop_watch = LoopWatch(limits)
    watches = (loop_watch.beat(), watch(app, settings, limits), collect_seldom())
    worker.watches = [worker.loop.create_task(task) for task in watches]
    loop_watch.start()
    try:
        worker.execute_from_commandline()
    finally:
        tracing.stop()
