"""Rules of a queue moved from boundary to boundary: dates, hours, maintenance, silence."""

from __future__ import annotations

from dataclasses import replace

import msgspec
import pytest

from pipeline.domain.alert import Alert
from pipeline.domain.alert_evaluation import SILENCE_STEP_MS, evaluate
from pipeline.domain.alert_rule import BurnRule, DropRule, Maintenance, Rule, SilenceRule
from pipeline.domain.day_sums import DaySum, day_of
from pipeline.domain.definition import KpiDefinition
from pipeline.domain.events import CallEvent
from pipeline.domain.fold import PartitionFold
from pipeline.domain.fold_state import dump, load
from pipeline.domain.kpi import PANE_MS
from pipeline.domain.opening_hours import OpeningHours
from pipeline.domain.queue_state import QueueState
from pipeline.domain.target import ServiceTarget, TargetHistory
from tests.factories import NOON, a_target, an_event, history
from tests.unit.domain.test_alert import a_rule

MIN = 60_000
HOUR = 60 * MIN
TODAY = day_of(NOON, "UTC").ordinal


def a_queue(target: ServiceTarget | None = None) -> QueueState:
    return QueueState("acme", "", "service", TargetHistory((0,), (target or a_target(),)))


def bad(queue: QueueState, at: int = NOON - PANE_MS) -> None:
    """Let a pane have a hundred calls of which none was answered in time."""
    queue.open_pane(0, at)[0] = 100
    queue.changed = True


def good(queue: QueueState, at: int) -> None:
    queue.open_pane(0, at)[:3] = [100_000, 100_000, 100_000]
    queue.changed = True


def moved(queue: QueueState, *rules: Rule, until: int = 0, start: int = 0) -> list[tuple[str, int]]:
    """Evaluate at every boundary of a span about noon; return what was said, and when."""
    said: list[Alert] = []
    for at in range(NOON + start, NOON + until + 1, PANE_MS):
        said += evaluate(rules, queue, at)
    return [(alert.status, alert.at_ms - NOON) for alert in said]


def test_an_alert_says_what_it_saw() -> None:
    queue = a_queue()
    bad(queue)
    queue.open_pane(0, NOON - 20 * MIN)[:3] = [50, 50, 10]
    (alert,) = evaluate([a_rule(BurnRule)], queue, NOON)
    assert (alert.kind, alert.kpi, alert.scope, alert.unit) == (
        "burn",
        "service_level",
        "queue",
        "permille",
    )
    assert (alert.value, alert.threshold) == (5000, 3000)
    assert (alert.window_ms, alert.offered, alert.answered_within) == (300_000, 100, 0)
    assert (alert.long_window_ms, alert.long_offered, alert.long_answered_within) == (
        1_800_000,
        150,
        10,
    )
    assert (alert.day_counted, alert.day_good, alert.month_counted) == (150, 10, 150)
    assert (alert.since_ms, alert.expected_milli, alert.forecast_source) == (NOON, None, None)


def test_waiting_for_time_to_pass_goes_on_without_news() -> None:
    queue = a_queue()
    bad(queue)
    assert moved(queue, a_rule(DropRule, for_ms=MIN), until=4 * MIN) == [("firing", MIN)]
    assert not queue.restless


def test_what_was_pending_when_the_calls_ended_begins_anew() -> None:
    queue, rule = a_queue(), a_rule(DropRule, for_ms=3 * MIN, window_ms=MIN)
    bad(queue)
    assert moved(queue, rule, until=10 * MIN) == []
    bad(queue, NOON + 10 * MIN)
    assert moved(queue, rule, start=10 * MIN + PANE_MS, until=11 * MIN) == []
    assert queue.alerts["r"].since_ms == NOON + 10 * MIN + PANE_MS


def test_a_rule_holds_from_its_first_day_until_before_its_last() -> None:
    for terms, fires in (
        ({"from_day": TODAY, "until_day": TODAY + 1}, True),
        ({"from_day": TODAY + 1}, False),
        ({"until_day": TODAY}, False),
    ):
        queue = a_queue()
        bad(queue)
        assert bool(moved(queue, a_rule(DropRule, **terms))) is fires


def test_a_rule_begins_at_midnight_though_no_call_comes() -> None:
    queue = a_queue()
    midnight = 20 * HOUR
    bad(queue, NOON + midnight - PANE_MS)
    rule = a_rule(DropRule, from_day=TODAY + 1)
    said = moved(queue, rule, start=midnight - PANE_MS, until=midnight + MIN)
    assert said == [("firing", midnight)]


def test_what_a_rule_said_that_holds_no_more_is_ended_once() -> None:
    queue = a_queue()
    midnight = 20 * HOUR
    bad(queue, NOON + midnight - 2 * PANE_MS)
    old = a_rule(DropRule, until_day=TODAY + 1)
    said = moved(queue, old, start=midnight - PANE_MS, until=midnight + MIN)
    assert said == [("firing", midnight - PANE_MS), ("resolved", midnight)]
    queue.alerts["r"].firing = True
    queue.panes[0].clear()
    queue.changed = True
    assert moved(queue, old, start=midnight, until=midnight) == [("resolved", midnight)]


def test_a_successor_of_the_same_name_goes_on_with_the_state() -> None:
    queue = a_queue()
    midnight = 20 * HOUR
    bad(queue, NOON + midnight - 2 * PANE_MS)
    old, new = a_rule(DropRule, until_day=TODAY + 1), a_rule(DropRule, from_day=TODAY + 1)
    said = moved(queue, old, new, start=midnight - PANE_MS, until=midnight + MIN)
    assert said == [("firing", midnight - PANE_MS)]
    assert queue.alerts["r"].firing


def hours(first: int, last: int) -> ServiceTarget:
    weekly = (((first, last),),) * 7
    return a_target(
        definition=KpiDefinition(
            name="h",
            inclusive=True,
            short_abandon_ms=5_000,
            opening_hours=OpeningHours(weekly),
        )
    )


def test_nothing_new_fires_while_closed_and_what_fires_may_resolve() -> None:
    opens = hours(242, 1440)  # two minutes past: it is 4:00 in UTC
    queue = a_queue(opens)
    bad(queue)
    assert moved(queue, a_rule(DropRule), until=3 * MIN) == [("firing", 2 * MIN)]
    closed = hours(0, 240)
    queue = a_queue(closed)
    bad(queue)
    assert moved(queue, a_rule(DropRule, only_open=False)) == [("firing", 0)]
    good(queue, NOON)
    assert moved(queue, a_rule(DropRule), start=PANE_MS, until=PANE_MS) == [("resolved", PANE_MS)]


def test_nothing_new_fires_in_planned_maintenance() -> None:
    window = Maintenance(start_ms=NOON, end_ms=NOON + MIN, queue="serv*")
    queue = a_queue()
    bad(queue)
    assert moved(queue, a_rule(DropRule, maintenance=(window,)), until=2 * MIN) == [("firing", MIN)]
    queue = a_queue()
    bad(queue)
    other = replace(window, queue="other")
    assert moved(queue, a_rule(DropRule, maintenance=(other,)), until=MIN) == [("firing", 0)]


def test_silence_that_began_in_maintenance_or_before_opening_is_none() -> None:
    window = Maintenance(start_ms=NOON - MIN, end_ms=NOON)
    rule = a_rule(SilenceRule, maintenance=(window,))
    queue = a_queue()
    usual(queue)
    queue.newest_pane = NOON - HOUR
    assert moved(queue, rule, until=6 * MIN) == [("firing", 5 * MIN)]
    queue = a_queue(hours(239, 1440))
    usual(queue)
    queue.newest_pane = NOON - HOUR
    assert moved(queue, a_rule(SilenceRule), until=6 * MIN) == [("firing", 4 * MIN)]


def usual(queue: QueueState) -> None:
    """Let it expect a hundred calls in each half hour of this weekday."""
    queue.days[TODAY - 7] = DaySum(offered=[100] * 48)


# --- in a fold: other queues move event time on -----------------------------------------------


def log(*spans: tuple[str, int, int]) -> list[CallEvent]:
    """Return calls of queues, one each 20 s in (queue, from, until) about noon, in order."""
    events = [
        an_event(kind, at + after, contact_id=f"{queue}{at}", queue=queue)
        for queue, start, end in spans
        for at in range(start, end, 20_000)
        for kind, after in (("queued", 0), ("answered", 1000), ("ended", 2000))
    ]
    return sorted(events, key=lambda event: event.occurred_at_ms)


def folded(
    events: list[CallEvent], rules: list[Rule], restart_at: int | None = None, chunk: int = 7
) -> tuple[PartitionFold, list[Alert]]:
    fold = PartitionFold(history, rules)
    usual(fold.queue("acme", "", "service"))
    said: list[Alert] = []
    records = [(i, event.occurred_at_ms, event) for i, event in enumerate(events)]
    for start in range(0, len(records), chunk):
        if restart_at is not None and start >= restart_at:
            restart_at = None
            plain = msgspec.msgpack.decode(msgspec.msgpack.encode(dump(fold)))
            fold = load(plain, history, rules)
        fold.fold(records[start : start + chunk])
        said += fold.take_outbox().alerts
    return fold, said


SILENCE: list[Rule] = [a_rule(SilenceRule, name="silence"), a_rule(DropRule, window_ms=MIN)]
GAP = log(("service", 0, 10 * MIN), ("other", 0, 60 * MIN), ("service", 40 * MIN, 60 * MIN))


def test_a_queue_that_falls_silent_is_told_and_is_over_when_calls_come() -> None:
    _, said = folded(GAP, SILENCE)
    assert [(a.rule, a.status, a.at_ms - NOON) for a in said] == [
        ("silence", "firing", 15 * MIN),
        ("silence", "resolved", 40 * MIN + PANE_MS),
    ]
    firing = said[0]
    assert (firing.queue, firing.offered, firing.kpi, firing.unit) == ("service", 0, "feed", "ms")
    assert (firing.value, firing.expected_milli) == (300_000, 16_666)
    assert firing.forecast_source == "profile"


@pytest.mark.parametrize("restart_at", range(0, len(GAP), 35))
def test_silence_is_told_alike_by_who_goes_on_from_a_snapshot(restart_at: int) -> None:
    fold, said = folded(GAP, SILENCE)
    again, told = folded(GAP, SILENCE, restart_at)
    assert told == said
    assert dump(again) == dump(fold)


def test_a_silence_of_the_whole_partition_is_told_afterwards_as_of_when_it_was() -> None:
    events = log(("service", 0, 10 * MIN), ("service", 40 * MIN, 45 * MIN))
    for restart_at in (None, 30, 60):
        _, said = folded(events, SILENCE, restart_at)
        assert [(a.status, a.at_ms - NOON) for a in said] == [
            ("firing", 15 * MIN),
            ("resolved", 40 * MIN + PANE_MS),
        ]
    assert 15 * MIN % SILENCE_STEP_MS == 0


def test_a_day_is_kept_beyond_its_panes() -> None:
    events = log(
        ("service", 0, 10 * MIN), ("other", 0, 6 * HOUR), ("service", 6 * HOUR, 6 * HOUR + MIN)
    )
    fold, _ = folded(events, [])
    queue = fold.queues["acme", "", "service"]
    assert min(queue.panes[0]) > NOON + HOUR
    assert queue.days[TODAY].counted == queue.days[TODAY].good == 30
    assert queue.days[TODAY].offered[8] == 30  # it is 4:00 in UTC
    again = load(dump(fold), history)
    assert again.queues["acme", "", "service"].days == queue.days
