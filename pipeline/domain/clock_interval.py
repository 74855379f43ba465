"""The 15 and 30 minute intervals of a contract's clock, as instants.

Intervals follow the wall clock, not the UTC grid, so that 09:15 is 09:15 in Kathmandu too; the
hour that a clock repeats in autumn gives its intervals twice, the one skipped in spring none.
"""

from __future__ import annotations

from collections.abc import Iterator

from pipeline.domain.business_time import offsets

MINUTE_MS = 60_000


def clock_intervals(
    zone: str, from_ms: int, to_ms: int, *, minutes: int
) -> Iterator[tuple[int, int]]:
    """Yield the half-open intervals that cover ``[from_ms, to_ms)``, the outermost cut to it.

    Args:
        zone: IANA zone of the contract.
        from_ms: start, epoch milliseconds.
        to_ms: end, exclusive.
        minutes: length of an interval, a divisor of an hour.
    """
    width = minutes * MINUTE_MS
    for start, end, offset in offsets(zone, from_ms, to_ms):
        at = start
        while at < end:
            following = at - (at + offset) % width + width
            yield at, min(following, end)
            at = following
