"""OpenTelemetry spans of what a worker does, where somebody asks for them.

``OTEL_EXPORTER_OTLP_ENDPOINT`` asks (or ``OTEL_EXPORTER_OTLP_TRACES_ENDPOINT``), and whatever else
the OpenTelemetry specification says of environment variables holds: service name, sampler, headers.
Without an endpoint nothing of it is imported. Attributes follow its conventions for messaging.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any, Final

from pipeline.errors import InputError

ENDPOINTS: Final = ("OTEL_EXPORTER_OTLP_ENDPOINT", "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT")
FLUSH_S: Final = 3
"""At the end, for the spans not sent yet: a collector that is away does not hold up a stop."""

_provider: Any = None


def start(instance: str) -> bool:
    """Send spans from here on, if an endpoint is set; say whether it is.

    Raises:
        InputError: it is set, and the packages for it are not installed.
    """
    global _provider  # noqa: PLW0603 - one per process, as logging is
    asked = next((name for name in ENDPOINTS if os.environ.get(name)), None)
    if asked is None:
        return False
    try:
        from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
        from opentelemetry.sdk.resources import SERVICE_INSTANCE_ID, SERVICE_NAME, Resource
        from opentelemetry.sdk.trace import TracerProvider
        from opentelemetry.sdk.trace.export import BatchSpanProcessor
    except ImportError as error:
        msg = (
            f"{asked} is set, and the packages it needs are not installed ({error}): "
            "pip install -r requirements/tracing.txt"
        )
        raise InputError(msg) from error
    name = os.environ.get("OTEL_SERVICE_NAME", "vane-worker")
    resource = Resource.create({SERVICE_NAME: name, SERVICE_INSTANCE_ID: instance})
    _provider = TracerProvider(resource=resource, shutdown_on_exit=False)
    _provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter(timeout=FLUSH_S)))
    return True


def stop() -> None:
    """Send what has not been sent, for ``FLUSH_S`` at most."""
    if _provider is not None:
        _provider.force_flush(FLUSH_S * 1000)


@contextmanager
def span(name: str, attributes: Mapping[str, str | int]) -> Iterator[None]:
    """Make the block a span, a child of the one around it; an exception is kept with it."""
    if _provider is None:
        yield
        return
    with _provider.get_tracer("vane").start_as_current_span(name, attributes=attributes):
        yield


def carried() -> dict[str, str]:
    """Return the headers by which a receiver's spans join the one under way (W3C Trace Context)."""
    if _provider is None:
        return {}
    from opentelemetry.propagate import inject

    headers: dict[str, str] = {}
    inject(headers)
    return headers


def of_partition(topic: str, partition: int) -> dict[str, str | int]:
    """Return the attributes of a span that is about one partition."""
    return {
        "messaging.system": "kafka",
        "messaging.destination.name": topic,
        "messaging.destination.partition.id": str(partition),
    }
