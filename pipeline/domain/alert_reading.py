"""What a rule finds of a queue at a pane boundary of event time.

A *reading* says whether the condition to fire holds, whether the one to resolve does, and the
figures; there is none where there is too little to say anything. All comparisons are crosswise and
in integers.
"""

from __future__ import annotations

from typing import Final, NamedTuple

from pipeline.domain import kpi
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
from pipeline.domain.day_sums import expected_milli, usual_handling
from pipeline.domain.queue_state import QueueState, window_counts, window_sums
from pipeline.domain.significance import is_above, is_below
from pipeline.domain.target import ServiceTarget

PERMILLE: Final = 1000
FRESH_MS: Final = 5 * 60_000
"""Calls that waited are over only while others are counted: loss of data is not "resolved"."""
PROFILE: Final = "profile"
FIXED: Final = "fixed"

_ABANDON: Final = tuple(
    kpi.SERVICE_LEVEL_FIELDS.index(name)
    for name in ("offered", "answered", "abandoned", "abandoned_short", "flowed_out")
)
_AT_MOST: Final = _ABANDON[1:3]
"""No definition has more abandons than there are, or divides by less than the calls answered."""
_OVER: Final = kpi.SERVICE_LEVEL_FIELDS.index("waiting_over")
_OFFERED: Final = (kpi.SERVICE_LEVEL_FIELDS.index("offered"),)
_HANDLING: Final = tuple(
    kpi.HANDLE_TIME_FIELDS.index(name) for name in ("handled", "talk_ms", "hold_ms", "acw_ms")
)
_COMPLAINTS: Final = (kpi.COMPLAINT_SIGNAL_FIELDS.index("complaints"),)


class Reading(NamedTuple):
    """What a rule finds; ``value`` and ``threshold`` in its KPI's unit."""

    holds: bool
    over: bool
    value: int
    threshold: int
    expected_milli: int | None = None
    forecast_source: str | None = None


def read(
    rule: Rule, queue: QueueState, target: ServiceTarget, boundary: int, *, firing: bool
) -> Reading | None:
    """Return what a rule finds; None: too little to say anything.

    Raises:
        TypeError: a rule of no known kind.
    """
    found: Reading | None
    match rule:
        case DropRule():
            found = _margin(rule, queue, target, boundary)
        case BurnRule():
            found = _burn(rule, queue, target, boundary)
        case ShareRule():
            found = _share(rule, queue, target, boundary, firing=firing)
        case BacklogRule():
            found = _waiting(rule, queue, target, boundary)
        case JumpRule():
            found = _jump(rule, queue, target, boundary)
        case SurgeRule():
            found = _surge(rule, queue, target, boundary)
        case SilenceRule():
            found = _silence(rule, queue, target, boundary, firing=firing)
        case _:
            raise TypeError(rule)
    return found


def _margin(
    rule: DropRule, queue: QueueState, target: ServiceTarget, boundary: int
) -> Reading | None:
    offered, within = window_counts(queue, boundary, rule.window_ms, target)
    if offered < rule.min_offered:
        return None
    level, goal = within * PERMILLE, target.goal_permille
    enter = goal - rule.enter_margin_permille
    return Reading(
        holds=level < enter * offered,
        over=level >= (goal - rule.leave_margin_permille) * offered,
        value=level // offered,
        threshold=enter,
    )


def _burn(
    rule: BurnRule, queue: QueueState, target: ServiceTarget, boundary: int
) -> Reading | None:
    counted, good = window_counts(queue, boundary, rule.window_ms, target)
    if counted < rule.min_calls:
        return None
    goal = target.goal_permille
    misses, allowed = counted - good, counted * (PERMILLE - goal)
    holds = _burns(rule, counted, good, goal)
    if holds:  # few queues, so the long window is seldom summed
        holds = _burns(rule, *window_counts(queue, boundary, rule.long_ms, target), goal)
    return Reading(
        holds=holds,
        over=misses == 0 or misses * PERMILLE**2 < rule.leave_permille * allowed,
        value=misses * PERMILLE**2 // max(allowed, 1),
        threshold=rule.enter_permille,
    )


def _burns(rule: BurnRule, counted: int, good: int, goal: int) -> bool:
    misses = counted - good
    return (
        counted >= rule.min_calls
        and misses * PERMILLE**2 >= rule.enter_permille * counted * (PERMILLE - goal)
        and is_below(counted, good, counted * goal, rule.inflation_permille)
    )


def _share(
    rule: ShareRule, queue: QueueState, target: ServiceTarget, boundary: int, *, firing: bool
) -> Reading | None:
    limit = rule.enter_permille
    if rule.kpi == "complaint_rate":
        (cases,) = window_sums(queue, 2, boundary, rule.window_ms, _COMPLAINTS)
        (calls, *_) = window_sums(queue, 1, boundary, rule.window_ms, _HANDLING)
    else:
        answered, abandoned = window_sums(queue, 0, boundary, rule.window_ms, _AT_MOST)
        if not firing and abandoned * PERMILLE <= limit * answered:
            return None  # by no definition above the limit: no more is looked at of most queues
        sums = window_sums(queue, 0, boundary, rule.window_ms, _ABANDON)
        names = (kpi.SERVICE_LEVEL_FIELDS[index] for index in _ABANDON)
        cases, calls = target.rules.abandon_parts(dict(zip(names, sums, strict=True)))
    if calls < rule.min_calls:
        return None
    holds = is_below(calls, calls - cases, calls * (PERMILLE - limit), rule.inflation_permille)
    over = cases * PERMILLE < rule.leave_permille * calls
    return Reading(holds, over, cases * PERMILLE // calls, limit)


def _waiting(rule: BacklogRule, queue: QueueState, target: ServiceTarget, boundary: int) -> Reading:
    """Read the calls that wait past their threshold; the longest to half a minute, not above."""
    panes = queue.panes[0]
    starts = range(boundary - rule.window_ms, boundary, kpi.PANE_MS)
    waiting = [(start, panes[start][_OVER]) for start in starts if start in panes]
    value = sum(calls for _, calls in waiting)
    if rule.kpi == "longest_wait":
        first = next((start for start, calls in waiting if calls), None)
        value = 0
        if first is not None:
            value = boundary - first - kpi.PANE_MS + target.threshold_ms
    fresh = queue.newest_pane >= boundary - FRESH_MS
    return Reading(value >= rule.enter, fresh and value < rule.leave, value, rule.enter)


def _jump(
    rule: JumpRule, queue: QueueState, target: ServiceTarget, boundary: int
) -> Reading | None:
    calls, *parts = window_sums(queue, 1, boundary, rule.window_ms, _HANDLING)
    if calls < rule.min_calls:
        return None
    usual_calls, usual_ms, source = 1, rule.aht_ms, FIXED
    if usual_ms is None:
        usual_calls, usual_ms = usual_handling(queue.days, boundary, target.zone)
        source = PROFILE
    if not usual_calls or not usual_ms:
        return None
    is_ms, limit = sum(parts) * usual_calls * PERMILLE, usual_ms * calls
    return Reading(
        holds=is_ms >= rule.enter_permille * limit,
        over=is_ms < rule.leave_permille * limit,
        value=sum(parts) // calls,
        threshold=rule.enter_permille * usual_ms // (usual_calls * PERMILLE),
        forecast_source=source,
    )


def _surge(
    rule: SurgeRule, queue: QueueState, target: ServiceTarget, boundary: int
) -> Reading | None:
    (calls,) = window_sums(queue, 0, boundary, rule.window_ms, _OFFERED)
    expected = expected_milli(queue.days, boundary - rule.window_ms, boundary, target.zone)
    if not calls or expected is None:
        return None
    scaled = calls * PERMILLE**2
    return Reading(
        holds=calls >= rule.min_calls
        and scaled >= rule.enter_permille * expected
        and is_above(calls, expected, rule.inflation_permille),
        over=scaled < rule.leave_permille * expected,
        value=calls,
        threshold=-(-rule.enter_permille * expected // PERMILLE**2),
        expected_milli=expected,
        forecast_source=PROFILE,
    )


def _silence(
    rule: SilenceRule, queue: QueueState, target: ServiceTarget, boundary: int, *, firing: bool
) -> Reading | None:
    quiet_ms = boundary - queue.newest_pane - kpi.PANE_MS
    if quiet_ms < rule.window_ms:
        return Reading(holds=False, over=True, value=max(quiet_ms, 0), threshold=rule.window_ms)
    if firing:
        return None  # it is over when calls come again, and not before
    expected = expected_milli(queue.days, boundary - rule.window_ms, boundary, target.zone)
    if expected is None or expected < PERMILLE * rule.min_expected:
        return None
    return Reading(
        holds=True,
        over=False,
        value=quiet_ms,
        threshold=rule.window_ms,
        expected_milli=expected,
        forecast_source=PROFILE,
    )
