"""Builds the app: routers, problems, limits, health."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from http import HTTPStatus
from typing import Final

from fastapi import APIRouter, FastAPI, Request, Response
from fastapi.responses import JSONResponse
from sqlalchemy import Engine

from pipeline import __version__
from pipeline.desk.store import check_schema
from pipeline.web import alerts, cases, problem
from pipeline.web.caller import Store

API: Final = "/api/v1"
MOST_BYTES: Final = 64 * 1024
"""Of a request's body: a comment in the longest script there is."""

ABOUT: Final = """
Alerts and complaint cases as people handle them (docs/desk.md). Every move is a POST with an
`Idempotency-Key`; `If-Match` with an `ETag` makes it depend on nobody having been faster. Errors
are problems by RFC 9457.
"""

health = APIRouter(tags=["health"])


@health.get("/healthz")
def healthz() -> dict[str, str]:
    """Say that the process answers."""
    return {"status": "ok"}


@health.get("/readyz", responses=problem.RESPONSES)
def readyz(store: Store) -> dict[str, str]:
    """Say whether the store answers and is of this release."""
    check_schema(store)
    return {"status": "ok"}


def build(store: Engine) -> FastAPI:
    """Return the app that serves a store."""
    app = FastAPI(
        title="Vane",
        version=__version__,
        description=ABOUT,
        openapi_url=f"{API}/openapi.json",
        # Their pages fetch scripts from elsewhere.
        docs_url=None,
        redoc_url=None,
    )
    app.state.store = store
    problem.install(app)
    app.middleware("http")(_guard)
    api = APIRouter(prefix=API, responses=problem.RESPONSES)
    for router in (alerts.router, cases.router):
        api.include_router(router)
    app.include_router(api)
    app.include_router(health)
    return app


async def _guard(request: Request, go_on: Callable[[Request], Awaitable[Response]]) -> Response:
    """Refuse bodies that are too long before they are read; let nobody keep answers."""
    refused = _too_long(request)
    response = await go_on(request) if refused is None else refused
    response.headers["Cache-Control"] = "no-store"
    response.headers["X-Content-Type-Options"] = "nosniff"
    return response


def _too_long(request: Request) -> JSONResponse | None:
    if "transfer-encoding" in request.headers:
        said = "expected a Content-Length"
        return problem.answer(problem.of_status(HTTPStatus.LENGTH_REQUIRED, said))
    length = request.headers.get("content-length", "0")
    if not length.isdecimal() or int(length) > MOST_BYTES:
        said = f"expected a body of {MOST_BYTES} bytes at most"
        return problem.answer(problem.of_status(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, said))
    return None
