"""A worker killed again and again counts every input offset once, on a real broker."""

from __future__ import annotations

import json
import signal
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


def differing(found: live.Panes, expected: live.Panes) -> list[object]:
    """The first panes that differ: a diff of all of them would take minutes to print."""
    keys = sorted(k for k in found.keys() | expected.keys() if found.get(k) != expected.get(k))
    return [(key, found.get(key), expected.get(key)) for key in keys[:5]]


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

    assert differing(live.live_panes(settings), clean.panes) == []
    assert len(clean.panes) > 1000
    progress = newest_progress(settings)
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


def test_workers_that_join_leave_and_freeze_change_nothing(settings: Settings) -> None:
    """A second worker joins, the first is killed, it comes back, the second is frozen a while."""
    folder = settings.home / "sim"
    live.vane(settings, "simulate", "--scenario", "double11", "--month", "2025-11", "--seed", "3",
              "--out", str(folder))  # fmt: skip
    lines = (folder / "acd.events.ndjson").read_bytes().splitlines(keepends=True)
    quarter = len(lines) // 4

    def ingest(part: int) -> int:
        piece = folder / f"piece{part}.ndjson"
        piece.write_bytes(b"".join(lines[part * quarter :][: quarter if part < 3 else None]))
        live.vane(settings, "ingest", "--format", "canonical", str(piece))
        return live.log_size(settings)

    options = ("--snapshot-interval", "0.5")
    with live.running(settings, *options) as one, live.running(settings, *options) as two:
        size = ingest(0)
        one.wait_for(lambda w: together(w, two) >= size)
        one.kill()
        size = ingest(1)
        two.wait_for(lambda w: together(w) >= size)
        with live.running(settings, *options) as three:
            size = ingest(2)
            three.wait_for(lambda w: together(w, two) >= size)
            two.process.send_signal(signal.SIGSTOP)
            size = ingest(3)
            three.wait_for(lambda w: together(w) >= size)
            two.process.send_signal(signal.SIGCONT)
            three.wait_for(lambda w: two.status() is not None and together(w, two) >= size)
            assert three.stop() == 0
        assert two.stop() == 0
    clean = live.clean_fold(settings)
    assert differing(live.live_panes(settings), clean.panes) == []
    ends = ("accepted", "duplicate", "late", "rejected", "quarantined")
    progress = newest_progress(settings)
    for partition, fold in clean.folds.items():
        if fold.next_offset:
            found = progress[partition]
            assert {e: found[e] for e in ends} == {e: getattr(fold.counters, e) for e in ends}


def together(*workers: live.Worker) -> int:
    """Offsets folded, by whichever of the workers is furthest on each partition."""
    best: dict[int, int] = {}
    for worker in workers:
        for row in (worker.status() or {"partitions": []})["partitions"]:
            best[row["partition"]] = max(best.get(row["partition"], 0), row["next_offset"])
    return sum(best.values())


def newest_progress(settings: Settings) -> dict[int, dict[str, int]]:
    """The progress record of each partition that is furthest along."""
    found: dict[int, dict[str, int]] = {}
    for record in live.read_topic(settings, "kpi.progress"):
        value = json.loads(record.value)
        old = found.get(value["partition"])
        if old is None or value["next_offset"] >= old["next_offset"]:
            found[value["partition"]] = value
    return found
