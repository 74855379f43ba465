"""Errors as ``application/problem+json`` (RFC 9457): the same shape for every one of them."""

from __future__ import annotations

from http import HTTPStatus
from typing import Any, Final

from fastapi import FastAPI, Request
from fastapi.encoders import jsonable_encoder
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from pydantic import BaseModel, Field
from starlette.exceptions import HTTPException

from pipeline.errors import (
    InputError,
    KeyReused,
    MoveRefused,
    PipelineError,
    RecordUnknown,
    SchemaMismatch,
    StaleVersion,
    StoreUnavailable,
)

MEDIA_TYPE: Final = "application/problem+json"
RETRY_AFTER_S: Final = 5
_OURS: Final[dict[type[PipelineError], tuple[str, HTTPStatus]]] = {
    InputError: ("input", HTTPStatus.BAD_REQUEST),
    RecordUnknown: ("record-unknown", HTTPStatus.NOT_FOUND),
    MoveRefused: ("move-refused", HTTPStatus.CONFLICT),
    StaleVersion: ("stale-version", HTTPStatus.PRECONDITION_FAILED),
    KeyReused: ("key-reused", HTTPStatus.UNPROCESSABLE_ENTITY),
    SchemaMismatch: ("schema-mismatch", HTTPStatus.SERVICE_UNAVAILABLE),
    StoreUnavailable: ("store-unavailable", HTTPStatus.SERVICE_UNAVAILABLE),
}


class Problem(BaseModel):
    """What went wrong."""

    type: str = Field(description="`urn:vane:problem:NAME`, or about:blank for what HTTP says.")
    title: str = Field(description="The status in words.")
    status: int = Field(description="HTTP status.")
    detail: str = Field(description="What is wrong, and what was expected.")
    errors: list[dict[str, Any]] | None = Field(
        default=None,
        description="All that is wrong with the request: where, and what was expected.",
    )
    by: str | None = Field(default=None, description="Who brought the record where it is.")
    at_ms: int | None = Field(default=None, description="When, epoch ms.")
    state: str | None = Field(default=None, description="The state that the record is in.")
    version: int | None = Field(default=None, description="The version that the record has.")
    allowed: list[str] | None = Field(default=None, description="The moves that are possible.")


RESPONSES: Final[dict[int | str, dict[str, Any]]] = {
    "default": {
        "description": "A problem",
        "content": {MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/Problem"}}},
        "model": Problem,
    }
}


def answer(problem: Problem, headers: dict[str, str] | None = None) -> JSONResponse:
    """Return a problem as a response."""
    body = problem.model_dump(exclude_none=True)
    return JSONResponse(body, problem.status, headers, media_type=MEDIA_TYPE)


def of_status(status: int, detail: str) -> Problem:
    """Return a problem that HTTP has a name for."""
    title = HTTPStatus(status).phrase
    return Problem(type="about:blank", title=title, status=status, detail=detail)


def install(app: FastAPI) -> None:
    """Have every error of an app answered as a problem."""

    @app.exception_handler(PipelineError)
    def ours(_request: Request, error: PipelineError) -> JSONResponse:
        name, status = _OURS.get(type(error), ("error", HTTPStatus.INTERNAL_SERVER_ERROR))
        found = Problem(
            type=f"urn:vane:problem:{name}", title=status.phrase, status=status, detail=str(error)
        )
        if isinstance(error, MoveRefused):
            found.by, found.at_ms, found.state = error.by, error.at_ms, error.state
            found.version, found.allowed = error.version, list(error.allowed)
        again = status == HTTPStatus.SERVICE_UNAVAILABLE
        return answer(found, {"Retry-After": str(RETRY_AFTER_S)} if again else None)

    @app.exception_handler(RequestValidationError)
    def request(_request: Request, error: RequestValidationError) -> JSONResponse:
        wrong = [
            {"at": "/".join(map(str, one["loc"])), "expected": one["msg"]} for one in error.errors()
        ]
        said = "; ".join(f"{one['at']}: {one['expected']}" for one in wrong)
        found = of_status(HTTPStatus.UNPROCESSABLE_ENTITY, said)
        found.errors = jsonable_encoder(wrong)
        return answer(found)

    @app.exception_handler(HTTPException)
    def http(_request: Request, error: HTTPException) -> JSONResponse:
        headers = dict(error.headers) if error.headers else None
        return answer(of_status(error.status_code, str(error.detail)), headers)

    @app.exception_handler(Exception)
    def bug(_request: Request, _error: Exception) -> JSONResponse:  # the server logs it
        said = "something is wrong with Vane itself; its log says more"
        return answer(of_status(HTTPStatus.INTERNAL_SERVER_ERROR, said))
