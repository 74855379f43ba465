"""Rules of a queue moved from boundary to boundary: dates, hours, maintenance, silence."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import msgspec
import pytest

from pipeline.domain.alert import Alert, AlertState
from pipeline.domain.alert_evaluation import SILENCE_STEP_MS, evaluate
from pipeline.domain.alert_rule import (
    BacklogRule,
    BurnRule,
    DropRule,
    JumpRule,
    Maintenance,
    Rule,
    ShareRule,
    SilenceRule,
    SurgeRule,
)
from pipeline.domain.alert_scope import Grouping, Place, Programme, Scope
from pipeline.domain.alert_subject import Rules, Subject
from pipeline.domain.day_sums import DaySum, day_of
from pipeline.domain.definition import KpiDefinition
from pipeline.domain.events import CallEvent
from pipeline.domain.fold import PartitionFold
from pipeline.domain.fold_state import dump, load
from pipeline.domain.forecast import Forecast
from pipeline.domain.forecast_book import by_queue
from pipeline.domain.kpi import PANE_MS, SERVICE_LEVEL_FIELDS
from pipeline.domain.opening_hours import OpeningHours
from pipeline.domain.queue_state import ALL_KPIS, QueueState
from pipeline.domain.target import ServiceTarget, TargetHistory
from tests.factories import NOON, a_target, an_event, history
from tests.unit.domain.test_alert import a_rule
from tests.unit.domain.test_forecast_book import a_forecast

MIN = 60_000
HOUR = 60 * MIN
TODAY = day_of(NOON, "UTC").ordinal


def a_queue(target: ServiceTarget | None = None) -> Subject:
    """Return a queue alone."""
    queue = QueueState("acme", "", "service", TargetHistory((0,), (target or a_target(),)))
    return Subject(Place(Scope.QUEUE, "acme", queue="service"), Rules((), (), 0), [queue])


def bad(queue: Subject, at: int = NOON - PANE_MS) -> None:
    """Let a pane have a hundred calls of which none was answered in time."""
    queue.queues[0].open_pane(0, at)[0] = 100
    queue.queues[0].changed = ALL_KPIS


def good(queue: Subject, at: int) -> None:
    queue.queues[0].open_pane(0, at)[:3] = [100_000, 100_000, 100_000]
    queue.queues[0].changed = ALL_KPIS


def evaluated(subject: Subject, rules: Sequence[Rule], at: int) -> list[Alert]:
    """Evaluate as a fold does, which notes that changes have been looked at."""
    said = evaluate(rules, subject, at)
    for queue in subject.queues:
        queue.changed = 0
    return said


def moved(queue: Subject, *rules: Rule, until: int = 0, start: int = 0) -> list[tuple[str, int]]:
    """Evaluate at every boundary of a span about noon; return what was said, and when."""
    said: list[Alert] = []
    for at in range(NOON + start, NOON + until + 1, PANE_MS):
        said += evaluated(queue, rules, at)
    return [(alert.status, alert.at_ms - NOON) for alert in said]


def test_an_alert_says_what_it_saw() -> None:
    queue = a_queue()
    bad(queue)
    queue.queues[0].open_pane(0, NOON - 20 * MIN)[:3] = [50, 50, 10]
    (alert,) = evaluated(queue, [a_rule(BurnRule)], NOON)
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
    assert queue.restless  # a longer window may have enough good calls
    assert moved(queue, a_rule(DropRule, for_ms=MIN), start=4 * MIN, until=3 * HOUR) == []
    assert not queue.restless  # nothing is left that could say so


@pytest.mark.parametrize("kind", [BurnRule, ShareRule])
def test_every_kind_waits_and_then_fires(kind: type[Rule]) -> None:
    queue = a_queue()
    queue.queues[0].open_pane(0, NOON - PANE_MS)[:4] = [100, 0, 0, 100]
    assert moved(queue, a_rule(kind, for_ms=MIN), until=2 * MIN) == [("firing", MIN)]


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
    queue.alerts["r"].firing, queue.alerts["r"].since_ms = True, NOON
    queue.queues[0].panes[0].clear()
    queue.queues[0].touch(0, 0)
    assert ends(queue, old, start=midnight, until=midnight) == [("r", midnight, "rule_ended")]


def test_a_successor_of_the_same_name_goes_on_with_the_state() -> None:
    queue = a_queue()
    midnight = 20 * HOUR
    bad(queue, NOON + midnight - 2 * PANE_MS)
    old, new = a_rule(DropRule, until_day=TODAY + 1), a_rule(DropRule, from_day=TODAY + 1)
    said = moved(queue, old, new, start=midnight - PANE_MS, until=midnight + MIN)
    assert said == [("firing", midnight - PANE_MS)]
    assert queue.alerts["r"].firing


def hours(first: int, last: int) -> ServiceTarget:
    return spans((first, last))


def with_break(first: int, last: int) -> ServiceTarget:
    return spans((0, first), (last, 1440))


def spans(*of_a_day: tuple[int, int]) -> ServiceTarget:
    weekly = (of_a_day,) * 7
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


def ends(queue: Subject, *rules: Rule, start: int, until: int) -> list[tuple[str, int, str]]:
    """Return rule, instant and reason of each end."""
    said = [a for at in range(NOON + start, NOON + until + 1, PANE_MS)
            for a in evaluated(queue, rules, at)]  # fmt: skip
    assert all((a.end_reason is None) == (a.status == "firing") for a in said)
    return [(a.rule, a.at_ms - NOON, a.end_reason) for a in said if a.end_reason is not None]


@pytest.mark.parametrize("kind", [DropRule, BurnRule, ShareRule, BacklogRule])
def test_what_fires_ends_as_closed_when_a_window_has_passed_since_closing(kind: type[Rule]) -> None:
    queue = a_queue(hours(0, 250))  # closes ten minutes past: it is 4:00 in UTC
    queue.queues[0].open_pane(0, NOON - PANE_MS)[:] = [100] * len(SERVICE_LEVEL_FIELDS)
    queue.queues[0].panes[0][NOON - PANE_MS][2] = 0
    rule = a_rule(kind)
    assert moved(queue, rule) == [("firing", 0)]
    assert queue.restless
    assert ends(queue, rule, start=PANE_MS, until=HOUR) == [("r", 15 * MIN, "closed")]
    assert not queue.restless
    assert queue.alerts["r"] == AlertState(transitions=2)


def test_what_closes_says_what_there_is_to_say() -> None:
    queue = a_queue(hours(0, 250))
    bad(queue)
    rule = a_rule(DropRule)
    assert moved(queue, rule) == [("firing", 0)]
    (alert,) = [a for at in range(NOON + PANE_MS, NOON + HOUR, PANE_MS)
                for a in evaluated(queue, [rule], at)]  # fmt: skip
    assert (alert.status, alert.value, alert.threshold, alert.offered) == (
        "resolved",
        None,
        None,
        0,
    )
    assert (alert.day_counted, alert.day_good, alert.since_ms) == (100, 0, None)


def test_it_recovers_until_closing_and_shortly_after() -> None:
    queue, rule = a_queue(hours(0, 250)), a_rule(DropRule)
    bad(queue)
    assert moved(queue, rule) == [("firing", 0)]
    good(queue, NOON + 12 * MIN)
    said = ends(queue, rule, start=12 * MIN + PANE_MS, until=HOUR)
    assert said == [("r", 12 * MIN + PANE_MS, "recovered")]


def test_silence_and_rules_of_all_hours_do_not_end_at_closing() -> None:
    queue = a_queue(hours(0, 250))
    usual(queue)
    bad(queue, NOON - 20 * MIN)
    silent, always = a_rule(SilenceRule, name="s"), a_rule(DropRule, only_open=False)
    assert moved(queue, silent) == [("firing", 0)]
    bad(queue, NOON - PANE_MS)
    queue.queues[0].newest_pane = NOON - 20 * MIN
    assert moved(queue, always, silent) == [("firing", 0)]
    assert ends(queue, silent, always, start=PANE_MS, until=5 * HOUR) == []
    good(queue, NOON + 5 * HOUR)
    at = 5 * HOUR + PANE_MS
    assert ends(queue, silent, always, start=at, until=at) == [
        ("s", at, "recovered"),
        ("r", at, "recovered"),
    ]


def test_a_queue_of_all_hours_that_has_grown_quiet_ends_with_a_call_that_is_counted() -> None:
    queue, rule = a_queue(), a_rule(DropRule)
    bad(queue)
    assert moved(queue, rule) == [("firing", 0)]
    assert ends(queue, rule, start=PANE_MS, until=4 * HOUR) == []
    queue.queues[0].open_pane(0, NOON + 4 * HOUR)[0] = 1
    queue.queues[0].changed = ALL_KPIS
    at = 4 * HOUR + PANE_MS
    (end,) = evaluated(queue, [rule], NOON + at)
    assert (end.end_reason, end.offered, end.window_ms) == ("quiet", 1, 2 * HOUR)
    assert (end.value, end.threshold) == (None, None)
    bad(queue, NOON + at)
    assert moved(queue, rule, start=at + PANE_MS, until=at + PANE_MS) == [("firing", at + PANE_MS)]


def test_a_quiet_queue_has_to_be_quiet_for_as_long_as_it_keeps_firing() -> None:
    queue, rule = a_queue(), a_rule(DropRule, keep_firing_ms=10 * MIN)
    bad(queue)
    assert moved(queue, rule) == [("firing", 0)]
    queue.queues[0].open_pane(0, NOON + 4 * HOUR)[0] = 1
    queue.queues[0].changed = ALL_KPIS
    at = 4 * HOUR + PANE_MS
    assert ends(queue, rule, start=at, until=5 * HOUR) == [("r", at + 10 * MIN, "quiet")]


def test_few_good_calls_end_it_once_there_are_enough_of_them() -> None:
    queue, rule = a_queue(), a_rule(DropRule)
    bad(queue)
    assert moved(queue, rule) == [("firing", 0)]
    for minute in range(180, 240, 2):
        queue.queues[0].open_pane(0, NOON + minute * MIN)[:3] = [1, 1, 1]
    queue.queues[0].changed = ALL_KPIS
    (end,) = evaluated(queue, [rule], NOON + 240 * MIN)
    assert (end.end_reason, end.offered, end.answered_within) == ("recovered", 20, 20)
    assert end.window_ms == 40 * MIN


def test_time_alone_lets_bad_calls_out_of_a_longer_window() -> None:
    queue, rule = a_queue(), a_rule(DropRule, window_ms=MIN, min_offered=2)
    bad(queue)
    assert moved(queue, rule) == [("firing", 0)]
    bad(queue, NOON)  # in the four minutes until the 8th pane, not in those until the 9th
    for at in (3 * PANE_MS, 7 * PANE_MS):
        queue.queues[0].open_pane(0, NOON + at)[:3] = [1, 1, 1]
        queue.queues[0].changed = ALL_KPIS
        assert ends(queue, rule, start=at + PANE_MS, until=at + PANE_MS) == []
    assert ends(queue, rule, start=9 * PANE_MS, until=HOUR) == [("r", 9 * PANE_MS, "recovered")]


COUNTED: list[tuple[Rule, int, list[int]]] = [
    (a_rule(DropRule), 0, [100]),
    (a_rule(ShareRule), 0, [100, 0, 0, 100]),
    (a_rule(ShareRule, kpi="complaint_rate"), 2, [50]),
    (a_rule(JumpRule, aht_ms=1000), 1, [100, 900_000]),
]


@pytest.mark.parametrize(("rule", "kpi", "counts"), COUNTED)
def test_a_rule_is_asked_again_when_a_pane_changes_of_a_kpi_that_it_counts(
    rule: Rule, kpi: int, counts: list[int]
) -> None:
    queue = a_queue()
    queue.queues[0].open_pane(1, NOON - PANE_MS)[:2] = [100, 100_000]
    assert moved(queue, rule) == []
    queue.queues[0].open_pane(kpi, NOON - PANE_MS)[: len(counts)] = counts
    queue.queues[0].changed = ALL_KPIS ^ 1 << kpi
    if rule.inputs == 1 << kpi:  # of others it need not be
        assert moved(queue, rule, start=PANE_MS, until=PANE_MS) == []
    queue.queues[0].changed = 1 << kpi
    said = moved(queue, rule, start=2 * PANE_MS, until=2 * PANE_MS)
    assert said == [("firing", 2 * PANE_MS)]


@pytest.mark.parametrize("kpi", [0, 1, 2])
def test_a_rule_is_asked_again_when_a_pane_of_its_kpis_leaves_its_window(kpi: int) -> None:
    rule, before, counts = {
        0: (a_rule(DropRule, window_ms=MIN), [100, 100, 100], [20, 20, 10]),
        1: (a_rule(JumpRule, window_ms=MIN, aht_ms=1000), [900, 900], [30, 90_000]),
        2: (a_rule(ShareRule, window_ms=MIN, kpi="complaint_rate"), [900], [30]),
    }[kpi]
    queue = a_queue()
    queue.queues[0].open_pane(min(kpi, 1), NOON - 2 * PANE_MS)[: len(before)] = before
    queue.queues[0].open_pane(min(kpi, 1), NOON - PANE_MS)[: len(counts)] = counts
    queue.queues[0].open_pane(2, NOON - PANE_MS)[0] = 15
    assert moved(queue, rule, until=MIN) == [("firing", PANE_MS)]


def test_a_surge_is_looked_for_though_no_call_comes_since_less_and_less_is_expected() -> None:
    queue = a_queue()
    of_day = [0] * 48
    of_day[7] = 600  # a hundred in five minutes until noon, which is 4:00 in UTC, and none after
    queue.queues[0].days[TODAY - 7] = DaySum(offered=of_day)
    queue.queues[0].open_pane(0, NOON - PANE_MS)[0] = 60
    assert moved(queue, a_rule(SurgeRule), until=4 * MIN) == [("firing", 3 * MIN)]


def test_a_wait_grows_though_no_pane_changes() -> None:
    queue = a_queue()
    queue.queues[0].open_pane(0, NOON - PANE_MS)[SERVICE_LEVEL_FIELDS.index("waiting_over")] = 1
    rule = a_rule(BacklogRule, kpi="longest_wait", enter=80_000, leave=60_000)
    assert moved(queue, rule, until=2 * MIN) == [("firing", MIN)]


def test_what_fires_may_end_by_calls_that_it_does_not_count() -> None:
    queue, rule = a_queue(), a_rule(ShareRule, kpi="complaint_rate")
    queue.queues[0].open_pane(1, NOON - PANE_MS)[0] = 100
    queue.queues[0].open_pane(2, NOON - PANE_MS)[0] = 50
    assert moved(queue, rule, until=3 * HOUR) == [("firing", 0)]
    queue.queues[0].open_pane(0, NOON + 3 * HOUR)[:3] = [1, 1, 1]
    queue.queues[0].changed = 1
    at = 3 * HOUR + PANE_MS
    assert ends(queue, rule, start=at, until=at) == [("r", at, "quiet")]


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
    queue.queues[0].newest_pane = NOON - HOUR
    assert moved(queue, rule, until=6 * MIN) == [("firing", 5 * MIN)]
    for target in (hours(239, 1440), with_break(238, 239)):
        queue = a_queue(target)
        usual(queue)
        queue.queues[0].newest_pane = NOON - HOUR
        assert moved(queue, a_rule(SilenceRule), until=6 * MIN) == [("firing", 4 * MIN)]


def usual(queue: Subject) -> None:
    """Let it expect a hundred calls in each half hour of this weekday."""
    queue.queues[0].days[TODAY - 7] = DaySum(offered=[100] * 48)


# --- several queues judged as one ---------------------------------------------------------------


def a_client(*targets: ServiceTarget) -> Subject:
    """Return a client whose queues have these terms."""
    queues = [
        QueueState("acme", "", f"q{n}", TargetHistory((0,), (target,)))
        for n, target in enumerate(targets)
    ]
    return Subject(Place(Scope.CLIENT, "acme"), Rules((), (), 0), queues)


def count(
    subject: Subject, number: int, offered: int, within: int, at: int = NOON - PANE_MS
) -> None:
    queue = subject.queues[number]
    queue.open_pane(0, at)[:3] = [offered, offered, within]
    queue.changed = ALL_KPIS


def test_an_alert_of_a_client_says_what_all_its_queues_did() -> None:
    client = a_client(a_target(goal_permille=900), a_target(goal_permille=700))
    client.place = Place(Scope.PROGRAMME, "acme", "north", "retail")
    rule = a_rule(BurnRule, scope=Scope.PROGRAMME, enter_permille=2000)
    count(client, 0, 60, 0)
    count(client, 1, 40, 20)
    (alert,) = evaluated(client, [rule], NOON)
    assert (alert.scope, alert.client, alert.site) == ("programme", "acme", "north")
    assert (alert.programme, alert.queue) == ("retail", "")
    assert (alert.offered, alert.answered_within, alert.goal_permille) == (100, 20, 820)
    assert (alert.long_offered, alert.long_answered_within) == (100, 20)
    assert (alert.day_counted, alert.day_good, alert.month_good) == (100, 20, 20)
    for queue in client.queues:
        queue.panes[0].clear()
        queue.touch(0, NOON - PANE_MS)
    other = a_rule(BurnRule, until_day=TODAY)
    client.alerts = {"r": AlertState(firing=True, since_ms=NOON)}
    (end,) = evaluated(client, [other], NOON)
    assert (end.goal_permille, end.offered) == (700, 0)  # the lowest, where no call weighs them


def test_a_change_of_any_queue_is_looked_at() -> None:
    client, rule = a_client(a_target(), a_target()), a_rule(DropRule)
    count(client, 0, 100, 100)
    assert moved(client, rule) == []
    count(client, 1, 1000, 0)
    assert moved(client, rule, start=PANE_MS, until=PANE_MS) == [("firing", PANE_MS)]


def test_a_pane_that_leaves_the_window_of_any_queue_is_noticed() -> None:
    client, rule = a_client(a_target(), a_target()), a_rule(DropRule, window_ms=MIN)
    count(client, 0, 100, 50)
    count(client, 1, 1000, 1000, NOON - 2 * PANE_MS)
    assert moved(client, rule, until=MIN) == [("firing", PANE_MS)]


def test_a_client_is_open_while_any_of_its_queues_is() -> None:
    early, late = hours(0, 240), hours(240, 250)
    for targets, fires in (((early, early), False), ((early, late), True), ((late, early), True)):
        client = a_client(*targets)
        count(client, 0, 100, 0)
        assert bool(moved(client, a_rule(DropRule))) is fires
    client = a_client(early, late)
    count(client, 0, 100, 0)
    assert moved(client, a_rule(DropRule)) == [("firing", 0)]
    assert ends(client, a_rule(DropRule), start=PANE_MS, until=HOUR) == [("r", 15 * MIN, "closed")]
    always = a_client(early, a_target())
    count(always, 0, 100, 0)
    assert moved(always, a_rule(DropRule)) == [("firing", 0)]
    assert ends(always, a_rule(DropRule), start=PANE_MS, until=HOUR) == []


def test_silence_of_a_client_is_none_if_no_queue_was_open_throughout() -> None:
    for targets, fires in (
        ((with_break(238, 239), with_break(237, 238)), False),
        ((with_break(238, 239), hours(0, 1440)), True),
    ):
        client = a_client(*targets)
        for queue in client.queues:
            queue.days[TODAY - 7] = DaySum(offered=[100] * 48)
            queue.newest_pane = NOON - HOUR
        assert bool(moved(client, a_rule(SilenceRule))) is fires


def test_maintenance_of_any_queue_holds_a_client_back() -> None:
    client = a_client(a_target(), a_target())
    count(client, 0, 100, 0)
    window = Maintenance(start_ms=NOON, end_ms=NOON + MIN, queue="q1")
    assert moved(client, a_rule(DropRule, maintenance=(window,)), until=2 * MIN) == [
        ("firing", MIN)
    ]


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
    fold.queue("acme", "", "service").days[TODAY - 7] = DaySum(offered=[100] * 48)
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


def test_a_forecast_issued_later_changes_nothing_that_was_decided() -> None:
    """Noon's half hours have 100 calls each; an hour later that is taken back as of 20 past."""
    rules = [a_rule(SilenceRule, name="silence")]
    events = log(("other", 0, 60 * MIN), ("service", 0, MIN))

    def said(*forecasts: Forecast) -> list[tuple[str, int, str | None]]:
        fold = PartitionFold(history, rules, forecasts=by_queue(forecasts))
        fold.fold((i, event.occurred_at_ms, event) for i, event in enumerate(events))
        found = fold.take_outbox().alerts
        return [(a.status, a.at_ms - NOON, a.forecast_source) for a in found]

    first = [
        a_forecast(interval_start_ms=NOON + n * 30 * MIN, calls_milli=100_000, as_of_ms=1)
        for n in range(2)
    ]
    back = [replace(one, as_of_ms=NOON + 20 * MIN, is_withdrawn=True) for one in first]
    early = [replace(one, as_of_ms=NOON + 9 * MIN, is_withdrawn=True) for one in first]
    assert said(*first) == said(*first, *back) == [("firing", 10 * MIN, "file")]
    assert said(*first, *early) == said() == []


def test_a_forecast_is_the_basis_and_no_part_of_a_snapshot() -> None:
    forecasts = by_queue([a_forecast(queue="service")])
    fold = PartitionFold(history, SILENCE, forecasts=forecasts)
    fold.fold([(0, NOON, an_event("queued"))])
    fold.take_outbox()
    plain = dump(fold)
    for restored in (load(plain, history, SILENCE, forecasts=forecasts), fold):
        assert restored.queues["acme", "", "service"].forecast is forecasts["acme", "", "service"]
    assert load(plain, history, SILENCE).queues["acme", "", "service"].forecast is None


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


GROUPING = Grouping(programmes=(Programme(name="retail", client="acme", queue="or*"),))
SCOPED: list[Rule] = [
    a_rule(DropRule, name=scope, scope=scope, grouping=GROUPING, min_offered=3) for scope in Scope
]


def missed(queue: str, at: int, **fields: str) -> list[CallEvent]:
    contact = f"{queue}{at}{fields}"
    return [
        an_event(kind, at + after, contact_id=contact, queue=queue, **fields)
        for kind, after in (("queued", 0), ("answered", 25_000), ("ended", 26_000))
    ]


def test_a_fold_judges_what_it_holds_whole() -> None:
    events = [
        *missed("orders", 0), *missed("orders", 1000), *missed("returns", 2000),
        *(e for n in range(3) for e in missed("orders", n, site="north")),
        *(e for n in range(3) for e in missed("loans", n, client="bank")),
        an_event("queued", 2 * MIN, contact_id="clock", client="clock"),
    ]  # fmt: skip
    events.sort(key=lambda event: event.occurred_at_ms)
    _, said = folded(events, SCOPED)
    found = {(a.scope, a.client, a.site, a.programme, a.queue) for a in said}
    assert found == {
        ("client", "acme", "", None, ""),  # three calls, but only two of one queue
        ("site", "acme", "north", None, ""),
        ("programme", "acme", "north", "retail", ""),
        ("queue", "acme", "north", "retail", "orders"),
        ("queue", "bank", "", None, "loans"),
        ("client", "bank", "", None, ""),
    }
    assert len({a.alert_id for a in said}) == len(said)
    for restart_at in range(7, len(events), 7):
        assert folded(events, SCOPED, restart_at)[1] == said


def test_a_rule_of_a_scope_alone_has_no_other_subject() -> None:
    fold, said = folded(missed("orders", 0), [SCOPED[2]])
    assert (list(fold.subjects), said) == ([], [])
