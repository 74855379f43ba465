"""Options that commands about one queue share: which queue, which instant, how many."""

from __future__ import annotations

from typing import TypeVar

from pipeline.codec.local_time import parse_instant
from pipeline.domain.intervals import known_zone
from pipeline.errors import InputError
from pipeline.lake.queue_day import QueueData, QueueKey

N = TypeVar("N", int, float)


def key_of(data: QueueData, client: str, site: str | None, queue: str) -> QueueKey:
    """Return the queue that is meant; its only site where none is named.

    Raises:
        InputError: there are several sites; the message lists them.
    """
    if site is not None:
        return QueueKey(client, site, queue)
    sites = data.sites(client, queue)
    if len(sites) > 1:
        msg = f"--site: expected one of {', '.join(name or repr(name) for name in sites)}"
        raise InputError(msg)
    return QueueKey(client, sites[0] if sites else "", queue)


def instant_of(option: str, text: str, zone: str) -> int:
    """Return epoch milliseconds of a time by a zone's clock.

    Raises:
        InputError: it is none; the message names the option.
    """
    try:
        return parse_instant(text, known_zone(zone))
    except ValueError as error:
        msg = f"{option}: {error}"
        raise InputError(msg) from error


def at_least_0(option: str, value: N | None) -> N | None:
    """Return a number that is 0 or more, or None; raise InputError naming the option."""
    if value is not None and not 0 <= value < float("inf"):
        msg = f"{option}: expected 0 or more, got {value:g}"
        raise InputError(msg)
    return value
