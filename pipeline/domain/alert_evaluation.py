"""Moves the alert rules of what is judged as one to a pane boundary of event time.

Nothing new fires outside the opening hours or in planned maintenance; what fires already may
resolve then. When a window has passed since closing, nothing is left that could be judged: what
fires ends as ``closed``. A silence does not: that calls are lost goes on until some are counted.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from pipeline.domain import kpi
from pipeline.domain.alert import Alert, AlertState, AlertStatus, EndReason, alert_id, step
from pipeline.domain.alert_parts import is_quiet
from pipeline.domain.alert_reading import Reading, read
from pipeline.domain.alert_rule import MAX_WINDOW_MS, BurnRule, Rule, SilenceRule
from pipeline.domain.alert_subject import Subject, View
from pipeline.domain.day_sums import day_of
from pipeline.domain.queue_state import so_far

SILENCE_STEP_MS: Final = 5 * 60_000
"""How often queues that nothing comes to are listened to."""
UNITS: Final = {"backlog": "calls", "longest_wait": "ms"}
_NOTHING: Final = Reading(holds=False, over=True, value=None, threshold=None)
_QUIET: Final = _NOTHING._replace(window_ms=MAX_WINDOW_MS)
"""What there is to say of an alert that ends for want of calls."""


def evaluate(rules: Sequence[Rule], subject: Subject, boundary: int) -> list[Alert]:
    """Move the rules of a subject to a boundary; return the transitions made.

    Rules are dated by the calendar of the first queue's contract.
    """
    view = subject.view(boundary)
    targets = [target for _, target in view.members]
    today = day_of(boundary, targets[0].zone).ordinal
    stands = (
        today == subject.evaluated_on and not subject.restless and targets == subject.evaluated_with
    )
    changed = subject.changed
    found: list[Alert] = []
    restless = False
    for rule in rules:
        if stands and not rule.by_time and not _concerns(rule, subject, boundary, changed):
            continue
        if not rule.from_day <= today < rule.until_day:
            if _has_ended(rules, rule, subject, today):
                found.append(_end(rule, subject, view, EndReason.RULE_ENDED))
            continue
        alert, waits = _moved(rule, subject, view)
        restless = restless or waits
        if alert is not None:
            found.append(alert)
    subject.evaluated_with = targets
    subject.evaluated_on = today
    subject.restless = restless
    return found


def _moved(rule: Rule, subject: Subject, view: View) -> tuple[Alert | None, bool]:
    """Move one rule; return the transition made, and whether time alone may make the next."""
    state = subject.alerts.get(rule.name)
    firing = state is not None and state.firing
    if firing and _is_closed(rule, view):
        return _end(rule, subject, view, EndReason.CLOSED), False
    reason = EndReason.RECOVERED
    since_ms = state.since_ms if firing and state is not None else 0
    reading = read(rule, view, since_ms)
    if firing and reading is None and is_quiet(rule, view):
        reading, reason = _QUIET, EndReason.QUIET
    holds = reading is not None and reading.holds
    waits = holds and not firing and _held_back(rule, view)
    if waits:
        holds = False
    if state is None:
        if not holds:
            return None, waits
        state = subject.alerts[rule.name] = AlertState()
    status = step(
        rule, state, view.boundary, holds=holds, over=reading is not None and reading.over
    )
    waits = waits or state.is_moving or (state.firing and _may_end(rule, view))
    if status is None or reading is None:
        return None, waits
    end_reason = None if status is AlertStatus.FIRING else reason
    return _alert(rule, subject, view, reading, end_reason), waits


def _concerns(rule: Rule, subject: Subject, boundary: int, changed: int) -> bool:
    """Say whether anything that the rule counts came into its windows, or has just left them.

    What fires may also end because of calls that the rule does not count.
    """
    state = subject.alerts.get(rule.name)
    if changed & rule.inputs or (changed and state is not None and state.firing):
        return True
    return any(
        rule.inputs & 1 << index and boundary - window - kpi.PANE_MS in panes
        for window in rule.windows_ms
        for queue in subject.queues
        for index, panes in enumerate(queue.panes)
    )


def _has_ended(rules: Sequence[Rule], rule: Rule, subject: Subject, today: int) -> bool:
    """Say whether a rule that is no longer valid still fires and none of its name goes on."""
    state = subject.alerts.get(rule.name)
    if state is None or not state.firing or today < rule.until_day:
        return False
    return not any(r.name == rule.name and r.from_day <= today < r.until_day for r in rules)


def _end(rule: Rule, subject: Subject, view: View, reason: EndReason) -> Alert:
    """Resolve what fires, whatever there is to say of it: nobody else would."""
    state = subject.alerts[rule.name]
    reading = read(rule, view, state.since_ms) or _NOTHING
    subject.alerts[rule.name] = AlertState(transitions=state.transitions + 1)
    return _alert(rule, subject, view, reading, reason)


def _is_closed(rule: Rule, view: View) -> bool:
    """Say whether all has been closed for all of the rule's window."""
    return _ends_at_closing(rule, view) and not any(
        target.open_ms(view.boundary - rule.window_ms, view.boundary) for _, target in view.members
    )


def _ends_at_closing(rule: Rule, view: View) -> bool:
    if not rule.only_open or isinstance(rule, SilenceRule):
        return False
    return all(target.has_hours for _, target in view.members)


def _may_end(rule: Rule, view: View) -> bool:
    """Say whether what fires may end though no call comes: by closing, or in a longer window."""
    if _ends_at_closing(rule, view):
        return True
    return rule.least_calls > 0 and view.idle_ms <= MAX_WINDOW_MS


def _held_back(rule: Rule, view: View) -> bool:
    """Say whether nothing new may fire: all is closed, or maintenance concerns any of it."""
    from_ms = view.boundary - rule.window_ms if isinstance(rule, SilenceRule) else view.boundary
    if rule.only_open and not any(
        target.is_open(view.boundary)
        and target.open_ms(from_ms, view.boundary) == view.boundary - from_ms
        for _, target in view.members
    ):
        return True
    return any(
        window.covers(queue.client, queue.site, queue.queue, from_ms, view.boundary)
        for window in rule.maintenance
        for queue, _ in view.members
    )


def _alert(
    rule: Rule,
    subject: Subject,
    view: View,
    reading: Reading,
    end_reason: EndReason | None,
) -> Alert:
    place, state = subject.place, subject.alerts[rule.name]
    window_ms = reading.window_ms or rule.window_ms
    offered, within, goals = view.service_level(window_ms)
    long_ms = rule.long_ms if isinstance(rule, BurnRule) else None
    long = (None, None) if long_ms is None else view.service_level(long_ms)[:2]
    day_counted, day_good, month_counted, month_good = (
        sum(of_queues)
        for of_queues in zip(
            *(so_far(queue, view.boundary, target.zone) for queue, target in view.members),
            strict=True,
        )
    )
    return Alert(
        alert_id=alert_id(rule, place.key, view.boundary, state.transitions),
        status=AlertStatus.FIRING if state.firing else AlertStatus.RESOLVED,
        rule=rule.name,
        rule_version=rule.version,
        severity=rule.severity,
        runbook=rule.runbook,
        client=place.client,
        site=place.site,
        programme=place.programme or None,
        queue=place.queue,
        at_ms=view.boundary,
        window_ms=window_ms,
        offered=offered,
        answered_within=within,
        goal_permille=_goal(view, offered, goals),
        kind=rule.kind,
        kpi=rule.kpi,
        scope=place.scope,
        unit=UNITS.get(rule.kpi, rule.unit),
        value=reading.value,
        threshold=reading.threshold,
        day_counted=day_counted,
        day_good=day_good,
        month_counted=month_counted,
        month_good=month_good,
        since_ms=state.since_ms or None,
        long_window_ms=long_ms,
        long_offered=long[0],
        long_answered_within=long[1],
        expected_milli=reading.expected_milli,
        forecast_source=reading.forecast_source,
        end_reason=end_reason,
    )


def _goal(view: View, counted: int, goals: int) -> int:
    """Return the goal, of several queues the mean by their calls, without any the lowest."""
    return goals // counted if counted else min(target.goal_permille for _, target in view.members)
