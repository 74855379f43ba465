"""A leg in memory, and its facts as plain values."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import fields
from typing import Any, Final

from pipeline.domain.leg import LegFacts
from pipeline.domain.outcome import Contribution
from pipeline.domain.queue_state import QueueState

_FACTS: Final = tuple(f.name for f in fields(LegFacts))


class Leg:
    """A leg in memory: its facts, what it counts for now, and the watermark at its first event.

    A ``reopened`` leg had been let go; only what stands alone is still taken for it.
    No event of a leg is older than ``born_ms`` less the grace.
    """

    __slots__ = ("born_ms", "counted", "facts", "mark", "queue", "reopened", "stale")

    def __init__(
        self, facts: LegFacts, queue: QueueState, born_ms: int, mark: bytes, *, reopened: bool
    ) -> None:
        """Count for nothing yet; ``mark`` is the fingerprint of the leg's key."""
        self.facts = facts
        self.queue = queue
        self.born_ms = born_ms
        self.mark = mark
        self.reopened = reopened
        self.counted: list[tuple[Contribution, ...]] = [(), (), ()]
        """What it counts for now, part by part."""
        self.stale = 0
        """Which parts have to be counted again: bits in the order of ``outcome.PARTS``."""


def _pairs(plain: list[list[Any]]) -> set[Any]:
    return {(at, agent) for at, agent in plain}


_SHAPES: Final[dict[str, Callable[[Any], Any]]] = {
    **dict.fromkeys(("answered", "flowed_out", "transferred", "ended"), tuple),
    **dict.fromkeys(("refused", "connected"), tuple),
    **dict.fromkeys(("offers", "no_answers"), _pairs),
    **dict.fromkeys(("complaints", "before_queue"), set),
    "holds": lambda plain: {seq: (start, end) for seq, start, end in plain},
}
"""What makes of a fact's plain value what it was; the others are plain already."""

_SHAPE_OF: Final = tuple(_SHAPES.get(name) for name in _FACTS)


def plain_facts(facts: LegFacts) -> list[Any]:
    """Return the facts as a list of integers, strings, lists and None, in the order of fields."""
    values = [getattr(facts, name) for name in _FACTS]
    for i, value in enumerate(values):
        if isinstance(value, set):
            values[i] = sorted(value)
        elif isinstance(value, dict):
            values[i] = [[seq, *hold] for seq, hold in sorted(value.items())]
    return values


def facts_of_plain(values: list[Any]) -> LegFacts:
    """Return the facts that ``plain_facts`` was given."""
    return LegFacts(
        *(
            value if value is None or shape is None else shape(value)
            for shape, value in zip(_SHAPE_OF, values, strict=True)
        )
    )
