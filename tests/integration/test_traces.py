"""What a worker does, as OpenTelemetry spans at a collector; without an endpoint there are none."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from kafka import KafkaProducer
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from pipeline.settings import Settings
from tests.factories import an_event
from tests.integration import live
from tests.integration.serving import Quiet, serving
from tests.integration.test_worker import record
from tests.integration.webhook import receiver
from tests.unit.alerting.receiver import an_alert

pytestmark = [pytest.mark.integration, pytest.mark.timeout(120)]

NOWHERE = "http://127.0.0.1:9"
ALERT = an_alert("a1")


@contextlib.contextmanager
def collector() -> Iterator[tuple[str, list[Any]]]:
    """Yield the address of an OTLP receiver and the spans that it has got."""
    spans: list[Any] = []

    class Collector(Quiet):
        def do_POST(self) -> None:  # noqa: N802 - the name that the server calls
            body = self.rfile.read(int(self.headers["Content-Length"]))
            for resource in ExportTraceServiceRequest.FromString(body).resource_spans:
                for scope in resource.scope_spans:
                    spans.extend(scope.spans)
            self.send_response(200)
            self.end_headers()

    with serving(Collector) as address:
        yield address, spans


def value(span: Any, name: str) -> Any:
    (found,) = [a.value for a in span.attributes if a.key == name]
    return getattr(found, found.WhichOneof("value"))


def test_a_worker_tells_a_collector_what_it_does(settings: Settings) -> None:
    live.send(settings, [record(an_event("queued", 0))] * 3, partition=1)
    producer = KafkaProducer(bootstrap_servers=settings.bootstrap, acks="all")
    producer.send(settings.topic("kpi.alerts"), json.dumps(ALERT).encode()).get(10)
    producer.close()
    with receiver() as webhook, collector() as (endpoint, spans):
        environment = {"OTEL_EXPORTER_OTLP_ENDPOINT": endpoint, "VANE_WEBHOOK_URL": webhook.url}
        with live.running(settings, **environment) as worker:
            worker.wait_for(lambda w: w.folded() == 3 and bool(webhook.taken))
            assert worker.stop() == 0
    named = {name: [s for s in spans if s.name == name] for name in {s.name for s in spans}}
    assert named.keys() == {"recover", "fold", "publish", "snapshot", "deliver"}
    recovered = {value(span, "messaging.destination.partition.id") for span in named["recover"]}
    assert recovered == {"0", "1", "2", "3"}
    folded = [value(span, "messaging.batch.message_count") for span in named["fold"]]
    assert sum(folded) == 3
    assert {value(span, "messaging.kafka.offset") for span in named["fold"]} >= {0}
    to_webhook = [s for s in named["deliver"] if value(s, "vane.alert.sink") == "webhook"]
    (delivered,) = to_webhook
    assert value(delivered, "vane.alert.id") == "a1"
    (headers,) = webhook.headers
    trace, span = (headers["traceparent"].split("-")[n] for n in (1, 2))
    assert (trace, span) == (delivered.trace_id.hex(), delivered.span_id.hex())


def test_a_collector_that_is_away_holds_up_nothing(settings: Settings) -> None:
    live.send(settings, [record(an_event("queued", 0))], partition=1)
    with live.running(settings, OTEL_EXPORTER_OTLP_ENDPOINT=NOWHERE) as worker:
        worker.wait_for(lambda w: w.folded() == 1)
        assert worker.stop() == 0


def test_an_endpoint_without_the_packages_is_told_in_a_line(
    settings: Settings, tmp_path: Path
) -> None:
    absent = tmp_path / "absent" / "opentelemetry"
    absent.mkdir(parents=True)
    (absent / "__init__.py").write_text("")
    environment = live.environment(settings)
    path = f"{absent.parent}:{environment['PYTHONPATH']}"
    with live.running(settings, OTEL_EXPORTER_OTLP_ENDPOINT=NOWHERE, PYTHONPATH=path) as worker:
        assert worker.process.wait(30) == 1
        said = worker.log.read_text().splitlines()
    assert "OTEL_EXPORTER_OTLP_ENDPOINT is set" in said[-1]
    assert "requirements/tracing.txt" in said[-1]
