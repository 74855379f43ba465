"""The counters of a log: by queue and interval what calls count for, by agent how time was spent.

Counters only ever add, so what belongs to an interval long past is packed into arrays of machine
integers and added up when it is printed: memory grows by some dozen bytes for a row, not by calls.
"""

from __future__ import annotations

from array import array
from collections.abc import Callable, Iterator
from typing import Final

from pipeline.codec.queue_log_agents import UNKNOWN_SINCE, Presence
from pipeline.codec.queue_log_kept import Call
from pipeline.codec.queue_log_leg import Instants, LoggedLeg, facts_of, instants, out_reason
from pipeline.domain.events import EventType
from pipeline.domain.intervals import Grid
from pipeline.domain.units import KnownLeg
from pipeline.offline.queue_log_units import (
    ABANDONED,
    ANSWERED,
    CALLBACK,
    FIELDS,
    Judge,
    Shapes,
    Terms,
    Vectors,
)

AGENT_FIELDS: Final = ("answered", "conversation_ms", "login_ms", "pause_ms", "wrapup_ms")
_WIDTH: Final = len(AGENT_FIELDS)
_SPENT: Final = {"login": 2, "pause": 3, "wrapup": 4}
_TALK: Final = FIELDS.index("talk_ms")
_SLOT_MS: Final = 15 * 60_000
"""Instants of one slot are nearly always of one interval, so each slot asks the calendar once."""
PACK_AFTER_MS: Final = 24 * 3_600_000
_OUT: Final = {EventType.ABANDONED: ABANDONED, EventType.CALLBACK_REQUESTED: CALLBACK}


class QueueCells:
    """How often which shape was met, and how long was talked, by start of the interval."""

    __slots__ = ("_packed", "met", "talk")

    def __init__(self) -> None:
        """Start empty."""
        self.met: dict[tuple[int, int], int] = {}
        self.talk: dict[int, int] = {}
        self._packed = array("q")

    def add(self, start: int, shape: int, talk_ms: int, calls: int = 1) -> None:
        """Add calls of one shape and the talk of all of them."""
        key = (start, shape)
        self.met[key] = self.met.get(key, 0) + calls
        if talk_ms:
            self.talk[start] = self.talk.get(start, 0) + talk_ms

    def pack(self, before: int) -> None:
        """Put away what belongs to intervals that began before an instant."""
        for key in [key for key in self.met if key[0] < before]:
            self._packed.extend((*key, self.met.pop(key)))
        for start in [start for start in self.talk if start < before]:
            self._packed.extend((start, -1, self.talk.pop(start)))

    def rows(self, shapes: list[Vectors]) -> dict[int, list[list[int]]]:
        """Return the counts of every interval, one list per threshold, by its start."""
        found: dict[int, list[list[int]]] = {}
        self.pack(1 << 62)
        packed = self._packed
        for i in range(0, len(packed), 3):
            start, shape, amount = packed[i : i + 3]
            row = found.get(start)
            if row is None:
                width = len(shapes[0]) if shapes else 1
                row = found[start] = [[0] * len(FIELDS) for _ in range(width)]
            if shape < 0:
                for counts in row:
                    counts[_TALK] += amount
                continue
            for counts, vector in zip(row, shapes[shape], strict=True):
                for place, count in enumerate(vector):
                    if count:
                        counts[place] += amount * count
        return found


class AgentCells:
    """An agent's answered calls and milliseconds, by start of the interval."""

    __slots__ = ("_packed", "cells")

    def __init__(self) -> None:
        """Start empty."""
        self.cells: dict[int, list[int]] = {}
        self._packed = array("q")

    def add(self, start: int, place: int, amount: int) -> None:
        """Add to one field of one interval."""
        cell = self.cells.get(start)
        if cell is None:
            cell = self.cells[start] = [0] * _WIDTH
        cell[place] += amount

    def pack(self, before: int) -> None:
        """Put away what belongs to intervals that began before an instant."""
        for start in [start for start in self.cells if start < before]:
            self._packed.extend((start, *self.cells.pop(start)))

    def rows(self) -> dict[int, list[int]]:
        """Return the figures of every interval, by its start."""
        self.pack(1 << 62)
        found: dict[int, list[int]] = {}
        packed = self._packed
        for i in range(0, len(packed), _WIDTH + 1):
            row = found.setdefault(packed[i], [0] * _WIDTH)
            for place in range(_WIDTH):
                row[place] += packed[i + 1 + place]
        return found


class Book:
    """Counts calls that are over and spans of time that have ended."""

    def __init__(self, grid: Grid, terms_of: Callable[[str], Terms]) -> None:
        """Count by a grid of intervals and the terms of each queue."""
        self.grid = grid
        self.shapes = Shapes()
        self.judges: dict[str, Judge] = {}
        self.queues: dict[str, QueueCells] = {}
        self.agents: dict[str, AgentCells] = {}
        self.first_ms: int | None = None
        """When the log begins; to be set before anything is counted."""
        self.last_ms = 0
        """The latest time that the log has reached; calls open at its end are judged by it."""
        self._terms_of = terms_of
        self._packed_at = 0
        self._slots: dict[int, tuple[int, int]] = {}

    def judge(self, queue: str) -> Judge:
        """Return who says what the legs of a queue count for."""
        found = self.judges.get(queue)
        if found is None:
            found = self.judges[queue] = Judge(queue, self._terms_of(queue), self.shapes)
            self.queues[queue] = QueueCells()
        return found

    def bounds(self, at_ms: int) -> tuple[int, int]:
        """Return start and end of the interval that holds an instant."""
        slot = at_ms // _SLOT_MS
        found = self._slots.get(slot)
        if found is None or not found[0] <= at_ms < found[1]:
            interval = self.grid.at(at_ms)
            found = self._slots[slot] = (interval.start_ms, interval.end_ms)
        return found

    def count(self, call: Call) -> None:
        """Count the legs of a call that is let go."""
        own = [leg for leg in call if not leg.is_counted]
        for leg in own:
            leg.is_counted = True
        judges = [self.judge(leg.queue) for leg in own]
        if any(judge.is_by_contact for judge in judges):
            self._count_together(own)
            return
        for leg, judge in zip(own, judges, strict=True):
            self._count_leg(leg, judge)

    def _count_leg(self, leg: LoggedLeg, judge: Judge) -> None:
        times = instants(leg)
        queued, answered, ended, out = times
        has_one_end = (answered is None) is not (out is None)
        rare = leg.rare
        if queued is None or not judge.is_plain or not has_one_end or (rare and rare.is_heavy):
            self._count_one(leg, judge, times)
            return
        if answered is not None:
            out_as, wait = ANSWERED, max(0, answered - queued)
            talk = 0 if ended is None else max(0, ended - answered)
        else:
            out_as, wait, talk = how_out(leg), max(0, (out or 0) - queued), 0
        term = judge.term_at(queued)
        is_over = answered is None or ended is not None
        found = judge.plain(term, out_as, wait, is_over=is_over)
        if found is None:
            return
        at = queued + found.after_ms + (talk if found.after_talk else 0)
        start = self.bounds(at)[0]
        self.queues[leg.queue].add(start, found.number, talk)
        if answered is not None:
            self._answered(leg.agent, start, talk)

    def _count_one(self, leg: LoggedLeg, judge: Judge, times: Instants) -> None:
        known = self._known(leg, times, 1)
        placed = judge.judged([known], self._terms_of_known)
        for place in placed:
            start = self.bounds(place.at_ms)[0]
            self.queues[place.queue].add(start, place.number, 0)
        if placed and times.answered is not None:
            talk = 0 if times.ended is None else max(0, times.ended - times.answered)
            self._answered(leg.agent, self.bounds(placed[0].at_ms)[0], talk)

    def _count_together(self, legs: list[LoggedLeg]) -> None:
        times = [instants(leg) for leg in legs]
        known = [
            self._known(leg, at, number)
            for number, (leg, at) in enumerate(zip(legs, times, strict=True), start=1)
        ]
        placed = self.judge(legs[0].queue).judged(known, self._terms_of_known)
        for place in placed:
            self.queues[place.queue].add(self.bounds(place.at_ms)[0], place.number, 0)
        for leg, at in zip(legs, times, strict=True):
            if placed and at.answered is not None:
                talk = 0 if at.ended is None else max(0, at.ended - at.answered)
                self._answered(leg.agent, self.bounds(at.answered)[0], talk)

    def _known(self, leg: LoggedLeg, times: Instants, number: int) -> KnownLeg:
        facts = facts_of(leg, times)
        return KnownLeg("", "", leg.queue, leg.call, number, facts, self.last_ms)

    def _terms_of_known(self, queue: str) -> Terms:
        return self.judge(queue).terms

    def agent(self, name: str) -> AgentCells:
        """Return the cells of an agent."""
        found = self.agents.get(name)
        if found is None:
            found = self.agents[name] = AgentCells()
        return found

    def _answered(self, agent: str, start: int, talk: int) -> None:
        cells = self.agent(agent)
        cells.add(start, 0, 1)
        cells.add(start, 1, talk)

    def spend(self, agent: str, what: str, start_ms: int, end_ms: int) -> None:
        """Count a span of an agent's time in every interval that it touches."""
        cells, place = self.agent(agent), _SPENT[what]
        at = start_ms
        if at == UNKNOWN_SINCE:
            first = end_ms if self.first_ms is None else self.first_ms
            at = self.grid.at(min(first, end_ms)).start_ms
        while at < end_ms:
            start, end = self.bounds(at)
            until = min(end_ms, end)
            cells.add(start, place, until - at)
            at = until

    def close(self, presences: dict[str, Presence], end_ms: int) -> int:
        """End the logins and pauses that are open when the log is over; return how many there are.

        They last until ``end_ms``.
        """
        open_ones = 0
        for name, presence in presences.items():
            self.agent(name)
            for what, since in (("login", presence.logged_in_at), ("pause", presence.paused_at)):
                if since is not None:
                    open_ones += 1
                    self.spend(name, what, since, end_ms)
        return open_ones

    def pack(self, now_ms: int) -> None:
        """Put away the counters of intervals long past; cheap if called often."""
        if now_ms - self._packed_at < PACK_AFTER_MS:
            return
        self._packed_at = now_ms
        cells: Iterator[QueueCells | AgentCells] = iter(
            (*self.queues.values(), *self.agents.values())
        )
        for cell in cells:
            cell.pack(now_ms - PACK_AFTER_MS)


def how_out(leg: LoggedLeg) -> str:
    """Return how a wait without an answer ended, as ``Judge.plain`` takes it."""
    if leg.out_at is None:
        return out_reason(leg)
    return _OUT.get(leg.out_as) or out_reason(leg)
