"""A clean stop leaves nothing to be folded twice; it is bounded, and can be cut short."""

from __future__ import annotations

import re
import signal
import subprocess
import sys
import time
import urllib.request
from pathlib import Path

import pytest

from pipeline.settings import Settings
from tests.factories import an_event
from tests.integration import live
from tests.integration.test_worker import record

pytestmark = [pytest.mark.integration, pytest.mark.timeout(180)]

CALLS = 25_000
REPLAYED = re.compile(r'^vane_replayed_records\{partition="(\d)"\} (\S+)$', re.MULTILINE)
NO_SNAPSHOTS = ("--snapshot-interval", "600")


def load(settings: Settings) -> None:
    """Write input of which a worker has a few seconds' work."""
    for partition in range(live.PARTITIONS):
        events = [
            record(an_event("queued", i, contact_id=f"p{partition}c{i}")) for i in range(CALLS)
        ]
        live.send(settings, events, partition=partition)


def replayed(settings: Settings) -> dict[str, float]:
    """Return how much of each partition a successor folds again."""
    with live.running(settings) as worker:
        url = f"http://127.0.0.1:{worker.port}/metrics"
        worker.wait_for(lambda w: w.folded() == live.PARTITIONS * CALLS)
        with urllib.request.urlopen(url, timeout=5) as answer:
            found = {p: float(n) for p, n in REPLAYED.findall(answer.read().decode())}
        assert worker.stop() == 0
    assert len(found) == live.PARTITIONS
    return found


def test_after_a_clean_stop_under_load_nothing_is_folded_twice(settings: Settings) -> None:
    load(settings)
    with live.running(settings, *NO_SNAPSHOTS) as worker:
        worker.wait_for(lambda w: w.folded() > 5_000)
        assert worker.stop() == 0
    assert set(replayed(settings).values()) == {0}
    clean, panes = live.clean_fold(settings), live.live_panes(settings)
    assert panes == clean.panes


def test_after_a_kill_it_is_told_how_much_is_folded_twice(settings: Settings) -> None:
    load(settings)
    with live.running(settings, *NO_SNAPSHOTS) as worker:
        worker.wait_for(lambda _: live.committed(settings) == live.PARTITIONS * CALLS)
        worker.kill()
    assert set(replayed(settings).values()) == {CALLS}


def started(
    settings: Settings, log: Path, *options: str, stuck_in: str = "stop"
) -> tuple[subprocess.Popen[bytes], int]:
    """Start a worker whose stop hangs for ever."""
    port = live.free_port()
    env = live.environment(settings, VANE_WEB_PORT=str(port), STUCK_IN=stuck_in)
    command = [sys.executable, "-m", "tests.integration.stuck_worker", *options]
    with log.open("wb") as out:
        process = subprocess.Popen(command, env=env, stdout=out, stderr=out)
    deadline = time.monotonic() + 60
    while not _answers(port):
        assert process.poll() is None, log.read_text()
        assert time.monotonic() < deadline, log.read_text()
        time.sleep(0.1)
    return process, port


def _answers(port: int) -> bool:
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/readyz", timeout=1):
            return True
    except OSError:
        return False


def test_a_stop_that_hangs_is_bounded(settings: Settings, tmp_path: Path) -> None:
    log = tmp_path / "log"
    process, _ = started(settings, log, "--shutdown-timeout", "2")
    process.send_signal(signal.SIGTERM)
    assert process.wait(30) == 1
    said = "vane: not stopped within 2 s of SIGTERM (--shutdown-timeout)"
    assert log.read_text().splitlines()[-1] == said


def test_a_crash_whose_stop_hangs_is_bounded(settings: Settings, tmp_path: Path) -> None:
    log = tmp_path / "log"
    options = ("--shutdown-timeout", "2")
    process, _ = started(settings, log, *options, stuck_in="crash,close")
    live.send(settings, [record(an_event("queued", 0))], partition=1)
    assert process.wait(30) == 1
    said = "vane: not stopped within 2 s of a crash (--shutdown-timeout): LookupError('no chunk"
    assert log.read_text().splitlines()[-1].startswith(said)


def test_a_second_signal_ends_at_once(settings: Settings, tmp_path: Path) -> None:
    log = tmp_path / "log"
    process, _ = started(settings, log, "--shutdown-timeout", "1000")
    process.send_signal(signal.SIGTERM)
    time.sleep(2)
    assert process.poll() is None
    process.send_signal(signal.SIGTERM)
    assert process.wait(10) == 1
    assert "SIGTERM again: ended at once" in log.read_text().splitlines()[-1]
