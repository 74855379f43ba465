"""Sums of windows as differences of running totals, whatever changes in between."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.domain.kpi import PANE_MS
from pipeline.domain.queue_state import QueueState, window_sums
from pipeline.domain.running_sums import FIELDS, KEPT, LONGEST_MS, RunningSums
from pipeline.domain.target import TargetHistory
from tests.factories import NOON, a_target


def a_queue() -> QueueState:
    return QueueState("acme", "", "service", TargetHistory((0,), (a_target(),)))


def count(queue: QueueState, pane: int, *counts: int) -> None:
    """Count in the pane of this number, as a fold does."""
    start = NOON + pane * PANE_MS
    found = queue.panes[0].get(start) or queue.open_pane(0, start)
    queue.touch(0, start)
    for field, calls in enumerate(counts):
        found[field] += calls


def sums(queue: QueueState, end: int, panes: int) -> list[int]:
    at, window = NOON + end * PANE_MS, panes * PANE_MS
    return [*queue.pair(at, window, 0, 1), *queue.pair(at, window, 2, 3)]


def test_each_field_is_summed_over_the_panes_of_the_window() -> None:
    queue = a_queue()
    count(queue, 0, 1, 10, 100, 1000)
    count(queue, 2, 2, 20, 200, 2000)
    count(queue, 3, 4, 40, 400, 4000)
    assert sums(queue, 3, 1) == [2, 20, 200, 2000]
    assert sums(queue, 3, 3) == [3, 30, 300, 3000]
    assert sums(queue, 4, 2) == [6, 60, 600, 6000]
    assert sums(queue, 3, 2) == [2, 20, 200, 2000]  # an earlier end, asked later
    assert queue.pair(NOON + 4 * PANE_MS, 4 * PANE_MS, 3, 0) == (7000, 7)


def test_a_pane_that_changes_is_summed_anew_and_those_before_it_are_not() -> None:
    queue = a_queue()
    for pane in range(4):
        count(queue, pane, 1)
    assert sums(queue, 4, 4)[0] == 4
    queue.panes[0][NOON][0] = 100  # nobody said so
    count(queue, 1, 5)
    assert sums(queue, 4, 4)[0] == 9
    count(queue, 0)
    assert sums(queue, 4, 4)[0] == 108
    count(queue, 6, 7)  # beyond the end, where sources are ahead
    assert sums(queue, 4, 4)[0] == 108
    assert sums(queue, 7, 7)[0] == 115


def test_a_change_of_another_kpi_leaves_the_sums_alone() -> None:
    queue = a_queue()
    count(queue, 0, 1)
    assert sums(queue, 1, 1)[0] == 1
    queue.changed = 0
    queue.open_pane(1, NOON)
    queue.panes[0][NOON][0] = 9
    assert sums(queue, 1, 1)[0] == 1
    assert queue.changed == 2


@pytest.mark.parametrize("panes", [KEPT, KEPT + 1, 240])
def test_windows_of_any_length_are_summed(panes: int) -> None:
    queue = a_queue()
    for pane in range(300):
        count(queue, pane, 1, pane)
    until = 300
    assert sums(queue, until, panes)[:2] == [panes, sum(range(until - panes, until))]


def test_no_more_is_kept_than_twice_the_longest_window() -> None:
    found, panes = RunningSums(), {NOON + n * PANE_MS: [1, 1, 1, n] for n in range(1000)}
    for end in range(1, 1000):
        found.catch_up(panes, NOON + end * PANE_MS, NOON + (end - 1) * PANE_MS)
        inside = range(max(0, end - KEPT), end)
        assert found.pair(LONGEST_MS, 0, 3) == (len(inside), sum(inside))
        assert len(found.totals) <= 2 * KEPT * FIELDS
    assert found.first_ms >= NOON + (1000 - 2 * KEPT) * PANE_MS


STEPS = st.lists(
    st.tuples(st.sampled_from(["count", "count", "ask"]), st.integers(0, 120), st.integers(1, 40)),
    max_size=40,
)


@given(STEPS)
def test_sums_are_those_of_the_panes_whatever_came_before_it(
    steps: list[tuple[str, int, int]],
) -> None:
    queue = a_queue()
    for what, pane, number in steps:
        if what == "count":
            count(queue, pane, number, 1, 2, 3)
        else:
            at = NOON + pane * PANE_MS
            assert sums(queue, pane, number) == window_sums(
                queue, 0, at, number * PANE_MS, (0, 1, 2, 3)
            )
