"""Wires the worker: the Faust app, its engine, its alert delivery and its status page."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

import faust
import structlog
from aiohttp import web as aiohttp_web
from faust.types import TP, StreamT
from faust.web import Request, Response, View
from mode import Service

from pipeline.alerting.deliver import Deliverer
from pipeline.alerting.receivers import sinks_of
from pipeline.broker.security import Security
from pipeline.config_files import Targets, load_config
from pipeline.config_forecasts import load_forecasts
from pipeline.domain.forecast_book import QueueForecast, QueueKey
from pipeline.settings import Settings
from pipeline.streams import alert_delivery, health, metrics, outlooks, status
from pipeline.streams.ending import end, end_within, told
from pipeline.streams.engine import Engine
from pipeline.streams.health import Health, Limits
from pipeline.streams.transport import ChunkSchema

log = structlog.get_logger(__name__)

BUFFERED_CHUNKS: Final = 16
POLL_RECORDS: Final = 8000
FETCH_BYTES: Final = 4 * 1024 * 1024
HEARTBEAT_S: Final = 1.0
"""A worker hears by its heartbeat that the group forms anew; until then the others wait for it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Membership:
    """What a worker is in its group."""

    app_id: str = "vane"
    """The group: workers of one share the partitions."""
    instance_id: str | None = None
    """A name under which it may come back to its partitions; without one it is a new member."""
    session_timeout_s: float = 10.0
    """Without a sign of life; then the group gives the worker's partitions to others."""


class VaneApp(faust.App):
    """A Faust app whose transport asks ``positions`` where to read from."""

    engine: Engine
    health: Health
    bootstrap: str
    stop_within_s: float

    async def crash(self, reason: BaseException) -> None:
        """Stop; an error that says all there is to say ends the process in one line.

        Amid a rebalance Faust does not always come to the end of a stop, and holds on to its
        partitions meanwhile.
        """
        if (error := told(self.bootstrap, reason)) is not None:
            end(error)
        why = f"not stopped within {self.stop_within_s:g} s of a crash (--shutdown-timeout)"
        end_within(self.stop_within_s, f"{why}: {reason!r}")
        await super().crash(reason)

    async def positions(
        self, assigned: set[TP], generation: int, committed: Mapping[TP, int]
    ) -> Mapping[TP, int]:
        """Recover newly assigned partitions; see ``Engine.positions``."""
        self.engine.log = self.consumer
        return await self.engine.positions(assigned, generation, committed)


def _forecasts(settings: Settings, targets: Targets) -> Mapping[QueueKey, QueueForecast]:
    """Return the forecasts there are; what is wrong with others is logged, file and line."""
    found = load_forecasts(settings.forecast_dir, targets)
    for problem in found.problems:
        log.error("forecast left out", problem=problem)
    if settings.forecast_dir is not None:
        log.info("forecasts", files=found.files, queues=len(found.queues))
    return found.queues


def build(
    settings: Settings,
    *,
    membership: Membership = Membership(),
    snapshot_interval_s: float = 10.0,
    limits: Limits = Limits(),  # noqa: B008 - frozen
) -> VaneApp:
    """Return the worker's app; nothing connects before it is started."""
    targets, rules = load_config(settings.config_dir)
    engine = Engine(
        bootstrap=settings.bootstrap,
        topic=settings.topic,
        targets=targets,
        rules=rules,
        forecasts=_forecasts(settings, targets),
        security=settings.security,
    )
    app = VaneApp(
        f"{settings.topic_prefix}{membership.app_id}",
        broker=[f"vane://{address}" for address in settings.bootstrap.split(",")],
        broker_credentials=_credentials(settings.security),
        datadir=str(settings.home / "faust"),
        autodiscover=False,
        topic_allow_declare=False,
        topic_disable_leader=True,
        table_standby_replicas=0,
        stream_buffer_maxsize=BUFFERED_CHUNKS,
        broker_max_poll_records=POLL_RECORDS,
        consumer_max_fetch_size=FETCH_BYTES,
        broker_session_timeout=membership.session_timeout_s,
        broker_heartbeat_interval=HEARTBEAT_S,
        broker_commit_interval=5.0,
        consumer_auto_offset_reset="earliest",
        consumer_group_instance_id=membership.instance_id,
        web_enabled=True,
        web_bind=settings.web_host,
        web_host=settings.web_host,
        web_port=settings.web_port,
        tracer=None,
    )
    app.engine = engine
    app.bootstrap = settings.bootstrap
    app.stop_within_s = limits.shutdown_timeout_s
    app.health = Health(engine, limits)
    _add_fold(app)
    _add_services(app, settings, snapshot_interval_s)
    _add_outlooks(app, settings)
    _add_pages(app)
    return app


def _credentials(security: Security) -> faust.auth.Credentials | None:
    """Return what Faust makes its own clients with."""
    context = security.ssl_context()
    if security.uses_sasl:
        return faust.SASLCredentials(
            username=security.username,
            password=security.password,
            ssl_context=context,
            mechanism=security.mechanism,
        )
    return None if context is None else faust.SSLCredentials(context)


def _add_fold(app: VaneApp) -> None:
    engine = app.engine
    topic = app.topic(engine.input_topic, schema=ChunkSchema(), internal=False)

    @app.agent(topic, name="fold")
    async def fold(chunks: StreamT[Any]) -> AsyncIterator[None]:
        async for event in chunks.events():
            message = event.message
            try:
                await engine.on_chunk(message.partition, message.value)
            except Exception as error:
                # Faust would acknowledge and go on; a fold that failed must stop the worker.
                where = {"partition": message.partition, "offset": message.offset}
                log.error("fold failed", error=str(error), **where)  # noqa: TRY400 - crash() tells
                await app.crash(error)
                raise
        return
        yield  # makes this an async generator, as Faust expects of an agent

    @app.on_partitions_revoked.connect
    async def snapshot_before_leaving(_app: VaneApp, revoked: set[TP], **_: Any) -> None:  # noqa: ANN401
        await engine.revoke(revoked)


def _add_services(app: VaneApp, settings: Settings, snapshot_interval_s: float) -> None:
    engine = app.engine
    deliverers = [Deliverer(sink, tally=engine.meters) for sink in sinks_of(settings.receivers)]
    for deliverer in deliverers:
        engine.meters.add_sink(deliverer.sink.name)

    @app.service
    class Outputs(Service):
        """The publisher's life, periodic snapshots and alert delivery."""

        async def on_start(self) -> None:
            await engine.publisher.start()

        async def on_stop(self) -> None:
            await engine.stop()

        @Service.task
        async def _snapshots(self) -> None:
            while not self.should_stop:
                await self.sleep(snapshot_interval_s)
                try:
                    await engine.snapshot_all()
                except Exception as error:
                    log.error("snapshot failed", error=str(error))  # noqa: TRY400 - crash() tells
                    await app.crash(error)
                    raise

        @Service.task
        async def _alerts(self) -> None:
            deliveries = [
                alert_delivery.run(
                    settings.bootstrap,
                    settings.topic("kpi.alerts"),
                    f"{app.conf.id}-alert-delivery-{deliverer.sink.name}",
                    deliverer,
                    settings.security,
                )
                for deliverer in deliverers
            ]
            try:
                async with asyncio.TaskGroup() as group:
                    for delivery in deliveries:
                        group.create_task(delivery)
            except BaseExceptionGroup as failures:
                raise failures.exceptions[0] from None  # crash() knows errors, not groups of them


def _add_outlooks(app: VaneApp, settings: Settings) -> None:
    engine = app.engine

    @app.service
    class Outlooks(Service):
        """What would help while alerts fire: beside the fold, and never in its way."""

        @Service.task
        async def _write(self) -> None:
            await outlooks.run(
                settings.bootstrap,
                settings.topic,
                lambda: {p: part.fold.watermark.ms for p, part in engine.parts.items()},
                engine.meters,
                security=settings.security,
            )


def _add_pages(app: VaneApp) -> None:
    engine = app.engine

    @app.page("/")
    async def page(_view: View, _request: Request) -> Response:
        return aiohttp_web.Response(
            text=status.PAGE.read_text(encoding="utf-8"), content_type="text/html"
        )

    @app.page("/status.json")
    async def status_json(view: View, _request: Request) -> Response:
        return view.json(status.snapshot(engine))

    @app.page("/healthz")
    async def healthz(view: View, _request: Request) -> Response:
        code, body = health.answer(app.health.not_live())
        return view.json(body, status=code)

    @app.page("/readyz")
    async def readyz(view: View, _request: Request) -> Response:
        code, body = health.answer(app.health.not_ready())
        return view.json(body, status=code)

    @app.page("/metrics")
    async def metrics_text(_view: View, request: Request) -> Response:
        names = request.query.getall("name[]", [])
        return aiohttp_web.Response(
            body=metrics.render(engine, app.health, names),
            headers={"Content-Type": metrics.CONTENT_TYPE},
        )
