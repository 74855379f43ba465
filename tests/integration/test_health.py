"""A worker that is stuck says so and ends; one that is well says so too."""

from __future__ import annotations

import json
import re
import subprocess
import sys
import time
import urllib.error
import urllib.request
from typing import Any

import pytest

from pipeline.settings import Settings
from tests.factories import an_event
from tests.integration import live
from tests.integration.test_worker import record

pytestmark = [pytest.mark.integration, pytest.mark.timeout(120)]

SAID = {
    "recovery": r"vane: stuck: partition \d is not recovered for \d+ s",
    "fold": r"vane: stuck: partition 1 has input waiting and has folded nothing at offset 0 for",
    "loop": r"vane: stuck: the event loop has not turned for 6 s",
}


def ask(port: int, path: str) -> tuple[int, dict[str, Any]]:
    """Return the HTTP status and the JSON body of a page; 0 if nobody answers."""
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}{path}", timeout=1) as found:
            return found.status, json.load(found)
    except urllib.error.HTTPError as error:
        return error.code, json.load(error)
    except OSError:
        return 0, {}


@pytest.mark.parametrize("where", SAID)
def test_a_stuck_worker_says_so_and_ends(settings: Settings, where: str) -> None:
    live.send(settings, [record(an_event("queued", 0))], partition=1)
    port = live.free_port()
    env = live.environment(settings, VANE_WEB_PORT=str(port), STUCK_IN=where)
    command = [sys.executable, "-m", "tests.integration.stuck_worker"]
    answers = []
    with subprocess.Popen(command, env=env, stderr=subprocess.PIPE, text=True) as process:
        while process.poll() is None:
            answers.append(ask(port, "/healthz"))
            time.sleep(0.1)
        assert process.stderr is not None
        said = process.stderr.read()
    assert process.returncode == 1, said
    assert re.search(SAID[where], said), said
    codes = {code for code, _ in answers}
    assert 503 in codes or where == "loop", answers
    assert all(body["reasons"] for code, body in answers if code == 503)


def test_a_worker_that_folds_and_one_that_idles_are_live_and_ready(settings: Settings) -> None:
    live.send(settings, [record(an_event("queued", 0))], partition=1)
    with live.running(settings, "--stuck-after", "2") as worker:
        worker.wait_for(lambda w: ask(w.port, "/readyz")[0] == 200)
        worker.wait_for(lambda w: w.folded() == 1)
        time.sleep(6)  # thrice what is allowed to a worker that has something to do
        ok = (200, {"ok": True, "reasons": []})
        assert (ask(worker.port, "/healthz"), ask(worker.port, "/readyz")) == (ok, ok)
        assert worker.stop() == 0


def test_all_that_is_wrong_with_the_options_is_said_at_once(settings: Settings) -> None:
    options = (
        "--stuck-after",
        "0",
        "--session-timeout",
        "5.9",
        "--ready-lag",
        "nan",
        "--loglevel",
        "loud",
        "--log-format",
        "xml",
    )
    with live.running(settings, *options) as worker:
        assert worker.process.wait(30) == 1
    said = [x for x in worker.log.read_text().splitlines() if not x.startswith("fold: ")]
    assert said == [
        "vane: options: 5 problems",
        "  --stuck-after: expected 0.1 seconds or more, got 0",
        "  --ready-lag: expected 0.1 seconds or more, got nan",
        "  --session-timeout: expected from 6 to 90 seconds, got 5.9",
        "  --loglevel: expected one of debug, info, warning, error, got 'loud'",
        "  --log-format: expected one of text, json, got 'xml'",
    ]
