"""The legs that an adapter still follows, with a time for each at which something is due.

Time is the stream's own. An adapter sets ``due_ms`` of a leg: soon (``hasten``), where a later
message may yet decide what an earlier one left open, or where a leg that is over is kept for
stragglers; far off otherwise. The book hands legs back when their time has come. What is soon lies
in a heap, what is far off is found by a sweep now and then: a heap would keep every leg of a day.
"""

from __future__ import annotations

import heapq
from collections.abc import Hashable, Iterator
from itertools import count
from typing import Final, Generic, Protocol, TypeVar

SETTLE_MS: Final = 60_000
"""How long an undecided leg waits for the message that decides it, and a closed one for more."""
MAX_AGE_MS: Final = 24 * 3_600_000
"""A leg of which nothing was heard for so long is let go."""
SWEEP_MS: Final = 3_600_000
"""How often the book is gone through for legs of that age."""
MOST_LEGS: Final = 100_000


class Followed(Protocol):
    """A leg in the book; ``due_ms`` may be put off in place, ``hasten`` brings it forward."""

    due_ms: int


K = TypeVar("K", bound=Hashable)
L = TypeVar("L", bound=Followed)


class LegBook(Generic[K, L]):
    """Legs by key, and in order of when something is due."""

    def __init__(self) -> None:
        """Begin with no leg."""
        self._legs: dict[K, L] = {}
        self._queue: list[tuple[int, int, K, L]] = []
        self._ordinals = count()
        self._swept_ms = 0

    def __len__(self) -> int:
        """Return how many legs are followed."""
        return len(self._legs)

    def __iter__(self) -> Iterator[tuple[K, L]]:
        """Go through the legs followed; they may be dropped on the way."""
        return iter(list(self._legs.items()))

    def get(self, key: K) -> L | None:
        """Return the leg of a key."""
        return self._legs.get(key)

    def add(self, key: K, leg: L) -> L | None:
        """Follow a leg; return the one that had to make room, the longest in the book."""
        ousted = None
        if len(self._legs) >= MOST_LEGS:
            oldest = next(iter(self._legs))
            ousted = self._legs.pop(oldest)
        self._legs[key] = leg
        return ousted

    def hasten(self, key: K, leg: L, due_ms: int) -> None:
        """Set when something is due of a leg, before long."""
        leg.due_ms = due_ms
        heapq.heappush(self._queue, (due_ms, next(self._ordinals), key, leg))

    def drop(self, key: K) -> None:
        """Follow a leg no longer."""
        self._legs.pop(key, None)

    def due(self, now_ms: int) -> Iterator[tuple[K, L]]:
        """Yield the legs whose time has come; the caller drops them or puts them off."""
        queue = self._queue
        while queue and queue[0][0] <= now_ms:
            due_ms, _, key, leg = heapq.heappop(queue)
            if leg.due_ms == due_ms and self._legs.get(key) is leg:
                yield key, leg
        if not self._swept_ms <= now_ms < self._swept_ms + SWEEP_MS:
            self._swept_ms = now_ms
            yield from [(key, leg) for key, leg in self._legs.items() if leg.due_ms <= now_ms]
