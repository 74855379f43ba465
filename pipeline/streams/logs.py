"""How the worker writes its log: for people, or as one JSON object per line."""

from __future__ import annotations

import logging
import sys
from typing import Any

import structlog
from structlog.processors import JSONRenderer, TimeStamper, format_exc_info
from structlog.typing import EventDict, Processor


def configure(log_format: str, level: str, worker: str) -> None:
    """Write events of ``level`` and above; each JSON object tells which worker wrote it."""
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(level))
    if log_format == "json":
        structlog.configure(processors=[*_processors(worker), JSONRenderer(default=str)])


def is_json() -> bool:
    """Say whether the log is to be JSON."""
    return isinstance(structlog.get_config()["processors"][-1], JSONRenderer)


def json_handler(worker: str) -> logging.Handler:
    """Return what writes the lines of other packages as we write our own."""
    handler = logging.StreamHandler(sys.stdout)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=[structlog.stdlib.add_logger_name, *_processors(worker)],
            processors=[
                structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                JSONRenderer(default=str),
            ],
        )
    )
    return handler


def _processors(worker: str) -> list[Processor]:
    def tell_worker(_logger: Any, _method: str, event: EventDict) -> EventDict:  # noqa: ANN401 - structlog's
        return {"worker": worker, **event}

    stamp = TimeStamper(fmt="iso", utc=True, key="time")
    return [structlog.processors.add_log_level, stamp, format_exc_info, tell_worker]
