"""A worker killed again and again counts every input offset once, on a real broker."""

from __future__ import annotations

import json
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from pipeline.domain.fold_state import dump
from pipeline.settings import Settings
from tests.integration import live

pytestmark = [pytest.mark.integration, pytest.mark.timeout(300)]

EVENTS = 600_000
KILL_AT = (0.15, 0.4, 0.7)


@pytest.fixture
def webhook() -> Iterator[tuple[str, list[dict[str, object]]]]:
    """A real HTTP receiver: its address, and what it was sent."""
    received: list[dict[str, object]] = []

    class Receiver(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            length = int(self.headers["Content-Length"])
            received.append(json.loads(self.rfile.read(length)))
            self.send_response(204)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            """Keep the test's output quiet."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Receiver)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}/alerts", received
    server.shutdown()
    server.server_close()
    thread.join()


def reaches(offsets: float) -> Callable[[live.Worker], bool]:
    return lambda worker: worker.folded() >= offsets


def test_three_kills_in_600_000_events_change_nothing(
    settings: Settings, webhook: tuple[str, list[dict[str, object]]]
) -> None:
    url, received = webhook
    folder = settings.home / "sim"
    live.vane(settings, "simulate", "--scenario", "double11", "--month", "2025-11", "--seed", "7",
              "--scale", "5.4", "--out", str(folder))  # fmt: skip
    live.vane(settings, "ingest", "--format", "canonical", str(folder / "acd.events.ndjson"))
    total = live.log_size(settings)
    assert total >= EVENTS

    for share in KILL_AT:
        with live.running(settings, "--snapshot-interval", "0.5", VANE_WEBHOOK_URL=url) as worker:
            worker.wait_for(reaches(share * total))
            worker.kill()
    with live.running(settings, VANE_WEBHOOK_URL=url) as worker:
        worker.wait_for(lambda w: w.folded() >= total)
        clean = live.clean_fold(settings)
        worker.wait_for(lambda _: {a["alert_id"] for a in received} == clean.alert_ids)
        assert worker.stop() == 0

    assert live.live_panes(settings) == clean.panes
    assert len(clean.panes) > 1000
    progress = {
        v["partition"]: v
        for v in (json.loads(r.value) for r in live.read_topic(settings, "kpi.progress"))
    }
    for partition, fold in clean.folds.items():
        if fold.next_offset == 0:
            continue
        found = progress[partition]
        ends = ("accepted", "duplicate", "late", "rejected", "quarantined")
        assert {end: found[end] for end in ends} == {
            end: getattr(fold.counters, end) for end in ends
        }
        assert sum(found[end] for end in ends) == found["next_offset"] == fold.next_offset
        assert found["watermark_ms"] == dump(fold)["watermark_ms"]
    late = {
        (int(h["__connect.errors.partition"]), int(h["__connect.errors.offset"]))
        for h in (dict(r.headers) for r in live.read_topic(settings, "acd.late"))
    }
    assert late == clean.late
    assert clean.alert_ids
    repeats = Counter(str(a["alert_id"]) for a in received)
    assert max(repeats.values()) <= 1 + len(KILL_AT)
