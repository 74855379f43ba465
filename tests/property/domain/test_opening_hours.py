"""Laws of opening hours: spans of instants say the same as asking each instant, and tile alike."""

from __future__ import annotations

from datetime import date, timedelta

from hypothesis import given
from hypothesis import strategies as st

from pipeline.domain.business_time import HOUR_MS, offsets
from pipeline.domain.intervals import Grain, Grid
from pipeline.domain.opening_hours import OpeningHours, Spans, read_hours

ZONES = [
    *("UTC", "Europe/Berlin", "Australia/Lord_Howe", "America/St_Johns", "Asia/Kathmandu"),
    *("Asia/Beirut", "Africa/Cairo"),
]
START = 1_759_276_800_000
"""2025-10-01; clocks change in five of the zones within the month that follows."""
FIRST = date(2025, 10, 1)


@st.composite
def spans(draw: st.DrawFn) -> Spans:
    edges = sorted(draw(st.sets(st.integers(0, 1440), max_size=6)))
    return tuple(zip(edges[::2], edges[1::2], strict=False))


@st.composite
def opening_hours(draw: st.DrawFn) -> OpeningHours:
    weekly = tuple(draw(spans()) for _ in range(7))
    days = draw(st.lists(st.integers(0, 40), unique=True, max_size=6))
    dates = sorted(FIRST + timedelta(days=n) for n in days)
    closed = frozenset(dates[::2])
    return OpeningHours(weekly, closed, tuple((day, draw(spans())) for day in dates[1::2]))


@given(opening_hours(), st.sampled_from(ZONES), st.data())
def test_spans_and_instants_agree(hours: OpeningHours, zone: str, data: st.DataObject) -> None:
    start = START + data.draw(st.integers(0, 30 * 24)) * HOUR_MS
    end = start + data.draw(st.integers(0, 3 * 24 * 60)) * 60_000
    found = list(hours.open_spans(start, end, zone))
    edges = [edge for span in found for edge in (span.start_ms, span.end_ms)]
    assert edges == sorted(set(edges))
    probes = [start, end - 1, *edges, *(edge - 1 for edge in edges)]
    probes += [change for change, _, _ in offsets(zone, start, end)]
    probes += data.draw(st.lists(st.integers(start, end), max_size=20))
    for at in probes:
        if start <= at < end:
            assert any(span.holds(at) for span in found) == hours.is_open(at, zone)


@given(opening_hours(), st.sampled_from(ZONES), st.sampled_from(list(Grain)))
def test_open_time_adds_up_over_any_tiling(hours: OpeningHours, zone: str, grain: Grain) -> None:
    start, end = START, START + 33 * 24 * HOUR_MS
    whole = sum(span.length_ms for span in hours.open_spans(start, end, zone))
    tiles = Grid(zone, Grain.DAY if grain in {Grain.QUARTER_HOUR, Grain.HALF_HOUR} else grain)
    parts = [
        sum(span.length_ms for span in hours.open_spans(tile.start_ms, tile.end_ms, zone))
        for tile in tiles.tiles(start, end)
    ]
    assert sum(parts) == whole


@given(opening_hours())
def test_what_is_written_is_read_back(hours: OpeningHours) -> None:
    assert read_hours(hours.plain()) == hours
