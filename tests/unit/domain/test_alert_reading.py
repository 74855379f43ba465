"""What each kind of rule finds in panes that are written by hand."""

from __future__ import annotations

import pytest

from pipeline.domain.alert_parts import is_fresh, is_quiet
from pipeline.domain.alert_reading import Reading, read
from pipeline.domain.alert_rule import (
    BacklogRule,
    BurnRule,
    DropRule,
    JumpRule,
    Rule,
    ShareRule,
    SilenceRule,
    SurgeRule,
)
from pipeline.domain.alert_subject import View
from pipeline.domain.day_sums import DaySum, day_of
from pipeline.domain.definition import KpiDefinition, ShortAbandons
from pipeline.domain.forecast_book import QueueForecast
from pipeline.domain.kpi import PANE_MS, SERVICE_LEVEL_FIELDS
from pipeline.domain.queue_state import QueueState, remember, so_far
from pipeline.domain.service_level import Variant
from pipeline.domain.target import ServiceTarget, TargetHistory
from tests.factories import NOON, a_target
from tests.unit.domain.test_alert import a_rule
from tests.unit.domain.test_forecast_book import a_forecast

MIN = 60_000
HOUR = 60 * MIN
DAY = 24 * HOUR
TODAY = day_of(NOON, "UTC").ordinal


def a_queue(target: ServiceTarget | None = None) -> QueueState:
    return QueueState("acme", "", "service", TargetHistory((0,), (target or a_target(),)))


def counted(queue: QueueState, before_ms: int = PANE_MS, **counts: int) -> None:
    """Count calls in the pane that begins so long before noon."""
    pane = queue.open_pane(0, NOON - before_ms)
    for name, calls in counts.items():
        pane[SERVICE_LEVEL_FIELDS.index(name)] += calls


def view(*queues: QueueState) -> View:
    return View(NOON, [(queue, queue.history.targets[0]) for queue in queues])


def reading(rule: Rule, queue: QueueState, *, firing: bool = False) -> Reading | None:
    return read(rule, view(queue), NOON - 6 * HOUR if firing else 0)


def found(rule: Rule, queue: QueueState) -> tuple[bool, bool, int | None, int | None]:
    """Return whether it would fire, whether it would resolve if it fired, and the figures."""
    at_rest, got = reading(rule, queue), reading(rule, queue, firing=True)
    assert got is not None
    assert at_rest is None or (at_rest.holds and at_rest[1:] == got[1:])
    return at_rest is not None, *got[1:4]


@pytest.mark.parametrize(
    ("within", "holds", "over"),
    [
        *((800, False, True), (780, False, True), (779, False, False)),
        *((700, False, False), (699, True, False)),
    ],
)
def test_a_margin_is_below_the_goal_and_has_an_enter_and_a_leave(
    within: int, *, holds: bool, over: bool
) -> None:
    queue = a_queue()
    counted(queue, offered=1000, answered_within=within)
    assert found(a_rule(DropRule), queue) == (holds, over, within, 700)


def test_too_few_calls_say_nothing() -> None:
    for rule in (
        a_rule(DropRule),
        a_rule(BurnRule, min_calls=20),
        a_rule(ShareRule, min_calls=20),
    ):
        queue = a_queue()
        assert reading(rule, queue) is None
        counted(queue, offered=19, abandoned=19)
        assert reading(rule, queue) is None
        counted(queue, before_ms=2 * PANE_MS, offered=1)
        assert reading(rule, queue) is not None


def test_burn_has_to_hold_in_both_windows() -> None:
    rule = a_rule(BurnRule)  # 3 times the 20 % of misses that the goal allows
    queue = a_queue()
    counted(queue, offered=100, answered_within=39)
    assert found(rule, queue) == (True, False, 3050, 3000)
    counted(queue, before_ms=20 * MIN, offered=100, answered_within=90)
    assert found(rule, queue) == (False, False, 3050, 3000)
    counted(queue, before_ms=40 * MIN, offered=1000)  # in neither window
    assert found(rule, queue) == (False, False, 3050, 3000)


@pytest.mark.parametrize(
    ("within", "holds", "over"),
    [(40, True, False), (41, False, False), (70, False, False), (71, False, True)],
)
def test_burn_enters_at_three_and_leaves_below_one_and_a_half(
    within: int, *, holds: bool, over: bool
) -> None:
    queue = a_queue()
    counted(queue, offered=100, answered_within=within)
    assert found(a_rule(BurnRule), queue)[:2] == (holds, over)


def test_burn_is_scaled_to_the_goal() -> None:
    queue = a_queue(a_target(goal_permille=900))
    counted(queue, offered=100, answered_within=70)
    assert found(a_rule(BurnRule), queue) == (True, False, 3000, 3000)


def test_a_goal_of_all_calls_burns_by_the_first_miss_and_not_without() -> None:
    queue = a_queue(a_target(goal_permille=1000))
    counted(queue, offered=20, answered_within=20)
    assert found(a_rule(BurnRule), queue)[:2] == (False, True)
    counted(queue, before_ms=2 * PANE_MS, offered=1)
    assert found(a_rule(BurnRule), queue)[:3] == (True, False, 1_000_000)


def test_burn_needs_more_calls_than_chance_explains() -> None:
    queue = a_queue()
    counted(queue, offered=5, answered_within=2)
    eager = a_rule(BurnRule, min_calls=1)
    assert found(eager, queue)[0] is False
    counted(queue, before_ms=2 * PANE_MS, offered=5, answered_within=2)
    assert found(eager, queue)[0] is True
    assert found(a_rule(BurnRule, min_calls=1, inflation_permille=4000), queue)[0] is False


def test_a_share_is_above_its_limit_by_more_than_chance() -> None:
    rule, queue = a_rule(ShareRule), a_queue()
    counted(queue, offered=100, answered=84, abandoned=16)
    assert found(rule, queue) == (False, False, 160, 100)  # inflated: might be chance
    assert found(a_rule(ShareRule, inflation_permille=1000), queue)[0] is True
    counted(queue, before_ms=2 * PANE_MS, offered=100, answered=80, abandoned=20)
    assert found(rule, queue) == (True, False, 180, 100)


def test_a_share_leaves_below_its_lower_limit() -> None:
    for abandoned, over in ((5, False), (4, True)):
        queue = a_queue()
        counted(queue, offered=100, answered=100 - abandoned, abandoned=abandoned)
        assert found(a_rule(ShareRule), queue)[:2] == (False, over)
        assert reading(a_rule(ShareRule), queue) is None


def test_complaints_are_shared_among_calls_handled() -> None:
    queue = a_queue()
    queue.open_pane(1, NOON - PANE_MS)[0] = 50
    queue.open_pane(2, NOON - PANE_MS)[0] = 20
    assert found(a_rule(ShareRule, kpi="complaint_rate"), queue) == (True, False, 400, 100)


def test_calls_waiting_now_are_those_past_their_threshold_without_an_end() -> None:
    queue = a_queue()
    counted(queue, before_ms=5 * PANE_MS, waiting_over=4, offered=9)
    counted(queue, offered=6, waiting_over=6)
    assert found(a_rule(BacklogRule, kpi="backlog"), queue) == (True, False, 10, 10)
    longest = a_rule(BacklogRule, kpi="longest_wait", enter=140_000, leave=60_000)
    assert found(longest, queue) == (True, False, 140_000, 140_000)
    counted(queue, before_ms=5 * PANE_MS)  # opened anew: they have been answered
    assert found(longest, queue)[:3] == (False, True, 20_000)
    for leave, over in ((6, False), (7, True)):
        assert found(a_rule(BacklogRule, kpi="backlog", leave=leave), queue)[1] is over


def test_calls_that_waited_when_the_feed_broke_are_not_over() -> None:
    rule = a_rule(BacklogRule, kpi="longest_wait", enter=140_000, leave=60_000)
    assert found(rule, a_queue()) == (False, False, 0, 140_000)


@pytest.mark.parametrize(("idle", "over"), [(9 * PANE_MS, True), (10 * PANE_MS, False)])
def test_calls_that_waited_are_over_while_others_are_counted(idle: int, *, over: bool) -> None:
    queue = a_queue()
    counted(queue, before_ms=idle + PANE_MS, offered=1)
    rule = a_rule(BacklogRule, kpi="backlog")
    assert found(rule, queue)[1] is over
    assert found(a_rule(BacklogRule, keep_firing_ms=PANE_MS), queue)[1] is True


FEW: list[tuple[Rule, dict[str, int]]] = [
    (a_rule(DropRule, min_offered=10), {"offered": 1, "answered_within": 1}),
    (a_rule(BurnRule), {"offered": 1, "answered_within": 1}),
    (a_rule(ShareRule), {"offered": 1, "answered": 1}),
]


@pytest.mark.parametrize(("rule", "one"), FEW)
def test_what_fires_looks_farther_back_for_enough_calls(rule: Rule, one: dict[str, int]) -> None:
    queue = a_queue()
    for n in range(9):
        counted(queue, before_ms=(4 * n + 1) * PANE_MS, **one)  # a call in two minutes
    assert reading(rule, queue, firing=True) is None
    counted(queue, before_ms=41 * PANE_MS, offered=100, abandoned=100)
    got = reading(rule, queue, firing=True)
    assert got is None or not got.over  # with them come those for which it fires
    queue.panes[0].pop(NOON - 41 * PANE_MS)
    queue.touch(0, NOON - 41 * PANE_MS)
    counted(queue, before_ms=40 * PANE_MS, **one)
    got = reading(rule, queue, firing=True)
    assert got is not None
    assert (got.over, got.window_ms) == (True, 20 * MIN)
    assert reading(rule, queue) is None  # to fire it takes enough in the rule's own window


def test_handle_time_looks_farther_back_too() -> None:
    rule, queue = a_rule(JumpRule, aht_ms=100_000, min_calls=3), a_queue()
    for before in (PANE_MS, 6 * MIN, HOUR):
        queue.open_pane(1, NOON - before)[:4] = [1, 90_000, 0, 0]
    counted(queue, offered=1)
    assert reading(rule, queue) is None
    got = reading(rule, queue, firing=True)
    assert got is not None
    assert (got.over, got.value, got.window_ms) == (True, 90_000, 80 * MIN)


def test_it_does_not_look_farther_than_two_hours_nor_once_no_calls_come() -> None:
    rule, queue = a_rule(DropRule, min_offered=2), a_queue()
    counted(queue, offered=1, answered_within=1)
    counted(queue, before_ms=2 * HOUR + PANE_MS, offered=1, answered_within=1)
    assert reading(rule, queue, firing=True) is None
    counted(queue, before_ms=2 * HOUR, offered=1, answered_within=1)
    got = reading(rule, queue, firing=True)
    assert got is not None
    assert got.window_ms == 2 * HOUR
    for idle, known in ((10 * MIN, True), (10 * MIN + PANE_MS, False)):  # half of 20 minutes
        queue = a_queue()
        counted(queue, before_ms=idle + PANE_MS, offered=2, answered_within=2)
        assert (reading(rule, queue, firing=True) is not None) is known


def test_it_does_not_look_farther_back_than_to_when_it_began() -> None:
    rule, queue = a_rule(DropRule, min_offered=10), a_queue()
    counted(queue, offered=5, answered_within=5)
    counted(queue, before_ms=8 * MIN, offered=4, answered_within=4)
    counted(queue, before_ms=8 * MIN + PANE_MS, offered=1, answered_within=1)
    assert read(rule, view(queue), NOON - 8 * MIN) is None
    got = read(rule, view(queue), NOON - 8 * MIN - PANE_MS)
    assert got is not None
    assert (got.over, got.window_ms) == (True, 8 * MIN + PANE_MS)
    assert read(rule, view(queue), NOON) is None


def test_too_few_calls_to_judge_are_quiet_while_they_come_and_no_more_are_expected() -> None:
    rule = a_rule(DropRule, min_offered=10)

    def quiet(queue: QueueState, a_rule_: Rule = rule) -> bool:
        return is_quiet(a_rule_, view(queue))

    queue = a_queue()
    counted(queue, before_ms=2 * HOUR, offered=9)
    assert not quiet(queue)  # none has been counted of late
    counted(queue)
    assert quiet(queue)
    counted(queue, offered=1)
    assert not quiet(queue)  # ten can be judged
    counted(queue, offered=-1)
    usual(queue, 5)  # 20 in two hours
    assert not quiet(queue)
    usual(queue, 3)
    assert quiet(queue)
    assert not quiet(queue, a_rule(BacklogRule))
    for idle, fresh in ((9 * PANE_MS, True), (10 * PANE_MS, False)):
        queue = a_queue()
        counted(queue, before_ms=idle + PANE_MS, offered=1)
        assert quiet(queue) is fresh
    assert quiet(queue, a_rule(DropRule, keep_firing_ms=PANE_MS))


def test_what_was_two_hours_ago_is_not_fresh_however_long_it_keeps_firing() -> None:
    rule = a_rule(DropRule, keep_firing_ms=3 * HOUR)
    for idle, fresh in ((2 * HOUR - PANE_MS, True), (2 * HOUR, False)):
        queue = a_queue()
        counted(queue, before_ms=idle + PANE_MS, offered=1)
        assert is_fresh(rule, view(queue)) is fresh


def handled(queue: QueueState, calls: int, each_ms: int) -> None:
    queue.open_pane(1, NOON - PANE_MS)[:4] = [calls, calls * each_ms, 0, 0]


def test_handle_time_jumps_against_the_weekdays_last_weeks() -> None:
    rule, queue = a_rule(JumpRule), a_queue()
    handled(queue, 30, 260_000)
    assert reading(rule, queue) is None  # nothing is known of the weekday
    queue.days[TODAY - 7] = DaySum(handled=10, handle_ms=2_000_000)
    got = reading(rule, queue)
    assert got is not None
    assert got == (True, False, 260_000, 260_000, None, "profile", 300_000)
    handled(queue, 30, 219_999)
    assert found(rule, queue)[:2] == (False, True)
    handled(queue, 30, 220_000)
    assert found(rule, queue)[:2] == (False, False)
    handled(queue, 29, 900_000)
    assert reading(rule, queue) is None


def test_handle_time_jumps_against_a_fixed_figure() -> None:
    queue = a_queue()
    handled(queue, 30, 129_999)
    assert found(a_rule(JumpRule, aht_ms=100_000), queue) == (False, False, 129_999, 130_000)
    handled(queue, 30, 130_000)
    got = reading(a_rule(JumpRule, aht_ms=100_000), queue)
    assert got is not None
    assert (got.holds, got.forecast_source) == (True, "fixed")


def usual(queue: QueueState, calls: int) -> None:
    """Let the queue expect so many calls in each half hour of this weekday."""
    queue.days[TODAY - 7] = DaySum(offered=[calls] * 48)


def test_a_surge_is_against_what_the_weekday_brings() -> None:
    rule, queue = a_rule(SurgeRule), a_queue()
    counted(queue, offered=60)
    assert reading(rule, queue) is None  # nothing is known of the weekday
    usual(queue, 120)  # 20 in five minutes
    assert reading(rule, queue) == (True, False, 60, 30, 20_000, "profile", None)
    usual(queue, 241)  # 40.166 in five minutes; 1.49 times as many are no surge
    assert found(rule, queue)[:2] == (False, False)
    usual(queue, 300)  # 50 in five minutes, of which 60 are the 1.2 times at which it leaves
    assert found(rule, queue)[:2] == (False, False)
    usual(queue, 301)
    assert found(rule, queue)[:2] == (False, True)


def test_a_surge_of_few_calls_is_none_and_no_calls_are_no_end() -> None:
    rule, queue = a_rule(SurgeRule), a_queue()
    usual(queue, 6)
    counted(queue, offered=19)
    assert found(rule, queue)[0] is False
    counted(queue, offered=20)
    assert found(rule, queue)[0] is True
    queue.panes[0].clear()
    assert reading(rule, queue, firing=True) is None


def test_silence_is_when_calls_are_expected_and_none_comes() -> None:
    rule, queue = a_rule(SilenceRule), a_queue()
    counted(queue, before_ms=6 * MIN, offered=1)
    assert reading(rule, queue) is None  # nothing is known of the weekday
    usual(queue, 59)  # 9.8 in five minutes
    assert reading(rule, queue) is None
    usual(queue, 60)
    assert reading(rule, queue) == (True, False, 330_000, 300_000, 10_000, "profile", None)


def test_silence_is_over_when_calls_come_and_not_before() -> None:
    rule, queue = a_rule(SilenceRule), a_queue()
    usual(queue, 1)  # nothing to expect any more, as at night
    counted(queue, before_ms=DAY, offered=1)
    assert reading(rule, queue, firing=True) is None
    counted(queue, before_ms=11 * PANE_MS, offered=1)
    assert reading(rule, queue, firing=True) is None
    counted(queue, before_ms=10 * PANE_MS, offered=1)
    assert found(rule, queue) == (False, True, 270_000, 300_000)
    counted(queue, offered=1)
    assert found(rule, queue) == (False, True, 0, 300_000)


def forecast(queue: QueueState, calls: int, until: int = 30 * MIN) -> None:
    """Let so many calls be forecast from noon's half hour before to ``until`` after."""
    start = NOON - 30 * MIN
    queue.forecast = QueueForecast(
        [start],
        [[a_forecast(0, calls, interval_start_ms=start, interval_ms=until, as_of_ms=start)]],
    )


def test_a_forecast_is_expected_rather_than_what_the_weekday_brings() -> None:
    queue = a_queue()
    usual(queue, 600)
    forecast(queue, 60)  # ten in five minutes
    counted(queue, offered=30)
    got = reading(a_rule(SurgeRule), queue)
    assert got is not None
    assert (got.expected_milli, got.forecast_source) == (10_000, "file")
    queue = a_queue()
    usual(queue, 60)
    counted(queue, before_ms=6 * MIN, offered=1)
    forecast(queue, 59)
    assert reading(a_rule(SilenceRule), queue) is None
    forecast(queue, 66)
    got = reading(a_rule(SilenceRule), queue)
    assert got is not None
    assert (got.expected_milli, got.forecast_source) == (11_000, "file")
    forecast(queue, 66, until=30 * MIN - 1)  # not for all of the window
    got = reading(a_rule(SilenceRule), queue)
    assert got is not None
    assert (got.expected_milli, got.forecast_source) == (10_000, "profile")


def test_of_several_queues_the_source_is_a_file_if_it_is_for_all() -> None:
    one, other = a_queue(), a_queue()
    forecast(one, 60)
    usual(other, 60)
    counted(one, offered=100)
    got = of_all(a_rule(SurgeRule), one, other)
    assert got is not None
    assert (got.expected_milli, got.forecast_source) == (20_000, "profile")
    forecast(other, 90)
    got = of_all(a_rule(SurgeRule), one, other)
    assert got is not None
    assert (got.expected_milli, got.forecast_source) == (25_000, "file")


# --- several queues judged as one ---------------------------------------------------------------


def of_all(rule: Rule, *queues: QueueState, firing: bool = False) -> Reading | None:
    return read(rule, view(*queues), NOON - 6 * HOUR if firing else 0)


def two_goals() -> tuple[QueueState, QueueState]:
    return a_queue(a_target(goal_permille=900)), a_queue(a_target(goal_permille=700))


def test_parts_are_summed_over_the_queues_and_goals_over_their_calls() -> None:
    strict, lax = two_goals()
    counted(strict, offered=30, answered_within=18)
    counted(lax, offered=10, answered_within=10)
    got = of_all(a_rule(DropRule), strict, lax)
    assert got is not None  # 28 of 40 is 70 %; the goals' mean by their calls is 85 %
    assert got[:4] == (True, False, 700, 750)
    counted(lax, before_ms=2 * PANE_MS, offered=10, answered_within=10)
    assert of_all(a_rule(DropRule), strict, lax) is None  # 76 % of 82 %
    assert of_all(a_rule(DropRule, min_offered=51), strict, lax, firing=True) is None


def test_burn_of_several_queues_is_by_what_all_their_goals_allow() -> None:
    strict, lax = two_goals()
    counted(strict, offered=100, answered_within=30)
    counted(lax, offered=100, answered_within=50)
    got = of_all(a_rule(BurnRule), strict, lax)
    assert got is not None  # 120 misses, 10 + 30 allowed
    assert got[:4] == (True, False, 3000, 3000)
    counted(lax, before_ms=2 * PANE_MS, offered=1, answered_within=1)
    assert of_all(a_rule(BurnRule), strict, lax) is None


def test_each_queue_abandons_by_its_own_definition() -> None:
    short_out = KpiDefinition(
        name="x", short_abandons_out_of=frozenset({ShortAbandons.ABANDON_RATE})
    )
    one, other = a_queue(), a_queue(a_target(definition=short_out))
    counted(one, offered=100, answered=70, abandoned=30)
    counted(other, offered=100, answered=70, abandoned=30, abandoned_short=30)
    got = of_all(a_rule(ShareRule), one, other)
    assert got is not None
    assert got.value == 30_000 // 170
    for queue in (one, other):
        queue.open_pane(1, NOON - PANE_MS)[0] = 50
        queue.open_pane(2, NOON - PANE_MS)[0] = 20
    got = of_all(a_rule(ShareRule, kpi="complaint_rate"), one, other)
    assert got is not None
    assert got.value == 400


def test_calls_wait_in_any_queue_and_longest_by_its_own_threshold() -> None:
    one, other = a_queue(), a_queue(a_target(threshold_ms=60_000))
    counted(one, before_ms=3 * PANE_MS, waiting_over=4)
    counted(other, before_ms=2 * PANE_MS, waiting_over=6)
    got = of_all(a_rule(BacklogRule, kpi="backlog"), one, other)
    assert got is not None
    assert got.value == 10
    got = of_all(a_rule(BacklogRule, kpi="longest_wait", enter=1, leave=1), one, other)
    assert got is not None
    assert got.value == 90_000  # 60 s and the one pane since; of the other 20 s and two


def test_another_mix_of_queues_is_no_jump_of_handle_time() -> None:
    short, long = a_queue(), a_queue()
    short.days[TODAY - 7] = DaySum(handled=100, handle_ms=10_000_000)
    long.days[TODAY - 7] = DaySum(handled=100, handle_ms=50_000_000)
    handled(short, 1, 100_000)
    handled(long, 30, 500_000)
    assert of_all(a_rule(JumpRule), short, long) is None
    got = of_all(a_rule(JumpRule), short, long, firing=True)
    assert got is not None
    assert (got.over, got.value, got.threshold) == (True, 487_096, 633_225)
    unknown = a_queue()
    handled(unknown, 1000, 900_000)
    assert of_all(a_rule(JumpRule), short, long, unknown) is None
    handled(long, 30, 900_000)
    got = of_all(a_rule(JumpRule), short, long, unknown)
    assert got is not None
    assert got.value == 874_193


def test_what_is_expected_of_several_queues_is_of_those_of_which_it_is_known() -> None:
    one, other, unknown = a_queue(), a_queue(), a_queue()
    usual(one, 60)
    usual(other, 60)  # ten in five minutes each
    counted(one, offered=20)
    counted(other, offered=20)
    counted(unknown, offered=100)
    got = of_all(a_rule(SurgeRule), one, other, unknown)
    assert got is not None
    assert (got.value, got.expected_milli) == (40, 20_000)
    one, other = a_queue(), a_queue()
    usual(one, 60)
    usual(other, 60)
    counted(one, before_ms=6 * MIN, offered=1)
    counted(other, before_ms=7 * MIN, offered=1)
    got = of_all(a_rule(SilenceRule, min_expected=20), one, other)
    assert got is not None
    assert (got.value, got.expected_milli) == (330_000, 20_000)
    counted(other, before_ms=5 * MIN, offered=1)
    assert of_all(a_rule(SilenceRule, min_expected=20), one, other) is None


def test_a_rule_of_no_known_kind_is_a_bug() -> None:
    plain = Rule(name="r", version="1", severity="page", runbook="", window_ms=PANE_MS)
    with pytest.raises(TypeError):
        reading(plain, a_queue())


@pytest.mark.parametrize("floor", [NOON - 3 * DAY, NOON - 13 * HOUR, NOON - HOUR, NOON])
def test_day_and_month_so_far_do_not_depend_on_what_is_forgotten(floor: int) -> None:
    sl4 = KpiDefinition(name="sl4", service_level=Variant.SL4)
    for target, of_ten in ((a_target(), 10), (a_target(definition=sl4), 9)):
        queue = a_queue(target)
        of = {"offered": 10, "answered": 9, "answered_within": 7, "abandoned_within": 1}
        for before in (2 * DAY, 13 * HOUR, 6 * HOUR, 5 * MIN):  # it is 4:00 in UTC
            counted(queue, before_ms=before, **of)
        counted(queue, before_ms=-PANE_MS, **of)  # after the boundary
        counted(queue, before_ms=20 * DAY, **of)  # last month
        handled_pane = queue.open_pane(1, NOON - 20 * DAY)
        handled_pane[:4] = [1, 20, 3, 4]
        whole = so_far(queue, NOON, "UTC")
        remember(queue, floor)
        for panes in queue.panes:
            for start in [known for known in panes if known < floor]:
                del panes[start]
        assert so_far(queue, NOON, "UTC") == whole
        assert whole == (of_ten, 7, 4 * of_ten, 4 * 7)
        last_month = queue.days[TODAY - 20]
        assert (last_month.handled, last_month.handle_ms) == (1, 27)


@pytest.mark.parametrize("is_forgotten", [False, True])
def test_a_month_so_far_is_from_its_first_pane_until_before_the_boundary(
    *, is_forgotten: bool
) -> None:
    queue = a_queue()
    midnight = NOON - 4 * HOUR - 10 * DAY  # the first of November in UTC
    counted(queue, before_ms=NOON - midnight, offered=1, answered_within=1)
    counted(queue, before_ms=NOON - midnight + PANE_MS, offered=100)
    counted(queue, before_ms=NOON - midnight - DAY, offered=2)
    counted(queue, before_ms=0, offered=1000)
    if is_forgotten:
        remember(queue, NOON)
        for start in [known for known in queue.panes[0] if known < NOON]:
            del queue.panes[0][start]
    assert so_far(queue, NOON, "UTC") == (0, 0, 3, 1)


def test_what_is_remembered_is_of_the_panes_before_the_floor() -> None:
    queue = a_queue()
    counted(queue, offered=5, answered=3)
    counted(queue, before_ms=0, offered=50)
    for start in (NOON - PANE_MS, NOON):
        queue.open_pane(1, start)[:4] = [1, 10, 0, 0]
    remember(queue, NOON)
    (day,) = queue.days.values()
    assert (day.counted, day.handled, day.handle_ms) == (5, 1, 10)
    assert day.offered[7] == sum(day.offered) == 5  # half past three in UTC


def test_a_queue_has_a_name() -> None:
    target = TargetHistory((0,), (a_target(),))
    assert QueueState("acme", "north", "orders", target).key == "acme/north/orders"


def test_at_midnight_the_day_so_far_is_the_day_that_ended() -> None:
    queue = a_queue()
    midnight = NOON - 4 * HOUR
    counted(queue, before_ms=4 * HOUR + PANE_MS, offered=10, answered_within=7)
    counted(queue, before_ms=4 * HOUR, offered=5, answered_within=5)
    assert so_far(queue, midnight, "UTC")[:2] == (10, 7)
    assert so_far(queue, midnight + PANE_MS, "UTC") == (5, 5, 15, 12)
