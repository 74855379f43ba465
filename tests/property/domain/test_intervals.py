"""Laws of the calendar: intervals tile every range, and sums over any tiling are equal."""

from __future__ import annotations

from bisect import bisect_right
from itertools import pairwise
from zoneinfo import ZoneInfo

from hypothesis import given
from hypothesis import strategies as st

from pipeline.domain.business_time import HOUR_MS, offset_ms, offsets
from pipeline.domain.intervals import CLOCK_MS, Grain, Grid, Interval

ZONES = [
    *("UTC", "Europe/Warsaw", "America/New_York", "Asia/Shanghai", "Asia/Kathmandu"),
    *("Australia/Lord_Howe", "America/St_Johns", "America/Sao_Paulo", "America/Havana"),
    *("Antarctica/Casey", "Pacific/Apia", "Africa/Casablanca", "Asia/Gaza", "Africa/Monrovia"),
    *("Asia/Beirut", "Africa/Cairo", "America/Santiago"),
]
zones = st.sampled_from(ZONES)
grains = st.sampled_from(list(Grain))
LAST = 2_000_000_000_000


@st.composite
def instants(draw: st.DrawFn, zone: str) -> int:
    """Draw an instant, most often within hours of a change of the clock."""
    at = draw(st.integers(0, LAST))
    if draw(st.booleans()):
        changes = [start for start, _, _ in offsets(zone, at, at + 200 * 24 * HOUR_MS)][1:]
        if changes:
            away = st.integers(-26 * HOUR_MS, 26 * HOUR_MS) | st.sampled_from([0, -1])
            return changes[0] + draw(away)
    return at


@st.composite
def ranges(draw: st.DrawFn) -> tuple[str, int, int]:
    zone = draw(zones)
    start = draw(instants(zone))
    return zone, start, start + draw(st.integers(0, 4 * 24 * HOUR_MS))


@given(ranges(), st.integers(0, 4), st.data())
def test_offsets_cover_a_range_and_hold_at_every_instant(
    drawn: tuple[str, int, int], halves: int, data: st.DataObject
) -> None:
    zone, start, end = drawn
    start -= halves * 12 * HOUR_MS
    found = list(offsets(zone, start, end))
    edges = [edge for at, to, _ in found for edge in (at, to)]
    assert edges[:1] + edges[-1:] == ([start, end] if start < end else [])
    assert edges[1:-1:2] == edges[2::2]
    assert all(one[2] != other[2] for one, other in pairwise(found))
    info = ZoneInfo(zone)
    for at, to, offset in found:
        inside = data.draw(st.integers(at, to - 1))
        assert {offset_ms(info, i) for i in (at, inside, to - 1)} == {offset}


@given(ranges(), grains)
def test_intervals_tile_a_range_without_gap_or_overlap(
    drawn: tuple[str, int, int], grain: Grain
) -> None:
    zone, start, end = drawn
    tiles = list(Grid(zone, grain).tiles(start, end))
    edges = [start] + [tile.end_ms for tile in tiles]
    assert edges[-1] == end
    assert [tile.start_ms for tile in tiles] == edges[:-1]
    assert sum(tile.length_ms for tile in tiles) == end - start
    assert all(tile.length_ms > 0 for tile in tiles)


@given(ranges(), grains, st.data())
def test_every_instant_of_an_interval_finds_the_same_interval(
    drawn: tuple[str, int, int], grain: Grain, data: st.DataObject
) -> None:
    zone, at, _ = drawn
    found = Grid(zone, grain).at(at)
    assert found.holds(at)
    other = data.draw(st.integers(found.start_ms, found.end_ms - 1))
    assert Grid(zone, grain).at(other) == found
    after = Grid(zone, grain).at(found.end_ms)
    assert after.start_ms == found.end_ms
    assert Grid(zone, grain).at(found.start_ms - 1).end_ms == found.start_ms


@given(ranges(), st.lists(st.integers(0, 4 * 24 * HOUR_MS), max_size=40))
def test_sums_over_any_tiling_are_equal(drawn: tuple[str, int, int], after: list[int]) -> None:
    zone, start, end = drawn
    calls = sorted(start + offset for offset in after if start + offset < end)
    for grain in Grain:
        tiles = list(Grid(zone, grain).tiles(start, end))
        starts = [tile.start_ms for tile in tiles]
        counts = [0] * len(tiles)
        for call in calls:
            counts[bisect_right(starts, call) - 1] += 1
        assert sum(counts) == len(calls)


@given(ranges(), grains, st.integers(0, 30 * HOUR_MS), st.integers(1, 30 * HOUR_MS))
def test_a_span_is_clipped_into_pieces_that_add_up_to_it(
    drawn: tuple[str, int, int], grain: Grain, after: int, length: int
) -> None:
    zone, start, _ = drawn
    span = Interval(start + after, start + after + length)
    grid = Grid(zone, grain)
    found = list(grid.covering(span.start_ms, span.end_ms))
    pieces = [i.clipped(span.start_ms, span.end_ms) for i in found]
    lengths = [piece.length_ms for piece in pieces if piece is not None]
    assert lengths == [i.overlap_ms(span.start_ms, span.end_ms) for i in found]
    assert sum(lengths) == length


@given(ranges(), grains)
def test_coarse_intervals_are_unions_of_finer_ones(
    drawn: tuple[str, int, int], grain: Grain
) -> None:
    zone, at, _ = drawn
    whole = Grid(zone, grain).at(at)
    for finer in CLOCK_MS:
        if grain in CLOCK_MS and CLOCK_MS[finer] > CLOCK_MS[grain]:
            continue
        fine = Grid(zone, finer)
        assert fine.at(whole.start_ms).start_ms == whole.start_ms
        assert fine.at(whole.end_ms - 1).end_ms == whole.end_ms


@given(ranges())
def test_an_interval_keeps_one_offset_and_its_label_names_it_alone(
    drawn: tuple[str, int, int],
) -> None:
    zone, start, end = drawn
    for grain in CLOCK_MS:
        grid = Grid(zone, grain)
        found = list(grid.covering(start, end))
        for one in found:
            first, last = grid.local(one.start_ms), grid.local(one.end_ms - 1)
            assert first.utcoffset() == last.utcoffset()
            assert one.length_ms <= CLOCK_MS[grain]
        assert len({grid.label(one) for one in found}) == len(found)
