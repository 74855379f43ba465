"""An alert in words: what is wrong where, on how many calls, and how the day stands by it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from pipeline.alerting.sink import AlertRecord


def describe(alert: AlertRecord) -> str:
    """Return the alert in a sentence, and another about the day where the record knows it."""
    say = _ENDS.get(alert.get("end_reason", "")) or _KINDS.get(alert.get("kind", "margin"), _other)
    return say(alert) + _day(alert)


def _margin(alert: AlertRecord) -> str:
    return (
        f"Service level of {place(alert)} {_verb(alert)} {_level(alert)} over {_window(alert)} "
        f"({alert['answered_within']} of {alert['offered']} calls in time; {_goal(alert)})"
    )


def _burn(alert: AlertRecord) -> str:
    said = _margin(alert)
    if "long_offered" in alert and "long_answered_within" in alert and "long_window_ms" in alert:
        counted, good = alert["long_offered"], alert["long_answered_within"]
        said += f", {_percent(good, counted)} over {alert['long_window_ms'] // 60_000} min"
    if not _fires(alert) or "value" not in alert:
        return said
    times = alert["value"] / 1000
    return f"{said}: misses come {times:.1f} times as fast as the goal allows"


def _share(alert: AlertRecord) -> str:
    names = {"abandon_rate": "Abandon rate", "complaint_rate": "Complaint rate"}
    return (
        f"{names.get(alert.get('kpi', ''), 'Rate')} of {place(alert)} {_rise(alert)} "
        f"{alert.get('value', 0) / 10:.1f} % over {_window(alert)} "
        f"(limit {alert.get('threshold', 0) / 10:g} %)"
    )


def _waiting(alert: AlertRecord) -> str:
    value, limit = alert.get("value", 0), alert.get("threshold", 0)
    if alert.get("kpi") == "longest_wait":
        return (
            f"Longest wait of {place(alert)} {_rise(alert)} {value // 1000} s "
            f"(limit {limit // 1000} s)"
        )
    return f"Calls waiting too long at {place(alert)}: {value} (limit {limit})"


def _jump(alert: AlertRecord) -> str:
    usual = "the fixed figure" if alert.get("forecast_source") == "fixed" else "this weekday's"
    return (
        f"Average handle time of {place(alert)} {_rise(alert)} {alert.get('value', 0) // 1000} s "
        f"over {_window(alert)} (limit {alert.get('threshold', 0) // 1000} s, by {usual})"
    )


def _surge(alert: AlertRecord) -> str:
    return (
        f"Calls offered to {place(alert)}: {alert.get('value', 0)} in {_window(alert)}"
        f"{_expected(alert)}"
    )


def _silence(alert: AlertRecord) -> str:
    if not _fires(alert):
        return f"Calls of {place(alert)} are back"
    return (
        f"No calls of {place(alert)} for {alert.get('value', 0) // 60_000} min"
        f"{_expected(alert)}: its numbers are not known, be it the feed or the telephony"
    )


def _other(alert: AlertRecord) -> str:
    return f"{alert['rule']} of {place(alert)} {alert['status']}"


def _closed(alert: AlertRecord) -> str:
    return (
        f"{alert['rule']} of {place(alert)} ends with the opening hours: it was not over, but "
        "no more calls are counted"
    )


def _quiet(alert: AlertRecord) -> str:
    return (
        f"{alert['rule']} of {place(alert)} ends: {alert['offered']} calls in {_window(alert)} are "
        "too few to judge"
    )


def _rule_ended(alert: AlertRecord) -> str:
    return f"{alert['rule']} of {place(alert)} ends: the rule holds no more"


_ENDS: Final[dict[str, Callable[[AlertRecord], str]]] = {
    "closed": _closed,
    "quiet": _quiet,
    "rule_ended": _rule_ended,
}
"""Ends that are no recovery."""

_KINDS: Final[dict[str, Callable[[AlertRecord], str]]] = {
    "margin": _margin,
    "burn": _burn,
    "share": _share,
    "waiting": _waiting,
    "jump": _jump,
    "surge": _surge,
    "silence": _silence,
}


def _fires(alert: AlertRecord) -> bool:
    return bool(alert["status"] == "firing")


def _verb(alert: AlertRecord) -> str:
    return "fell to" if _fires(alert) else "is back at"


def _rise(alert: AlertRecord) -> str:
    return "rose to" if _fires(alert) else "is back at"


def _window(alert: AlertRecord) -> str:
    return f"{alert['window_ms'] // 60_000} min"


def _goal(alert: AlertRecord) -> str:
    return f"goal {alert['goal_permille'] / 10:.0f} %"


def _level(alert: AlertRecord) -> str:
    return _percent(alert["answered_within"], alert["offered"])


def _percent(good: int, counted: int) -> str:
    return f"{100 * good / counted:.0f} %" if counted else "no calls"


def _expected(alert: AlertRecord) -> str:
    if "expected_milli" not in alert:
        return ""
    source = "last weeks" if alert.get("forecast_source") == "profile" else "the forecast"
    return f", {alert['expected_milli'] / 1000:.0f} expected by {source}"


def _day(alert: AlertRecord) -> str:
    """Say how the contract day stands."""
    if not alert.get("day_counted"):
        return ""
    good, counted = alert.get("day_good", 0), alert["day_counted"]
    return f". Day so far: {100 * good / counted:.1f} % of {counted} calls in time ({_goal(alert)})"


def place(alert: AlertRecord) -> str:
    """Return client, site and queue as people say them, or what is judged in place of a queue."""
    part = alert["queue"] or alert.get("programme", "")
    return "/".join(name for name in (alert["client"], alert["site"], part) if name)


def line(alert: AlertRecord) -> str:
    """Return the alert as one line among others: whether it begins or ends, how urgent it is."""
    return f"[{alert['status'].upper()} {alert['severity']}] {describe(alert)} {alert['runbook']}"
