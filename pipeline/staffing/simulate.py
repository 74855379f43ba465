"""One queue's day, call by call: what the formulas and the plans are held against.

First come, first served; an agent takes calls from his first to his last instant and ends the call
he is in. Callers leave when their patience is over, and some call again. Everything that the models
of this package assume can be switched off: handle times may be lognormal, the day may be busier
than forecast. A day depends on nothing but its arguments; times are seconds since its start.

It shares no code with the formulas, which is the point of it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from heapq import heapify, heappop, heappush
from math import log, sqrt
from random import Random
from typing import NamedTuple

from pipeline.staffing.redials import NO_REDIALS, Redials


@dataclass(frozen=True, slots=True, kw_only=True)
class Slot:
    """A stretch of the day: its length, the calls expected in it, the agents on the queue."""

    length_s: float
    calls: float
    agents: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Callers:
    """How callers and calls are: mean handle time and patience, seconds.

    ``handle_cv``: coefficient of variation of handle times, which are exponential at 1 and else
    lognormal. ``patience_s`` None: nobody hangs up.
    """

    handle_s: float
    patience_s: float | None
    threshold_s: float
    handle_cv: float = 1.0
    redials: Redials = NO_REDIALS


class SlotCounts(NamedTuple):
    """Calls of a slot, by their arrival; waits in seconds."""

    offered: int
    answered: int
    within: int
    abandoned: int
    waited_s: float
    busy_s: float


def simulate(slots: Sequence[Slot], callers: Callers, seed: str) -> list[SlotCounts]:
    """Simulate a day that starts empty; the same seed gives the same day."""
    rng = Random(seed)  # noqa: S311 - a simulation, not a secret
    edges = [0.0]
    for slot in slots:
        edges.append(edges[-1] + slot.length_s)
    arrivals = _arrivals(slots, edges, rng)
    heapify(arrivals)
    free = _shifts(slots, edges)
    heapify(free)
    counts = [[0, 0, 0, 0, 0.0, 0.0] for _ in slots]
    at = 0
    while arrivals:
        now = heappop(arrivals)
        while now >= edges[at + 1]:
            at += 1
        row = counts[at]
        row[0] += 1
        patience = (
            edges[-1] * 2 if callers.patience_s is None else rng.expovariate(1 / callers.patience_s)
        )
        while free and max(now, free[0][0]) >= free[0][1]:
            heappop(free)  # has gone home
        starts = max(now, free[0][0]) if free else edges[-1] * 2
        if starts - now > patience or not free:
            row[3] += 1
            row[4] += patience
            _again(arrivals, now + patience, edges[-1], callers.redials, rng)
            continue
        _, leaves = heappop(free)
        handle = _handle_s(callers, rng)
        heappush(free, (starts + handle, leaves))
        row[1] += 1
        row[2] += starts - now <= callers.threshold_s
        row[4] += starts - now
        row[5] += handle
    return [
        SlotCounts(int(a), int(b), int(c), int(d), waited, busy)
        for a, b, c, d, waited, busy in counts
    ]


def _arrivals(slots: Sequence[Slot], edges: Sequence[float], rng: Random) -> list[float]:
    found = []
    for slot, start in zip(slots, edges, strict=False):
        if slot.calls <= 0:
            continue
        rate = slot.calls / slot.length_s
        at = start + rng.expovariate(rate)
        while at < start + slot.length_s:
            found.append(at)
            at += rng.expovariate(rate)
    return found


def _shifts(slots: Sequence[Slot], edges: Sequence[float]) -> list[tuple[float, float]]:
    """Return (from, until) of each agent; who came last goes first."""
    found: list[tuple[float, float]] = []
    present: list[float] = []
    for slot, start in zip(slots, edges, strict=False):
        while len(present) > slot.agents:
            found.append((present.pop(), start))
        present += [start] * (slot.agents - len(present))
    return found + [(start, edges[-1]) for start in present]


def _handle_s(callers: Callers, rng: Random) -> float:
    if callers.handle_cv == 1:
        return rng.expovariate(1 / callers.handle_s)
    variance = log(1 + callers.handle_cv**2)
    return rng.lognormvariate(log(callers.handle_s) - variance / 2, sqrt(variance))


def _again(arrivals: list[float], now: float, end: float, redials: Redials, rng: Random) -> None:
    if redials.share and rng.random() < redials.share:
        at = now + rng.expovariate(1 / redials.delay_s)
        if at < end:
            heappush(arrivals, at)
