"""What the shipped alert rules cost at a boundary of event time, all queues having changed.

    python -m benchmarks.alert_rules --queues 200

Each pane each queue gets two calls, of which every tenth is answered too late; after two hours the
fold is timed over the one event that crosses a boundary. Nothing fires.
"""

from __future__ import annotations

import argparse
import gc
import statistics
import sys
import time
from collections.abc import Iterator
from random import Random
from typing import Final

from pipeline import kernel

FOLD = kernel.use("auto")  # before anything imports the domain

from benchmarks import measure  # noqa: E402
from pipeline.config_files import load_config  # noqa: E402
from pipeline.domain.events import CallEvent, EventType  # noqa: E402
from pipeline.domain.fold import PartitionFold  # noqa: E402
from pipeline.domain.kpi import PANE_MS  # noqa: E402
from pipeline.settings import PROJECT_ROOT  # noqa: E402

START_MS: Final = 1_762_833_600_000
WARM_PANES: Final = 240
TIMED_PANES: Final = 60
CALLS: Final = 2
ONE_LATE_OF: Final = 10


def main() -> None:
    """Print how much of the processor a boundary takes."""
    parser = argparse.ArgumentParser(description=str(__doc__).splitlines()[0])
    parser.add_argument("--queues", type=int, default=200)
    options = parser.parse_args()
    targets, rules = load_config(PROJECT_ROOT / "config")
    gc.disable()  # as a worker does (streams/garbage.py)
    sys.stdout.write(f"{measure.machine()}; fold: {FOLD}\n")
    for what, some in (("rules", rules.rules), ("no rules", ())):
        fold = PartitionFold(targets.history, some)
        times = sorted(timed(fold, options.queues))
        sys.stdout.write(
            f"{options.queues} queues, {what}: p50 {statistics.median(times):.2f} ms, "
            f"p95 {times[len(times) * 95 // 100]:.2f} ms\n"
        )


def timed(fold: PartitionFold, queues: int) -> Iterator[float]:
    """Fold pane by pane; yield the CPU time (ms) of the event that crosses each boundary."""
    rng, offset = Random(1), 0  # noqa: S311 - a load, not a secret
    for pane in range(WARM_PANES + TIMED_PANES):
        start = START_MS + pane * PANE_MS
        events = calls(rng, start, queues)
        fold.fold((offset + n, start + PANE_MS, event) for n, event in enumerate(events))
        offset += len(events)
        crossing = an_event(EventType.OFFERED, start + PANE_MS, "clock", f"clock{pane}")
        before = time.process_time()
        fold.fold([(offset, start + PANE_MS, crossing)])
        took = time.process_time() - before
        offset += 1
        if fold.take_outbox().alerts:
            msg = "expected nothing to fire"
            raise AssertionError(msg)
        if pane >= WARM_PANES:
            yield took * 1000


def calls(rng: Random, start: int, queues: int) -> list[CallEvent]:
    """Return the events of a pane, in order."""
    found = []
    for queue in range(queues):
        for call in range(CALLS):
            at = start + rng.randrange(PANE_MS - 26_000)
            number = start // PANE_MS * CALLS + queue + call
            wait = 3_000 if number % ONE_LATE_OF else 25_000
            contact = f"{start}-{queue}-{call}"
            for kind, after in ((EventType.QUEUED, 0), (EventType.ANSWERED, wait)):
                found.append(an_event(kind, at + after, f"q{queue}", contact))
    return sorted(found, key=lambda event: event.occurred_at_ms)


def an_event(kind: EventType, at: int, queue: str, contact: str) -> CallEvent:
    """Return an event; all are of one source."""
    return CallEvent(
        v=1,
        event_id="",
        type=kind,
        occurred_at_ms=at,
        client="acme",
        queue=queue,
        contact_id=contact,
        leg=1,
        source="acd",
        source_position="",
        agent="ann" if kind is not EventType.QUEUED else None,
    )


if __name__ == "__main__":
    main()
