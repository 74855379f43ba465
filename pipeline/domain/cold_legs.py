"""Finished legs that have been quiet for a while, kept as bytes until they are let go.

A leg has to be remembered for the grace after its last event, since an event may come again or
late; most legs in memory only wait for that. As bytes they take a fifth of the memory, and a
snapshot takes them as they are. What is kept how is no part of any number: a leg that an event
comes for is taken out and is what it was.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, Final, NamedTuple

from pipeline.domain.leg import LegFacts
from pipeline.domain.live_leg import Leg, facts_of_plain, plain_facts
from pipeline.domain.marks import MARK_BYTES
from pipeline.domain.queue_state import QueueState

SPAN_MS: Final = 15 * 60_000
"""Legs whose last events lie within the same span are let go together."""


class Packing(NamedTuple):
    """Turns a list of plain values into bytes, and back; and says which legs are packed."""

    pack: Callable[[list[Any]], bytes]
    unpack: Callable[[bytes], Any]
    hot_legs: int = 16_384
    """With more legs than these in memory, those that are finished and quiet are packed ..."""
    quiet_ms: int = 5 * 60_000
    """... if they have been so for this long."""
    every_ms: int = 5 * 60_000
    """How often (event time) that is looked at: a multiple of a pane."""


class Span:
    """Legs by fingerprint, and the earliest ``born_ms`` there has been among them."""

    __slots__ = ("born_ms", "legs")

    def __init__(self, born_ms: int, legs: dict[bytes, bytes]) -> None:
        """Hold legs, none of them born before ``born_ms``."""
        self.born_ms = born_ms
        self.legs = legs


class ColdLegs:
    """Packed legs by the span of their last event."""

    __slots__ = ("packing", "spans")

    def __init__(self, packing: Packing) -> None:
        """Hold none yet."""
        self.packing = packing
        self.spans: dict[int, Span] = {}

    def __len__(self) -> int:
        """Return how many legs there are."""
        return sum(len(span.legs) for span in self.spans.values())

    def put(self, leg: Leg) -> None:
        """Pack a leg that counts for what it should: nothing of it is stale, nothing waits."""
        facts = leg.facts
        number = facts.last_ms // SPAN_MS
        span = self.spans.get(number)
        if span is None:
            span = self.spans[number] = Span(leg.born_ms, {})
        elif leg.born_ms < span.born_ms:
            span.born_ms = leg.born_ms
        row = [leg.born_ms, leg.reopened, *plain_facts(facts)]
        span.legs[leg.mark] = self.packing.pack(row)

    def take(self, mark: bytes, queue: QueueState) -> Leg | None:
        """Return the leg of a fingerprint, which is not among these any more; None if unknown."""
        for span in self.spans.values():
            packed = span.legs.pop(mark, None)
            if packed is not None:
                born_ms, reopened, *plain = self.packing.unpack(packed)
                facts: LegFacts = facts_of_plain(plain)
                return Leg(facts, queue, born_ms, mark, reopened=reopened)
        return None

    def expire(self, horizon_ms: int) -> Iterator[bytes]:
        """Let go the spans in which every event is older; yield the fingerprints of their legs."""
        for number in [n for n in self.spans if (n + 1) * SPAN_MS <= horizon_ms]:
            yield from self.spans.pop(number).legs

    def born_ms(self, at_most: int) -> int:
        """Return an instant, not after the one given, before which no leg of these was born."""
        return min([at_most, *(span.born_ms for span in self.spans.values())])

    def dump(self) -> list[list[Any]]:
        """Return [span, born_ms, fingerprints one after another, packed legs] of each span."""
        return [
            [number, span.born_ms, b"".join(span.legs), list(span.legs.values())]
            for number, span in self.spans.items()
        ]

    def load(self, plain: list[list[Any]]) -> None:
        """Take up what ``dump`` returned."""
        for number, born_ms, marks, packed in plain:
            starts = range(0, len(marks), MARK_BYTES)
            keys = (marks[start : start + MARK_BYTES] for start in starts)
            self.spans[number] = Span(born_ms, dict(zip(keys, packed, strict=True)))
