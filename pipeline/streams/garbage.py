"""When a worker looks for garbage that reference counts do not find.

The fold makes no cycles, but Python would look for them among all legs made since the last look,
two microseconds each: 220 ms of standstill every few seconds at 20,000 events/s. What libraries
make (some hundred objects a minute, from tasks and exceptions) can wait.
"""

from __future__ import annotations

import asyncio
import gc
import time
from typing import Final

import structlog

log = structlog.get_logger(__name__)

EVERY_S: Final = 600.0


async def collect_seldom(every_s: float = EVERY_S) -> None:
    """Look for cycles so often, and at no other time, until cancelled."""
    gc.disable()
    try:
        while True:
            await asyncio.sleep(every_s)
            started = time.monotonic()
            found = gc.collect()
            log.info("garbage", objects=found, seconds=round(time.monotonic() - started, 3))
    finally:
        gc.enable()
