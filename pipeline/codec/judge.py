"""Whether a record of ``acd.events`` is an event: its bytes and its key together.

The stream, the lander and every replay use this one function, so they agree on what counts.
"""

from __future__ import annotations

from typing import Final

from pipeline.codec.decode import decode_call_event
from pipeline.domain.events import CallEvent, Rejected, routing_domain

_allowed: Final[dict[tuple[str, str], frozenset[bytes]]] = {}
_MOST_KNOWN: Final = 10_000


def judge_call_record(key: bytes | None, raw: bytes | None) -> CallEvent | Rejected:
    """Decode a record and check that its key is its routing domain (client or client/site).

    A record under another key may lie in another partition than the rest of its leg, so it
    cannot be counted; it is rejected as ``bad_key``.
    """
    event = decode_call_event(raw or b"")
    if event.__class__ is Rejected:
        return event
    domain = (event.client, event.site)  # type: ignore[union-attr]
    allowed = _allowed.get(domain)
    if allowed is None:
        if len(_allowed) >= _MOST_KNOWN:
            _allowed.clear()
        client, site = domain
        allowed = _allowed[domain] = frozenset(
            {client.encode(), routing_domain(client, site).encode()}
        )
    if key in allowed:
        return event
    expected = " or ".join(sorted(repr(k.decode()) for k in allowed))
    message = f"key: expected {expected}, got {key!r}"
    return Rejected(reason="bad_key", message=message, raw=raw or b"")
