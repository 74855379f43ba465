"""Whether a record of ``acd.events`` is an event: its bytes and its key together.

The stream, the lander and every replay use this one function, so they agree on what counts.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final, Protocol

from pipeline.codec.decode import decode_call_event
from pipeline.domain.events import CallEvent, Rejected, routing_domain

MOST_KNOWN: Final = 10_000

_good: Final[set[tuple[bytes | None, str, str]]] = set()
"""(key, client, site) that were found to belong together."""


class LogRecord(Protocol):
    """A consumed record, as far as judging needs it."""

    @property
    def offset(self) -> int:
        """Offset in its partition."""
        ...

    @property
    def timestamp(self) -> int:
        """When the broker appended it, epoch milliseconds."""
        ...

    @property
    def key(self) -> bytes | None:
        """The routing domain it was sent under."""
        ...

    @property
    def value(self) -> bytes | None:
        """Its bytes."""
        ...


def judge_chunk(records: Iterable[LogRecord]) -> list[tuple[int, int, CallEvent | Rejected]]:
    """Judge records in order; return (offset, broker append time in ms, what it is) of each."""
    decode = decode_call_event
    judged: list[tuple[int, int, CallEvent | Rejected]] = []
    good_key, good_client, good_site = None, "", ""
    for record in records:
        key, raw = record.key, record.value or b""
        event = decode(raw)
        if type(event) is not Rejected:  # a final class, and isinstance() costs a call
            client, site = event.client, event.site
            # Mostly as the record before, which costs less to see than a look-up of three texts.
            if key != good_key or site != good_site or client != good_client:
                event = _check_key(key, raw, event)
                if type(event) is not Rejected:
                    good_key, good_client, good_site = key, client, site
        judged.append((record.offset, record.timestamp, event))
    return judged


def judge_call_record(key: bytes | None, raw: bytes | None) -> CallEvent | Rejected:
    """Decode a record and check that its key is its routing domain (client or client/site).

    A record under another key may lie in another partition than the rest of its leg, so it
    cannot be counted; it is rejected as ``bad_key``.
    """
    event = decode_call_event(raw or b"")
    return event if isinstance(event, Rejected) else _check_key(key, raw or b"", event)


def _check_key(key: bytes | None, raw: bytes, event: CallEvent) -> CallEvent | Rejected:
    client, site = event.client, event.site
    if (key, client, site) in _good:
        return event
    allowed = {client.encode(), routing_domain(client, site).encode()}
    if key in allowed:
        if len(_good) >= MOST_KNOWN:
            _good.clear()
        _good.add((key, client, site))
        return event
    expected = " or ".join(sorted(repr(k.decode()) for k in allowed))
    return Rejected(reason="bad_key", message=f"key: expected {expected}, got {key!r}", raw=raw)
