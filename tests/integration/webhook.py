"""A real HTTP receiver of alerts that can be slow, refuse, or take one and not say so."""

from __future__ import annotations

import contextlib
import json
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from enum import StrEnum
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Final

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
    refused: int = 0

    @property
    def ids(self) -> list[str]:
        """Return the idempotency keys of what was taken, repeats included."""
        return [key for key, _ in self.taken]


@contextlib.contextmanager
def receiver() -> Iterator[Webhook]:
    """Yield a receiver on loopback that lives as long as the block."""
    webhook = Webhook()

    class Receiver(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            manner = webhook.manner
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            if manner is Manner.REFUSING:
                webhook.refused += 1
                self.send_response(503)
                self.end_headers()
                return
            webhook.taken.append((self.headers["Idempotency-Key"], body))
            if manner is Manner.UNANSWERING:
                self.close_connection = True
                return
            if manner is Manner.SLOW:
                time.sleep(SLOW_S)
            with contextlib.suppress(OSError):  # the worker may have been killed meanwhile
                self.send_response(204)
                self.end_headers()

        def log_message(self, *_: object) -> None:
            """Keep the test's output quiet."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Receiver)
    webhook.url = f"http://127.0.0.1:{server.server_port}/alerts"
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield webhook
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
