"""Shares of agents' time divide sums, and are empty where there is nothing to divide by."""

from __future__ import annotations

import pytest

from pipeline.domain import agent_kpi
from pipeline.domain.agent_kpi import Share, combined_shrinkage
from pipeline.domain.agent_time import AGENT_TIME_FIELDS

NOTHING = dict.fromkeys(AGENT_TIME_FIELDS, 0)
SOME = {field: 2**i for i, field in enumerate(AGENT_TIME_FIELDS)}


@pytest.mark.parametrize(
    ("name", "numerator", "denominator"),
    [
        ("occupancy", "occupied_ms", "occupiable_ms"),
        ("occupancy_of_login", "occupied_ms", "logged_in_ms"),
        ("utilisation", "productive_paid_ms", "paid_ms"),
        ("bill_to_pay", "billable_ms", "paid_ms"),
        ("external_shrinkage", "absence_paid_ms", "scheduled_paid_ms"),
        ("adherence", "adherent_ms", "scheduled_ms"),
        ("conformance", "logged_in_ms", "scheduled_ms"),
    ],
)
def test_a_share_is_its_numerator_over_its_denominator(
    name: str, numerator: str, denominator: str
) -> None:
    share = getattr(agent_kpi, name)
    assert share(SOME) == (SOME[numerator], SOME[denominator])
    assert share(SOME).ratio == SOME[numerator] / SOME[denominator]
    assert share(NOTHING).ratio is None


def test_shrinkage_is_what_utilisation_leaves() -> None:
    counts = {**NOTHING, "paid_ms": 176, "productive_paid_ms": 150}
    assert agent_kpi.shrinkage(counts) == (26, 176)
    assert agent_kpi.utilisation(counts) == (150, 176)


def test_shrinkages_combine_by_what_they_leave() -> None:
    """176 h x (1 - 10.3 %) x (1 - 14 %) leave 135.77 h."""
    both = combined_shrinkage(Share(103, 1000), Share(14, 100))
    assert both == (100_000 - 897 * 86, 100_000)
    left = both.denominator - both.numerator
    assert round(176 * left / both.denominator, 2) == 135.77
    assert combined_shrinkage(Share(0, 0), Share(1, 2)).ratio is None
