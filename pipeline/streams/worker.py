"""Runs the worker process."""

from __future__ import annotations

import asyncio
import gc
import logging
from typing import Final

import faust
import uvloop

from pipeline.broker.knock import knock
from pipeline.settings import Settings
from pipeline.streams.app import build
from pipeline.streams.health import Limits
from pipeline.streams.watchdog import LoopWatch, watch

GC_THRESHOLDS: Final = (100_000, 50, 100)
"""The fold keeps hundreds of thousands of small objects and makes no cycles; at the default
thresholds a third of its time goes into looking for some."""


def run(
    settings: Settings,
    *,
    app_id: str,
    snapshot_interval_s: float,
    loglevel: str,
    limits: Limits,
) -> None:
    """Run until SIGTERM or SIGINT; returns after a clean stop, exits with 1 after a crash.

    A worker that stays stuck, as ``limits`` say, exits with 1 too.

    Raises:
        BrokerUnavailable: no broker answers.
        AccessDenied: it does not let us in.
    """
    asyncio.run(knock(settings.bootstrap, settings.security))
    uvloop.install()
    gc.set_threshold(*GC_THRESHOLDS)
    settings.home.mkdir(parents=True, exist_ok=True)
    app = build(settings, app_id=app_id, snapshot_interval_s=snapshot_interval_s, limits=limits)
    logging.getLogger("aiokafka").setLevel(logging.ERROR)
    worker = faust.Worker(app, loglevel=loglevel, quiet=False, redirect_stdouts=False)
    loop_watch = LoopWatch(limits)
    watches = (loop_watch.beat(), watch(app, settings, limits))
    tasks = [worker.loop.create_task(task) for task in watches]  # noqa: F841 - keeps them alive
    loop_watch.start()
    worker.execute_from_commandline()
