"""The calls that a rule looks at in a window: how many, and how many of the kind it is about.

A rule that fires looks farther back than its own window where that has too few calls: else a queue
that had a bad evening and has few calls since would be told to be bad for weeks.
"""

from __future__ import annotations

from typing import Final

from pipeline.domain import kpi
from pipeline.domain.alert_rule import MAX_WINDOW_MS, JumpRule, Rule, ShareRule
from pipeline.domain.day_sums import expected_milli
from pipeline.domain.queue_state import QueueState, window_counts, window_sums
from pipeline.domain.significance import is_short
from pipeline.domain.target import ServiceTarget

FRESH_MS: Final = 5 * 60_000
"""What is over is over only while calls are counted: loss of data is not "resolved"."""

OFFERED: Final = (kpi.SERVICE_LEVEL_FIELDS.index("offered"),)
_ABANDON: Final = tuple(
    kpi.SERVICE_LEVEL_FIELDS.index(name)
    for name in ("offered", "answered", "abandoned", "abandoned_short", "flowed_out")
)
_HANDLING: Final = tuple(
    kpi.HANDLE_TIME_FIELDS.index(name) for name in ("handled", "talk_ms", "hold_ms", "acw_ms")
)
_COMPLAINTS: Final = (kpi.COMPLAINT_SIGNAL_FIELDS.index("complaints"),)

Parts = tuple[int, int]
"""Calls, and how many are of the kind: in time, abandoned, complained of; or handle time."""


def enough(
    rule: Rule, queue: QueueState, target: ServiceTarget, boundary: int, *, firing: bool
) -> tuple[int, int, int] | None:
    """Return the parts of the rule's window, and that window before them; None: too few calls.

    For a rule that fires the window is doubled, up to two hours, until it has enough; but if
    nothing has been counted for half of it, nobody knows what became of the calls since.
    """
    window = rule.window_ms
    calls, of_kind = parts(rule, queue, target, boundary, window)
    while calls < rule.least_calls:
        if not firing or window == MAX_WINDOW_MS:
            return None
        window = min(2 * window, MAX_WINDOW_MS)
        calls, of_kind = parts(rule, queue, target, boundary, window)
        if calls >= rule.least_calls and 2 * idle_ms(queue, boundary) > window:
            return None
    return window, calls, of_kind


def parts(
    rule: Rule, queue: QueueState, target: ServiceTarget, boundary: int, window_ms: int
) -> Parts:
    """Return what a rule counts in a window that ends at a boundary."""
    if isinstance(rule, ShareRule):
        return _share(rule, queue, target, boundary, window_ms)
    if isinstance(rule, JumpRule):
        calls, *took_ms = window_sums(queue, 1, boundary, window_ms, _HANDLING)
        return calls, sum(took_ms)
    return window_counts(queue, boundary, window_ms, target)


def _share(
    rule: ShareRule, queue: QueueState, target: ServiceTarget, boundary: int, window_ms: int
) -> Parts:
    if rule.kpi == "complaint_rate":
        (calls, *_) = window_sums(queue, 1, boundary, window_ms, _HANDLING)
        (cases,) = window_sums(queue, 2, boundary, window_ms, _COMPLAINTS)
        return calls, cases
    sums = window_sums(queue, 0, boundary, window_ms, _ABANDON)
    names = (kpi.SERVICE_LEVEL_FIELDS[index] for index in _ABANDON)
    cases, calls = target.rules.abandon_parts(dict(zip(names, sums, strict=True)))
    return calls, cases


def is_quiet(rule: Rule, queue: QueueState, target: ServiceTarget, boundary: int) -> bool:
    """Say whether too few calls come to judge what fires, and no more than these are expected.

    One has just been counted, so the feed lives; and they are not fewer than are expected by more
    than chance, so none are lost on the way.
    """
    (calls,) = window_sums(queue, 0, boundary, MAX_WINDOW_MS, OFFERED)
    if calls >= rule.least_calls or not is_fresh(rule, queue, boundary):
        return False
    expected = expected_milli(queue.days, boundary - MAX_WINDOW_MS, boundary, target.zone)
    return expected is None or not is_short(calls, expected)


def is_fresh(rule: Rule, queue: QueueState, boundary: int) -> bool:
    """Say whether calls are being counted, for as long as what is over has to be over."""
    return idle_ms(queue, boundary) < min(FRESH_MS + rule.keep_firing_ms, MAX_WINDOW_MS)


def idle_ms(queue: QueueState, boundary: int) -> int:
    """Return for how long no call has been counted."""
    return max(boundary - queue.newest_pane - kpi.PANE_MS, 0)
