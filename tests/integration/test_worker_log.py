"""The worker's log as JSON: every line is an object, every event of consequence has its line."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from pipeline.settings import Settings
from tests.factories import an_event
from tests.integration import live
from tests.integration.test_worker import record

pytestmark = [pytest.mark.integration, pytest.mark.timeout(120)]


def log_of_a_life(settings: Settings, log_format: str) -> str:
    """Return what a worker writes from its start to its stop, with a record folded between."""
    live.send(settings, [record(an_event("queued", 0))], partition=1)
    options = ("--log-format", log_format, "--loglevel", "info", "--snapshot-interval", "0.5")
    with live.running(settings, *options) as worker:
        worker.wait_for(
            lambda w: (
                any(p["snapshot_offset"] == 1 for p in (w.status() or {})["partitions"])
                if w.folded()
                else False
            )
        )
        assert worker.stop() == 0
        return worker.log.read_text()


def objects(text: str) -> list[dict[str, Any]]:
    found = [json.loads(line) for line in text.splitlines()]
    assert all(isinstance(line, dict) for line in found)
    return found


def test_every_line_is_an_object_that_says_who_when_and_what(settings: Settings) -> None:
    lines = objects(log_of_a_life(settings, "json"))
    for line in lines:
        assert {"worker", "time", "level", "event"} <= line.keys(), line
    assert len({line["worker"] for line in lines}) == 1
    ours = {line["event"]: line for line in lines}
    said = [
        *("worker started", "partitions assigned", "partition recovered", "snapshot written"),
        *("stopping", "partitions revoked", "stopped"),
    ]
    assert [event for event in said if event not in ours] == []
    assert ours["snapshot written"]["partition"] == 1
    assert ours["snapshot written"]["offset"] == 1
    assert ours["partitions assigned"]["partitions"] == [0, 1, 2, 3]


def test_a_log_in_text_is_no_json(settings: Settings) -> None:
    text = log_of_a_life(settings, "text")
    assert "snapshot written" in text
    with pytest.raises(json.JSONDecodeError):
        objects(text)


def test_port_0_is_any_free_one_and_the_log_says_which(settings: Settings) -> None:
    options = ("--log-format", "json", "--loglevel", "info")
    with live.running(settings, *options, VANE_WEB_PORT="0") as worker:
        worker.wait_for(lambda w: '"status page"' in w.log.read_text())
        (said,) = [x for x in objects(worker.log.read_text()) if x["event"] == "status page"]
        worker.port = int(said["url"].rstrip("/").rpartition(":")[2])
        worker.wait_for(lambda w: w.status() is not None)
        assert worker.stop() == 0


def test_a_forecast_that_is_wrong_is_told_of_and_the_worker_goes_on(
    settings: Settings, tmp_path: Path
) -> None:
    folder = tmp_path / "forecasts" / "acme"
    folder.mkdir(parents=True)
    header = "queue,interval_start,interval_min,calls\n"
    good, bad = (folder / f"{name}-2025-11-01.csv" for name in ("good", "bad"))
    good.write_text(f"{header}service,2025-11-11T12:00+08:00,30,100\n")
    bad.write_text(f"{header}service,2025-11-11T12:00+08:00,30,many\n")
    live.send(settings, [record(an_event("queued", 0))], partition=1)
    options = ("--log-format", "json", "--loglevel", "info")
    with live.running(settings, *options, VANE_FORECAST_DIR=str(folder.parent)) as worker:
        worker.wait_for(lambda w: w.folded() > 0)
        assert worker.stop() == 0
        lines = objects(worker.log.read_text())
    (wrong,) = [line for line in lines if line["event"] == "forecast left out"]
    assert wrong["problem"].startswith(f"{bad}:2: calls: expected ")
    (told,) = [line for line in lines if line["event"] == "forecasts"]
    assert (told["files"], told["queues"]) == (1, 1)
