"""A change shared out among the factors that made it, whatever order they are taken in.

Changing one factor at a time from plan to actual leaves the parts without a sum (what two factors
do together is in none or in both), and changing them one after the other gives parts that depend
on the order. The Shapley value is the mean over all orders, and the only rule by which the parts
add up, alike factors get alike parts, a factor that changes nothing gets nothing, and the parts of
a sum are the sums of the parts (Shapley, "A value for n-person games", Annals of Mathematics
Studies 28, 1953; for decompositions: Shorrocks, "Decomposition procedures for distributional
analysis", Journal of Economic Inequality 11, 2013). With n factors it takes ``2 ** n`` evaluations,
32 of five; only those that differ need be given, because the others get nothing anyway.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import combinations
from math import factorial, fsum
from typing import TypeVar

F = TypeVar("F")


def shapley(factors: Sequence[F], value: Callable[[frozenset[F]], float]) -> dict[F, float]:
    """Return each factor's part; they add up to ``value(all) - value(none)``.

    Args:
        factors: distinct, hashable.
        value: what is reached with these factors changed and the others not.
    """
    subsets = [frozenset(s) for k in range(len(factors) + 1) for s in combinations(factors, k)]
    reached = {subset: value(subset) for subset in subsets}
    n = len(factors)
    found = {}
    for factor in factors:
        found[factor] = fsum(
            factorial(len(without))
            * factorial(n - len(without) - 1)
            / factorial(n)
            * (reached[without | {factor}] - reached[without])
            for without in subsets
            if factor not in without
        )
    return found


@dataclass(frozen=True, slots=True)
class Amount:
    """What somebody or something added to a factor, in its unit; above 0 is for the worse."""

    kind: str
    name: str
    amount: float


@dataclass(frozen=True, slots=True)
class Part:
    """What of a factor's points falls to somebody or something (shares 0..1, above 0: lost)."""

    kind: str
    name: str
    amount: float
    points: float


def shared_out(points: float, amounts: Sequence[Amount]) -> tuple[Part, ...]:
    """Return points in proportion to amounts, the greatest first; they add up to the points.

    None where the amounts do not explain the points: they cancel out, or went the other way.
    """
    net = fsum(amount.amount for amount in amounts)
    if points * net <= 0:
        return ()
    price = points / net
    parts = [Part(a.kind, a.name, a.amount, a.amount * price) for a in amounts if a.amount]
    return tuple(sorted(parts, key=lambda part: (-part.points * (net > 0 or -1), part.name)))
