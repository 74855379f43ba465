"""Erlang C and A against published figures, and against the plain sums that overflow."""

from __future__ import annotations

import json
from fractions import Fraction
from math import exp, factorial, inf
from pathlib import Path

import pytest

from pipeline.staffing.blocking import inverse_blocking
from pipeline.staffing.erlang import Traffic, steady
from pipeline.staffing.service import agents_needed, service_level, whole_agents
from tests.unit.staffing.days import a_goal, traffic


def test_erlang_c_gives_the_worked_example_of_call_centre_helper() -> None:
    """ "Erlang C Formula - Made Simple": 100 calls in 30 minutes, AHT 180 s, 80 % in 20 s."""
    calls = Traffic(rate_per_s=100 / 1800, handle_s=180, patience_s=None)
    found = steady(calls, 14)
    assert calls.load == pytest.approx(10)
    assert found.waiting == pytest.approx(0.174, abs=5e-4)
    assert found.fate(20).answered_within == pytest.approx(0.888, abs=5e-4)
    assert found.asa_s == pytest.approx(7.8, abs=0.05)
    assert found.occupancy == pytest.approx(0.714, abs=5e-4)
    assert whole_agents(agents_needed(a_goal(0.8), calls)) == 14


def test_both_give_table_1_of_garnett_mandelbaum_and_reiman() -> None:
    """ "Designing a call center with impatient customers", M&SOM 4 (2002), 50 agents, 48 calls
    a minute of 1 minute; without abandonment, and with a patience of 2 minutes.
    """
    without = steady(Traffic(rate_per_s=0.8, handle_s=60, patience_s=None), 50)
    assert without.asa_s == pytest.approx(20.8, abs=0.05)
    assert without.occupancy == pytest.approx(0.96)
    assert 1 - without.fate(58.1).answered_within == pytest.approx(0.1, abs=5e-4)
    found = steady(Traffic(rate_per_s=0.8, handle_s=60, patience_s=120), 50)
    assert found.abandoned == pytest.approx(0.031, abs=5e-4)
    assert found.wait_s == pytest.approx(3.7, abs=0.05)
    assert found.occupancy == pytest.approx(0.93, abs=5e-3)
    fate = found.fate(12.5)
    assert 1 - fate.answered_within - fate.abandoned_within == pytest.approx(0.1, abs=1e-3)


def test_erlang_a_gives_the_figures_of_pyworkforce_s_guide() -> None:
    """pyworkforce 0.5.4, docs/guide/erlanga.md: 100 calls in 30 min of 3, patience 5 min."""
    found = steady(Traffic(rate_per_s=100 / 1800, handle_s=180, patience_s=300), 13)
    figures = (
        found.fate(20).answered_within,
        found.occupancy,
        found.abandoned,
        found.waiting,
        found.wait_s / 60,
    )
    assert figures == pytest.approx((0.858, 0.750, 0.025, 0.226, 0.125), abs=9e-4)


@pytest.mark.parametrize(
    ("calls", "agents", "level"),
    [(15_000, 73, 0.865), (20_000, 73, 0.2366), (20_000, 85, 0.599), (20_000, 93, 0.815),
     (20_000, 95, 0.855)],
)  # fmt: skip
def test_singles_day(calls: int, agents: int, level: float) -> None:
    assert steady(traffic(calls), agents).fate(20).answered_within == pytest.approx(level, abs=5e-4)


def test_singles_day_takes_73_agents_for_15_000_calls_and_95_for_20_000() -> None:
    assert whole_agents(agents_needed(a_goal(), traffic(15_000))) == 73
    assert whole_agents(agents_needed(a_goal(), traffic(20_000))) == 95


def plain_erlang_a(agents: int, calls: Traffic, threshold_s: float) -> tuple[float, float, float]:
    """Return P(abandon), P(wait), answered in time by exact fractions over a long enough chain.

    Those in time by the waits of ``j`` callers ahead: partial fractions of their sum of
    exponentials (Riordan), each times the caller's own patience.
    """
    rate, mu = Fraction(calls.rate_per_s), 1 / Fraction(calls.handle_s)
    theta = 1 / Fraction(calls.patience_s or 1)
    weights = [Fraction(1)]
    for i in range(1, agents + 60):
        weights.append(weights[-1] * rate / (min(i, agents) * mu + max(0, i - agents) * theta))
    total = sum(weights)
    shares = [weight / total for weight in weights]
    queue = sum(max(0, i - agents) * p for i, p in enumerate(shares))
    within = sum(shares[:agents], Fraction(0))
    for i in range(agents, len(shares)):
        within += shares[i] * _served(i - agents, agents * mu, theta, threshold_s)
    return float(theta * queue / rate), float(sum(shares[agents:])), float(within)


def _served(ahead: int, capacity: Fraction, theta: Fraction, threshold_s: float) -> Fraction:
    """Return P(V <= T, patience > V): theta times patience only scales each exponential."""
    rates = [capacity + j * theta for j in range(ahead + 1)]
    found = Fraction(0)
    for j, one in enumerate(rates):
        factor = one
        for k, other in enumerate(rates):
            if k != j:
                factor *= other / (other - one)
        total = one + theta
        found += factor / total * (1 - Fraction(exp(-float(total) * threshold_s)))
    return found


@pytest.mark.parametrize(
    ("agents", "rate", "patience"), [(1, 0.01, 60), (4, 0.05, 90), (9, 0.03, 20)]
)
def test_erlang_a_equals_the_plain_sums(agents: int, rate: float, patience: float) -> None:
    calls = Traffic(rate_per_s=rate, handle_s=120, patience_s=patience)
    abandoned, waiting, within = plain_erlang_a(agents, calls, 15)
    found = steady(calls, agents)
    assert found.abandoned == pytest.approx(abandoned, abs=1e-9)
    assert found.waiting == pytest.approx(waiting, abs=1e-9)
    assert found.fate(15).answered_within == pytest.approx(within, abs=1e-6)


@pytest.mark.parametrize("servers", [0, 1, 5, 40])
@pytest.mark.parametrize("load", [0.3, 1.9, 2.1, 30.0])
def test_blocking_of_whole_servers_is_erlangs(servers: int, load: float) -> None:
    terms = [load**k / factorial(k) for k in range(servers + 1)]
    assert inverse_blocking(servers, load) == pytest.approx(sum(terms) / terms[-1], rel=1e-12)


@pytest.mark.parametrize("load", [0.05, 1.999, 2.001, 17.0, 900.0])
@pytest.mark.parametrize("part", [1e-6, 0.25, 0.5, 0.999999])
def test_blocking_of_a_fraction_is_its_integral(load: float, part: float) -> None:
    """1/B = integral of e^-u (1 + u/load)^x, here by Simpson's rule."""
    steps, end = 40_000, 60.0
    h = end / steps
    values = [exp(-i * h) * (1 + i * h / load) ** part for i in range(steps + 1)]
    area = values[0] + values[-1] + 4 * sum(values[1:-1:2]) + 2 * sum(values[2:-1:2])
    assert inverse_blocking(part, load) == pytest.approx(area * h / 3, rel=1e-7)


def test_the_fraction_below_no_server_goes_on_from_the_recursion() -> None:
    for load in (0.5, 3.0, 50.0):
        below = inverse_blocking(-0.4, load)
        assert 1 + 0.6 / load * below == pytest.approx(inverse_blocking(0.6, load), rel=1e-9)


@pytest.mark.parametrize("load", [100.0, 4_900.0, 5_100.0, 25_000.0])
def test_thousands_of_agents_do_not_overflow(load: float) -> None:
    calls = Traffic(rate_per_s=load / 300, handle_s=300, patience_s=90)
    found = steady(calls, 5_000)
    fate = found.fate(20, 5)
    assert 0 <= fate.answered_within <= fate.answered <= 1
    assert 0 <= fate.abandoned_short <= fate.abandoned_within <= fate.abandoned <= 1
    assert found.abandoned >= 1 - 5_000 / load - 1e-9
    assert found.occupancy == pytest.approx(load * (1 - found.abandoned) / 5_000, rel=1e-6)


def test_in_deep_overload_the_wait_is_the_fluids() -> None:
    """Twice the load: half give up, and all wait ln 2 times the patience (Whitt 2004)."""
    found = steady(Traffic(rate_per_s=20.0, handle_s=300, patience_s=100), 3_000)
    assert found.abandoned == pytest.approx(0.5, abs=1e-6)
    assert found.asa_s == pytest.approx(69.3, abs=0.5)
    assert found.fate(55).answered_within < 1e-4
    assert found.fate(85).answered_within == pytest.approx(0.5, abs=1e-4)


def test_erlang_c_with_too_few_agents_has_no_end_of_waiting() -> None:
    found = steady(traffic(20_000, None), 73)
    assert (found.waiting, found.asa_s, found.abandoned) == (1.0, inf, 0.0)
    assert found.fate(20).answered_within == 0
    assert found.occupancy == 1


def test_nobody_there_is_an_answer_not_an_error() -> None:
    found = steady(traffic(20_000), 0)
    assert (found.abandoned, found.asa_s, found.occupancy) == (1.0, None, None)
    assert found.fate(20).answered_within == 0
    assert found.fate(20).abandoned_within == pytest.approx(1 - exp(-20 / 120))
    assert service_level(a_goal(), found.fate(20)) == 0
    assert service_level(a_goal(service_level="SL2"), found.fate(20)) is None


def test_no_calls_wait_for_nobody() -> None:
    found = steady(traffic(0), 5)
    assert (found.waiting, found.abandoned, found.occupancy) == (0.0, 0.0, 0.0)
    assert agents_needed(a_goal(), traffic(0)) == 0


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"rate_per_s": -1.0}, "rate_per_s: expected 0 or more"),
        ({"rate_per_s": inf}, "rate_per_s: expected 0 or more"),
        ({"handle_s": 0.0}, "handle_s: expected more than 0"),
        ({"patience_s": 0.0}, "patience_s: expected more than 0 seconds, or None"),
    ],
)
def test_traffic_that_cannot_be_is_refused(changed: dict[str, float], said: str) -> None:
    given = {"rate_per_s": 0.1, "handle_s": 60.0, "patience_s": 60.0} | changed
    with pytest.raises(ValueError, match=said):
        Traffic(**given)


@pytest.mark.parametrize("agents", [-1.0, inf])
def test_agents_that_cannot_be_are_refused(agents: float) -> None:
    with pytest.raises(ValueError, match="agents: expected 0 or more"):
        steady(traffic(1), agents)


FIGURES = json.loads((Path(__file__).parent / "pyworkforce-0.5.4.json").read_text())


def test_pyworkforce_says_the_same_of_every_queue_it_was_asked_of() -> None:
    """``pyworkforce_figures.py`` asked it; Erlang A and C, 0.7 to 1.4 agents an erlang."""
    assert len(FIGURES) == 68
    for row in FIGURES:
        calls = Traffic(
            rate_per_s=row["calls_an_hour"] / 3600,
            handle_s=row["handle_s"],
            patience_s=row["patience_s"],
        )
        found = steady(calls, row["agents"])
        fate = found.fate(20)
        for name, value in (
            ("waiting", found.waiting),
            ("within", fate.answered_within),
            ("occupancy", found.occupancy),
            ("abandoned", found.abandoned),
        ):
            assert value == pytest.approx(row[name], abs=1e-9), (row, name)
