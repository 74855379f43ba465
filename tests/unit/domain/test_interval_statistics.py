"""Sums of queues and agents over frames; what ratios divide; waits in buckets."""

from __future__ import annotations

import pytest

from pipeline.domain.business_time import HOUR_MS
from pipeline.domain.interval_statistics import (
    ENDINGS,
    AgentFigures,
    AgentHour,
    QueueCall,
    QueueFigures,
    QueueHour,
    WaitBucket,
    agent_figures,
    queue_figures,
    wait_buckets,
)
from pipeline.domain.intervals import Grain
from pipeline.domain.statistics_frame import VANE, Frames, Selection

TWO_HOURS = Frames(Selection(zone="UTC", from_ms=0, until_ms=2 * HOUR_MS), Grain.HOUR, VANE)


def a_call(at_ms: int, status: str = "answered", **more: int) -> QueueCall:
    return QueueCall(at_ms=at_ms, queue=more.pop("queue", 1), status=status, **more)


def an_hour(at_ms: int, **counts: int) -> QueueHour:
    assert counts.keys() <= set(ENDINGS)
    return QueueHour(at_ms, 1, tuple(counts.get(name, 0) for name in ENDINGS))


def test_hours_are_summed_in_their_interval_and_in_the_whole() -> None:
    hours = [an_hour(0, total=3, answered=2), an_hour(HOUR_MS, total=4, closed=1, full=2)]
    first, second, whole = queue_figures(hours, [], TWO_HOURS)
    assert first == QueueFigures(total=3, answered=2)
    assert second == QueueFigures(total=4, closed=1, full=2)
    assert whole == QueueFigures(total=7, answered=2, closed=1, full=2)


def test_every_ending_has_its_place() -> None:
    counts = {name: 2**i for i, name in enumerate(ENDINGS)}
    figures = queue_figures([an_hour(0, **counts)], [], TWO_HOURS)[0]
    assert {name: getattr(figures, name) for name in ENDINGS} == counts
    assert figures.saturated == sum(
        counts[name] for name in ("full", "divert_ca_ratio", "divert_waittime")
    )
    assert figures.blocked == counts["joinempty"] + counts["leaveempty"]
    assert figures.waited == sum(
        counts[name] for name in ("answered", "abandoned", "leaveempty", "timeout")
    )
    assert figures.answerable == figures.waited + counts["full"] + counts["joinempty"]


def test_all_calls_wait_and_the_answered_ones_may_be_in_time() -> None:
    calls = [
        a_call(0, wait_ms=20_000),
        a_call(1, wait_ms=20_001),
        a_call(2, "abandoned", wait_ms=5_000),
        a_call(3, wait_ms=1_000),
        a_call(2 * HOUR_MS, wait_ms=1),
    ]
    first, second, whole = queue_figures([], calls, TWO_HOURS, threshold_ms=20_000)
    assert first == whole == QueueFigures(wait_ms=46_001, answered_within=2)
    assert second == QueueFigures()
    assert queue_figures([], calls, TWO_HOURS)[0].answered_within == 0


def test_times_that_a_row_does_not_give_add_nothing() -> None:
    assert queue_figures([], [a_call(0)], TWO_HOURS)[0].wait_ms == 0
    found = agent_figures([AgentHour(at_ms=0, agent=1)], [a_call(0)], TWO_HOURS)[0]
    assert (found.talk_ms, found.login_ms, found.pause_ms, found.wrapup_ms) == (0, 0, 0, 0)


def test_waits_are_cut_at_thresholds_half_open() -> None:
    calls = [a_call(0, wait_ms=wait) for wait in (0, 4_999, 5_000, 10_000)]
    calls += [a_call(HOUR_MS, "abandoned", wait_ms=5_000), a_call(0, "timeout", wait_ms=5_000)]
    first, second, whole = wait_buckets(calls, TWO_HOURS, [10_000, 5_000, 5_000])
    assert first == [
        WaitBucket(0, 5_000, answered=2),
        WaitBucket(5_000, 10_000, answered=1),
        WaitBucket(10_000, None, answered=1),
    ]
    assert second[1] == WaitBucket(5_000, 10_000, abandoned=1)
    assert whole[1] == WaitBucket(5_000, 10_000, answered=1, abandoned=1)


def test_without_thresholds_there_is_one_bucket() -> None:
    assert wait_buckets([a_call(0)], TWO_HOURS, [])[0] == [WaitBucket(0, None, answered=1)]


def test_a_threshold_of_nothing_makes_an_empty_bucket() -> None:
    assert wait_buckets([a_call(0)], TWO_HOURS, [0])[0] == [
        WaitBucket(0, 0),
        WaitBucket(0, None, answered=1),
    ]


def test_an_agents_hours_are_of_no_queue_or_of_one() -> None:
    hours = [
        AgentHour(at_ms=0, agent=1, login_ms=3000, pause_ms=200, wrapup_ms=10),
        AgentHour(at_ms=0, agent=1, queue=7, login_ms=1000, pause_ms=100, wrapup_ms=1),
        AgentHour(at_ms=HOUR_MS, agent=1, login_ms=1),
    ]
    calls = [a_call(0, talk_ms=9, queue=7), a_call(0, "abandoned", talk_ms=9, queue=8)]
    first, second, whole = agent_figures(hours, calls, TWO_HOURS)
    of_seven = AgentFigures(answered=1, talk_ms=9, login_ms=1000, pause_ms=100, wrapup_ms=1)
    assert first == AgentFigures(
        answered=1, talk_ms=9, login_ms=3000, pause_ms=200, wrapup_ms=10, queues={7: of_seven}
    )
    assert second == AgentFigures(login_ms=1)
    assert whole.login_ms == 3001


def test_an_hour_with_too_few_counts_is_a_bug_of_ours() -> None:
    with pytest.raises(ValueError, match="zip"):
        queue_figures([QueueHour(0, 1, (1,))], [], TWO_HOURS)
