"""Weights that were planted are found again; figures of a judgement are checked by hand."""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import replace

import pytest

from pipeline.batch.risk_fit import LEAST_CASES, Day, fit, judge
from pipeline.domain.risk import Feature, RiskTerms, Scale, Signals, probability, score
from pipeline.errors import InputError

TERMS = RiskTerms(
    intercept=0,
    listed_from=0,
    outcome_window_ms=1,
    scales={feature: Scale(weight=77, most=3) for feature in Feature},
)
PLANTED = replace(
    TERMS,
    intercept=-3000,
    scales=TERMS.scales
    | {
        Feature.TRANSFERS: Scale(weight=900, most=3),
        Feature.ABANDONS: Scale(weight=-700, most=3),
        Feature.WAIT_MS: Scale(weight=400, most=3, unit=60_000),
    },
)


def drawn(number: int, seed: int = 1) -> Iterator[Day]:
    rng = random.Random(seed)  # noqa: S311 - draws examples, not keys
    for _ in range(number):
        signals = Signals(
            transfers=rng.randint(0, 4),
            abandons=rng.randint(0, 2),
            wait_ms=rng.randint(0, 300_000),
        )
        yield signals, rng.random() < probability(score(signals, PLANTED).milli)


def test_weights_that_were_planted_are_found_within_their_errors() -> None:
    scales = TERMS.scales | {Feature.WAIT_MS: Scale(weight=0, most=3, unit=60_000)}
    found = fit(drawn(40_000), replace(TERMS, scales=scales))
    assert found.days == 40_000
    for feature in (Feature.TRANSFERS, Feature.ABANDONS, Feature.WAIT_MS):
        error = found.errors[feature]
        assert error is not None
        assert 0 < error < 60
        wanted = PLANTED.scales[feature].weight
        assert abs(found.terms.scales[feature].weight - wanted) < 4 * error
    assert abs(found.terms.intercept + 3000) < 200
    assert found.terms.scales[Feature.WAIT_MS].unit == 60_000


def test_a_signal_that_never_came_keeps_its_weight() -> None:
    found = fit(drawn(5_000), TERMS)
    assert found.errors[Feature.KEYWORDS] is None
    assert found.terms.scales[Feature.KEYWORDS] == TERMS.scales[Feature.KEYWORDS]


def test_the_same_days_in_another_order_give_the_same_weights() -> None:
    days = list(drawn(5_000))
    assert fit(reversed(days), TERMS) == fit(days, TERMS)


def test_a_signal_that_came_with_cases_alone_gets_a_weight_that_is_finite() -> None:
    days = list(drawn(5_000)) + [(Signals(keywords=1), True)] * 5
    weight = fit(days, TERMS).terms.scales[Feature.KEYWORDS].weight
    assert 200 < weight < 3000


@pytest.mark.parametrize("kept", [True, False])
def test_too_few_cases_are_refused(kept: bool) -> None:  # noqa: FBT001
    few = [(Signals(), kept)] * (LEAST_CASES - 1) + [(Signals(), not kept)] * 1000
    with pytest.raises(InputError, match="give more months"):
        fit(few, TERMS)
    enough = [*few, (Signals(), kept)]
    assert fit(enough, TERMS).days == 1030


def test_a_judgement_by_hand() -> None:
    scales = TERMS.scales | {Feature.TRANSFERS: Scale(weight=1000, most=3)}
    terms = replace(TERMS, intercept=-2000, scales=scales)
    days = [
        (Signals(), False),
        (Signals(), False),
        (Signals(), True),
        (Signals(transfers=1), False),
        (Signals(transfers=2), True),
    ]
    judged = judge(days, terms)
    p0, p1, p2 = probability(-2000), probability(-1000), probability(0)
    assert (judged.days, judged.cases) == (5, 2)
    squares = 2 * p0**2 + (1 - p0) ** 2 + p1**2 + (1 - p2) ** 2
    assert judged.brier == pytest.approx(squares / 5)
    assert judged.brier_of_rate == pytest.approx(0.24)
    # of six pairs the case is above in three, ties with two
    assert judged.auc == pytest.approx((3 + 2 / 2) / 6)
    assert [(b.low, b.days, b.came) for b in judged.bins] == [(0.1, 3, 1), (0.2, 2, 1)]
    assert judged.bins[1].foretold == pytest.approx(p1 + p2)
    assert [c for c in judged.cuts if c.listed_from in {-2000, -1500, -1000}] == [
        (-2000, 5, 2),
        (-1500, 2, 1),
        (-1000, 2, 1),
    ]


@pytest.mark.parametrize("came", [True, False])
def test_without_both_kinds_of_days_nothing_can_be_judged(came: bool) -> None:  # noqa: FBT001
    with pytest.raises(InputError, match="with a complaint case and without"):
        judge([(Signals(), came)], TERMS)
