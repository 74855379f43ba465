"""Whether the worker lives, whether it is up to date, and in words why not.

*Live*: wherever something is to be done (a group to join, a partition to recover, input to fold)
something has come of it within ``stuck_after_s``. *Ready*: every partition assigned is recovered
and its oldest record not yet folded was appended less than ``ready_lag_s`` ago.

Time spent frozen does not count (a look adds at most two intervals), nor does time in which no
broker answers: a restart would mend neither.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Hashable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from pipeline.streams.engine import Engine
from pipeline.streams.part import Part

LOOKS_PER_LIMIT: Final = 4
LONGEST_INTERVAL_S: Final = 5.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """How long a worker may take, in seconds."""

    stuck_after_s: float = 60.0
    """Without progress where there is something to do: not live; after twice that it ends."""
    ready_lag_s: float = 30.0
    """Age of the oldest record not yet folded, above which the worker is not ready."""
    shutdown_timeout_s: float = 25.0
    """From SIGTERM to the end of the process, snapshots written or not."""

    @property
    def interval_s(self) -> float:
        """Return the time between two looks at the worker."""
        shortest = min(self.stuck_after_s, self.ready_lag_s)
        return min(LONGEST_INTERVAL_S, shortest / LOOKS_PER_LIMIT)


class Pending:
    """What is to be done, and for how long nothing has come of each of it.

    A thing is named by a key that changes when something comes of it.
    """

    def __init__(self, interval_s: float) -> None:
        """Expect a look every ``interval_s`` seconds."""
        self._longest = 2 * interval_s
        self._looked_at: float | None = None
        self._waited: dict[Hashable, float] = {}
        self._words: dict[Hashable, str] = {}

    def look(self, now: float, what: Mapping[Hashable, str]) -> None:
        """Take note of what is to be done at ``now``, in seconds of any steady clock."""
        passed = 0.0 if self._looked_at is None else min(now - self._looked_at, self._longest)
        self._looked_at = now
        waited = self._waited
        self._waited = {key: waited[key] + passed if key in waited else 0.0 for key in what}
        self._words = dict(what)

    def forget(self) -> None:
        """Begin to count anew."""
        self._waited = dict.fromkeys(self._waited, 0.0)

    def longer_than(self, seconds: float) -> list[str]:
        """Return in words what nothing has come of for longer."""
        return [
            f"{self._words[key]} for {waited:.0f} s"
            for key, waited in self._waited.items()
            if waited > seconds
        ]


class Health:
    """What is known of a worker's health since the last look at it."""

    def __init__(
        self,
        engine: Engine,
        limits: Limits,
        *,
        clock: Callable[[], float] = time.monotonic,
        now_ms: Callable[[], float] = lambda: time.time() * 1000,
    ) -> None:
        """Watch an engine; ``clock`` is steady, ``now_ms`` compares with append times."""
        self._engine = engine
        self._limits = limits
        self._clock = clock
        self._now_ms = now_ms
        self._pending = Pending(limits.interval_s)
        self._caught_up_ms: dict[int, float] = {}
        self.ends: dict[int, int] = {}
        """The offset after the newest record of each input partition, at the last look."""

    def look(self, ends: Mapping[int, int] | None) -> None:
        """Take note of where the logs of the input partitions end; None: nobody says."""
        if ends is not None:
            self.ends = dict(ends)
        for number, part in self._engine.parts.items():
            if part.fold.next_offset >= self.ends.get(number, part.fold.next_offset + 1):
                self._caught_up_ms[number] = self._now_ms()
        self._pending.look(self._clock(), self._to_do(answered=ends is not None))

    def _to_do(self, *, answered: bool) -> dict[Hashable, str]:
        if self._engine.assigned is None:
            return {"group": "the group has assigned nothing"}
        found: dict[Hashable, str] = {}
        if not answered:
            found["ends"] = "the consumer has not answered"
        for number in sorted(self._engine.assigned):
            part = self._engine.parts.get(number)
            if part is None:
                found["recovery", number] = f"partition {number} is not recovered"
            elif self.behind(part):
                at = part.fold.next_offset
                msg = f"partition {number} has input waiting and has folded nothing at offset {at}"
                found["fold", number, at] = msg
        return found

    def behind(self, part: Part) -> int:
        """Return how many records wait to be folded."""
        return max(0, self.ends.get(part.tp.partition, 0) - part.fold.next_offset)

    def lag_s(self, part: Part) -> float:
        """Return the age of the oldest record not yet folded, in seconds; 0 if there is none.

        It was appended after the newest that was folded, and after the log was last seen folded
        to its end.
        """
        if not self.behind(part):
            return 0.0
        since = max(part.appended_ms, self._caught_up_ms.get(part.tp.partition, 0))
        return max(0.0, (self._now_ms() - since) / 1000)

    def broker_is_away(self) -> None:
        """Nobody answers: what is to be done cannot be, and that is not the worker's fault."""
        self._pending.forget()

    def not_live(self) -> list[str]:
        """Return why the worker is stuck; empty if it is not."""
        return self._pending.longer_than(self._limits.stuck_after_s)

    def beyond_hope(self) -> list[str]:
        """Return why the worker should end; empty if it should not."""
        return self._pending.longer_than(2 * self._limits.stuck_after_s)

    def not_ready(self) -> list[str]:
        """Return why the worker's numbers are not up to date; empty if they are."""
        if self._engine.assigned is None:
            return ["the group has assigned nothing yet"]
        found = []
        for number in sorted(self._engine.assigned):
            part = self._engine.parts.get(number)
            if part is None:
                found.append(f"partition {number} is not recovered yet")
            elif (lag := self.lag_s(part)) > self._limits.ready_lag_s:
                found.append(
                    f"partition {number} is {self.behind(part)} records behind, the oldest "
                    f"{lag:.0f} s old, expected below {self._limits.ready_lag_s:g} s"
                )
        return found


def answer(reasons: list[str]) -> tuple[int, dict[str, Any]]:
    """Return the HTTP status and body that say so: 200, or 503 with the reasons."""
    return (503 if reasons else 200), {"ok": not reasons, "reasons": reasons}
