"""What the demo shows while it runs: the worker's status, and alerts as a webhook gets them."""

from __future__ import annotations

import contextlib
import json
import socket
import threading
import urllib.request
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any, Final, Self
from zoneinfo import ZoneInfo

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

ZONE: Final = ZoneInfo("Asia/Shanghai")
BARS: Final = 20
SHOWN_ALERTS: Final = 6


class WebhookReceiver:
    """A real HTTP receiver on loopback that keeps what alerts say."""

    def __init__(self) -> None:
        """Listen on a free port."""
        self.texts: list[str] = []
        texts = self.texts

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                alert = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                at = datetime.fromtimestamp(alert["at_ms"] / 1000, ZONE)
                what = f"{alert['status'].upper():8}  {alert['severity']:6}"
                texts.append(f"{at:%m-%d %H:%M:%S}  {what}  {alert['text']}")
                self.send_response(204)
                self.end_headers()

            def log_message(self, *_: object) -> None:
                """Keep the terminal for the demo."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_port}/alerts"
        self._thread = threading.Thread(target=self._server.serve_forever, daemon=True)

    def __enter__(self) -> Self:
        """Start to listen."""
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Stop."""
        self._server.shutdown()
        self._server.server_close()


def free_port(wanted: int) -> int:
    """Return a port if it is free, else any free one."""
    for port in (wanted, 0):
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            with contextlib.suppress(OSError):
                probe.bind(("127.0.0.1", port))
                found: int = probe.getsockname()[1]
                return found
    return wanted


def fetch_status(port: int) -> dict[str, Any] | None:
    """Return the worker's status, or None while it does not answer."""
    with contextlib.suppress(OSError):
        url = f"http://127.0.0.1:{port}/status.json"
        with urllib.request.urlopen(url, timeout=5) as answer:
            found: dict[str, Any] = json.load(answer)
            return found
    return None


def folded(status: dict[str, Any] | None) -> int:
    """Return how many input offsets a status says are folded."""
    if status is None:
        return 0
    return sum(p["next_offset"] - p["first_offset"] for p in status["partitions"])


def queue_table(status: dict[str, Any], client: str, alerts: list[str]) -> RenderableType:
    """Return the client's queues as they stand, and the newest alerts."""
    rows = [q for q in status["queues"] if q["client"] == client]
    newest = max((q["watermark_ms"] for q in rows), default=0)
    now = datetime.fromtimestamp(newest / 1000, UTC).astimezone(ZONE)
    table = Table(
        title=f"{now:%Y-%m-%d %H:%M} {now.tzname()}, the log's own clock", title_justify="left"
    )
    for name in ("queue", "goal", "service level, 30 min", "offered", "waiting", "longest"):
        table.add_column(
            name, justify="left" if name in {"queue", "service level, 30 min"} else "right"
        )
    for q in rows:
        window = q["windows"]["1800"]
        table.add_row(
            f"{q['site']}/{q['queue']}",
            f"{q['goal']:.0%}",
            _bar(window["service_level"], q["goal"]),
            f"{window['offered']:,}",
            f"{q['waiting']:,}",
            f"{q['longest_wait_ms'] // 1000} s",
        )
    heard = [f"webhook  {text}" for text in alerts[-SHOWN_ALERTS:]]
    return Group(
        table, *(Text(line, style="red" if "FIRING" in line else "green") for line in heard)
    )


def _bar(level: float | None, goal: float) -> Text:
    if level is None:
        return Text("no calls", style="dim")
    style = "green" if level >= goal else "red"
    return Text(f"{level:4.0%} {'█' * round(level * BARS)}", style=style)
