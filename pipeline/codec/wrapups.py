"""After-call work of systems that send no event of it: they only know how long it may last.

Wrap-up begins when the call ends and is over after the time configured, or when the agent next
takes a call, pauses or logs out, whichever is first (domain notes, 1.4).
"""

from __future__ import annotations

import heapq
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Generic, TypeVar

L = TypeVar("L")


@dataclass(slots=True)
class Wrapup(Generic[L]):
    """Wrap-up of an agent after a leg: when it began, and when it is over at the latest."""

    agent: str
    leg: L
    start_ms: int
    end_ms: int


class Wrapups(Generic[L]):
    """The wrap-ups that run, at most one per agent."""

    def __init__(self) -> None:
        """Begin with none."""
        self._running: dict[str, Wrapup[L]] = {}
        self._queue: list[tuple[int, str]] = []

    def __contains__(self, agent: str) -> bool:
        """Say whether an agent is in wrap-up."""
        return agent in self._running

    def start(self, wrapup: Wrapup[L]) -> None:
        """Begin one; whatever ran for the agent was cut before."""
        self._running[wrapup.agent] = wrapup
        heapq.heappush(self._queue, (wrapup.end_ms, wrapup.agent))

    def cut(self, agent: str, at_ms: int) -> Wrapup[L] | None:
        """End an agent's wrap-up at an instant; return it with its end, None if none ran."""
        wrapup = self._running.pop(agent, None)
        if wrapup is not None:
            wrapup.end_ms = max(wrapup.start_ms, min(wrapup.end_ms, at_ms))
        return wrapup

    def due(self, now_ms: int) -> Iterator[Wrapup[L]]:
        """Yield the wrap-ups that have run out, in the order in which they did."""
        while self._queue and self._queue[0][0] <= now_ms:
            end_ms, agent = heapq.heappop(self._queue)
            wrapup = self._running.get(agent)
            if wrapup is not None and wrapup.end_ms == end_ms:
                del self._running[agent]
                yield wrapup

    def rest(self) -> Iterator[Wrapup[L]]:
        """Yield all that run, each to the end that was configured."""
        last = max((end_ms for end_ms, _ in self._queue), default=0)
        yield from self.due(last)
