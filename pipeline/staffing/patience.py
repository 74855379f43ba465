"""How long callers are willing to wait, from those who hung up and those who were answered.

An answered caller's patience is only known to be longer than the wait: it is censored. For an
exponential patience the likeliest mean is all waiting of all callers over the number of those who
hung up (Mandelbaum and Zeltyn, "Service engineering in action: the Palm/Erlang-A queue", 2007,
section 5); the mean wait of those who hung up is far too short. The interval is that of a Poisson
count (Garwood 1936), its quantiles by Wilson and Hilferty (1931), good to 1 % from 5 events on.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from math import sqrt
from statistics import NormalDist
from typing import Final

DEFAULT_S: Final = 120.0
"""Taken where nothing better is known: of the order published for service queues."""
LEAST_ABANDONED: Final = 20
"""With fewer the interval is wider than a factor of 1.6 to either side: the default is as good."""


class PatienceSource(StrEnum):
    """Where a mean patience is from."""

    ESTIMATED = "estimated"
    DEFAULT = "default"
    GIVEN = "given"


@dataclass(frozen=True, slots=True, kw_only=True)
class Patience:
    """A mean patience in seconds, the bounds of its interval where it was estimated, and why."""

    mean_s: float
    low_s: float | None
    high_s: float | None
    abandoned: int
    source: PatienceSource

    @property
    def words(self) -> str:
        """Return where it is from, in a sentence."""
        if self.source is PatienceSource.ESTIMATED:
            return (
                f"patience {self.mean_s:.0f} s ({self.low_s:.0f} to {self.high_s:.0f} s), "
                f"estimated from {self.abandoned:,} who hung up"
            )
        if self.source is PatienceSource.GIVEN:
            return f"patience {self.mean_s:.0f} s, as given"
        return (
            f"patience {self.mean_s:.0f} s, the default: {self.abandoned:,} hung up, "
            f"{LEAST_ABANDONED} are needed for an estimate"
        )


MOST_S: Final = 86_400.0
"""A longer patience makes no difference, but sums long."""


def given(mean_s: float) -> Patience:
    """Return a patience that somebody else states."""
    if not 0 < mean_s <= MOST_S:
        msg = f"patience: expected more than 0 and at most {MOST_S:,.0f} s, got {mean_s:g}"
        raise ValueError(msg)
    return Patience(
        mean_s=mean_s, low_s=None, high_s=None, abandoned=0, source=PatienceSource.GIVEN
    )


def estimate(*, waited_s: float, abandoned: int, confidence: float = 0.95) -> Patience:
    """Estimate the mean patience.

    Args:
        waited_s: all time that callers spent in the queue, answered or not, seconds.
        abandoned: callers who hung up.
        confidence: of the interval.
    """
    if waited_s < 0 or abandoned < 0:
        msg = f"expected no negative waits and counts, got {waited_s} s and {abandoned}"
        raise ValueError(msg)
    if abandoned < LEAST_ABANDONED or waited_s == 0:
        return Patience(
            mean_s=DEFAULT_S,
            low_s=None,
            high_s=None,
            abandoned=abandoned,
            source=PatienceSource.DEFAULT,
        )
    tail = (1 - confidence) / 2
    return Patience(
        mean_s=waited_s / abandoned,
        low_s=waited_s / _gamma_quantile(abandoned + 1, 1 - tail),
        high_s=waited_s / _gamma_quantile(abandoned, tail),
        abandoned=abandoned,
        source=PatienceSource.ESTIMATED,
    )


def _gamma_quantile(shape: int, probability: float) -> float:
    """Return a quantile of a gamma distribution with scale 1 (half of a chi-square's)."""
    z = NormalDist().inv_cdf(probability)
    root = 1 - 1 / (9 * shape) + z / (3 * sqrt(shape))
    return shape * root * root * root
