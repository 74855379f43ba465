"""How waits are spread, as counts in fixed buckets: they add up, so percentiles of any sum exist.

Four buckets to the octave: whole seconds up to 8 s, then 2 s wide up to 16 s, 4 s up to 32 s and
so on; the last is open. A percentile is known to lie in its bucket, whose width is at most a
quarter of its lower edge (from 4 s on; below, at most 1 s), so its upper edge overstates the exact
percentile by at most 25 %. The same edges stand in ``dbt_like_sql/macros/waits.sql``; a test holds
the two together.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from itertools import accumulate
from typing import Final, NamedTuple

EDGES_S: Final = (
    *(0, 1, 2, 3, 4, 5, 6, 7),
    *(8, 10, 12, 14, 16, 20, 24, 28, 32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224),
    *(256, 320, 384, 448, 512, 640, 768, 896, 1024),
)
"""Lower edges, inclusive, in seconds."""

_EDGES_MS: Final = tuple(edge * 1000 for edge in EDGES_S)
WAIT_FIELDS: Final = tuple(f"wait_{edge:04d}" for edge in EDGES_S)
"""One count per bucket, named by its lower edge: ``wait_0016`` holds waits of 16 s to 20 s."""


class Percentile(NamedTuple):
    """The bucket that holds a percentile, half-open; ``below_ms`` is None for the open last one."""

    from_ms: int
    below_ms: int | None


def bucket_of(wait_ms: int) -> int:
    """Return the index of the bucket of a wait (milliseconds, not negative)."""
    return bisect_right(_EDGES_MS, wait_ms) - 1


def percentile(counts: Sequence[int], permille: int) -> Percentile | None:
    """Return the bucket of a percentile by nearest rank (500: the median); None of no waits."""
    total = sum(counts)
    if total == 0:
        return None
    rank = permille * total
    bucket = next(i for i, seen in enumerate(accumulate(counts)) if seen * 1000 >= rank)
    above = _EDGES_MS[bucket + 1 : bucket + 2]
    return Percentile(_EDGES_MS[bucket], above[0] if above else None)
