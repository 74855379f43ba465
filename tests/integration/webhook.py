"""A real HTTP receiver of alerts that can be slow, refuse, or take one and not say so."""

from __future__ import annotations

import contextlib
import json
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Final

from tests.integration.serving import Quiet, serving

SLOW_S: Final = 1.5


class Manner(StrEnum):
    """How the receiver takes a request."""

    PROMPT = "prompt"
    SLOW = "slow"
    REFUSING = "refusing"
    """Answers 503 and has taken nothing."""
    UNANSWERING = "unanswering"
    """Takes the alert and closes the connection without a word."""


@dataclass
class Webhook:
    """Its address, and what it has taken, in order: idempotency keys and bodies."""

    url: str = ""
    manner: Manner = Manner.PROMPT
    taken: list[tuple[str, dict[str, Any]]] = field(default_factory=list)
    headers: list[dict[str, str]] = field(default_factory=list)
    refused: int = 0

    @property
    def ids(self) -> list[str]:
        """Return the idempotency keys of what was taken, repeats included."""
        return [key for key, _ in self.taken]


@contextlib.contextmanager
def receiver() -> Iterator[Webhook]:
    """Yield a receiver on loopback that lives as long as the block."""
    webhook = Webhook()

    class Receiver(Quiet):
        def do_POST(self) -> None:  # noqa: N802 - the name that the server calls
            manner = webhook.manner
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            if manner is Manner.REFUSING:
                webhook.refused += 1
                self.send_response(503)
                self.end_headers()
                return
            webhook.headers.append(dict(self.headers))
            webhook.taken.append((self.headers["Idempotency-Key"], body))
            if manner is Manner.UNANSWERING:
                self.close_connection = True
                return
            if manner is Manner.SLOW:
                time.sleep(SLOW_S)
            with contextlib.suppress(OSError):  # the worker may have been killed meanwhile
                self.send_response(204)
                self.end_headers()

    with serving(Receiver) as address:
        webhook.url = f"{address}/alerts"
        yield webhook
