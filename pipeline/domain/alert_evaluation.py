"""Moves the alert rules of a queue to a pane boundary of event time.

Nothing new fires outside the opening hours or in planned maintenance; what fires already may
resolve then.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from pipeline.domain import kpi
from pipeline.domain.alert import Alert, AlertState, AlertStatus, alert_id, step
from pipeline.domain.alert_reading import Reading, read
from pipeline.domain.alert_rule import BurnRule, Rule, SilenceRule
from pipeline.domain.day_sums import day_of
from pipeline.domain.queue_state import QueueState, so_far, window_counts
from pipeline.domain.target import ServiceTarget

SILENCE_STEP_MS: Final = 5 * 60_000
"""How often queues that nothing comes to are listened to."""
UNITS: Final = {"backlog": "calls", "longest_wait": "ms"}


def evaluate(rules: Sequence[Rule], queue: QueueState, boundary: int) -> list[Alert]:
    """Move the rules of a queue to a boundary; return the transitions made."""
    target = queue.history.at(boundary)
    today = day_of(boundary, target.zone).ordinal
    same = (
        target is queue.evaluated_with
        and today == queue.evaluated_on
        and not queue.changed
        and not queue.restless
    )
    found: list[Alert] = []
    restless = False
    for rule in rules:
        if same and not rule.by_time and not _leaves(queue, rule, boundary):
            continue  # nothing came into the windows, nothing left them: the answer stands
        if not rule.from_day <= today < rule.until_day:
            if _has_ended(rules, rule, queue, today):
                found.append(_end(rule, queue, boundary, target))
            continue
        state = queue.alerts.get(rule.name)
        firing = state is not None and state.firing
        reading = read(rule, queue, target, boundary, firing=firing)
        holds = reading is not None and reading.holds
        over = reading is not None and reading.over
        if holds and not firing and _held_back(rule, queue, target, boundary):
            holds, restless = False, True
        if state is None:
            if not holds:
                continue
            state = queue.alerts[rule.name] = AlertState()
        status = step(rule, state, boundary, holds=holds, over=over)
        restless = restless or state.is_moving
        if status is not None and reading is not None:
            found.append(_alert(rule, state, status, queue, boundary, target, reading))
    queue.changed = False
    queue.evaluated_with = target
    queue.evaluated_on = today
    queue.restless = restless
    return found


def _leaves(queue: QueueState, rule: Rule, boundary: int) -> bool:
    """Say whether a pane has just left one of the rule's windows."""
    return any(
        boundary - window - kpi.PANE_MS in panes
        for window in rule.windows_ms
        for panes in queue.panes
    )


def _has_ended(rules: Sequence[Rule], rule: Rule, queue: QueueState, today: int) -> bool:
    """Say whether a rule that is no longer valid still fires and none of its name goes on."""
    state = queue.alerts.get(rule.name)
    if state is None or not state.firing or today < rule.until_day:
        return False
    return not any(r.name == rule.name and r.from_day <= today < r.until_day for r in rules)


def _end(rule: Rule, queue: QueueState, boundary: int, target: ServiceTarget) -> Alert:
    """Resolve what a rule said that is no longer valid: nobody else would."""
    state = queue.alerts[rule.name] = AlertState(
        transitions=queue.alerts[rule.name].transitions + 1
    )
    reading = read(rule, queue, target, boundary, firing=True) or Reading(
        holds=False, over=True, value=0, threshold=0
    )
    return _alert(rule, state, AlertStatus.RESOLVED, queue, boundary, target, reading)


def _held_back(rule: Rule, queue: QueueState, target: ServiceTarget, boundary: int) -> bool:
    """Say whether nothing new may fire: closed, or planned maintenance."""
    from_ms = boundary - rule.window_ms if isinstance(rule, SilenceRule) else boundary
    if rule.only_open and not (target.is_open(boundary) and target.is_open(from_ms)):
        return True
    where = (queue.client, queue.site, queue.queue)
    return any(window.covers(*where, from_ms, boundary) for window in rule.maintenance)


def _alert(
    rule: Rule,
    state: AlertState,
    status: AlertStatus,
    queue: QueueState,
    boundary: int,
    target: ServiceTarget,
    reading: Reading,
) -> Alert:
    offered, within = window_counts(queue, boundary, rule.window_ms, target)
    long_ms = rule.long_ms if isinstance(rule, BurnRule) else None
    long = (None, None) if long_ms is None else window_counts(queue, boundary, long_ms, target)
    day_counted, day_good, month_counted, month_good = so_far(queue, boundary, target.zone)
    return Alert(
        alert_id=alert_id(rule, queue.key, boundary, state.transitions),
        status=status,
        rule=rule.name,
        rule_version=rule.version,
        severity=rule.severity,
        runbook=rule.runbook,
        client=queue.client,
        site=queue.site,
        queue=queue.queue,
        at_ms=boundary,
        window_ms=rule.window_ms,
        offered=offered,
        answered_within=within,
        goal_permille=target.goal_permille,
        kind=rule.kind,
        kpi=rule.kpi,
        scope="queue",
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
    )
