"""Fits the weights of the complaint wind vane, and says how far its probabilities can be believed.

Logistic regression by iteratively reweighted least squares. Days of equal levels are one row with a
count, so a year of a large centre is some thousand rows. The penalty (a normal prior of standard
deviation 1 on each weight, none on the intercept) keeps a signal that nearly never came from a
weight that nobody believes; one that never came keeps the weight it has. The same rows give the
same weights: what is left of rounding in another processor's sums is cut off at a thousandth.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Any, Final, NamedTuple

import numpy as np

from pipeline.domain.risk import Feature, RiskTerms, Scale, Signals, probability, score
from pipeline.errors import InputError

Day = tuple[Signals, bool]
"""A customer's day, and whether a complaint case followed."""

PENALTY: Final = 1.0
MOST_STEPS: Final = 50
CLOSE_ENOUGH: Final = 1e-9
LEAST_CASES: Final = 30
"""Fewer days with a case than this say nothing about ten weights."""
EDGES: Final = (0.0, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 1.0)
"""Probabilities between which days are counted together, half-open."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Fit:
    """Weights found: the terms with them, standard errors in thousandths, and of how many days."""

    terms: RiskTerms
    errors: dict[Feature, int | None]
    """None for a signal that never came."""
    days: int
    cases: int


class Bin(NamedTuple):
    """Days whose probability lies between two edges: how many were foretold, how many came."""

    low: float
    high: float
    days: int
    foretold: float
    came: int


class Cut(NamedTuple):
    """What a list from a score on would have been."""

    listed_from: int
    listed: int
    with_case: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Judgement:
    """How terms did on days they were not fitted to.

    ``brier``: mean squared distance of probability and what came; ``brier_of_rate`` is that of who
    says the mean rate of every day. ``auc``: how often, of a day with a case and one without, the
    first has the higher score; ties count half.
    """

    days: int
    cases: int
    brier: float
    brier_of_rate: float
    auc: float
    bins: tuple[Bin, ...]
    cuts: tuple[Cut, ...]


def fit(days: Iterable[Day], terms: RiskTerms) -> Fit:
    """Return weights for the scales of ``terms``.

    Raises:
        InputError: too few days with a case, or without one.
    """
    tally = Counter((_levels(signals, terms), came) for signals, came in days)
    rows = sorted({levels for levels, _ in tally})
    came = np.array([tally[row, True] for row in rows], dtype=float)
    total = came + np.array([tally[row, False] for row in rows], dtype=float)
    cases, number = int(came.sum()), int(total.sum())
    if min(cases, number - cases) < LEAST_CASES:
        msg = (
            f"expected at least {LEAST_CASES} customer days with a complaint case after, and as "
            f"many without, got {cases} of {number}; give more months"
        )
        raise InputError(msg)
    levels = np.array(rows, dtype=float)
    seen = [any(row[place] for row in rows) for place in range(len(Feature))]
    design = np.column_stack([np.ones(len(rows)), levels[:, np.array(seen)]])
    found, errors = _reweighted(design, came, total)
    weights, spread = iter(found[1:]), iter(errors[1:])
    scales: dict[Feature, Scale] = {}
    known: dict[Feature, int | None] = {}
    for feature, is_seen in zip(Feature, seen, strict=True):
        scale = terms.scales[feature]
        scales[feature] = replace(scale, weight=_milli(next(weights))) if is_seen else scale
        known[feature] = _milli(next(spread)) if is_seen else None
    fitted = replace(terms, intercept=_milli(found[0]), scales=scales)
    return Fit(terms=fitted, errors=known, days=number, cases=cases)


def _levels(signals: Signals, terms: RiskTerms) -> tuple[int, ...]:
    return tuple(terms.scales[feature].level(signals[feature]) for feature in Feature)


def _milli(number: float) -> int:
    return round(1000 * float(number))


def _reweighted(design: Any, came: Any, total: Any) -> tuple[Any, Any]:  # noqa: ANN401 - arrays
    """Return coefficients and standard errors; Newton's steps on the penalised likelihood."""
    penalty = np.diag([0.0] + [PENALTY] * (design.shape[1] - 1))
    rate = came.sum() / total.sum()
    beta = np.zeros(design.shape[1])
    beta[0] = np.log(rate / (1 - rate))

    def likelihood(at: Any) -> float:  # noqa: ANN401 - an array
        line = design @ at
        told = came @ line - total @ np.logaddexp(0, line)
        return float(told - at @ penalty @ at / 2)

    for _ in range(MOST_STEPS):
        expected = 1 / (1 + np.exp(-design @ beta))
        gradient = design.T @ (came - total * expected) - penalty @ beta
        curvature = design.T @ (design * (total * expected * (1 - expected))[:, None]) + penalty
        step = np.linalg.solve(curvature, gradient)
        # Cases are rare, so a whole step from the mean rate can overshoot.
        while likelihood(beta + step) < likelihood(beta) and np.abs(step).max() > CLOSE_ENOUGH:
            step = step / 2
        beta = beta + step
        if float(np.abs(step).max()) < CLOSE_ENOUGH:
            return beta, np.sqrt(np.diag(np.linalg.inv(curvature)))
    msg = f"expected weights that settle within {MOST_STEPS} steps; is a signal the case itself?"
    raise InputError(msg)


def judge(days: Iterable[Day], terms: RiskTerms) -> Judgement:
    """Return how terms do on days.

    Raises:
        InputError: there is no day with a case, or none without.
    """
    tally: Counter[tuple[int, bool]] = Counter()
    for signals, came in days:
        tally[score(signals, terms).milli, came] += 1
    scores = sorted({milli for milli, _ in tally})
    cases = sum(n for (_, came), n in tally.items() if came)
    number = sum(tally.values())
    if cases in {0, number}:
        msg = f"expected customer days with a complaint case and without, got {cases} of {number}"
        raise InputError(msg)
    rate = cases / number
    squares = sum(n * (probability(milli) - came) ** 2 for (milli, came), n in tally.items())
    return Judgement(
        days=number,
        cases=cases,
        brier=squares / number,
        brier_of_rate=rate * (1 - rate),
        auc=_auc(tally, scores),
        bins=tuple(_bins(tally)),
        cuts=tuple(_cut(tally, edge) for edge in range(-5000, -500, 500)),
    )


def _auc(tally: Counter[tuple[int, bool]], scores: Sequence[int]) -> float:
    below = half_pairs = 0
    for milli in scores:
        came, not_came = tally[milli, True], tally[milli, False]
        half_pairs += came * (2 * below + not_came)
        below += not_came
    cases = sum(tally[milli, True] for milli in scores)
    return half_pairs / (2 * cases * below)


def _bins(tally: Counter[tuple[int, bool]]) -> Iterable[Bin]:
    for low, high in pairwise(EDGES):
        inside = {k: n for k, n in tally.items() if low <= probability(k[0]) < high}
        if inside:
            foretold = sum(n * probability(milli) for (milli, _), n in inside.items())
            came = sum(n for (_, is_case), n in inside.items() if is_case)
            yield Bin(low, high, sum(inside.values()), foretold, came)


def _cut(tally: Counter[tuple[int, bool]], listed_from: int) -> Cut:
    listed = {k: n for k, n in tally.items() if k[0] >= listed_from}
    with_case = sum(n for (_, came), n in listed.items() if came)
    return Cut(listed_from, sum(listed.values()), with_case)
