"""The calls that a rule looks at in a window: how many, and how many of the kind it is about.

All is summed over the queues that are judged as one, each by its own definition and goal. A rule
that fires looks farther back than its own window where that has too few calls: else a queue that
had a bad evening and has few calls since would be told to be bad for weeks.
"""

from __future__ import annotations

from typing import Final

from pipeline.domain import kpi
from pipeline.domain.alert_rule import MAX_WINDOW_MS, JumpRule, Rule, ShareRule
from pipeline.domain.alert_subject import Parts, View
from pipeline.domain.day_sums import expected_milli, usual_handling
from pipeline.domain.queue_state import QueueState, window_sums
from pipeline.domain.significance import is_short
from pipeline.domain.target import ServiceTarget

FRESH_MS: Final = 5 * 60_000
"""What is over is over only while calls are counted: loss of data is not "resolved"."""
FILE: Final = "file"
PROFILE: Final = "profile"
"""Where what is expected is from: of several queues a file only if it is for all of them."""

OFFERED: Final = (kpi.SERVICE_LEVEL_FIELDS.index("offered"),)
_ABANDON: Final = tuple(
    kpi.SERVICE_LEVEL_FIELDS.index(name)
    for name in ("offered", "answered", "abandoned", "abandoned_short", "flowed_out")
)
_HANDLING: Final = tuple(
    kpi.HANDLE_TIME_FIELDS.index(name) for name in ("handled", "talk_ms", "hold_ms", "acw_ms")
)
_COMPLAINTS: Final = (kpi.COMPLAINT_SIGNAL_FIELDS.index("complaints"),)


def enough(rule: Rule, view: View, since_ms: int) -> tuple[int, int, int, int] | None:
    """Return the parts of the rule's window, and that window before them; None: too few calls.

    For a rule that fires (since when is not 0) the window is doubled until it has enough, up to two
    hours and not to before it fired. But if nothing has been counted for half of it, nobody knows
    what became of the calls since.
    """
    window = rule.window_ms
    calls, of_kind, against = parts(rule, view, window)
    longest = min(view.boundary - since_ms, MAX_WINDOW_MS) if since_ms else 0
    while calls < rule.least_calls:
        if window >= longest:
            return None
        window = min(2 * window, longest)
        calls, of_kind, against = parts(rule, view, window)
        if calls >= rule.least_calls and 2 * view.idle_ms > window:
            return None
    return window, calls, of_kind, against


def parts(rule: Rule, view: View, window_ms: int) -> Parts:
    """Return what a rule counts in a window that ends at a boundary."""
    if isinstance(rule, ShareRule):
        return _share(rule, view, window_ms)
    if isinstance(rule, JumpRule):
        return _handling(rule, view, window_ms)
    return view.service_level(window_ms)


def _share(rule: ShareRule, view: View, window_ms: int) -> Parts:
    calls = cases = 0
    for queue, target in view.members:
        if rule.kpi == "complaint_rate":
            calls += window_sums(queue, 1, view.boundary, window_ms, _HANDLING[:1])[0]
            cases += window_sums(queue, 2, view.boundary, window_ms, _COMPLAINTS)[0]
            continue
        sums = window_sums(queue, 0, view.boundary, window_ms, _ABANDON)
        names = (kpi.SERVICE_LEVEL_FIELDS[index] for index in _ABANDON)
        abandoned, of = target.rules.abandon_parts(dict(zip(names, sums, strict=True)))
        calls += of
        cases += abandoned
    return calls, cases, 0


def _handling(rule: JumpRule, view: View, window_ms: int) -> Parts:
    """Return calls and their time beside what they usually take, queue by queue.

    Queues of which that is not known are left out, so that another mix of queues is no jump.
    """
    calls = took_ms = usually_ms = 0
    for queue, target in view.members:
        handled, *times = window_sums(queue, 1, view.boundary, window_ms, _HANDLING)
        usual_calls, usual_ms = 1, rule.aht_ms
        if usual_ms is None:
            usual_calls, usual_ms = usual_handling(queue.days, view.boundary, target.zone)
        if handled and usual_calls and usual_ms:
            calls += handled
            took_ms += sum(times)
            usually_ms += handled * usual_ms // usual_calls
    return calls, took_ms, usually_ms


def expected(view: View, window_ms: int) -> tuple[int, int, str] | None:
    """Return calls expected in a window (thousandths), those offered, and by what; None: unknown.

    Queues of which nothing is expected are left out of both.
    """
    milli = offered = 0
    from_ms, to_ms = view.boundary - window_ms, view.boundary
    sources = set()
    for queue, target in view.members:
        found = _expected_of(queue, target, from_ms, to_ms)
        if found is not None:
            milli += found[0]
            offered += window_sums(queue, 0, to_ms, window_ms, OFFERED)[0]
            sources.add(found[1])
    if not sources:
        return None
    return milli, offered, PROFILE if PROFILE in sources else FILE


def _expected_of(
    queue: QueueState, target: ServiceTarget, from_ms: int, to_ms: int
) -> tuple[int, str] | None:
    """Return the calls expected of one queue by its forecast, else by what its weekday brings."""
    if queue.forecast is not None:
        forecast = queue.forecast.expected_milli(from_ms, to_ms)
        if forecast is not None:
            return forecast, FILE
    usual = expected_milli(queue.days, from_ms, to_ms, target.zone)
    return None if usual is None else (usual, PROFILE)


def is_quiet(rule: Rule, view: View) -> bool:
    """Say whether too few calls come to judge what fires, and no more than these are expected.

    One has just been counted, so the feed lives; and they are not fewer than are expected by more
    than chance, so none are lost on the way.
    """
    calls = sum(
        window_sums(queue, 0, view.boundary, MAX_WINDOW_MS, OFFERED)[0] for queue, _ in view.members
    )
    if calls >= rule.least_calls or not is_fresh(rule, view):
        return False
    forecast = expected(view, MAX_WINDOW_MS)
    return forecast is None or not is_short(forecast[1], forecast[0])


def is_fresh(rule: Rule, view: View) -> bool:
    """Say whether calls are being counted, for as long as what is over has to be over."""
    return view.idle_ms < min(FRESH_MS + rule.keep_firing_ms, MAX_WINDOW_MS)
