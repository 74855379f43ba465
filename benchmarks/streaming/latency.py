"""From the broker's append of an event to the result that tells of it.

An engine that gives results out as events come is timed, for each event and each window that
counts it, to the first result in which it is counted. One that gives a window out when it closes
is timed from the event by which its partition's clock passed the window's end and the grace.
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Sequence

from benchmarks.streaming.log import Log
from benchmarks.streaming.oracle import THRESHOLD_MS
from benchmarks.streaming.peers import Peer
from benchmarks.streaming.results import Cell
from benchmarks.streaming.window import HOP_MS


def of(
    peer: Peer,
    log: Log,
    appended: Sequence[int],
    arrived: Sequence[tuple[float, Cell, bytes]],
    since_ms: float,
    until_ms: float,
) -> list[float]:
    """Return the latencies, ms, of what was due within a span of wall time.

    Args:
        peer: whose results they are.
        log: the log, of which the first events were sent.
        appended: when the broker appended each event, epoch ms.
        arrived: results in the order of their arrival.
        since_ms: due from here, epoch ms,
        until_ms: and arrived before here.
    """
    in_time = [result for result in arrived if result[0] < until_ms]
    if peer.emits == "when the window closes":
        due = _closing(peer, log, appended, {cell for _, cell, _ in in_time})
        times: list[float] = []
        for at, cell, _ in in_time:
            closed = due.pop(cell, None)
            if closed is not None and closed >= since_ms:
                times.append(at - closed)
        return times
    return _counting(peer, log, appended, in_time, since_ms)


def percentile(times: Sequence[float], share: float) -> float | None:
    """Return a percentile of latencies; None of none."""
    if not times:
        return None
    return sorted(times)[min(len(times) - 1, int(len(times) * share))]


def _counting(
    peer: Peer,
    log: Log,
    appended: Sequence[int],
    arrived: Sequence[tuple[float, Cell, bytes]],
    since_ms: float,
) -> list[float]:
    waiting: dict[Cell, list[int]] = defaultdict(list)
    for event, stamp in zip(log.events, appended, strict=False):
        read = json.loads(event.peer)
        wait = read.get("wait_ms")
        if wait is not None:
            over = wait - THRESHOLD_MS if peer.attribution == "service_level_event" else 0
            newest = (event.at_ms - max(0, over)) // HOP_MS * HOP_MS
            for start in range(newest - peer.size_ms + HOP_MS, newest + 1, HOP_MS):
                waiting[event.queue, start].append(stamp)
    told: dict[Cell, int] = defaultdict(int)
    times: list[float] = []
    for at, cell, value in arrived:
        counts = peer.read_value(value)
        if counts is not None:
            stamps = waiting[cell]
            times += [at - s for s in stamps[told[cell] : counts[0]] if s >= since_ms]
            told[cell] = max(told[cell], counts[0])
    return times


def _closing(peer: Peer, log: Log, appended: Sequence[int], cells: set[Cell]) -> dict[Cell, int]:
    partition = {event.queue: event.partition for event in log.events}
    todo: dict[int, list[tuple[int, Cell]]] = defaultdict(list)
    for cell in cells:
        if cell[0] in partition:
            todo[partition[cell[0]]].append((cell[1] + peer.size_ms + peer.grace_ms, cell))
    for ends in todo.values():
        ends.sort(reverse=True)
    due: dict[Cell, int] = {}
    for event, stamp in zip(log.events, appended, strict=False):
        ends = todo[event.partition]
        while ends and ends[-1][0] <= event.at_ms:
            due[ends.pop()[1]] = stamp
    return due
