"""Which legs have been let go, remembered for a while by their fingerprints.

An event of such a leg cannot be counted any more (its facts are gone), so it is late. The
memory is bounded: two generations, so a leg is remembered for 12 to 24 hours of event time.
A leg id must not be used again; one used again later than that is counted as a new leg by the
live side and as the same leg by the batch, and reconciliation shows it.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from typing import Final

from pipeline.domain.marks import MARK_BYTES, Marks

LegKey = tuple[str, int, str, str, str]
"""(contact_id, leg, queue, client, site)."""

REMEMBERED_MS: Final = 12 * 3_600_000


def fingerprint(key: LegKey) -> bytes:
    """Return 64 bits that stand for the key; the same in every process."""
    contact_id, leg, queue, client, site = key
    raw = f"{contact_id}\x1f{leg}\x1f{queue}\x1f{client}\x1f{site}".encode()
    return hashlib.blake2b(raw, digest_size=MARK_BYTES).digest()


@dataclass(slots=True)
class ClosedLegs:
    """Two generations of fingerprints and the event time at which they change places."""

    newer: Marks = field(default_factory=Marks)
    older: Marks = field(default_factory=Marks)
    rotate_at_ms: int = 0

    def __contains__(self, mark: bytes) -> bool:
        """Say whether the leg of a fingerprint was let go within the time remembered."""
        return mark in self.newer or mark in self.older

    def add(self, mark: bytes) -> None:
        """Remember a leg by its fingerprint."""
        self.newer.add(mark)

    def rotate(self, now_ms: int) -> None:
        """Forget the older generation when its time has come."""
        if now_ms >= self.rotate_at_ms:
            self.older, self.newer = self.newer, Marks()
            self.rotate_at_ms = now_ms + REMEMBERED_MS
