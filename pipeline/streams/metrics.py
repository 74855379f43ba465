"""The worker's own numbers for Prometheus, computed when asked for."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric

from pipeline.streams.engine import Engine

CONTENT_TYPE: Final = CONTENT_TYPE_LATEST
ENDS: Final = ("accepted", "duplicate", "late", "rejected", "quarantined")


class _Collector:
    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def collect(self) -> Iterator[Metric]:
        events = CounterMetricFamily(
            "vane_events",
            "Input records by how they ended; the sum equals the offsets folded",
            labels=["partition", "end"],
        )
        offset = GaugeMetricFamily(
            "vane_next_offset", "Next input offset of the fold", labels=["partition"]
        )
        snapshot = GaugeMetricFamily(
            "vane_snapshot_offset", "Input offset of the newest snapshot", labels=["partition"]
        )
        watermark = GaugeMetricFamily(
            "vane_watermark_seconds", "Event time reached, epoch seconds", labels=["partition"]
        )
        legs = GaugeMetricFamily("vane_live_legs", "Legs in memory", labels=["partition"])
        for number, part in self._engine.parts.items():
            p = str(number)
            for end in ENDS:
                events.add_metric([p, end], getattr(part.fold.counters, end))
            offset.add_metric([p], part.fold.next_offset)
            snapshot.add_metric([p], part.snapshot_offset)
            watermark.add_metric([p], part.fold.watermark.ms / 1000)
            legs.add_metric([p], part.fold.live_legs)
        seeks = CounterMetricFamily("vane_seeks_back", "Seeks because a chunk came from too far on")
        seeks.add_metric([], self._engine.seeks_back)
        yield from (events, offset, snapshot, watermark, legs, seeks)


def render(engine: Engine) -> bytes:
    """Return the metrics in the text exposition format."""
    registry = CollectorRegistry(auto_describe=False)
    registry.register(_Collector(engine))
    return generate_latest(registry)
