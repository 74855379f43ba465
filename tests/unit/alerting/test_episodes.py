"""When something is due to be said of an alert: at its start, every five minutes, at its end."""

from __future__ import annotations

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from pipeline.alerting.episodes import EVERY_MS, FORGOTTEN_MS, Due, Episodes
from pipeline.alerting.recovery import key_of, recovery_id
from pipeline.domain.alert import AlertStatus
from tests.unit.alerting.receiver import an_alert

START = 1_700_000_010_000
FIRING, RESOLVED = AlertStatus.FIRING, AlertStatus.RESOLVED


def firing(alert_id: str = "a1", at: int = 0, **more: Any) -> dict[str, Any]:
    return an_alert(alert_id, at_ms=START + at, **more)


def resolved(alert_id: str = "a2", at: int = 0, **more: Any) -> dict[str, Any]:
    return an_alert(alert_id, status="resolved", at_ms=START + at, **more)


def short(dues: list[Due]) -> list[tuple[str, str, int, int]]:
    return [
        (due.alert["alert_id"], str(due.status), due.at_ms - START, due.skipped) for due in dues
    ]


def say(episodes: Episodes, event_time: int) -> list[tuple[str, str, int, int]]:
    """Say all that is due."""
    dues = episodes.due(START + event_time)
    for due in dues:
        episodes.said(due.alert["alert_id"], due.at_ms, is_last=due.status is RESOLVED)
    return short(dues)


def test_it_is_said_at_the_start_every_five_minutes_and_at_the_end() -> None:
    episodes = Episodes()
    assert say(episodes, 0) == []
    episodes.take(firing())
    assert say(episodes, 0) == [("a1", "firing", 0, 0)]
    assert say(episodes, EVERY_MS - 1) == []
    assert say(episodes, EVERY_MS) == [("a1", "firing", EVERY_MS, 0)]
    assert say(episodes, EVERY_MS) == []
    episodes.take(resolved(at=EVERY_MS + 30_000))
    assert say(episodes, EVERY_MS + 30_000) == [("a1", "resolved", EVERY_MS + 30_000, 0)]
    assert say(episodes, 10 * EVERY_MS) == []


def test_before_its_event_time_nothing_is_due() -> None:
    episodes = Episodes()
    episodes.take(firing())
    assert say(episodes, -1) == []


def test_instants_passed_over_are_counted() -> None:
    episodes = Episodes()
    episodes.take(firing())
    assert say(episodes, 3 * EVERY_MS + 1) == [("a1", "firing", 3 * EVERY_MS, 3)]
    assert say(episodes, 5 * EVERY_MS) == [("a1", "firing", 5 * EVERY_MS, 1)]
    episodes.take(resolved(at=8 * EVERY_MS))
    assert say(episodes, 20 * EVERY_MS) == [("a1", "resolved", 8 * EVERY_MS, 2)]


def test_an_alert_that_is_over_before_anything_was_said_has_its_end() -> None:
    episodes = Episodes()
    episodes.take(firing())
    episodes.take(resolved(at=30_000))
    assert say(episodes, 60_000) == [("a1", "resolved", 30_000, 1)]


def test_repeats_say_nothing() -> None:
    """A worker that starts from a snapshot says its last alerts again, under the same ids."""
    episodes = Episodes()
    for alert in (firing(), resolved(at=30_000), firing("a3", 60_000)):
        episodes.take(alert)
    say(episodes, 60_000)
    for alert in (firing(), resolved(at=30_000), firing("a3", 60_000)):
        episodes.take(alert)
    assert say(episodes, 60_000) == []
    assert say(episodes, 60_000 + EVERY_MS) == [("a3", "firing", 60_000 + EVERY_MS, 0)]


def test_queues_and_rules_are_apart() -> None:
    episodes = Episodes()
    episodes.take(firing())
    episodes.take(firing("b1", queue="orders"))
    episodes.take(resolved("b2", 30_000, queue="orders"))
    episodes.take(resolved("c2", 30_000, rule="other"))
    assert say(episodes, 40_000) == [("a1", "firing", 0, 0), ("b1", "resolved", 30_000, 1)]


def test_an_end_of_long_ago_is_forgotten() -> None:
    episodes = Episodes()
    episodes.take(firing())
    episodes.take(resolved(at=30_000))
    assert short(episodes.due(START + 30_000 + FORGOTTEN_MS)) != []
    assert short(episodes.due(START + 30_001 + FORGOTTEN_MS)) == []


def test_an_end_without_a_start_is_no_alert() -> None:
    episodes = Episodes()
    episodes.take(resolved())
    assert say(episodes, EVERY_MS) == []


def test_who_starts_anew_goes_on_where_the_last_one_stopped() -> None:
    """Known from the topic, in any order beside the alerts, an older record after a newer one."""
    episodes = Episodes()
    episodes.said("a1", START + EVERY_MS, is_last=False)
    episodes.said("a1", START, is_last=False)
    episodes.take(firing())
    assert say(episodes, EVERY_MS) == []
    assert say(episodes, 2 * EVERY_MS) == [("a1", "firing", 2 * EVERY_MS, 0)]
    episodes.said("a1", START + 2 * EVERY_MS, is_last=True)
    episodes.take(resolved(at=2 * EVERY_MS))
    assert say(episodes, 2 * EVERY_MS) == []


def test_an_end_at_an_instant_of_its_own_replaces_what_was_said_then() -> None:
    episodes = Episodes()
    episodes.take(firing())
    say(episodes, 0)
    say(episodes, EVERY_MS)
    episodes.take(resolved(at=EVERY_MS))
    assert say(episodes, EVERY_MS) == [("a1", "resolved", EVERY_MS, 0)]
    assert key_of("a1", 5) == b"a1/5"
    assert recovery_id("a1", 5) == recovery_id("a1", 5) != recovery_id("a1", 6)


@given(st.lists(st.integers(0, 4 * EVERY_MS), min_size=1), st.integers(1, 20 * EVERY_MS))
def test_what_was_said_and_skipped_adds_up_to_the_instants(steps: list[int], end: int) -> None:
    episodes = Episodes()
    episodes.take(firing())
    said, now = [], 0
    for step in steps:
        now = min(now + step, end - 1)
        said += say(episodes, now)
    episodes.take(resolved(at=end))
    said += say(episodes, end)
    instants = -(-end // EVERY_MS)
    assert sum(skipped + (status == "firing") for _, status, _, skipped in said) == instants
    assert [status for _, status, *_ in said].count("resolved") == 1
