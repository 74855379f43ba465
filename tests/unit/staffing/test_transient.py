"""A queue on its way, against the simulation and against where it has to end."""

from __future__ import annotations

import pytest

from pipeline.staffing.erlang import Traffic
from pipeline.staffing.service import fate_of
from pipeline.staffing.simulate import Callers, Slot, simulate
from pipeline.staffing.transient import Stretch, follow
from tests.unit.staffing.days import a_goal, traffic

GOAL = a_goal()
AGENTS = (73, 73, 95, 73)


def stretches(*agents: float, calls: float = 20_000, length_s: float = 900) -> list[Stretch]:
    return [Stretch(traffic=traffic(calls), agents=n, length_s=length_s) for n in agents]


def test_it_goes_as_the_simulated_days_do() -> None:
    """From empty, into overload, help for a quarter of an hour, and help leaving with its calls."""
    found = follow(GOAL, stretches(*AGENTS), in_system=0, most_work=10**9)
    near = follow(GOAL, stretches(*AGENTS), in_system=0, most_work=0)
    callers = Callers(handle_s=240, patience_s=120, threshold_s=20)
    slots = [Slot(length_s=900, calls=traffic(20_000).rate_per_s * 900, agents=n) for n in AGENTS]
    # Beyond the last slot nobody is there; one more keeps the last of them served.
    slots.append(slots[-1])
    sums = [[0, 0, 0] for _ in slots]
    for seed in range(150):
        for total, row in zip(sums, simulate(slots, callers, f"way/{seed}"), strict=True):
            total[0] += row.offered
            total[1] += row.within
            total[2] += row.abandoned
    for exact, normal, (offered, good, gone) in zip(found, near, sums, strict=False):
        assert exact.answered_within == pytest.approx(good / offered, abs=0.03)
        assert exact.abandoned == pytest.approx(gone / offered, abs=0.02)
        assert normal.answered_within == pytest.approx(exact.answered_within, abs=0.01)
        assert normal.abandoned == pytest.approx(exact.abandoned, abs=0.005)


@pytest.mark.parametrize("most_work", [0, 10**9])
@pytest.mark.parametrize("in_system", [0, 40, 120])
def test_wherever_it_begins_it_ends_in_the_steady_state(most_work: int, in_system: int) -> None:
    calls = 2_000
    rest = stretches(9, 9, calls=calls, length_s=7200)
    found = follow(GOAL, rest, in_system=in_system, most_work=most_work)[-1]
    expected = fate_of(GOAL, traffic(calls), 9)
    # As a normal distribution nine agents are few; the exact way is exact.
    abs_ = 1e-3 if most_work else 0.06
    assert found.answered_within == pytest.approx(expected.answered_within, abs=abs_)
    assert found.abandoned == pytest.approx(expected.abandoned, abs=abs_)


def test_a_long_queue_makes_the_next_minutes_bad() -> None:
    empty, full = (follow(GOAL, stretches(90, length_s=300), in_system=n)[0] for n in (60, 200))
    assert full.answered_within < 0.6 < empty.answered_within
    assert full.abandoned > empty.abandoned


def test_nobody_there_answers_nobody() -> None:
    found = follow(GOAL, stretches(0, 0), in_system=3)
    assert found[0].answered_within == 0
    assert found[1].abandoned == pytest.approx(1, abs=0.01)


def test_no_calls_at_all() -> None:
    idle = Traffic(rate_per_s=0, handle_s=60, patience_s=60)
    (found,) = follow(GOAL, [Stretch(traffic=idle, agents=3, length_s=60)], in_system=0)
    assert (found.answered_within, found.abandoned) == (1.0, 0.0)


def test_a_thousand_agents_are_followed_at_once() -> None:
    calls = Traffic(rate_per_s=10, handle_s=240, patience_s=120)
    rest = [Stretch(traffic=calls, agents=n, length_s=900) for n in (2_300, 2_450)]
    found = follow(GOAL, rest, in_system=2_700)
    assert found[0].answered_within < 0.9 < found[1].answered_within


def test_negative_calls_are_refused() -> None:
    with pytest.raises(ValueError, match="in_system: expected 0 or more"):
        follow(GOAL, stretches(3), in_system=-1)
