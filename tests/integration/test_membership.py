"""A worker with a name in its group comes back to its partitions, and nobody else pauses."""

from __future__ import annotations

import json

import pytest

from pipeline.settings import Settings
from tests.factories import an_event
from tests.integration import live
from tests.integration.test_worker import record

pytestmark = [pytest.mark.integration, pytest.mark.timeout(180)]

OPTIONS = ("--session-timeout", "30", "--loglevel", "info", "--log-format", "json")


def rebalances(worker: live.Worker) -> int:
    """How often the worker was assigned partitions."""
    lines = [line for line in worker.log.read_text().splitlines() if line.startswith("{")]
    return sum(json.loads(line)["event"] == "partitions assigned" for line in lines)


def partitions(worker: live.Worker) -> set[int]:
    return {row["partition"] for row in (worker.status() or {"partitions": []})["partitions"]}


def send(settings: Settings, at: int) -> int:
    for partition in range(live.PARTITIONS):
        calls = [record(an_event("queued", at, contact_id=f"p{partition}a{at}"))]
        live.send(settings, calls, partition=partition)
    return live.log_size(settings)


@pytest.mark.parametrize("end", ["stop", "kill"])
def test_a_named_worker_that_starts_again_disturbs_nobody(settings: Settings, end: str) -> None:
    one = ("--instance-id", "one", *OPTIONS)
    two = ("--instance-id", "two", *OPTIONS)
    with live.running(settings, *one) as stays:
        with live.running(settings, *two) as leaves:
            stays.wait_for(lambda w: len(partitions(w)) == len(partitions(leaves)) == 2)
            size = send(settings, 0)
            stays.wait_for(lambda w: live.together(w, leaves) >= size)
            before, its_own = rebalances(stays), partitions(leaves)
            if end == "stop":
                assert leaves.stop() == 0
            else:
                leaves.kill()
        size = send(settings, 1000)
        with live.running(settings, *two) as back:
            back.wait_for(lambda w: live.together(w, stays) >= size)
            assert partitions(back) == its_own
            assert rebalances(stays) == before
            assert back.stop() == 0
        assert stays.stop() == 0
    clean = live.clean_fold(settings)
    assert live.live_panes(settings) == clean.panes
    assert {p: fold.next_offset for p, fold in clean.folds.items()} == {
        p: found["next_offset"] for p, found in live.newest_progress(settings).items()
    }
