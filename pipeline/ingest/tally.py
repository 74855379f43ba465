"""The counts of one ingest: every row read is in exactly one of them."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field


@dataclass(slots=True)
class Tally:
    """Rows by what became of them, records produced by topic, and oddities noticed.

    ``rows`` counts every line read. ``anomalies`` are rows that were taken all the same.
    """

    rows: int = 0
    taken: int = 0
    skipped: Counter[str] = field(default_factory=Counter)
    rejected: Counter[str] = field(default_factory=Counter)
    anomalies: Counter[str] = field(default_factory=Counter)
    records: Counter[str] = field(default_factory=Counter)

    @property
    def adds_up(self) -> bool:
        """Say whether every row read was taken, skipped or rejected."""
        return self.rows == self.taken + self.skipped.total() + self.rejected.total()
