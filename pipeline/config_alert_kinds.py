"""The kinds of alert rules as ``config/alerts.yaml`` writes them: keys, units, defaults."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

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


@dataclass(frozen=True, slots=True)
class Key:
    """A number of a rule: its field, what to multiply by, and what it is if left out."""

    field: str
    factor: int = 1
    default: int | None = None
    optional: bool = False


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of rules: the KPIs it knows and its numbers by their keys."""

    rule: type[Rule]
    kpis: tuple[str, ...]
    numbers: dict[str, Key]


_WINDOW: Final = {"window_s": Key("window_ms", 1000)}
_SHARES: Final = {"enter_pct": Key("enter_permille", 10), "leave_pct": Key("leave_permille", 10)}
_INFLATION: Final = {"inflation_pct": Key("inflation_permille", 10, 200)}

KINDS: Final[dict[str, Kind]] = {
    "margin": Kind(
        DropRule,
        ("service_level",),
        {
            **_WINDOW,
            "enter_margin_pct": Key("enter_margin_permille", 10),
            "leave_margin_pct": Key("leave_margin_permille", 10),
            "min_offered": Key("min_offered"),
        },
    ),
    "burn": Kind(
        BurnRule,
        ("service_level",),
        {
            "short_window_s": Key("window_ms", 1000),
            "long_window_s": Key("long_ms", 1000),
            "burn_enter_pct": Key("enter_permille", 10),
            "burn_leave_pct": Key("leave_permille", 10),
            "min_calls": Key("min_calls", default=10),
            **_INFLATION,
        },
    ),
    "share": Kind(
        ShareRule,
        ("abandon_rate", "complaint_rate"),
        {**_WINDOW, **_SHARES, "min_calls": Key("min_calls", default=10), **_INFLATION},
    ),
    "waiting": Kind(
        BacklogRule,
        ("backlog", "longest_wait"),
        {**_WINDOW, "enter": Key("enter"), "leave": Key("leave")},
    ),
    "jump": Kind(
        JumpRule,
        ("average_handle_time",),
        {
            **_WINDOW,
            **_SHARES,
            "aht_s": Key("aht_ms", 1000, optional=True),
            "min_calls": Key("min_calls", default=30),
        },
    ),
    "surge": Kind(
        SurgeRule,
        ("offered",),
        {**_WINDOW, **_SHARES, "min_calls": Key("min_calls", default=20), **_INFLATION},
    ),
    "silence": Kind(
        SilenceRule, ("feed",), {**_WINDOW, "min_expected": Key("min_expected", default=10)}
    ),
}
