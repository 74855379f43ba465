"""What a schedule can do to a simulation: each says whether there was somebody to have it.

The number says which worker, partition or record is meant.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Sequence
from typing import Final

from tests.simulation.broker import PREFIX, TORN
from tests.simulation.schedule import Simulation
from tests.simulation.worker import Worker

WORKERS: Final = 3
SLOW: Final = ("kpi.service-level", "kpi.handle-time", "kpi.alerts", "vane.snapshots")


def _one(number: int, workers: Sequence[Worker]) -> Worker | None:
    return workers[number % len(workers)] if workers else None


def append(sim: Simulation, number: int) -> bool:
    """Records are written to the input; no fault."""
    for log in sim.broker.logs:
        log.end = min(len(log.records), log.end + 3 + number % 17)
    return False


def start(sim: Simulation, number: int) -> bool:
    """A worker joins."""
    joins = len(sim.running) < WORKERS
    if joins:
        sim.start_worker()
        sim.rebalance(number)
    return joins


def rebalance(sim: Simulation, number: int) -> bool:
    """The group forms anew, and partitions move."""
    sim.rebalance(number)
    return bool(sim.awake)


def kill(sim: Simulation, number: int) -> bool:
    """A process ends; some of the batches that are under way still arrive."""
    worker = _one(number, sim.running)
    if worker is not None:
        for _ in range(number // 7 % 5):
            if lanes := worker.output.lanes():
                worker.output.deliver(lanes[number % len(lanes)], sim.broker)
        worker.end()
        sim.rebalance(number)
    return worker is not None


def freeze(sim: Simulation, number: int) -> bool:
    """A process stands still without its knowing; the group goes on without it."""
    worker = _one(number, sim.awake)
    if worker is not None:
        worker.frozen = True
        sim.rebalance(number)
    return worker is not None


def thaw(sim: Simulation, number: int) -> bool:
    """It goes on, and folds and writes what it had in hand until the group tells it."""
    worker = _one(number, [w for w in sim.running if w.frozen])
    if worker is not None:
        worker.frozen = False
    return worker is not None


def stop(sim: Simulation, number: int) -> bool:
    """A clean stop, as far as it gets before the others go on."""
    worker = _one(number, [w for w in sim.awake if w.is_idle("stop")])
    if worker is not None:
        worker.spawn("stop", worker.engine.stop())
        sim.work(number)
        worker.end()
        sim.rebalance(number)
    return worker is not None


def lose(sim: Simulation, number: int) -> bool:
    """A batch cannot be delivered, and the producer gives up."""
    worker = _one(number, sim.awake)
    if worker is not None:
        worker.output.fails_next = True
    return worker is not None


def slow(sim: Simulation, number: int) -> bool:
    """The batches of one topic are long under way, or no longer so."""
    worker = _one(number, sim.awake)
    if worker is not None:
        topic = f"{PREFIX}{SLOW[number // 3 % len(SLOW)]}"
        worker.output.slow = None if worker.output.slow else topic
    return worker is not None


def fold_raises(sim: Simulation, number: int) -> bool:
    """An exception comes out of the fold, after some slices of a chunk; counted when it does."""
    sim.fold_fails_after = number % 3
    return False


def snapshot(sim: Simulation, number: int) -> bool:
    """Snapshots are due."""
    worker = _one(number, sim.awake)
    if worker is not None:
        worker.take_snapshots()
    return worker is not None


def compact(sim: Simulation, number: int) -> bool:
    """The snapshot topic is compacted."""
    return sim.broker.compact(number % len(sim.broker.logs))


def old_snapshot(sim: Simulation, number: int) -> bool:
    """An old snapshot is written again."""
    return sim.broker.repeat(number % len(sim.broker.logs), number // 2)


def torn_snapshot(sim: Simulation, number: int) -> bool:
    """A snapshot that nobody can read comes beside those that somebody can; it may look right."""
    found = sim.broker.snapshots.get(number % len(sim.broker.logs))
    there = [record for record in found or () if record is not None]
    if found is not None and there:
        looks = there[number // 2 % len(there)][2] if number % 3 else []
        found.append((b"torn", TORN, looks))
    return bool(there)


def prefetched(sim: Simulation, number: int) -> bool:
    """A chunk fetched before a seek comes first: it lies further on than what is wanted."""
    worker = _one(number, [w for w in sim.awake if w.engine.parts])
    if worker is None:
        return False
    partition = sorted(worker.engine.parts)[number % len(worker.engine.parts)]
    wanted = worker.engine.parts[partition].fold.next_offset
    log = sim.broker.logs[partition]
    log.end = max(log.end, min(len(log.records), wanted + 9))
    records = log.read(wanted + 1 + number % 5, 9)
    if records:
        worker.buffers.setdefault(partition, deque()).appendleft(records)
    return bool(records)


def wait(sim: Simulation, number: int) -> bool:
    """The engine's clock goes on: time to seek again. No fault."""
    sim.clock.now += 1 + number % 8
    return False


FAULTS: Final[tuple[Callable[[Simulation, int], bool], ...]] = (
    *(start, rebalance, kill, freeze, thaw, stop, lose, slow, fold_raises),
    *(snapshot, compact, old_snapshot, torn_snapshot, prefetched, wait),
)
STEPS: Final = {step.__name__: step for step in (append, *FAULTS)}
