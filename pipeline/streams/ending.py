"""Ends a worker at once. State is in the log, so it may end anywhere and nothing is lost."""

from __future__ import annotations

import os
import sys
import threading
from typing import NoReturn

import structlog

from pipeline.broker.knock import failure
from pipeline.errors import PipelineError
from pipeline.streams import logs

log = structlog.get_logger(__name__)


def end(why: object) -> NoReturn:
    """End the process with code 1 and a line: on standard error, or in a log of JSON."""
    if logs.is_json():
        log.critical("worker ended", why=str(why))
    else:
        sys.stderr.write(f"vane: {why}\n")
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(1)


def end_within(seconds: float, why: str) -> None:
    """End the process with ``why`` unless it has ended by itself by then."""
    bound = threading.Timer(seconds, end, [why])
    bound.daemon = True
    bound.start()


def told(bootstrap: str, error: BaseException) -> PipelineError | None:
    """Return an error that says all there is to say, so that no traceback is needed."""
    if isinstance(error, PipelineError):
        return error
    return failure(bootstrap, error) if isinstance(error, Exception) else None
