"""What people read of each kind of alert."""

from __future__ import annotations

import pytest

from pipeline.alerting.sentence import describe
from tests.unit.alerting.receiver import an_alert

BURN = {"kind": "burn", "value": 3400, "long_window_ms": 1_800_000}
SHARE = {"kind": "share", "kpi": "abandon_rate", "value": 213, "threshold": 100}
SAID: list[tuple[dict[str, object], str]] = [
    (
        {"kind": "burn", "value": 3400, "offered": 50, "answered_within": 20},
        "fell to 40 % over 5 min (20 of 50 calls in time; goal 80 %): misses come 3.4 times as fa",
    ),
    (
        {
            **BURN,
            "offered": 50,
            "answered_within": 20,
            "long_offered": 200,
            "long_answered_within": 90,
        },
        "goal 80 %), 45 % over 30 min: misses come 3.4 times",
    ),
    ({**BURN, "status": "resolved", "offered": 4, "answered_within": 4}, "is back at 100 % over"),
    (SHARE, "Abandon rate of acme/north/service rose to 21.3 % over 5 min (limit 10 %)"),
    (SHARE | {"kpi": "complaint_rate", "status": "resolved"}, "Complaint rate of acme/north/serv"),
    (SHARE | {"kpi": "unheard"}, "Rate of acme/north/service rose to"),
    (
        {"kind": "waiting", "kpi": "longest_wait", "value": 140_000, "threshold": 60_000},
        "Longest wait of acme/north/service rose to 140 s (limit 60 s)",
    ),
    (
        {"kind": "waiting", "kpi": "backlog", "value": 14, "threshold": 10},
        "Calls waiting too long at acme/north/service: 14 (limit 10)",
    ),
    (
        {"kind": "jump", "value": 300_000, "threshold": 260_000, "forecast_source": "profile"},
        "rose to 300 s over 5 min (limit 260 s, by this weekday's)",
    ),
    ({"kind": "jump", "forecast_source": "fixed"}, "by the fixed figure)"),
    (
        {"kind": "surge", "value": 90, "expected_milli": 40_000, "forecast_source": "profile"},
        "Calls offered to acme/north/service: 90 in 5 min, 40 expected by last weeks",
    ),
    ({"kind": "surge", "value": 90}, "90 in 5 min"),
    (
        {"kind": "silence", "value": 600_000, "expected_milli": 34_000},
        "No calls of acme/north/service for 10 min, 34 expected by the forecast: its numbers are",
    ),
    ({"kind": "silence", "status": "resolved"}, "Calls of acme/north/service are back"),
    ({"kind": "smell", "rule": "odour"}, "odour of acme/north/service firing"),
    (
        {**BURN, "status": "resolved", "end_reason": "closed"},
        "service-level-drop of acme/north/service ends with the opening hours: it was not over, b",
    ),
    (
        {"status": "resolved", "end_reason": "quiet", "offered": 3, "window_ms": 7_200_000},
        "service-level-drop of acme/north/service ends: 3 calls in 120 min are too few to judge",
    ),
    ({"status": "resolved", "end_reason": "rule_ended"}, "service ends: the rule holds no more"),
    ({"status": "resolved", "end_reason": "recovered"}, "is back at 65 % over 5 min"),
    (
        {"day_counted": 900, "day_good": 748},
        ". Day so far: 83.1 % of 900 calls in time (goal 80 %)",
    ),
]


@pytest.mark.parametrize(("fields", "expected"), SAID)
def test_an_alert_is_said_in_words(fields: dict[str, object], expected: str) -> None:
    assert expected in describe({**an_alert(), "goal_permille": 800, **fields})
