"""A worker killed again and again counts every input offset once, on a real broker."""

from __future__ import annotations

import signal
from collections import Counter
from collections.abc import Callable, Iterator

import pytest

from pipeline.domain.fold_state import dump
from pipeline.settings import Settings
from tests.integration import live
from tests.integration.webhook import Webhook, receiver

pytestmark = [pytest.mark.integration, pytest.mark.timeout(300)]

EVENTS = 600_000
KILL_AT = (0.15, 0.4, 0.7)


@pytest.fixture
def webhook() -> Iterator[Webhook]:
    """A real HTTP receiver."""
    with receiver() as found:
        yield found


def reaches(offsets: float) -> Callable[[live.Worker], bool]:
    return lambda worker: worker.folded() >= offsets


def test_three_kills_in_600_000_events_change_nothing(settings: Settings, webhook: Webhook) -> None:
    folder = settings.home / "sim"
    live.vane(settings, "simulate", "--scenario", "double11", "--month", "2025-11", "--seed", "7",
              "--scale", "5.4", "--out", str(folder))  # fmt: skip
    live.vane(settings, "ingest", "--format", "canonical", str(folder / "acd.events.ndjson"))
    total = live.log_size(settings)
    assert total >= EVENTS

    for share in KILL_AT:
        with live.running(
            settings, "--snapshot-interval", "0.5", VANE_WEBHOOK_URL=webhook.url
        ) as worker:
            worker.wait_for(reaches(share * total))
            worker.kill()
    with live.running(settings, VANE_WEBHOOK_URL=webhook.url) as worker:
        worker.wait_for(lambda w: w.folded() >= total)
        clean = live.clean_fold(settings)
        worker.wait_for(lambda _: set(webhook.ids) == clean.alert_ids)
        assert worker.stop() == 0

    assert live.differing(live.live_panes(settings), clean.panes) == []
    assert len(clean.panes) > 1000
    progress = live.newest_progress(settings)
    for partition, fold in clean.folds.items():
        if fold.next_offset == 0:
            continue
        found = progress[partition]
        assert {end: found[end] for end in live.ENDS} == {
            end: getattr(fold.counters, end) for end in live.ENDS
        }
        assert sum(found[end] for end in live.ENDS) == found["next_offset"] == fold.next_offset
        assert found["watermark_ms"] == dump(fold)["watermark_ms"]
    assert live.origins(settings, "acd.late") == clean.late
    assert clean.alert_ids
    repeats = Counter(webhook.ids)
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
        one.wait_for(lambda w: live.together(w, two) >= size)
        one.kill()
        size = ingest(1)
        two.wait_for(lambda w: live.together(w) >= size)
        with live.running(settings, *options) as three:
            size = ingest(2)
            three.wait_for(lambda w: live.together(w, two) >= size)
            two.process.send_signal(signal.SIGSTOP)
            size = ingest(3)
            three.wait_for(lambda w: live.together(w) >= size)
            two.process.send_signal(signal.SIGCONT)
            three.wait_for(lambda w: two.status() is not None and live.together(w, two) >= size)
            assert three.stop() == 0
        assert two.stop() == 0
    clean = live.clean_fold(settings)
    assert live.differing(live.live_panes(settings), clean.panes) == []
    progress = live.newest_progress(settings)
    for partition, fold in clean.folds.items():
        if fold.next_offset:
            found = progress[partition]
            assert {e: found[e] for e in live.ENDS} == {
                e: getattr(fold.counters, e) for e in live.ENDS
            }
