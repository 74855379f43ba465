"""The worker's own numbers for Prometheus, computed when asked for; see ``docs/metrics.md``."""

from __future__ import annotations

import platform
import time
from collections.abc import Collection, Iterator
from typing import Final

from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric

from pipeline import __version__
from pipeline.streams.engine import Engine
from pipeline.streams.health import Health
from pipeline.streams.part import Part

CONTENT_TYPE: Final = CONTENT_TYPE_LATEST
ENDS: Final = ("accepted", "duplicate", "late", "rejected", "quarantined")

_GAUGES: Final = {
    "vane_next_offset": "Next input offset of the fold",
    "vane_snapshot_offset": "Input offset of the newest snapshot",
    "vane_snapshot_age_seconds": "Time since the newest snapshot; 0 if nothing was folded since",
    "vane_snapshot_bytes": "Size of the newest snapshot written",
    "vane_watermark_timestamp_seconds": "Event time reached, epoch seconds",
    "vane_lag_records": "Input records not yet folded",
    "vane_lag_seconds": "Age of the oldest input record not yet folded, by its append time",
    "vane_event_time_lag_seconds": "How far the watermark is behind now",
    "vane_live_legs": "Legs in memory",
    "vane_remembered_legs": "Fingerprints of legs let go",
    "vane_replayed_records": "Records folded again by the last recovery, as far as is known",
}


class _Collector:
    def __init__(self, engine: Engine, health: Health) -> None:
        self._engine = engine
        self._health = health

    def collect(self) -> Iterator[Metric]:
        events = CounterMetricFamily(
            "vane_events",
            "Input records by how they ended; the sum equals the offsets folded",
            labels=["partition", "end"],
        )
        gauges = {n: GaugeMetricFamily(n, x, labels=["partition"]) for n, x in _GAUGES.items()}
        for number, part in sorted(self._engine.parts.items()):
            p = str(number)
            for end in ENDS:
                events.add_metric([p, end], getattr(part.fold.counters, end))
            for name, value in self._of(part).items():
                gauges[name].add_metric([p], value)
        seeks = CounterMetricFamily("vane_seeks_back", "Seeks because a chunk came from too far on")
        seeks.add_metric([], self._engine.seeks_back)
        build = GaugeMetricFamily("vane_build_info", "1", labels=["version", "python", "config"])
        build.add_metric(
            [__version__, platform.python_version(), self._engine.basis.config_hash], 1
        )
        yield from (events, *gauges.values(), seeks, build)

    def _of(self, part: Part) -> dict[str, float]:
        fold = part.fold
        kept = fold.next_offset <= part.snapshot_offset
        found = {
            "vane_next_offset": fold.next_offset,
            "vane_snapshot_offset": part.snapshot_offset,
            "vane_snapshot_age_seconds": 0.0 if kept else time.monotonic() - part.snapshot_at,
            "vane_watermark_timestamp_seconds": fold.watermark.ms / 1000,
            "vane_lag_records": self._health.behind(part),
            "vane_lag_seconds": self._health.lag_s(part),
            "vane_live_legs": fold.live_legs,
            "vane_remembered_legs": len(fold.closed.newer) + len(fold.closed.older),
            "vane_replayed_records": part.replayed,
        }
        if part.snapshot_bytes:  # none written yet has no size
            found["vane_snapshot_bytes"] = part.snapshot_bytes
        if fold.watermark.ms:  # no event yet, no event time
            found["vane_event_time_lag_seconds"] = time.time() - fold.watermark.ms / 1000
        return found


class _Chosen(CollectorRegistry):
    """The worker's metrics, or those alone that have a sample of one of the names."""

    def __init__(self, engine: Engine, health: Health, names: Collection[str]) -> None:
        super().__init__(auto_describe=False)
        self._collectors = (_Collector(engine, health), engine.meters.registry)
        self._chosen = frozenset(names)

    def collect(self) -> Iterator[Metric]:
        for collector in self._collectors:
            for family in collector.collect():
                samples = {sample.name for sample in family.samples} if self._chosen else set()
                if not self._chosen or samples & self._chosen:
                    yield family


def render(engine: Engine, health: Health, names: Collection[str] = ()) -> bytes:
    """Return the metrics in the text exposition format.

    Args:
        engine: whose.
        health: of the same worker.
        names: of samples, such as ``vane_events_total``; only their families. All by default.
    """
    return generate_latest(_Chosen(engine, health, names))
