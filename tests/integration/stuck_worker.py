"""``vane worker`` with a fault: it stays where it is told to. Run as a module by a test."""

from __future__ import annotations

import asyncio
import os
import sys
import time
from typing import Any

import faust

from pipeline.cli import main
from pipeline.streams import snapshots
from pipeline.streams.engine import Engine


async def _for_ever(*_: Any, **__: Any) -> Any:
    await asyncio.sleep(10_000)


async def _without_yielding(*_: Any, **__: Any) -> Any:
    time.sleep(10_000)  # noqa: ASYNC251 - the fault


async def _raises(*_: Any, **__: Any) -> Any:
    msg = "no chunk today"
    raise LookupError(msg)


def _sleep(*_: Any) -> None:
    time.sleep(10_000)


FAULTS: dict[str, tuple[Any, str, Any]] = {
    "recovery": (snapshots, "read_newest", _for_ever),
    "fold": (Engine, "on_chunk", _for_ever),
    "crash": (Engine, "on_chunk", _raises),
    "close": (faust.Worker, "stop_and_shutdown", _sleep),
    "stop": (Engine, "stop", _for_ever),
    "loop": (Engine, "on_chunk", _without_yielding),
}

if __name__ == "__main__":
    # The engine is imported above, so the compiled domain would come too late; no fault is of it.
    os.environ["VANE_KERNEL"] = "python"
    for fault in os.environ["STUCK_IN"].split(","):
        setattr(*FAULTS[fault])
    main(["worker", "--stuck-after", "3", "--loglevel", "warning", *sys.argv[1:]])
