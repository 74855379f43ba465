"""Cycles are looked for seldom, and all the same in the end."""

from __future__ import annotations

import asyncio
import gc
import weakref

from pipeline.streams.garbage import collect_seldom


class Thing:
    """Something that can be watched."""


def a_cycle() -> weakref.ref[Thing]:
    thing = Thing()
    thing.itself = thing  # type: ignore[attr-defined]
    return weakref.ref(thing)


def test_only_at_its_times() -> None:
    async def run() -> None:
        task = asyncio.create_task(collect_seldom(0.05))
        await asyncio.sleep(0)
        assert not gc.isenabled()
        found = a_cycle()
        [[] for _ in range(200_000)]
        assert found() is not None
        await asyncio.sleep(0.2)
        assert found() is None
        task.cancel()
        await asyncio.wait([task])

    assert gc.isenabled()
    asyncio.run(run())
    assert gc.isenabled()
