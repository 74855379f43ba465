"""Laws of staffing that hold for every queue."""

from __future__ import annotations

from dataclasses import replace
from math import ceil, floor

from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.domain.definition import KpiDefinition
from pipeline.staffing.erlang import Traffic, steady
from pipeline.staffing.outlook import Expected, Standing, look_ahead
from pipeline.staffing.service import Goal, agents_needed, fate_of

GOAL = Goal(share=0.8, threshold_s=20, short_abandon_s=5, definition=KpiDefinition(name="test"))
ROUNDING = 1e-9

queues = st.builds(
    Traffic,
    rate_per_s=st.floats(0.001, 2),
    handle_s=st.floats(20, 900),
    patience_s=st.floats(5, 2_000),
)
staffings = st.floats(0.1, 3)
"""Agents over load."""


@given(queues, staffings, st.floats(0.01, 20))
def test_more_agents_are_never_worse(traffic: Traffic, share: float, more: float) -> None:
    agents = share * traffic.load
    one, other = (fate_of(GOAL, traffic, n) for n in (agents, agents + more))
    assert one.answered_within <= other.answered_within + ROUNDING
    assert one.abandoned + ROUNDING >= other.abandoned


@given(queues, staffings, st.floats(1, 2))
def test_more_calls_are_never_better(traffic: Traffic, share: float, times: float) -> None:
    agents = share * traffic.load
    busier = replace(traffic, rate_per_s=times * traffic.rate_per_s)
    one, other = fate_of(GOAL, traffic, agents), fate_of(GOAL, busier, agents)
    assert other.answered_within <= one.answered_within + ROUNDING
    assert other.abandoned + ROUNDING >= one.abandoned


@given(queues, staffings, st.floats(0, 200), st.floats(0, 200))
def test_a_fate_is_a_fate(traffic: Traffic, share: float, threshold: float, short: float) -> None:
    state = steady(traffic, share * traffic.load)
    short, threshold = sorted((short, threshold))
    fate = state.fate(threshold, short)
    assert 0 <= fate.answered_within <= fate.answered <= 1
    assert 0 <= fate.abandoned_short <= fate.abandoned_within + ROUNDING
    assert fate.abandoned_within <= fate.abandoned + ROUNDING
    assert fate.answered_within + fate.abandoned_within <= 1 + ROUNDING
    assert 0 <= (state.occupancy or 0) <= 1


@given(queues, staffings)
def test_waiting_is_what_patience_ends(traffic: Traffic, share: float) -> None:
    """Little's law twice: mean wait of all = abandons x patience, and by its parts."""
    state = steady(traffic, share * traffic.load)
    assert traffic.patience_s is not None
    assert state.asa_s is not None
    assert state.asa_s * (1 - state.abandoned) <= state.wait_s * (1 + 1e-6) + ROUNDING
    work = traffic.load * (1 - state.abandoned)
    assert abs(work - (state.occupancy or 0) * state.agents) <= 1e-6 * (1 + work)


@given(queues, st.floats(1.05, 2))
def test_with_endless_patience_erlang_a_is_erlang_c(traffic: Traffic, share: float) -> None:
    agents = share * traffic.load
    patient = steady(replace(traffic, patience_s=1e9), agents)
    endless = steady(replace(traffic, patience_s=None), agents)
    assert endless.asa_s is not None
    if endless.asa_s > 1e5:
        return  # a queue that hardly ever empties: patience of thirty years is not endless
    one, other = patient.fate(20), endless.fate(20)
    assert abs(one.answered_within - other.answered_within) < 1e-3
    assert abs(patient.waiting - endless.waiting) < 1e-3


@given(queues, staffings)
def test_a_fraction_of_an_agent_lies_between_whole_agents(traffic: Traffic, share: float) -> None:
    agents = share * traffic.load
    low, at, high = (
        fate_of(GOAL, traffic, n).answered_within for n in (floor(agents), agents, ceil(agents))
    )
    assert low - ROUNDING <= at <= high + ROUNDING


@given(queues, st.floats(0.2, 0.98))
@settings(max_examples=40)
def test_agents_needed_are_enough_and_no_more(traffic: Traffic, share: float) -> None:
    goal = replace(GOAL, share=share)
    agents = agents_needed(goal, traffic)
    assert fate_of(goal, traffic, agents).answered_within >= share - 1e-8
    assert fate_of(goal, traffic, agents * 0.9999).answered_within < share


parts = st.lists(st.floats(0, 500), min_size=1, max_size=12).map(
    lambda calls: [Expected(i * 1000, (i + 1) * 1000, n) for i, n in enumerate(calls)]
)


@given(
    goal=st.floats(0.5, 0.95),
    counted=st.integers(0, 2_000),
    share=st.floats(0, 1),
    rate=st.floats(0, 1),
    expected=parts,
)
def test_a_day_can_still_be_won_until_its_point_of_no_return_and_not_after(
    goal: float, counted: int, share: float, rate: float, expected: list[Expected]
) -> None:
    good = int(share * counted)
    found = look_ahead(goal=goal, good=good, counted=counted, expected=expected, rate=rate)
    if found.standing is not Standing.AT_RISK or found.lost_at_ms is None:
        return
    passed = sum(
        p.calls * min(1.0, max(0.0, (found.lost_at_ms - p.start_ms) / 1000)) for p in expected
    )
    best = good + rate * passed + (found.left - passed)
    aim = goal * (counted + found.left)
    assert best >= aim - 1e-6 * (1 + aim)
    later = min(found.left, passed + 2 * max(p.calls for p in expected) / 1000 + 1)
    if rate < 0.99 and later < found.left:
        assert good + rate * later + (found.left - later) < aim + 1


@given(
    goal=st.floats(0.5, 0.95),
    rate=st.floats(0, 1),
    better=st.floats(0, 1),
    expected=parts,
)
def test_a_better_rate_is_never_less_likely(
    goal: float, rate: float, better: float, expected: list[Expected]
) -> None:
    low, high = sorted((rate, better))
    one, other = (
        look_ahead(goal=goal, good=0, counted=0, expected=expected, rate=r) for r in (low, high)
    )
    if one.likely is not None and other.likely is not None:
        if one.likely > 0.5 or other.likely < 0.5:
            # Beyond the goal both grow surer, and a rate near 0 or 100 % varies less.
            return
        assert one.likely <= 0.5 <= other.likely
