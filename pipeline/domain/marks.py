"""A set of leg fingerprints that takes some nine bytes of memory for each.

A Python set takes eighty, and a busy partition remembers a million legs for a day. Fingerprints
are spread evenly, so they are kept in buckets by their first bits, one after another as bytes.
"""

from __future__ import annotations

from typing import Final

MARK_BYTES: Final = 8
_BUCKETS: Final = 4096


class Marks:
    """Fingerprints of ``MARK_BYTES`` bytes each."""

    __slots__ = ("_buckets", "_count")

    def __init__(self, raw: bytes = b"") -> None:
        """Hold the fingerprints that ``to_bytes`` returned; none by default."""
        self._buckets: list[bytes] = [b""] * _BUCKETS
        self._count = 0
        for start in range(0, len(raw), MARK_BYTES):
            self.add(raw[start : start + MARK_BYTES])

    def __len__(self) -> int:
        """Return how many there are."""
        return self._count

    def __contains__(self, mark: bytes) -> bool:
        """Say whether a fingerprint is among them."""
        bucket = self._buckets[mark[0] << 4 | mark[1] >> 4]
        at = bucket.find(mark)
        while at % MARK_BYTES > 0:  # found across two neighbours; -1 % 8 is 7, hence the next line
            if at < 0:
                return False
            at = bucket.find(mark, at + 1)
        return True

    def add(self, mark: bytes) -> None:
        """Put a fingerprint in, once."""
        if mark not in self:
            self._count += 1
            self._buckets[mark[0] << 4 | mark[1] >> 4] += mark

    def to_bytes(self) -> bytes:
        """Return all fingerprints, one after another."""
        return b"".join(self._buckets)
