"""Whether a share is below a goal by more than chance: a one-sided Wilson bound, in integers.

Few calls say little: at a goal of 80 % three misses out of five come up by themselves. The bound is
that of the score test, so it holds for small numbers and for shares near 0 and 1, where mean and
standard deviation do not (Wilson 1927). Waits are correlated (one busy moment makes many callers
wait), so the variance is inflated by a factor: n correlated calls say what n / factor
independent ones do. All is compared crosswise in integers: every executor decides alike.
"""

from __future__ import annotations

from typing import Final

PERMILLE: Final = 1000
Z_SQUARED_MICRO: Final = 2_706_025
"""1.645 squared, millionths: one-sided 95 %."""


def is_below(counted: int, good: int, goal_sum: int, inflation_permille: int = PERMILLE) -> bool:
    """Say whether ``good`` of ``counted`` is below the goal by more than chance.

    ``goal_sum`` is the sum of the goal, per mille, over the calls counted: ``counted * goal`` of
    one queue. ``inflation_permille`` is the factor on the variance, thousandths.
    """
    short = goal_sum - PERMILLE * good
    if counted <= 0 or short <= 0:
        return False
    # (T - p)^2 * n > z^2 * f * T * (1 - T), with T = goal_sum / 1000 n, times what it divides by.
    variance = goal_sum * (PERMILLE * counted - goal_sum)
    return short * short * counted * 10**9 > Z_SQUARED_MICRO * inflation_permille * variance


def least_calls(goal_permille: int, share_permille: int, inflation_permille: int = PERMILLE) -> int:
    """Return how many calls at a share, below the goal, are needed to say that it is below."""
    short = goal_permille - share_permille
    if short <= 0:
        msg = f"expected a share below the goal of {goal_permille}, got {share_permille} per mille"
        raise ValueError(msg)
    variance = goal_permille * (PERMILLE - goal_permille)
    return Z_SQUARED_MICRO * inflation_permille * variance // (short * short * 10**9) + 1


def is_above(events: int, expected_milli: int, inflation_permille: int = PERMILLE) -> bool:
    """Say whether a number of calls is above an expected one (thousandths) by more than chance.

    Calls arrive as in a Poisson process whose variance is inflated by the factor.
    """
    more = PERMILLE * events - expected_milli
    if more <= 0:
        return False
    return more * more * 10**6 > Z_SQUARED_MICRO * inflation_permille * expected_milli


def is_short(events: int, expected_milli: int, inflation_permille: int = PERMILLE) -> bool:
    """Say whether a number of calls is below an expected one (thousandths) by more than chance."""
    fewer = expected_milli - PERMILLE * events
    if fewer <= 0:
        return False
    return fewer * fewer * 10**6 > Z_SQUARED_MICRO * inflation_permille * expected_milli
