"""Posts to receivers over HTTP, and says which answers are worth another try.

Addresses of chat robots are secrets, so errors name the host alone.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from http import HTTPStatus
from time import time
from typing import Any, Final
from urllib.parse import unquote, urlsplit

import aiohttp

from pipeline.errors import AlertRefused, ReceiverBusy, TransientError

TIMEOUT_S: Final = 10
LONGEST_WAIT_S: Final = 3600.0
"""However long a receiver asks for."""
BUSY_S: Final = 30.0
"""For one that is busy and does not say for how long."""
ANSWER_BYTES: Final = 64 * 1024
TOLD: Final = 200
"""Characters of an answer that are worth a place in the log."""

_OK: Final = range(200, 300)
_SERVER_ERRORS: Final = range(500, 600)
_PASSING: Final = (HTTPStatus.REQUEST_TIMEOUT, HTTPStatus.TOO_EARLY)


@dataclass(frozen=True, slots=True)
class Answer:
    """What a receiver said."""

    status: int
    text: str
    retry_after: str | None


def host(url: str) -> str:
    """Return the part of an address that may be shown: host and port."""
    return urlsplit(url).netloc.rpartition("@")[2]


async def post(receiver: str, url: str, body: bytes, headers: Mapping[str, str]) -> Answer:
    """Post JSON and return the answer, whatever its status.

    Redirects are not followed: a POST would become a GET, and its answer a false delivery.

    Raises:
        TransientError: no answer within 10 s.
    """
    timeout = aiohttp.ClientTimeout(total=TIMEOUT_S)
    headers = {"Content-Type": "application/json", **headers}
    try:
        async with (
            aiohttp.ClientSession(timeout=timeout) as session,
            session.post(url, data=body, headers=headers, allow_redirects=False) as answer,
        ):
            raw = bytearray()
            async for piece in answer.content.iter_chunked(ANSWER_BYTES):
                raw += piece
                if len(raw) >= ANSWER_BYTES:
                    break
            text = _without(url, raw.decode("utf-8", "replace"))
            return Answer(answer.status, text, answer.headers.get("Retry-After"))
    except (aiohttp.ClientError, TimeoutError, OSError) as error:
        # str() of some of aiohttp's errors is the whole address.
        said = _without(url, repr(error))
        msg = f"{receiver} at {host(url)} did not answer: {said}"
        raise TransientError(msg) from None


def _without(url: str, text: str) -> str:
    """Return a text without the parts of an address that may be secret."""
    parts = urlsplit(url)
    for part in (url, parts.query, unquote(parts.query), parts.path, unquote(parts.path)):
        if len(part) > 1:
            text = text.replace(part, "…")
    return text


def encode(body: object) -> bytes:
    """Return the body as JSON."""
    return json.dumps(body, ensure_ascii=False, separators=(",", ":")).encode()


def require_ok(receiver: str, url: str, answer: Answer) -> None:
    """Do nothing if it was taken.

    Raises:
        ReceiverBusy: 429, or 503 with a time to wait.
        TransientError: another 5xx, 408 or 425.
        AlertRefused: anything else but 2xx.
    """
    status = answer.status
    if status in _OK:
        return
    msg = f"{receiver} at {host(url)} answered {status}, expected 2xx: {answer.text[:TOLD]!r}"
    wait = _seconds(answer.retry_after)
    if status == HTTPStatus.TOO_MANY_REQUESTS or (
        status == HTTPStatus.SERVICE_UNAVAILABLE and wait is not None
    ):
        raise ReceiverBusy(msg, after_s=BUSY_S if wait is None else wait)
    if status in _SERVER_ERRORS or status in _PASSING:
        raise TransientError(msg)
    raise AlertRefused(msg)


def _seconds(retry_after: str | None) -> float | None:
    """Return what ``Retry-After`` asks for: seconds, or a date (RFC 9110, 10.2.3)."""
    if retry_after is None:
        return None
    if retry_after.strip().isdecimal():
        wait = float(retry_after)
    else:
        try:
            wait = parsedate_to_datetime(retry_after).timestamp() - time()
        except ValueError:
            return None
    return min(max(0.0, wait), LONGEST_WAIT_S)


def code_of(receiver: str, url: str, answer: Answer, *names: str) -> tuple[int, str]:
    """Return the error code in a chat service's answer, by the first name found, and its text.

    Raises:
        AlertRefused: an answer without any; whoever it was, it is not the service.
    """
    try:
        found: Any = json.loads(answer.text)
    except ValueError:
        found = None
    if isinstance(found, dict):
        for name in names:
            if type(found.get(name)) is int:
                return found[name], answer.text[:TOLD]
    msg = (
        f"{receiver} at {host(url)} answered {answer.status} without {' or '.join(names)}: "
        f"{answer.text[:TOLD]!r}"
    )
    raise AlertRefused(msg)
