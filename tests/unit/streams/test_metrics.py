"""The worker's metrics: the text format, and that every offset folded is accounted for."""

from __future__ import annotations

import asyncio

from prometheus_client.parser import text_string_to_metric_families

from pipeline.streams import metrics
from tests.factories import NOON, an_event
from tests.unit.streams.live import Live, a_chunk, a_record, an_engine

Samples = dict[tuple[str, frozenset[tuple[str, str]]], float]


def samples(live: Live) -> Samples:
    text = metrics.render(live.engine).decode()
    return {
        (s.name, frozenset(s.labels.items())): s.value
        for family in text_string_to_metric_families(text)
        for s in family.samples
    }


def of(found: Samples, name: str, **labels: str) -> float:
    return found[name, frozenset(labels.items())]


def a_live_engine() -> Live:
    live = an_engine()
    live.recovered(0)
    live.recovered(3, first_offset=100)
    chunk = a_chunk(0, 4)
    chunk += [
        a_record(4, value=b"{"),
        a_record(5, an_event("queued", 6_000), appended=NOON),
        a_record(6, an_event("queued", -3 * 3_600_000), appended=NOON),
        a_record(7, an_event("queued", 0, contact_id="c0"), appended=NOON),
    ]
    asyncio.run(live.engine.on_chunk(0, chunk))
    asyncio.run(live.engine.on_chunk(3, a_chunk(100, 103)))
    return live


def test_the_ends_of_records_add_up_to_the_offsets_folded() -> None:
    found = samples(a_live_engine())
    for partition, first in (("0", 0), ("3", 100)):
        ends = [of(found, "vane_events_total", partition=partition, end=e) for e in metrics.ENDS]
        assert sum(ends) == of(found, "vane_next_offset", partition=partition) - first
    ends = [of(found, "vane_events_total", partition="0", end=e) for e in metrics.ENDS]
    assert dict(zip(metrics.ENDS, ends, strict=True)) == {
        "accepted": 4,
        "duplicate": 1,
        "late": 1,
        "rejected": 1,
        "quarantined": 1,
    }


def test_gauges_say_where_the_fold_stands() -> None:
    live = a_live_engine()
    asyncio.run(live.engine.on_chunk(0, a_chunk(50, 51)))
    before = samples(live)
    assert of(before, "vane_snapshot_offset", partition="0") == 0
    assert of(before, "vane_watermark_seconds", partition="0") == (NOON + 30) / 1000
    assert of(before, "vane_live_legs", partition="0") == 2
    assert of(before, "vane_live_legs", partition="3") == 2
    assert of(before, "vane_seeks_back_total") == 1
    asyncio.run(live.engine.snapshot_all())
    assert of(samples(live), "vane_snapshot_offset", partition="0") == 8


def test_an_engine_without_partitions_still_has_metrics() -> None:
    assert samples(an_engine()) == {("vane_seeks_back_total", frozenset()): 0}


def test_the_content_type_is_that_of_the_text_format() -> None:
    assert metrics.CONTENT_TYPE.startswith("text/plain")
