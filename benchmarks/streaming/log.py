"""The log that every engine reads: a simulated 双11 day, cleaned and moved to today.

Repeated events and those more than a minute behind are taken out, since the other engines have no
ready-made means against them and the comparison is not about that. The engines get each event
with two helps that Vane does without: an outcome carries its ``wait_ms``, so that nobody has to
join a leg's events, and the record's key is the queue, so that nobody has to repartition.

A log ends with three *ticks*, a call per queue each, hours after the last event: they close every
window, and the first one's result says that a queue has been read to its end. An engine that takes
two of them in the wrong order still has the third.
"""

from __future__ import annotations

import hashlib
import json
import subprocess
import sys
import time
from bisect import bisect_left
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from pipeline.domain.kpi import PANE_MS

GRACE_MS: Final = 60_000
"""How far behind the newest event one may arrive; simulated deliveries are 4 s late on average."""

TICKS_AFTER_MS: Final = (100 * 60_000, 190 * 60_000, 280 * 60_000)
ENDED_AGO_MS: Final = 5 * 3_600_000
"""The log ends this long before now: all of it, ticks included, is younger than any retention."""

PRIMER_MS: Final = 15 * 60_000
"""Longer than a window."""

PARTITIONS: Final = 4
EVENTS_PER_SCALE: Final = 100_000
OUTCOMES: Final = ("answered", "callback_requested", "flowed_out", "abandoned")
"""What ends a wait, in the order in which ties are decided."""

COUNTED: Final = ("answered", "abandoned")


@dataclass(frozen=True, slots=True)
class Event:
    """One record, in both of its forms."""

    at_ms: int
    queue: str
    domain: str
    """Key of ``acd.events``: client, or client/site."""
    partition: int
    vane: bytes
    """As ``acd.events`` has it."""
    peer: bytes
    """With ``queue_key``, and ``wait_ms`` where it ends a wait that counts."""


@dataclass(frozen=True, slots=True)
class Log:
    """Events in the order of their arrival, then the ticks."""

    events: tuple[Event, ...]
    ticks: tuple[Event, ...]
    end_ms: int
    """The instant after which only ticks are."""
    queues: frozenset[str]
    """The keys of all queues."""

    def primer(self, grace_ms: int) -> int:
        """Return how many events it takes until an engine of a grace must have closed a window."""
        first = next(event.at_ms for event in self.events if b'"wait_ms"' in event.peer)
        return next(
            i for i, event in enumerate(self.events) if event.at_ms > first + grace_ms + PRIMER_MS
        )


@dataclass(frozen=True, slots=True)
class Progress:
    """How much of a log has been read, by the newest window of each queue that has a result."""

    times: dict[str, list[int]]

    @classmethod
    def of(cls, log: Log) -> Progress:
        """Prepare for a log."""
        times: dict[str, list[int]] = {queue: [] for queue in log.queues}
        for event in log.events:
            times[event.queue].append(event.at_ms)
        return cls({queue: sorted(at) for queue, at in times.items()})

    def covered(self, newest: dict[str, int]) -> int:
        """Return how many events are older than their queue's newest window (start, ms)."""
        return sum(bisect_left(self.times.get(q, []), start) for q, start in newest.items())


def make(folder: Path, events: int) -> Log:
    """Simulate a log of so many events; the same number gives the same log, but for the date."""
    scale = events / EVENTS_PER_SCALE + 0.1
    subprocess.run(
        [sys.executable, "-m", "pipeline", "simulate", "--scenario", "double11", "--month",
         "2025-11", "--seed", "1", "--scale", f"{scale:.3f}", "--out", str(folder)],
        check=True, stdout=subprocess.DEVNULL,
    )  # fmt: skip
    lines = (folder / "acd.events.ndjson").read_bytes().splitlines()
    return from_events(clean([json.loads(line) for line in lines])[:events])


def clean(events: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Leave out repetitions and what arrives too late."""
    seen: set[str] = set()
    newest = 0
    kept = []
    for event in events:
        at = event["occurred_at_ms"]
        if event["event_id"] not in seen and at >= newest - GRACE_MS:
            seen.add(event["event_id"])
            newest = max(newest, at)
            kept.append(event)
    return kept


def from_events(events: list[dict[str, Any]]) -> Log:
    """Return a log of decoded events, moved in time so that it ended some hours ago."""
    newest = max(event["occurred_at_ms"] for event in events)
    wanted = int(time.time() * 1000) - ENDED_AGO_MS
    shift = (wanted - newest) // PANE_MS * PANE_MS
    waits = _waits(events)
    sizes = Counter(_queue(event) for event in events)
    partition = {q: i % PARTITIONS for i, (q, _) in enumerate(sizes.most_common())}
    made = []
    for event in events:
        moved = event | {"occurred_at_ms": event["occurred_at_ms"] + shift}
        made.append(_event(moved, waits.get(event["event_id"]), partition[_queue(event)]))
    return with_ticks(tuple(made))


def with_ticks(events: tuple[Event, ...]) -> Log:
    """Return a log of events, ended by its ticks."""
    end_ms = max(event.at_ms for event in events) + 1
    last = {event.queue: event for event in events}
    ticks: list[Event] = []
    for number, after in enumerate(TICKS_AFTER_MS):
        at = end_ms // PANE_MS * PANE_MS + after
        for event in last.values():
            ticks.extend(_tick(event, at, number))
    return Log(events, tuple(ticks), end_ms, frozenset(last))


def _tick(last: Event, at: int, number: int) -> list[Event]:
    """Return a call of a queue that is given up at once, in a source of its own partition."""
    like = json.loads(last.vane)
    kept = {k: like[k] for k in ("v", "client", "queue", "site", "source", "leg") if k in like}
    made = []
    for step, kind in enumerate(("queued", "abandoned")):
        name = f"tick-{last.queue}-{number}"
        event = kept | {
            "event_id": hashlib.sha256(f"{name}/{kind}".encode()).hexdigest()[:32],
            "type": kind,
            "occurred_at_ms": at,
            "contact_id": name,
            "source_position": f"tick/{number}/{step}",
        }
        made.append(_event(event, 0 if kind == "abandoned" else None, last.partition))
    return made


def _event(event: dict[str, Any], wait_ms: int | None, partition: int) -> Event:
    queue = _queue(event)
    site = event.get("site")
    peer = event | {"queue_key": queue}
    if wait_ms is not None:
        peer["wait_ms"] = wait_ms
    return Event(
        at_ms=event["occurred_at_ms"],
        queue=queue,
        domain=event["client"] + (f"/{site}" if site else ""),
        partition=partition,
        vane=_line(event),
        peer=_line(peer),
    )


def _line(event: dict[str, Any]) -> bytes:
    return json.dumps(event, separators=(",", ":")).encode()


def _queue(event: dict[str, Any]) -> str:
    return f"{event['client']}/{event.get('site') or ''}/{event['queue']}"


def _waits(events: list[dict[str, Any]]) -> dict[str, int]:
    """Return, by event id, the wait that an answer or abandon ended, ms."""
    queued: dict[tuple[str, int], int] = {}
    outcome: dict[tuple[str, int], tuple[int, int, str]] = {}
    for event in events:
        leg = (event["contact_id"], event["leg"])
        at, kind = event["occurred_at_ms"], event["type"]
        if kind == "queued":
            queued[leg] = min(at, queued.get(leg, at))
        elif kind in OUTCOMES:
            this = (at, OUTCOMES.index(kind), event["event_id"])
            outcome[leg] = min(this, outcome.get(leg, this))
    return {
        event_id: max(0, at - queued[leg])
        for leg, (at, rank, event_id) in outcome.items()
        if leg in queued and OUTCOMES[rank] in COUNTED
    }
