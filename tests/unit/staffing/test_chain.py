"""The chain against the formulas, which share no code with it but the position in the queue."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise
from statistics import stdev

import pytest

from pipeline.staffing.chain import chain_of, clumping, prospects
from pipeline.staffing.erlang import Traffic, steady
from pipeline.staffing.position import poisson, within
from pipeline.staffing.simulate import Callers, Slot, simulate
from tests.unit.staffing.days import a_goal, traffic

GOAL = a_goal(0.85)


@pytest.mark.parametrize(
    ("calls", "agents"),
    [
        (traffic(15_000), 73),
        (traffic(20_000), 73),
        (traffic(20_000), 95),
        (traffic(15_000, None), 80),
        (traffic(100), 2),
        (Traffic(rate_per_s=3.0, handle_s=400, patience_s=30), 1_150),
    ],
)
def test_its_balance_gives_erlangs_figures(calls: Traffic, agents: int) -> None:
    chain = chain_of(calls, agents)
    seen = prospects(chain, GOAL)
    fate = steady(calls, agents).fate(20, 5)
    for shares, expected in (
        (seen.answered_within, fate.answered_within),
        (seen.abandoned_within, fate.abandoned_within),
        (seen.abandoned_short, fate.abandoned_short),
    ):
        found = sum(p * s for p, s in zip(chain.balance, shares, strict=True))
        assert found == pytest.approx(expected, abs=1e-9)


def test_a_fraction_of_an_agent_is_near_the_formulas_fraction() -> None:
    for agents in (72.5, 85.3):
        chain = chain_of(traffic(20_000), agents)
        shares = prospects(chain, GOAL).answered_within
        found = sum(p * s for p, s in zip(chain.balance, shares, strict=True))
        expected = steady(traffic(20_000), agents).fate(20).answered_within
        assert found == pytest.approx(expected, abs=2e-3)


def test_the_more_callers_ahead_the_worse() -> None:
    table = within(traffic(20_000), 73, 20, 1_000)
    assert all(a >= b for a, b in pairwise(table.served))
    assert all(a <= b + 1e-12 for a, b in pairwise(table.gone))
    assert table.at(-1) == (1.0, 0.0)
    assert table.at(10_000) == (0.0, table.gone_at_last)
    half = table.at(2.5)
    assert half[0] == pytest.approx((table.served[2] + table.served[3]) / 2)


def test_a_threshold_of_many_patiences_is_answered_at_once() -> None:
    hasty = replace(traffic(20_000), patience_s=2.0)
    chain = chain_of(hasty, 73)
    shares = prospects(chain, GOAL).answered_within
    assert len(shares) == len(chain.down)
    found = sum(p * s for p, s in zip(chain.balance, shares, strict=True))
    assert found == pytest.approx(steady(hasty, 73).fate(20).answered_within, abs=1e-6)


def test_poisson_weights_are_poisson() -> None:
    weights = poisson(900.0)
    assert sum(weights) == pytest.approx(1)
    assert sum(k * w for k, w in enumerate(weights)) == pytest.approx(900, rel=1e-9)
    assert poisson(0.0)[0] == pytest.approx(1)


@pytest.mark.parametrize(("calls", "agents"), [(20_000, 85), (20_000, 95)])
def test_days_vary_as_clumping_says(calls: int, agents: int) -> None:
    """80 days of 7 hours: their standard deviation is known to about 8 %."""
    hours = 7
    callers = Callers(handle_s=240, patience_s=120, threshold_s=20)
    slots = [Slot(length_s=900, calls=calls / 56, agents=agents)] * (hours * 4)
    ends = []
    for seed in range(80):
        rows = simulate(slots, callers, f"clumps/{seed}")[4:]  # it starts empty
        ends.append(sum(row.within - 0.85 * row.offered for row in rows))
    expected = (clumping(GOAL, traffic(calls), agents) * (hours - 1) * 3600) ** 0.5
    assert stdev(ends) == pytest.approx(expected, rel=0.2)
    independent = (0.25 * calls / 56 * 4 * (hours - 1)) ** 0.5
    assert stdev(ends) > 3 * independent


def test_no_calls_do_not_vary() -> None:
    assert clumping(GOAL, traffic(0), 5) == 0


def test_a_queue_without_a_steady_state_is_refused() -> None:
    with pytest.raises(ValueError, match="expected callers to lose patience"):
        chain_of(traffic(20_000, None), 73)
