"""What goes wrong, when: a schedule is drawn from a seed and from nothing else.

The input is sent in ``PORTIONS`` portions; a step strikes when its portion has been sent, so a
schedule tells places in the log rather than times of a machine.
"""

from __future__ import annotations

import random
from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

PORTIONS: Final = 16
SLOTS: Final = 3
"""Workers at most; partitions are four, so one always has more than one of them."""
SESSION_S: Final = 6


class Fault(StrEnum):
    """One kind of trouble, in the words that a schedule is printed in."""

    KILL = "kill -9"
    FREEZE = "freeze"
    ZOMBIE = "freeze past the session timeout"
    JOIN = "join"
    LEAVE = "leave"
    REWIND = "all die; the group's offsets are ahead of the snapshots"
    EXCEPTION = "publishing fails"
    BROKER_RESTART = "broker restarts"
    BROKER_KILL = "broker is killed and starts again"
    COMPACTION = "snapshots are compacted at once"
    WEBHOOK_SLOW = "webhook is slow"
    WEBHOOK_REFUSING = "webhook refuses"
    WEBHOOK_UNANSWERING = "webhook takes alerts and does not say so"
    DUPLICATES = "input repeats itself"
    DISORDER = "input out of order"
    LATE = "input hours late"
    FUTURE = "input from the future"
    POISON_FIRST = "poison first in a chunk"
    POISON_LAST = "poison last in a chunk"
    POISON_ALONE = "poison alone in a chunk"
    POISON_ROW = "poison many in a row"
    POISON_AFTER_SNAPSHOT = "poison right after a snapshot"
    RETENTION = "retention passes the snapshot, at the end"


WHOLE_LOG: Final = frozenset(
    {Fault.COMPACTION, Fault.DUPLICATES, Fault.DISORDER, Fault.LATE, Fault.FUTURE}
)
"""Faults of the whole run; they have no portion."""

GRACEFUL: Final = WHOLE_LOG | {
    Fault.JOIN,
    Fault.LEAVE,
    Fault.POISON_FIRST,
    Fault.POISON_LAST,
    Fault.POISON_ALONE,
    Fault.POISON_ROW,
    Fault.POISON_AFTER_SNAPSHOT,
    Fault.RETENTION,
}
"""Faults under which not even a receiver without memory gets an alert twice."""


LASTS_S: Final = {
    Fault.KILL: (0.1, 2),
    Fault.FREEZE: (1, 3),
    Fault.ZOMBIE: (SESSION_S + 3, SESSION_S + 5),
    Fault.WEBHOOK_SLOW: (3, 6),
    Fault.WEBHOOK_REFUSING: (3, 6),
    Fault.WEBHOOK_UNANSWERING: (3, 6),
}
"""Seconds, from and to, until it is over: a worker that was killed starts again."""


@dataclass(frozen=True, slots=True)
class Step:
    """A fault that strikes when a portion has been sent; with whom it meets, and how long."""

    portion: int
    fault: Fault
    worker: int | None = None
    seconds: float = 0.0

    def __str__(self) -> str:
        """Say it in a line."""
        whom = "" if self.worker is None else f" worker {self.worker}"
        long = f" for {self.seconds:.1f} s" if self.seconds else ""
        return f"after portion {self.portion:2}: {self.fault}{whom}{long}"


@dataclass(frozen=True, slots=True)
class Schedule:
    """The workers to begin with, faults of the whole run, and steps in order."""

    seed: int
    workers: int
    whole: frozenset[Fault]
    steps: tuple[Step, ...]

    @property
    def faults(self) -> frozenset[Fault]:
        """Return the kinds of fault that it has."""
        return self.whole | {step.fault for step in self.steps}

    @property
    def is_graceful(self) -> bool:
        """Say whether nothing in it makes a worker end in the middle of what it does."""
        return self.faults <= GRACEFUL

    def __str__(self) -> str:
        """Return the lines that tell all of it."""
        whole = "; ".join(sorted(self.whole)) or "nothing"
        head = f"seed {self.seed}: {self.workers} workers; all along: {whole}"
        return "\n  ".join([head, *map(str, self.steps)])


def draw(seed: int) -> Schedule:
    """Return the schedule of a seed; as many seeds in a row as there are kinds have them all."""
    rng = random.Random(f"vane chaos {seed}")  # noqa: S311 - draws faults, not keys
    kinds = list(Fault)
    dealt = kinds[seed % len(kinds)]
    others = [kind for kind in kinds if kind is not dealt]
    drawn = {dealt, *rng.sample(others, rng.randint(2, 4))}
    whole = drawn & WHOLE_LOG
    struck = sorted(drawn - WHOLE_LOG)
    rng.shuffle(struck)
    places = sorted(rng.sample(range(2, PORTIONS - 2), len(struck)))
    workers = 2 if Fault.LEAVE in drawn else rng.randint(1, 2)
    running = set(range(workers))
    steps = []
    for place, fault in zip(places, struck, strict=True):
        steps.append(_step(rng, place, fault, running))
    return Schedule(seed, workers, frozenset(whole), tuple(steps))


def _step(rng: random.Random, place: int, fault: Fault, running: set[int]) -> Step:
    victim = rng.choice(sorted(running))
    if fault is Fault.JOIN:
        victim = min(set(range(SLOTS)) - running)
        running.add(victim)
        return Step(place, fault, victim)
    if fault is Fault.LEAVE:
        running.discard(victim)
        return Step(place, fault, victim)
    least, most = LASTS_S.get(fault, (0, 0))
    whom = victim if fault in {Fault.KILL, Fault.FREEZE, Fault.ZOMBIE} else None
    return Step(place, fault, whom, rng.uniform(least, most))


def missing(schedules: Iterable[Schedule]) -> set[Fault]:
    """Return the kinds of fault that none of the schedules has."""
    return set(Fault).difference(*(schedule.faults for schedule in schedules))
