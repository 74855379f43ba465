"""A real HTTP receiver on loopback that answers as it is told and keeps what it was sent."""

from __future__ import annotations

import contextlib
import json
import socket
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

SMALL = 100


@dataclass(frozen=True)
class Said:
    """An answer: status, body and headers."""

    status: int
    body: str = ""
    headers: dict[str, str] = field(default_factory=dict)


class Receiver(ThreadingHTTPServer):
    """Answers with the given answers (or statuses) in turn; the last one for ever after."""

    def __init__(self, *answers: int | Said) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.answers = [Said(a) if isinstance(a, int) else a for a in answers]
        self.got: list[tuple[dict[str, str], Any]] = []
        self.raw: list[bytes] = []
        self.paths: list[str] = []

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}/alerts"


class _Handler(BaseHTTPRequestHandler):
    server: Receiver

    def do_POST(self) -> None:
        raw = self.rfile.read(int(self.headers["Content-Length"]))
        self.server.raw.append(raw)
        self.server.paths.append(self.path)
        self.server.got.append((dict(self.headers), json.loads(raw)))
        answers = self.server.answers
        said = answers.pop(0) if len(answers) > 1 else answers[0]
        body = said.body.encode()
        self.send_response(said.status)
        for name, value in {"Content-Length": str(len(body)), **said.headers}.items():
            self.send_header(name, value)
        self.end_headers()
        for part in (body[:10], body[10:]):
            self.wfile.write(part)
            self.wfile.flush()
            if len(body) > SMALL:  # so that it comes in pieces
                time.sleep(0.05)

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@contextlib.contextmanager
def receiving(*answers: int | Said) -> Iterator[Receiver]:
    with Receiver(*answers) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield server
        finally:
            server.shutdown()
            thread.join()


def nobody_there() -> str:
    """Return an address at which nothing listens."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return f"http://127.0.0.1:{probe.getsockname()[1]}/alerts"


def an_alert(alert_id: str = "a1", **fields: Any) -> dict[str, Any]:
    return {
        "alert_id": alert_id,
        "status": "firing",
        "rule": "service-level-drop",
        "rule_version": "0123456789ab",
        "severity": "page",
        "runbook": "docs/runbooks/service-level-drop.md",
        "client": "acme",
        "site": "north",
        "queue": "service",
        "at_ms": 1_700_000_010_000,
        "window_ms": 300_000,
        "offered": 20,
        "answered_within": 13,
        "goal_permille": 800,
        **fields,
    }
