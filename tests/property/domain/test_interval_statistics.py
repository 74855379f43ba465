"""Laws of interval statistics: intervals add up to the whole, and refining changes no sum."""

from __future__ import annotations

from dataclasses import fields

from hypothesis import given
from hypothesis import strategies as st

from pipeline.domain.business_time import HOUR_MS
from pipeline.domain.interval_statistics import (
    ENDINGS,
    QueueCall,
    QueueFigures,
    QueueHour,
    queue_figures,
    wait_buckets,
)
from pipeline.domain.intervals import Grain
from pipeline.domain.statistics_frame import VANE, WAZO, DayHours, Dialect, Frames, Selection

# A week with a change of the clock in Montreal, and a day and night around it.
START = 1_603_929_600_000
WEEK = 8 * 24 * HOUR_MS

counts = st.tuples(*[st.integers(0, 5) for _ in ENDINGS])
instants = st.integers(START - HOUR_MS, START + WEEK)
hours = st.lists(st.builds(QueueHour, instants, st.just(1), counts), max_size=20)
calls = st.lists(
    st.builds(
        QueueCall,
        at_ms=instants,
        queue=st.just(1),
        status=st.sampled_from(["answered", "abandoned", "timeout"]),
        wait_ms=st.integers(0, 60_000),
    ),
    max_size=20,
)
day_hours = st.one_of(
    st.none(),
    st.tuples(st.integers(0, 1438), st.integers(1, 1440))
    .filter(lambda pair: pair[0] < pair[1])
    .map(lambda pair: DayHours(*pair)),
)


@st.composite
def selections(draw: st.DrawFn) -> Selection:
    start = START + draw(st.integers(0, 3 * 24)) * HOUR_MS // 2
    return Selection(
        zone=draw(st.sampled_from(["UTC", "America/Montreal", "Asia/Kathmandu"])),
        from_ms=start,
        until_ms=start + draw(st.integers(0, 5 * 24)) * HOUR_MS // 2,
        day_hours=draw(day_hours),
        week_days=frozenset(draw(st.sets(st.integers(1, 7)))),
    )


def added(parts: list[QueueFigures]) -> QueueFigures:
    total = QueueFigures()
    for part in parts:
        for name in (f.name for f in fields(QueueFigures)):
            setattr(total, name, getattr(total, name) + getattr(part, name))
    return total


@given(selections(), st.sampled_from(list(Grain)), hours, calls)
def test_our_intervals_add_up_to_the_whole(
    selection: Selection, grain: Grain, rows: list[QueueHour], waits: list[QueueCall]
) -> None:
    frames = Frames(selection, grain, VANE)
    *parts, whole = queue_figures(rows, waits, frames, threshold_ms=20_000)
    assert added(parts) == whole
    assert (
        whole == queue_figures(rows, waits, Frames(selection, None, VANE), threshold_ms=20_000)[0]
    )


@given(selections(), st.sampled_from([Grain.HOUR, Grain.DAY, Grain.MONTH]), hours)
def test_the_whole_is_the_same_whatever_the_intervals_are(
    selection: Selection, grain: Grain, rows: list[QueueHour]
) -> None:
    found = [
        queue_figures(rows, [], Frames(selection, a_grain, dialect))[-1]
        for dialect in (VANE, WAZO)
        for a_grain in (grain, None)
    ]
    assert found == [found[0]] * 4


@given(selections(), st.sampled_from([VANE, WAZO]), calls, st.lists(st.integers(0, 60_000)))
def test_every_answered_and_abandoned_call_is_in_one_bucket(
    selection: Selection, dialect: Dialect, waits: list[QueueCall], thresholds: list[int]
) -> None:
    frames = Frames(selection, Grain.HOUR, dialect)
    buckets = wait_buckets(waits, frames, thresholds)[-1]
    chosen = [call for call in waits if frames.of(call.at_ms)]
    assert sum(b.answered for b in buckets) == sum(c.status == "answered" for c in chosen)
    assert sum(b.abandoned for b in buckets) == sum(c.status == "abandoned" for c in chosen)
