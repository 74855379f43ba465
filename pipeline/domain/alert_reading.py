"""What a rule finds of what it judges, at a pane boundary of event time.

A *reading* says whether the condition to fire holds, whether the one to resolve does, and the
figures. There is none where there is too little to say anything, nor of a rule that neither fires
nor has to: that is how most of them stand, most of the time. All comparisons are crosswise and in
integers.
"""

from __future__ import annotations

from typing import Final, NamedTuple

from pipeline.domain import kpi
from pipeline.domain.alert_parts import (
    PROFILE,
    enough,
    expected,
    is_fresh,
)
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
from pipeline.domain.significance import is_above, is_below

PERMILLE: Final = 1000
FIXED: Final = "fixed"

_ANSWERED: Final = kpi.SERVICE_LEVEL_FIELDS.index("answered")
_ABANDONED: Final = kpi.SERVICE_LEVEL_FIELDS.index("abandoned")
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


def read(rule: Rule, view: View, since_ms: int) -> Reading | None:
    """Return what a rule finds; None: nothing to say, or nothing new of a rule that is at rest.

    ``since_ms`` is since when what fires has held; 0: it does not fire.

    Raises:
        TypeError: a rule of no known kind.
    """
    found: Reading | None
    match rule:
        case DropRule():
            found = _margin(rule, view, since_ms)
        case BurnRule():
            found = _burn(rule, view, since_ms)
        case ShareRule():
            found = _share(rule, view, since_ms)
        case BacklogRule():
            found = _waiting(rule, view, since_ms)
        case JumpRule():
            found = _jump(rule, view, since_ms)
        case SurgeRule():
            found = _surge(rule, view, since_ms)
        case SilenceRule():
            found = _silence(rule, view, since_ms)
        case _:
            raise TypeError(rule)
    return found


def _margin(rule: DropRule, view: View, since_ms: int) -> Reading | None:
    found = enough(rule, view, since_ms)
    if found is None:
        return None
    window, offered, within, goals = found
    level = within * PERMILLE
    holds = level < goals - rule.enter_margin_permille * offered
    if not holds and not since_ms:
        return None
    return Reading(
        holds=holds,
        over=level >= goals - rule.leave_margin_permille * offered,
        value=level // offered,
        threshold=goals // offered - rule.enter_margin_permille,
        window_ms=window,
    )


def _burn(rule: BurnRule, view: View, since_ms: int) -> Reading | None:
    found = enough(rule, view, since_ms)
    if found is None:
        return None
    window, counted, good, goals = found
    if not since_ms and not (
        _burns(rule, counted, good, goals)
        # Few queues, so the long window is seldom summed.
        and _burns(rule, *view.service_level(rule.long_ms))
    ):
        return None
    misses, allowed = counted - good, counted * PERMILLE - goals
    return Reading(
        holds=not since_ms,
        over=misses == 0 or misses * PERMILLE**2 < rule.leave_permille * allowed,
        value=misses * PERMILLE**2 // max(allowed, 1),
        threshold=rule.enter_permille,
        window_ms=window,
    )


def _burns(rule: BurnRule, counted: int, good: int, goals: int) -> bool:
    allowed = counted * PERMILLE - goals
    return (
        counted >= rule.min_calls
        and (counted - good) * PERMILLE**2 >= rule.enter_permille * allowed
        and is_below(counted, good, goals, rule.inflation_permille)
    )


def _share(rule: ShareRule, view: View, since_ms: int) -> Reading | None:
    limit = rule.enter_permille
    if not since_ms and rule.kpi == "abandon_rate":
        answered = abandoned = 0
        for queue, _ in view.members:
            some, others = queue.pair(view.boundary, rule.window_ms, _ANSWERED, _ABANDONED)
            answered += some
            abandoned += others
        if abandoned * PERMILLE <= limit * answered:
            # No definition has more abandons than there are, or divides by less than the calls
            # answered: by none it is above the limit, and no more is looked at of most queues.
            return None
    found = enough(rule, view, since_ms)
    if found is None:
        return None
    window, calls, cases, _ = found
    holds = is_below(calls, calls - cases, calls * (PERMILLE - limit), rule.inflation_permille)
    if not holds and not since_ms:
        return None
    over = cases * PERMILLE < rule.leave_permille * calls
    return Reading(holds, over, cases * PERMILLE // calls, limit, window_ms=window)


def _waiting(rule: BacklogRule, view: View, since_ms: int) -> Reading | None:
    """Read the calls that wait past their threshold; the longest to half a minute, not above."""
    waiting = longest_ms = 0
    for queue, target in view.members:
        panes = queue.panes[0]
        for start in range(view.boundary - rule.window_ms, view.boundary, kpi.PANE_MS):
            if start in panes and (calls := panes[start][_OVER]):
                waiting += calls
                wait_ms = view.boundary - start - kpi.PANE_MS + target.threshold_ms
                longest_ms = max(longest_ms, wait_ms)
    value = longest_ms if rule.kpi == "longest_wait" else waiting
    if value < rule.enter and not since_ms:
        return None
    over = value < rule.leave and is_fresh(rule, view)
    return Reading(value >= rule.enter, over, value, rule.enter)


def _jump(rule: JumpRule, view: View, since_ms: int) -> Reading | None:
    found = enough(rule, view, since_ms)
    if found is None:
        return None
    window, calls, took_ms, usually_ms = found
    holds = took_ms * PERMILLE >= rule.enter_permille * usually_ms
    if not holds and not since_ms:
        return None
    return Reading(
        holds=holds,
        over=took_ms * PERMILLE < rule.leave_permille * usually_ms,
        value=took_ms // calls,
        threshold=rule.enter_permille * usually_ms // (calls * PERMILLE),
        forecast_source=PROFILE if rule.aht_ms is None else FIXED,
        window_ms=window,
    )


def _surge(rule: SurgeRule, view: View, since_ms: int) -> Reading | None:
    found = expected(view, rule.window_ms)
    if found is None or not found[1]:
        return None
    milli, calls, source = found
    scaled = calls * PERMILLE**2
    holds = (
        calls >= rule.min_calls
        and scaled >= rule.enter_permille * milli
        and is_above(calls, milli, rule.inflation_permille)
    )
    if not holds and not since_ms:
        return None
    return Reading(
        holds=holds,
        over=scaled < rule.leave_permille * milli,
        value=calls,
        threshold=-(-rule.enter_permille * milli // PERMILLE**2),
        expected_milli=milli,
        forecast_source=source,
    )


def _silence(rule: SilenceRule, view: View, since_ms: int) -> Reading | None:
    quiet_ms = view.idle_ms
    if since_ms:  # it is over when calls come again, and not before
        if quiet_ms >= rule.window_ms:
            return None
        return Reading(holds=False, over=True, value=quiet_ms, threshold=rule.window_ms)
    if quiet_ms < rule.window_ms:
        return None
    found = expected(view, rule.window_ms)
    if found is None or found[0] < PERMILLE * rule.min_expected:
        return None
    return Reading(
        holds=True,
        over=False,
        value=quiet_ms,
        threshold=rule.window_ms,
        expected_milli=found[0],
        forecast_source=found[2],
    )
