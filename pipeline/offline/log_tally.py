"""What became of the lines of a log: every one is taken, skipped or rejected, and the odd are told.

The first few places of each reason are kept, so that a person can look; all are counted.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import Final, NamedTuple

PLACES_KEPT: Final = 3
REASONS_KEPT: Final = 500
"""Reasons beyond so many are counted as one: a file of another kind has no end of them."""
TOO_MANY: Final = "(other)"


class Place(NamedTuple):
    """A line, and what is to be said of it."""

    path: str
    line: int
    message: str

    def __str__(self) -> str:
        """Return ``file:line: message``."""
        text = f"{self.path}:{self.line}"
        return f"{text}: {self.message}" if self.message else text


@dataclass(slots=True)
class Tally:
    """Lines by what became of them; ``anomalies`` are of lines that were taken all the same."""

    lines: int = 0
    taken: int = 0
    skipped: Counter[str] = field(default_factory=Counter)
    rejected: Counter[str] = field(default_factory=Counter)
    anomalies: Counter[str] = field(default_factory=Counter)
    places: dict[str, list[Place]] = field(default_factory=dict)

    @property
    def adds_up(self) -> bool:
        """Say whether every line was taken, skipped or rejected."""
        return self.lines == self.taken + self.skipped.total() + self.rejected.total()

    def skip(self, reason: str) -> None:
        """Count a line that is no event by nature."""
        if reason not in self.skipped and len(self.skipped) >= REASONS_KEPT:
            reason = TOO_MANY
        self.skipped[reason] += 1

    def reject(self, reason: str, place: Place) -> None:
        """Count a line that cannot be used."""
        self.rejected[reason] += 1
        self._keep(reason, place)

    def note(self, reason: str, place: Place) -> None:
        """Count an oddity of a line that was used."""
        self.anomalies[reason] += 1
        self._keep(reason, place)

    def _keep(self, reason: str, place: Place) -> None:
        kept = self.places.setdefault(reason, [])
        if len(kept) < PLACES_KEPT:
            kept.append(place)
