"""What a rule finds of a queue at a pane boundary of event time.

A *reading* says whether the condition to fire holds, whether the one to resolve does, and the
figures; there is none where there is too little to say anything. All comparisons are crosswise and
in integers.
"""

from __future__ import annotations

from typing import Final, NamedTuple

from pipeline.domain import kpi
from pipeline.domain.alert_parts import OFFERED, enough, is_fresh
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
PROFILE: Final = "profile"
FIXED: Final = "fixed"

_AT_MOST: Final = tuple(kpi.SERVICE_LEVEL_FIELDS.index(name) for name in ("answered", "abandoned"))
"""No definition has more abandons than there are, or divides by less than the calls answered."""
_OVER: Final = kpi.SERVICE_LEVEL_FIELDS.index("waiting_over")


class Reading(NamedTuple):
    """What a rule finds; ``value`` and ``threshold`` in its KPI's unit.

    ``window_ms`` is the window looked at where that may be longer than the rule's.
    """

    holds: bool
    over: bool
    value: int | None
    threshold: int | None
    expected_milli: int | None = None
    forecast_source: str | None = None
    window_ms: int | None = None


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
            found = _margin(rule, queue, target, boundary, firing=firing)
        case BurnRule():
            found = _burn(rule, queue, target, boundary, firing=firing)
        case ShareRule():
            found = _share(rule, queue, target, boundary, firing=firing)
        case BacklogRule():
            found = _waiting(rule, queue, target, boundary)
        case JumpRule():
            found = _jump(rule, queue, target, boundary, firing=firing)
        case SurgeRule():
            found = _surge(rule, queue, target, boundary)
        case SilenceRule():
            found = _silence(rule, queue, target, boundary, firing=firing)
        case _:
            raise TypeError(rule)
    return found


def _margin(
    rule: DropRule, queue: QueueState, target: ServiceTarget, boundary: int, *, firing: bool
) -> Reading | None:
    found = enough(rule, queue, target, boundary, firing=firing)
    if found is None:
        return None
    window, offered, within = found
    level, goal = within * PERMILLE, target.goal_permille
    enter = goal - rule.enter_margin_permille
    return Reading(
        holds=level < enter * offered,
        over=level >= (goal - rule.leave_margin_permille) * offered,
        value=level // offered,
        threshold=enter,
        window_ms=window,
    )


def _burn(
    rule: BurnRule, queue: QueueState, target: ServiceTarget, boundary: int, *, firing: bool
) -> Reading | None:
    found = enough(rule, queue, target, boundary, firing=firing)
    if found is None:
        return None
    window, counted, good = found
    goal = target.goal_permille
    misses, allowed = counted - good, counted * (PERMILLE - goal)
    holds = not firing and _burns(rule, counted, good, goal)
    if holds:  # few queues, so the long window is seldom summed
        holds = _burns(rule, *window_counts(queue, boundary, rule.long_ms, target), goal)
    return Reading(
        holds=holds,
        over=misses == 0 or misses * PERMILLE**2 < rule.leave_permille * allowed,
        value=misses * PERMILLE**2 // max(allowed, 1),
        threshold=rule.enter_permille,
        window_ms=window,
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
    if not firing and rule.kpi == "abandon_rate":
        answered, abandoned = window_sums(queue, 0, boundary, rule.window_ms, _AT_MOST)
        if abandoned * PERMILLE <= limit * answered:
            return None  # by no definition above the limit: no more is looked at of most queues
    found = enough(rule, queue, target, boundary, firing=firing)
    if found is None:
        return None
    window, calls, cases = found
    holds = is_below(calls, calls - cases, calls * (PERMILLE - limit), rule.inflation_permille)
    over = cases * PERMILLE < rule.leave_permille * calls
    return Reading(holds, over, cases * PERMILLE // calls, limit, window_ms=window)


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
    over = value < rule.leave and is_fresh(rule, queue, boundary)
    return Reading(value >= rule.enter, over, value, rule.enter)


def _jump(
    rule: JumpRule, queue: QueueState, target: ServiceTarget, boundary: int, *, firing: bool
) -> Reading | None:
    found = enough(rule, queue, target, boundary, firing=firing)
    if found is None:
        return None
    window, calls, took_ms = found
    usual_calls, usual_ms, source = 1, rule.aht_ms, FIXED
    if usual_ms is None:
        usual_calls, usual_ms = usual_handling(queue.days, boundary, target.zone)
        source = PROFILE
    if not usual_calls or not usual_ms:
        return None
    is_ms, limit = took_ms * usual_calls * PERMILLE, usual_ms * calls
    return Reading(
        holds=is_ms >= rule.enter_permille * limit,
        over=is_ms < rule.leave_permille * limit,
        value=took_ms // calls,
        threshold=rule.enter_permille * usual_ms // (usual_calls * PERMILLE),
        forecast_source=source,
        window_ms=window,
    )


def _surge(
    rule: SurgeRule, queue: QueueState, target: ServiceTarget, boundary: int
) -> Reading | None:
    (calls,) = window_sums(queue, 0, boundary, rule.window_ms, OFFERED)
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
