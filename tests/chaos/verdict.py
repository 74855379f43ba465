"""Whether a schedule left every number as it should be: stream = naive fold = SQL."""

from __future__ import annotations

from collections import Counter

from pipeline.batch.land import land
from pipeline.batch.reconcile import reconcile
from pipeline.domain.business_time import Month
from pipeline.settings import Settings
from tests.chaos.runner import Run, trim
from tests.chaos.schedule import Fault
from tests.integration import live

NOVEMBER = Month(2025, 11)
DIFFERENT = "panes differ"


def check(run: Run, clean: live.Clean, *, with_sql: bool) -> None:
    """Compare what readers of all topics hold with a fold of the log in one go, and with SQL."""
    settings = run.settings
    differing = live.differing(live.live_panes(settings), clean.panes)
    assert differing == [], f"{DIFFERENT}: {differing}"
    assert len(clean.panes) > 100
    progress = live.newest_progress(settings)
    for partition, fold in clean.folds.items():
        if fold.next_offset:
            found = progress[partition]
            ends = {end: found[end] for end in live.ENDS}
            assert ends == {end: getattr(fold.counters, end) for end in live.ENDS}
            assert sum(ends.values()) == found["next_offset"] == fold.next_offset
    for topic, expected in (
        ("acd.late", clean.late),
        ("acd.events.dlq", clean.rejected),
        ("acd.quarantine", clean.quarantined),
    ):
        assert live.origins(settings, topic) == expected, topic
    _check_alerts(run, clean)
    if with_sql:
        land(settings)
        found_month = reconcile(settings, NOVEMBER, report=lambda _: None)
        said = (found_month.difference_count, found_month.not_folded, found_month.not_landed)
        assert said == (0, 0, 0), found_month.differences
        assert found_month.cells
    if Fault.RETENTION in run.schedule.faults:
        _check_that_loss_is_told(settings)


def _check_alerts(run: Run, clean: live.Clean) -> None:
    """Every alert was delivered, each id with one content, and once if nobody died over it."""
    assert set(run.webhook.ids) == clean.alert_ids
    said: dict[str, object] = {}
    for key, body in run.webhook.taken:
        body.pop("revision", None)
        assert said.setdefault(key, body) == body, f"two alerts with the id {key}"
    if run.schedule.is_graceful:
        repeated = {key: n for key, n in Counter(run.webhook.ids).items() if n > 1}
        assert repeated == {}


def _check_that_loss_is_told(settings: Settings) -> None:
    trim(settings)
    with live.running(settings) as worker:
        assert worker.process.wait(60) == 1
        said = worker.log.read_text()
    assert "records are gone" in said
    assert "vane replay --from-landing --switch" in said
