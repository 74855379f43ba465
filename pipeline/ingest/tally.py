"""The counts of one ingest: every record read is in exactly one of them."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import Final

from pipeline.ingest.message import Place

MOST_EXAMPLES: Final = 3
"""Rejected records shown per reason."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Gap:
    """A time when a live source was not heard: what it said then is lost to us."""

    from_ms: int
    """When something was last received, epoch milliseconds."""
    until_ms: int
    """When it was heard again: logged in and subscribed."""


@dataclass(slots=True)
class Tally:
    """Records by what became of them, messages by topic, and what went on around them.

    ``rows`` counts every record read. ``anomalies`` are records that were taken all the same.
    ``unread`` names files that could not be read to their end, and why. ``rotations`` and
    ``gaps`` are of followed logs and of sockets.
    """

    rows: int = 0
    taken: int = 0
    skipped: Counter[str] = field(default_factory=Counter)
    rejected: Counter[str] = field(default_factory=Counter)
    anomalies: Counter[str] = field(default_factory=Counter)
    records: Counter[str] = field(default_factory=Counter)
    examples: dict[str, list[str]] = field(default_factory=dict)
    unread: list[str] = field(default_factory=list)
    files: int = 0
    rotations: int = 0
    connects: int = 0
    gaps: list[Gap] = field(default_factory=list)

    @property
    def adds_up(self) -> bool:
        """Say whether every record read was taken, skipped or rejected."""
        counted = self.taken + self.skipped.total() + self.rejected.total()
        return self.taken >= 0 and self.rows == counted

    def reject(self, reason: str, place: Place, message: str) -> None:
        """Count a rejected record; remember the first of a reason, to show."""
        self.rejected[reason] += 1
        shown = self.examples.setdefault(reason, [])
        if len(shown) < MOST_EXAMPLES:
            shown.append(f"{place} (byte {place.offset:,}): {message}")
