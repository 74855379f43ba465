"""Can the day (or the month) still be won, how likely is it, and until when could it be?

Counted so far: ``good`` of ``counted``; still forecast: a volume by intervals. To end at the goal T
the rest has to reach ``q = (T (n + R) - g) / R``. Going on at a rate s, the goal is out of reach
once even a rest without a miss would not do: after a volume of ``(g + R - T (n + R)) / (1 - s)``,
which the forecast turns into a time. ``n``, ``g`` are parts of the contract's own formula; where it
leaves calls out of the denominator, the rest is taken to be left out as the counted calls were.

The probability takes the rate as estimated from ``seen`` calls. Waits come in clumps: calls within
``CLUMP_S`` of each other share their luck, so estimate and rest vary as so many fewer calls would.
``chain.clumping`` has the exact figure where staffing is known; this one needs no staffing.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from math import sqrt
from statistics import NormalDist
from typing import Final

CLUMP_S: Final = 150.0
"""Seconds within which calls share their luck; of the order of handle time and patience."""


@dataclass(frozen=True, slots=True)
class Expected:
    """Calls still expected in ``[start_ms, end_ms)``, evenly; epoch milliseconds."""

    start_ms: int
    end_ms: int
    calls: float


class Standing(StrEnum):
    """How things stand for a goal."""

    WON = "won"
    """Even if every call from now on is a miss."""
    ON_COURSE = "on course"
    """At this rate it is reached."""
    AT_RISK = "at risk"
    """At this rate it is missed; it can still be reached."""
    LOST = "lost"
    """Even if no call from now on is a miss."""
    NOTHING_COUNTS = "nothing counts"
    """Nothing was counted and nothing is expected."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Outlook:
    """How a goal stands; shares 0..1, None where nothing is left or nothing is known.

    ``needed``: what the rest has to reach, above 1 if lost, at most 0 if won. ``projected``: the
    end value at this rate. ``likely``: probability of ending at the goal or above at this rate.
    ``lost_at_ms``: when it is out of reach at this rate, None if never (or already).
    """

    goal: float
    good: float
    counted: float
    left: float
    rate: float | None
    standing: Standing
    needed: float | None
    best: float | None
    projected: float | None
    likely: float | None
    lost_at_ms: int | None


def look_ahead(
    *,
    goal: float,
    good: float,
    counted: float,
    expected: Iterable[Expected],
    rate: float | None,
    seen: float = 0.0,
    clump_s: float = CLUMP_S,
) -> Outlook:
    """Return how a goal stands.

    Args:
        goal: share to reach, 0..1.
        good: numerator so far.
        counted: denominator so far.
        expected: volume still to come, ascending and after now.
        rate: share of good calls at present, 0..1; None if there were no calls.
        seen: calls that the rate is estimated from.
        clump_s: seconds within which calls share their luck.

    Raises:
        ValueError: counts that cannot be.
    """
    if not 0 <= good <= counted:
        msg = f"good: expected 0 to the {counted:g} counted, got {good:g}"
        raise ValueError(msg)
    rest = list(expected)
    left = sum(part.calls for part in rest)
    total = counted + left
    best = (good + left) / total if total else None
    needed = (goal * total - good) / left if left else None
    projected = None
    if total and not left:
        projected = good / total
    elif total and rate is not None:
        projected = (good + rate * left) / total
    standing = _standing(goal, good, total, left, projected)
    inflation = 1.0
    if left:
        inflation += clump_s * 1000 * left / sum(part.end_ms - part.start_ms for part in rest)
    lost_at = None
    if standing is Standing.AT_RISK and rate is not None:
        lost_at = when_reached(rest, (good + left - goal * total) / (1 - rate))
    return Outlook(
        goal=goal,
        good=good,
        counted=counted,
        left=left,
        rate=rate,
        standing=standing,
        needed=needed,
        best=best,
        projected=projected,
        likely=_likely(standing, needed, rate, left, seen, inflation),
        lost_at_ms=lost_at,
    )


def _standing(
    goal: float, good: float, total: float, left: float, projected: float | None
) -> Standing:
    if total == 0:
        return Standing.NOTHING_COUNTS
    if good >= goal * total:
        return Standing.WON
    if good + left < goal * total:
        return Standing.LOST
    if projected is None or projected >= goal:
        return Standing.ON_COURSE
    return Standing.AT_RISK


def when_reached(expected: Sequence[Expected], calls: float) -> int | None:
    """Return when so many of the expected calls have come; None if more than there are."""
    for part in expected:
        if part.calls >= calls:
            share = calls / part.calls if part.calls else 0.0
            # A hair more, so that a whole minute is not told as the one before it.
            return part.start_ms + int(share * (part.end_ms - part.start_ms) + 1e-6)
        calls -= part.calls
    return None


def _likely(
    standing: Standing,
    needed: float | None,
    rate: float | None,
    left: float,
    seen: float,
    inflation: float,
) -> float | None:
    if standing in {Standing.WON, Standing.LOST}:
        return float(standing is Standing.WON)
    if needed is None or rate is None or left == 0:
        return None
    # Wilson's idea: a rate of 100 % of few calls is no certainty.
    careful = (rate * seen + 2) / (seen + 4) if seen else rate
    spread = sqrt(inflation * careful * (1 - careful) * (1 / left + (1 / seen if seen else 0.0)))
    if spread == 0:
        return float(rate >= needed)
    return 1 - NormalDist().cdf((needed - rate) / spread)
