"""Staffing: Erlang C against published figures, seats and shifts against the need."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.simulator.profile import CLIENTS, HALF_HOUR_MS
from pipeline.simulator.staffing import (
    LONGEST_SHIFT_MS,
    agents_needed,
    seats,
    service_level,
    shifts,
)

OPENS = 1_762_833_600_000


def test_erlang_c_gives_the_textbook_figure() -> None:
    # 100 calls of 180 s in half an hour are 10 erlangs; 14 agents answer 88.8 % within 20 s.
    assert service_level(14, 10.0, 180, 20) == pytest.approx(0.888, abs=0.0005)


def test_too_few_agents_answer_nobody_in_time() -> None:
    assert service_level(10, 10.0, 180, 20) == 0.0


@given(st.floats(0.01, 3000), st.floats(60, 600), st.sampled_from([0.7, 0.8, 0.9]))
def test_the_agents_needed_just_meet_the_goal(calls: float, handle_s: float, goal: float) -> None:
    need = agents_needed(calls, handle_s, 20, goal)
    load = calls / 1800 * handle_s
    assert service_level(int(need) + 1, load, handle_s, 20) >= goal
    assert need <= 1 or service_level(int(need) - 1, load, handle_s, 20) < goal


@given(st.lists(st.floats(0, 50), min_size=1, max_size=30))
def test_seats_are_never_none_and_keep_the_sum_of_larger_needs(needs: list[float]) -> None:
    rounded = seats(needs)
    assert all(n >= 1 for n in rounded)
    if min(needs) >= 1:
        assert abs(sum(rounded) - sum(needs)) <= 1


@given(st.lists(st.integers(1, 12), min_size=1, max_size=28), st.integers(0, 1000))
def test_shifts_fill_every_seat_and_no_other(present: list[int], day: int) -> None:
    worked = shifts(present, OPENS, "x", day)
    for i, seat_count in enumerate(present):
        at = OPENS + i * HALF_HOUR_MS
        assert sum(shift.starts_ms <= at < shift.ends_ms for shift in worked) == seat_count
    assert all(shift.ends_ms - shift.starts_ms <= LONGEST_SHIFT_MS for shift in worked)
    assert len({shift.agent for shift in worked}) == len(worked)


def test_the_pool_of_agents_rotates() -> None:
    crews = [{s.agent for s in shifts([8] * 16, OPENS, "x", day)} for day in range(7)]
    assert all(a != b for a, b in pairwise(crews))
    days_worked = [sum(agent in crew for crew in crews) for agent in set.union(*crews)]
    assert max(days_worked) < 7


def test_profiles_are_whole() -> None:
    for client in CLIENTS:
        assert sum(queue.share for queue in client.queues) == pytest.approx(1)
        assert sum(share for _, share in client.sites) == pytest.approx(1)
        assert len(client.hour_weights) == len(client.surge_factors) == 24
        assert sum(client.weekday_factors) / 7 == pytest.approx(1, abs=0.01)
        assert min(client.hour_weights) > 0
