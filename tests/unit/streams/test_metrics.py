"""The worker's metrics: the text format, and that every offset folded is accounted for."""

from __future__ import annotations

import asyncio

from prometheus_client.parser import text_string_to_metric_families

from pipeline.streams import metrics
from pipeline.streams.health import Health, Limits
from tests.factories import NOON, an_event
from tests.unit.streams.live import Live, a_chunk, a_record, an_engine

Samples = dict[tuple[str, frozenset[tuple[str, str]]], float]


def render(live: Live, ends: dict[int, int] | None = None) -> str:
    now_ms = NOON + 60_000.0
    health = Health(live.engine, Limits(), now_ms=lambda: now_ms)
    health.look(ends)
    return metrics.render(live.engine, health).decode()


def samples(live: Live) -> Samples:
    text = render(live)
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
    assert of(before, "vane_watermark_timestamp_seconds", partition="0") == (NOON + 30) / 1000
    assert of(before, "vane_live_legs", partition="0") == 2
    assert of(before, "vane_live_legs", partition="3") == 2
    assert of(before, "vane_seeks_back_total") == 1
    asyncio.run(live.engine.snapshot_all())
    assert of(samples(live), "vane_snapshot_offset", partition="0") == 8


def test_an_engine_without_partitions_still_has_metrics() -> None:
    found = samples(an_engine())
    assert of(found, "vane_seeks_back_total") == 0
    assert {dict(labels).get("partition") for _, labels in found} == {None}
    assert [name for name, _ in found].count("vane_build_info") == 1


def test_lag_is_told_by_offset_by_append_time_and_by_event_time() -> None:
    live = a_live_engine()  # partition 0 has 8 records, the newest appended at NOON
    lines = render(live, {0: 11, 3: 103}).splitlines()
    found = dict(line.rsplit(" ", 1) for line in lines if line.startswith("vane_"))
    assert float(found['vane_lag_records{partition="0"}']) == 3
    assert float(found['vane_lag_seconds{partition="0"}']) == 60
    assert float(found['vane_lag_records{partition="3"}']) == 0
    assert float(found['vane_lag_seconds{partition="3"}']) == 0
    assert float(found['vane_event_time_lag_seconds{partition="0"}']) > 0


def test_what_the_worker_does_is_timed_and_snapshots_are_measured() -> None:
    live = a_live_engine()
    before = samples(live)
    assert of(before, "vane_fold_seconds_count") == 2
    assert of(before, "vane_publish_seconds_count") == 2
    assert of(before, "vane_snapshot_seconds_count") == 0
    assert of(before, "vane_snapshot_age_seconds", partition="0") > 0
    assert ("vane_snapshot_bytes", frozenset({("partition", "0")})) not in before
    asyncio.run(live.engine.snapshot_all())
    after = samples(live)
    assert of(after, "vane_snapshot_seconds_count") == 2
    assert of(after, "vane_snapshot_age_seconds", partition="0") == 0
    sizes = {len(value) for value in live.publisher.snapshots()}
    assert of(after, "vane_snapshot_bytes", partition="0") in sizes


def test_the_content_type_is_that_of_the_text_format() -> None:
    assert metrics.CONTENT_TYPE.startswith("text/plain")


def test_who_names_metrics_gets_these_alone() -> None:
    live = a_live_engine()
    health = Health(live.engine, Limits())
    names = ("vane_events_total", "vane_fold_seconds_count", "vane_nothing")
    text = metrics.render(live.engine, health, names).decode()
    families = {family.name for family in text_string_to_metric_families(text)}
    assert families == {"vane_events", "vane_fold_seconds"}
