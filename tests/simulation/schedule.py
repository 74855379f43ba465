"""Runs one schedule of steps and faults to its end, deterministically.

Whatever the numbers of the steps are, they mean something that is possible: so every list of steps
is a schedule, and Hypothesis can shrink it.
"""

from __future__ import annotations

import asyncio
import random
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, Final
from unittest import mock

from pipeline.codec.judge import judge_chunk
from pipeline.domain.fold import Record as Judged
from pipeline.streams import engine as engine_module
from pipeline.streams import snapshots
from tests.simulation.broker import Broker, Log, SnapshotConsumer, records_of
from tests.simulation.worker import Worker

Step = tuple[Callable[["Simulation", int], bool], int]
"""What is done, and which of what is possible is meant; it says whether it did anything."""

MICRO_STEPS: Final = 40
MOST_ROUNDS: Final = 20_000
"""At the end, before a schedule counts as stuck."""


class Clock:
    """Stands in for the module ``time`` of the engine; a schedule moves it."""

    def __init__(self) -> None:
        self.now = 0.0

    def monotonic(self) -> float:
        return self.now


class Simulation:
    """A broker and its workers under a schedule."""

    def __init__(self, logs: Sequence[Sequence[Judged]]) -> None:
        self.loop = asyncio.SelectorEventLoop()
        self.broker = Broker([Log(p, records_of(p, log)) for p, log in enumerate(logs)])
        self.clock = Clock()
        self.workers: list[Worker] = []
        self.generation = 0
        self.faults: Counter[str] = Counter()
        """Faults that were brought about, and what became of them."""
        self.fold_fails_after: int | None = None

    # --- time --------------------------------------------------------------------------------

    def spin(self, most: int = 1_000) -> None:
        """Let the loop run until nothing is ready, or so many turns."""
        for _ in range(most):
            if not self.loop._ready:  # type: ignore[attr-defined]
                return
            self.loop.call_soon(self.loop.stop)
            self.loop.run_forever()

    @property
    def running(self) -> list[Worker]:
        return [w for w in self.workers if not w.dead]

    @property
    def awake(self) -> list[Worker]:
        return [w for w in self.running if not w.frozen]

    def micro(self, rng: random.Random) -> None:
        """Do one small thing that a working system does all the time."""
        if not self.awake:
            return
        worker = rng.choice(self.awake)
        partition = rng.randrange(len(self.broker.logs))
        lanes = worker.output.lanes()
        what = rng.randrange(20)
        if what < 10 and worker.waiting:
            worker.open_gate(rng.randrange(1 << 16))
        elif what < 14 and lanes:
            worker.output.deliver(rng.choice(lanes), self.broker)
        elif what == 14:
            worker.take_snapshots()
        elif what < 18:
            worker.take_chunk(partition)
        else:
            worker.fetch(partition, 1 + rng.randrange(9))
        self.spin(rng.choice((2, 10, 1_000)))

    # --- what a schedule does -----------------------------------------------------------------

    def run(self, steps: Iterable[Step]) -> None:
        """Start a worker and do all steps; between them all goes on a while."""
        self.start_worker()
        self.rebalance(0)
        for step, number in steps:
            if step(self, number):
                self.faults[step.__name__] += 1
            self.work(number)

    def work(self, number: int) -> None:
        """Let all go on a while."""
        rng = random.Random(number)  # noqa: S311 - decides an order, not a secret
        for _ in range(MICRO_STEPS):
            self.micro(rng)

    def start_worker(self) -> Worker:
        worker = Worker(len(self.workers), self.broker, self.loop)
        self.workers.append(worker)
        return worker

    def rebalance(self, number: int) -> None:
        """Form the group anew of the workers that are awake; the frozen ones learn nothing."""
        self.generation += 1
        members = self.awake
        shares: dict[int, set[Any]] = {w.number: set() for w in members}
        for log in self.broker.logs:
            if members:
                owner = members[(log.partition + number) % len(members)]
                shares[owner.number].add(log.tp)
        for worker in members:
            if not worker.is_idle("rebalance"):  # it comes too late for this generation
                continue
            if number % 2:
                worker.buffers.clear()
            worker.spawn("rebalance", worker.rebalance(shares[worker.number], self.generation))

    # --- the end ------------------------------------------------------------------------------

    def finish(self) -> Worker:
        """Let one worker fold all there is; return it. What others had under way comes last.

        Raises:
            AssertionError: it does not get to the end.
        """
        self.fold_fails_after = None
        for log in self.broker.logs:
            log.end = len(log.records)
        for worker in self.running:
            worker.dead = True  # killed, but what is under way may still arrive
        last = self.start_worker()
        self.rebalance(0)
        for _ in range(MOST_ROUNDS):
            self.clock.now += 0.1
            if last.dead or self._is_done(last):
                break
            if last.waiting:
                last.open_gate(0)
            for log in self.broker.logs:
                last.fetch(log.partition, 7)
                last.take_chunk(log.partition)
            for lane in last.output.lanes():
                last.output.deliver(lane, self.broker)
            self.spin()
        else:
            raise AssertionError(
                f"stuck: {[p.fold.next_offset for p in last.engine.parts.values()]}"
            )
        for worker in self.workers:
            worker.output.slow = None
            while lanes := worker.output.lanes():
                worker.output.deliver(lanes[0], self.broker)
        return last

    def _is_done(self, worker: Worker) -> bool:
        parts = worker.engine.parts
        return not worker.waiting and all(
            log.partition in parts and parts[log.partition].fold.next_offset >= log.end
            for log in self.broker.logs
        )

    def info(self, event: str, **what: Any) -> None:
        """Stand in for the engine's log: count what it says it did."""
        if event == "partition recovered" and what["offset"] > 0:
            self.faults["gone on from a snapshot"] += 1
        elif event in {"seeking back", "snapshot written"}:
            self.faults[event] += 1

    def close(self) -> None:
        for task in asyncio.all_tasks(self.loop):
            task.cancel()
        self.spin()
        self.loop.close()


@contextmanager
def simulated(logs: Sequence[Sequence[Judged]]) -> Iterator[Simulation]:
    """Yield a simulation, in which the engine's outside is the simulation's."""
    found = Simulation(logs)

    def failing(records: Sequence[Any]) -> Any:
        if found.fold_fails_after is not None:
            if found.fold_fails_after == 0:
                found.fold_fails_after = None
                found.faults["fold_raises"] += 1
                raise MemoryError
            found.fold_fails_after -= 1
        return judge_chunk(records)

    async def at_once(work: Any, *arguments: Any, **named: Any) -> Any:
        await asyncio.sleep(0)
        return work(*arguments, **named)

    with (
        mock.patch.object(engine_module, "judge_chunk", failing),
        mock.patch.object(engine_module, "SLICE_RECORDS", 3),
        mock.patch.object(engine_module, "time", found.clock),
        mock.patch.object(engine_module, "log", found),
        mock.patch.object(asyncio, "to_thread", at_once),
        mock.patch.object(snapshots, "AIOKafkaConsumer", SnapshotConsumer),
        mock.patch.object(SnapshotConsumer, "broker", found.broker, create=True),
    ):
        try:
            yield found
        finally:
            found.close()
