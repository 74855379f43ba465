"""What a worker measures of itself while it works; ``metrics.py`` adds what it is asked for."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, disable_created_metrics

disable_created_metrics()  # type: ignore[no-untyped-call] # the package gives it no types

_MILLISECONDS: Final = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5)
_SECONDS: Final = (0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 120.0)


class Meters:
    """Counters and histograms of one worker, in a registry of their own."""

    def __init__(self) -> None:
        """Begin at nothing."""
        self.registry = CollectorRegistry(auto_describe=False)

        def histogram(name: str, text: str, buckets: tuple[float, ...], *labels: str) -> Histogram:
            return Histogram(name, text, labels, registry=self.registry, buckets=buckets)

        def counter(name: str, text: str, *labels: str) -> Counter:
            return Counter(name, text, labels, registry=self.registry)

        def gauge(name: str, text: str, *labels: str) -> Gauge:
            return Gauge(name, text, labels, registry=self.registry)

        self.fold = histogram(
            "vane_fold_seconds", "Time to decode and fold a chunk of records", _MILLISECONDS
        )
        self.publish = histogram(
            "vane_publish_seconds", "Time to hand on what a chunk gave rise to", _MILLISECONDS
        )
        self.snapshot = histogram(
            "vane_snapshot_seconds", "Time from copying a state to its acknowledgement", _SECONDS
        )
        self.recovery = histogram(
            "vane_recovery_seconds", "Time to recover a partition from its snapshot", _SECONDS
        )
        self.rebalance = histogram(
            "vane_rebalance_seconds", "Time from revocation until all is recovered", _SECONDS
        )
        self.alert_delivery = histogram(
            "vane_alert_delivery_seconds",
            "Time of an attempt to deliver an alert",
            _SECONDS,
            "sink",
        )
        self.alert_attempts = counter(
            "vane_alert_attempts", "Attempts to deliver an alert", "sink", "result"
        )
        self.alert_deliveries = counter(
            "vane_alert_deliveries", "Alerts by what became of them", "sink", "result"
        )
        self.alert_trying = gauge(
            "vane_alert_trying_seconds", "For how long a receiver has not taken an alert", "sink"
        )
        self.alerts_standing = gauge(
            "vane_alerts_standing", "Alerts that fire and are told again and again", "sink"
        )

        self.outlooks = counter(
            "vane_outlooks", "Records of kpi.recovery, by whether there is a plan", "result"
        )
        self.outlooks.labels("plan")  # begins at nothing, so that the first one is seen as a rise
        self.outlooks_skipped = counter(
            "vane_outlooks_skipped", "Instants that no outlook was worked out for"
        )
        self.outlook = histogram(
            "vane_outlook_seconds", "Time to work out how a day ends and what would help", _SECONDS
        )

    def attempt(self, sink: str, result: str, seconds: float) -> None:
        """Count an attempt to deliver alerts to a sink."""
        self.alert_attempts.labels(sink, result).inc()
        self.alert_delivery.labels(sink).observe(seconds)

    def alert(self, sink: str, result: str) -> None:
        """Count an alert by what became of it."""
        self.alert_deliveries.labels(sink, result).inc()

    def trying(self, sink: str, seconds: float) -> None:
        """Note for how long a sink's receiver has not taken what it was sent."""
        self.alert_trying.labels(sink).set(seconds)

    def standing(self, sink: str, alerts: int) -> None:
        """Note how many alerts a sink tells again."""
        self.alerts_standing.labels(sink).set(alerts)

    def add_sink(self, sink: str) -> None:
        """Begin a sink's counts at nothing, so that the first failure is seen as a rise."""
        for result in ("delivered", "repeated", "failed"):
            self.alert_deliveries.labels(sink, result)
        self.alert_trying.labels(sink)


@contextmanager
def timed(histogram: Histogram) -> Iterator[None]:
    """Observe how long the block took, if it came to its end."""
    started = time.perf_counter()
    yield
    histogram.observe(time.perf_counter() - started)
