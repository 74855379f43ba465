"""Moves the alert rules of a queue to a pane boundary of event time.

Nothing new fires outside the opening hours or in planned maintenance; what fires already may
resolve then. When a window has passed since closing, nothing is left that could be judged: what
fires ends as ``closed``. A silence does not: that calls are lost goes on until some are counted.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from pipeline.domain import kpi
from pipeline.domain.alert import Alert, AlertState, AlertStatus, EndReason, alert_id, step
from pipeline.domain.alert_parts import idle_ms, is_quiet
from pipeline.domain.alert_reading import Reading, read
from pipeline.domain.alert_rule import MAX_WINDOW_MS, BurnRule, Rule, SilenceRule
from pipeline.domain.day_sums import day_of
from pipeline.domain.queue_state import QueueState, so_far, window_counts
from pipeline.domain.target import ServiceTarget

SILENCE_STEP_MS: Final = 5 * 60_000
"""How often queues that nothing comes to are listened to."""
UNITS: Final = {"backlog": "calls", "longest_wait": "ms"}
_NOTHING: Final = Reading(holds=False, over=True, value=None, threshold=None)
_QUIET: Final = _NOTHING._replace(window_ms=MAX_WINDOW_MS)
"""What there is to say of an alert that ends for want of calls."""


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
                found.append(_end(rule, queue, boundary, target, EndReason.RULE_ENDED))
            continue
        alert, waits = _moved(rule, queue, target, boundary)
        restless = restless or waits
        if alert is not None:
            found.append(alert)
    queue.changed = False
    queue.evaluated_with = target
    queue.evaluated_on = today
    queue.restless = restless
    return found


def _moved(
    rule: Rule, queue: QueueState, target: ServiceTarget, boundary: int
) -> tuple[Alert | None, bool]:
    """Move one rule; return the transition made, and whether time alone may make the next."""
    state = queue.alerts.get(rule.name)
    firing = state is not None and state.firing
    if firing and _is_closed(rule, target, boundary):
        return _end(rule, queue, boundary, target, EndReason.CLOSED), False
    reason = EndReason.RECOVERED
    reading = read(rule, queue, target, boundary, firing=firing)
    if firing and reading is None and is_quiet(rule, queue, target, boundary):
        reading, reason = _QUIET, EndReason.QUIET
    holds = reading is not None and reading.holds
    waits = holds and not firing and _held_back(rule, queue, target, boundary)
    if waits:
        holds = False
    if state is None:
        if not holds:
            return None, waits
        state = queue.alerts[rule.name] = AlertState()
    status = step(rule, state, boundary, holds=holds, over=reading is not None and reading.over)
    waits = waits or state.is_moving or (state.firing and _may_end(rule, queue, target, boundary))
    if status is None or reading is None:
        return None, waits
    end_reason = None if status is AlertStatus.FIRING else reason
    return _alert(rule, state, queue, boundary, target, reading, end_reason), waits


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


def _end(
    rule: Rule, queue: QueueState, boundary: int, target: ServiceTarget, reason: EndReason
) -> Alert:
    """Resolve what fires, whatever there is to say of it: nobody else would."""
    state = queue.alerts[rule.name] = AlertState(
        transitions=queue.alerts[rule.name].transitions + 1
    )
    reading = read(rule, queue, target, boundary, firing=True) or _NOTHING
    return _alert(rule, state, queue, boundary, target, reading, reason)


def _is_closed(rule: Rule, target: ServiceTarget, boundary: int) -> bool:
    """Say whether the queue has been closed for all of the rule's window."""
    return _ends_at_closing(rule, target) and not target.open_ms(
        boundary - rule.window_ms, boundary
    )


def _ends_at_closing(rule: Rule, target: ServiceTarget) -> bool:
    return rule.only_open and target.has_hours and not isinstance(rule, SilenceRule)


def _may_end(rule: Rule, queue: QueueState, target: ServiceTarget, boundary: int) -> bool:
    """Say whether what fires may end though no call comes: by closing, or in a longer window."""
    if _ends_at_closing(rule, target):
        return True
    return rule.least_calls > 0 and idle_ms(queue, boundary) <= MAX_WINDOW_MS


def _held_back(rule: Rule, queue: QueueState, target: ServiceTarget, boundary: int) -> bool:
    """Say whether nothing new may fire: closed, or planned maintenance."""
    from_ms = boundary - rule.window_ms if isinstance(rule, SilenceRule) else boundary
    if rule.only_open and target.has_hours:
        open_ms = target.open_ms(from_ms, boundary)
        if open_ms < boundary - from_ms or not target.is_open(boundary):
            return True
    where = (queue.client, queue.site, queue.queue)
    return any(window.covers(*where, from_ms, boundary) for window in rule.maintenance)


def _alert(
    rule: Rule,
    state: AlertState,
    queue: QueueState,
    boundary: int,
    target: ServiceTarget,
    reading: Reading,
    end_reason: EndReason | None = None,
) -> Alert:
    window_ms = reading.window_ms or rule.window_ms
    offered, within = window_counts(queue, boundary, window_ms, target)
    long_ms = rule.long_ms if isinstance(rule, BurnRule) else None
    long = (None, None) if long_ms is None else window_counts(queue, boundary, long_ms, target)
    day_counted, day_good, month_counted, month_good = so_far(queue, boundary, target.zone)
    return Alert(
        alert_id=alert_id(rule, queue.key, boundary, state.transitions),
        status=AlertStatus.FIRING if state.firing else AlertStatus.RESOLVED,
        rule=rule.name,
        rule_version=rule.version,
        severity=rule.severity,
        runbook=rule.runbook,
        client=queue.client,
        site=queue.site,
        queue=queue.queue,
        at_ms=boundary,
        window_ms=window_ms,
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
        end_reason=end_reason,
    )
