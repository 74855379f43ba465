"""The score of the complaint wind vane: whole numbers that add up, and say why."""

from __future__ import annotations

import math
from dataclasses import fields, replace
from datetime import date

import pytest

from pipeline.domain.risk import (
    NAMES,
    STANDING,
    TIMES,
    Feature,
    Part,
    RiskHistory,
    RiskTerms,
    Scale,
    Signals,
    is_listed,
    probability,
    reason,
    reasons,
    score,
    together,
)

TERMS = RiskTerms(
    intercept=-5000,
    listed_from=-3000,
    outcome_window_ms=1000,
    scales={feature: Scale(weight=10**i, most=2) for i, feature in enumerate(Feature)}
    | {
        Feature.WAIT_MS: Scale(weight=7, most=3, unit=60_000),
        Feature.HOLD_MS: Scale(weight=-5, most=3, unit=30_000),
    },
)


def test_signals_are_named_as_features_are() -> None:
    assert list(Feature) == list(NAMES)
    assert {f.name for f in fields(Signals)} == set(Feature)


@pytest.mark.parametrize(
    ("signal", "level"), [(0, 0), (59_999, 0), (60_000, 1), (179_999, 2), (180_000, 3), (10**9, 3)]
)
def test_a_level_is_a_whole_unit_and_at_most_so_many(signal: int, level: int) -> None:
    assert Scale(weight=1, most=3, unit=60_000).level(signal) == level


def test_a_count_has_the_unit_one() -> None:
    assert Scale(weight=1, most=3).level(2) == 2


def test_without_signals_the_score_is_the_intercept_and_nothing_moved_it() -> None:
    assert score(Signals(), TERMS) == (-5000, ())
    assert score(Signals(wait_ms=59_999), TERMS) == (-5000, ())


def test_each_feature_moves_the_score_by_its_own_weight() -> None:
    for feature in Feature:
        scale = TERMS.scales[feature]
        found = score(replace(Signals(), **{str(feature): 2 * scale.unit}), TERMS)
        assert found.milli == -5000 + 2 * scale.weight
        assert found.parts == (Part(feature, 2 * scale.unit, 2 * scale.weight),)


def test_parts_add_up_to_the_score_in_the_order_of_features() -> None:
    signals = Signals(transfers=1, open_cases=9, hold_ms=30_000, wait_ms=61_000)
    found = score(signals, TERMS)
    assert [part.feature for part in found.parts] == [
        Feature.OPEN_CASES,
        Feature.WAIT_MS,
        Feature.HOLD_MS,
        Feature.TRANSFERS,
    ]
    assert found.milli == -5000 + sum(part.amount for part in found.parts)
    assert found.parts[0] == Part(Feature.OPEN_CASES, 9, 2)


def test_a_feature_of_no_weight_is_no_reason() -> None:
    scales = TERMS.scales | {Feature.ABANDONS: Scale(weight=0, most=2)}
    assert score(Signals(abandons=1), replace(TERMS, scales=scales)).parts == ()


@pytest.mark.parametrize(("milli", "listed"), [(-3001, False), (-3000, True), (0, True)])
def test_the_list_begins_at_its_score(milli: int, listed: bool) -> None:  # noqa: FBT001
    assert is_listed(milli, TERMS) is listed


def test_a_probability_is_the_logistic_of_the_score() -> None:
    assert probability(0) == 0.5
    assert probability(-5000) == pytest.approx(0.0066929, abs=1e-7)
    assert math.isclose(probability(1234) + probability(-1234), 1)


def test_together_counts_add_up_and_what_stands_is_the_greatest() -> None:
    one = Signals(**{str(f): i + 1 for i, f in enumerate(Feature)})
    other = Signals(**{str(f): 2 * (i + 1) for i, f in enumerate(Feature)})
    both = together([one, other])
    assert both == together([other, one])
    for i, feature in enumerate(Feature):
        assert both[feature] == (2 if feature in STANDING else 3) * (i + 1)
    assert {Feature.OPEN_CASES, Feature.EARLIER_CONTACTS} == STANDING
    assert together([]) == Signals()
    assert together([one]) == one


@pytest.mark.parametrize(
    ("part", "said"),
    [
        (Part(Feature.OPEN_CASES, 2, 1000), "open complaint cases: 2 (+1.000)"),
        (Part(Feature.COMPLAINT_FLAGS, 1, 2003), "complaints flagged: 1 (+2.003)"),
        (Part(Feature.KEYWORDS, 3, 50), "words of risk said: 3 (+0.050)"),
        (Part(Feature.WRAPUP_CODES, 1, 12_345), "wrap-up codes of risk: 1 (+12.345)"),
        (Part(Feature.EARLIER_CONTACTS, 4, 1), "earlier contacts: 4 (+0.001)"),
        (Part(Feature.ABANDONS, 1, 1), "gave up waiting: 1 (+0.001)"),
        (Part(Feature.WAIT_MS, 252_999, 840), "waited 252 s (+0.840)"),
        (Part(Feature.HOLD_MS, 30_000, -1005), "on hold 30 s (-1.005)"),
        (Part(Feature.TRANSFERS, 1000, 7), "transferred: 1000 (+0.007)"),
        (Part(Feature.AGENT_HANG_UPS, 1, -1), "agent hung up: 1 (-0.001)"),
        (Part(Feature.AGENT_HANG_UPS, 1, 0), "agent hung up: 1 (+0.000)"),
    ],
)
def test_a_part_is_said_in_words(part: Part, said: str) -> None:
    assert reason(part) == said


def test_reasons_stand_beside_each_other() -> None:
    assert reasons([]) == ""
    parts = score(Signals(open_cases=1, transfers=1), TERMS).parts
    assert reasons(parts) == f"open complaint cases: 1 (+0.001); {reason(parts[1])}"


def test_times_are_in_milliseconds() -> None:
    assert {feature for feature in Feature if feature.endswith("_ms")} == TIMES


def test_terms_hold_from_their_day_and_the_first_before_it_too() -> None:
    later = replace(TERMS, intercept=1)
    last = replace(TERMS, intercept=2)
    history = RiskHistory(
        (date(2025, 1, 1), date(2025, 6, 1), date(2025, 7, 1)), (TERMS, later, last)
    )
    assert history.on(date(2024, 1, 1)) is TERMS
    assert history.on(date(2025, 1, 1)) is TERMS
    assert history.on(date(2025, 5, 31)) is TERMS
    assert history.on(date(2025, 6, 1)) is later
    assert history.on(date(2025, 6, 30)) is later
    assert history.on(date(2099, 1, 1)) is last
