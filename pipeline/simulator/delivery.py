"""In which order events arrive: late by some seconds, some of them twice, a few hours late."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from math import log
from random import Random
from typing import Final

from pipeline.simulator.leg import Record

JITTER_MEAN_MS: Final = 4_000
DUPLICATE_RATE: Final = 0.005
DUPLICATE_AFTER_MS: Final = 10_000
LATE_BY_MS: Final = 2 * 3_600_000 + 60_000
"""Past the two hours of grace that the live number grants."""
LATE_MORE_MEAN_MS: Final = 1_800_000


@dataclass(slots=True)
class Delivery:
    """One topic's records on their way; hand over whole days in order, then ``flush``."""

    rng: Random
    late_rate: float
    distinct: int = 0
    duplicates: int = 0
    late: int = 0
    under_way: list[Record] = field(default_factory=list)

    def send(self, records: Iterable[Record]) -> None:
        """Take records, each with the instant it occurred at, and decide when they arrive."""
        rand = self.rng.random
        for at, line in records:
            arrives = at + int(-log(1.0 - rand()) * JITTER_MEAN_MS)
            if rand() < self.late_rate:
                arrives = at + LATE_BY_MS + int(-log(1.0 - rand()) * LATE_MORE_MEAN_MS)
                self.late += 1
            self.distinct += 1
            self.under_way.append((arrives, line))
            if rand() < DUPLICATE_RATE:
                self.duplicates += 1
                again = arrives + int(-log(1.0 - rand()) * DUPLICATE_AFTER_MS)
                self.under_way.append((again, line))

    def arrived(self, before_ms: int) -> list[str]:
        """Take out what arrives before an instant, in order of arrival."""
        self.under_way.sort()
        kept: list[Record] = []
        lines: list[str] = []
        for record in self.under_way:
            if record[0] < before_ms:
                lines.append(record[1])
            else:
                kept.append(record)
        self.under_way = kept
        return lines

    def flush(self) -> list[str]:
        """Take out all that is left, in order of arrival."""
        self.under_way.sort()
        lines = [line for _, line in self.under_way]
        self.under_way = []
        return lines

    def counts(self) -> dict[str, int]:
        """Return how many records there are, and of which kind."""
        return {
            "records": self.distinct + self.duplicates,
            "distinct": self.distinct,
            "duplicates": self.duplicates,
            "late": self.late,
        }
