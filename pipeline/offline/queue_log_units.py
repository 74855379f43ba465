"""What the calls of a log count for: asked of the domain's kernel, once per shape of a leg.

A leg has few shapes: how its wait ended and after how many seconds. Two legs of one shape count for
the same, at the same distance from their queue entry, so ``domain.units`` is asked once per shape
and threshold. Where that does not hold (opening hours, whole contacts, clocks that start before
the queue, wrap-up on the leg) it is asked for every leg or contact itself.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Final, NamedTuple

from pipeline.codec.queue_log_leg import LEFT_EMPTY, TIMEOUT
from pipeline.domain.definition import Attribution, ClockStart, View
from pipeline.domain.leg import LegFacts
from pipeline.domain.outcome import OutcomeKind
from pipeline.domain.target import TargetHistory
from pipeline.domain.units import UNIT_FIELDS, KnownLeg, Unit, units

FIELDS: Final = (*UNIT_FIELDS, "waited", "wait_ms", "timeout", "left_empty")
"""What is counted: the kernel's fields, the waits that ended and their sum, and two ways out."""

_BASE_MS: Final = 1_000_000_000_000
_PLACE = {name: place for place, name in enumerate(FIELDS)}
_FLOWS: Final = {TIMEOUT: _PLACE["timeout"], LEFT_EMPTY: _PLACE["left_empty"]}

Vector = tuple[int, ...]
"""Counts in the order of ``FIELDS``."""
Vectors = tuple[Vector, ...]
"""One vector for each threshold."""
HistoryOf = Callable[[str, int], TargetHistory]
"""The dated terms of a queue with the threshold of an index."""
ANSWERED: Final = "answered"
ABANDONED: Final = "abandoned"
CALLBACK: Final = "callback"


class Found(NamedTuple):
    """What a shape counts for: how long after the queue entry, and what.

    ``after_talk`` adds the talk to that distance (attribution by completion).
    """

    after_ms: int
    after_talk: bool
    number: int


class Placed(NamedTuple):
    """What a leg or contact counts for: in which queue, when, and the number of its vectors."""

    queue: str
    at_ms: int
    number: int


@dataclass(frozen=True, slots=True)
class Terms:
    """A queue's dated terms, once for each threshold asked for; the first places a call."""

    histories: tuple[TargetHistory, ...]

    @property
    def is_plain(self) -> bool:
        """Say whether legs of one shape count for the same, whenever and wherever they are."""
        rules = [target.rules for target in self.histories[0].targets]
        return all(
            rule.opening_hours is None
            and rule.view is View.LEG
            and rule.clock_start is ClockStart.QUEUE_ENTRY
            for rule in rules
        )

    @property
    def is_by_contact(self) -> bool:
        """Say whether a leg cannot be counted without the other legs of its call."""
        return any(
            t.rules.view is View.CONTACT or t.rules.clock_start is not ClockStart.QUEUE_ENTRY
            for t in self.histories[0].targets
        )


def with_thresholds(history: TargetHistory, thresholds_s: Sequence[int]) -> Terms:
    """Return dated terms with other thresholds instead of their own; none: their own."""
    if not thresholds_s:
        return Terms((history,))
    return Terms(
        tuple(
            TargetHistory(
                history.starts_ms,
                tuple(replace(t, threshold_ms=s * 1000) for t in history.targets),
            )
            for s in thresholds_s
        )
    )


class Shapes:
    """The vectors met so far, by number, so that a cell holds how often each was met."""

    def __init__(self) -> None:
        """Start with none."""
        self.vectors: list[Vectors] = []
        self._numbers: dict[Vectors, int] = {}

    def number(self, vectors: Vectors) -> int:
        """Return the number of vectors; a new one if they are new."""
        found = self._numbers.get(vectors)
        if found is None:
            found = self._numbers[vectors] = len(self.vectors)
            self.vectors.append(vectors)
        return found


class Judge:
    """Asks the kernel what legs of one queue count for, and remembers the answers."""

    def __init__(self, queue: str, terms: Terms, shapes: Shapes) -> None:
        """Judge by dated terms."""
        self.queue = queue
        self.terms = terms
        self.is_plain = terms.is_plain
        self.is_by_contact = terms.is_by_contact
        self._shapes = shapes
        self._known: dict[tuple[int, str, int, bool], Found | None] = {}
        self._starts = terms.histories[0].starts_ms

    def term_at(self, at_ms: int) -> int:
        """Return which of the dated terms is in force: its index."""
        history = self.terms.histories[0]
        if len(history.targets) == 1:
            return 0
        return history.targets.index(history.at(at_ms))

    def plain(self, term: int, out_as: str, wait_ms: int, *, is_over: bool) -> Found | None:
        """Return what a leg of a shape counts for, or None if for nothing.

        Args:
            term: index of the dated term in force when it queued.
            out_as: ``answered``, ``abandoned``, ``callback``, or why it flowed out.
            wait_ms: its wait.
            is_over: False if it was still being talked with when the log ended.
        """
        key = (term, out_as, wait_ms, is_over)
        if key not in self._known:
            self._known[key] = self._ask(term, out_as, wait_ms, is_over=is_over)
        return self._known[key]

    def _ask(self, term: int, out_as: str, wait_ms: int, *, is_over: bool) -> Found | None:
        facts = LegFacts(queued_at=_BASE_MS, first_ms=_BASE_MS)
        at = _BASE_MS + wait_ms
        if out_as == ANSWERED:
            facts.answered = (at, "")
            facts.ended = (at, "") if is_over else None
        elif out_as == ABANDONED:
            facts.abandoned_at = at
        elif out_as == CALLBACK:
            facts.callback_at = at
        else:
            facts.flowed_out = (at, out_as)
        histories = [
            TargetHistory((0,), (history.targets[term],)) for history in self.terms.histories
        ]
        leg = KnownLeg("", "", self.queue, "", 1, facts, at)
        placed = self._place([leg], lambda _queue, i: histories[i])
        if not placed:
            return None
        target = histories[0].targets[0]
        after_talk = out_as == ANSWERED and target.rules.attribution is Attribution.COMPLETION
        return Found(placed[0].at_ms - _BASE_MS, after_talk, placed[0].number)

    def judged(self, legs: list[KnownLeg], terms_of: Callable[[str], Terms]) -> list[Placed]:
        """Return what legs count for that are judged together: one, or those of a contact."""
        return self._place(legs, lambda queue, i: terms_of(queue).histories[i])

    def _place(self, legs: list[KnownLeg], history: HistoryOf) -> list[Placed]:
        found: dict[tuple[str, int, bool], list[Unit | None]] = {}
        width = len(self.terms.histories)
        for i in range(width):
            turns: dict[tuple[str, bool], int] = {}
            for unit in units(legs, partial(_third, history, i)):
                which = (unit.queue[2], unit.kind is None)
                turn = turns[which] = turns.get(which, 0) + 1
                slots = found.setdefault((which[0], turn, which[1]), [None] * width)
                slots[i] = unit
        return [
            Placed(
                queue,
                next(unit.at_ms for unit in slots if unit is not None),
                self._shapes.number(tuple(_vector(unit, legs) for unit in slots)),
            )
            for (queue, _, _), slots in found.items()
        ]


def _third(history: HistoryOf, i: int, _client: str, _site: str, queue: str) -> TargetHistory:
    return history(queue, i)


def _vector(unit: Unit | None, legs: list[KnownLeg]) -> Vector:
    counts = [0] * len(FIELDS)
    if unit is None:
        return tuple(counts)
    for name, count in unit.counts.items():
        counts[_PLACE[name]] = count
    if unit.kind is not None and unit.kind is not OutcomeKind.WAITING and counts[_PLACE["offered"]]:
        counts[_PLACE["waited"]] = 1
        counts[_PLACE["wait_ms"]] = unit.wait_ms
    if unit.kind is OutcomeKind.FLOWED_OUT and counts[_PLACE["offered"]]:
        reasons = [x.facts.flowed_out for x in legs if x.facts.flowed_out is not None]
        place = _FLOWS.get(max(reasons)[1])
        if place is not None:
            counts[place] = 1
    return tuple(counts)
