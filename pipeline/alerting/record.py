"""Reads a record of ``kpi.alerts``, which anybody with the right to may have written."""

from __future__ import annotations

from typing import Final

import msgspec

from pipeline.alerting.sink import AlertRecord

TEXTS: Final = ("alert_id", "status", "rule", "rule_version", "severity", "runbook", "client",
                "site", "queue")  # fmt: skip
NUMBERS: Final = ("at_ms", "window_ms", "offered", "answered_within", "goal_permille")
MAYBE_TEXTS: Final = ("kind", "kpi", "scope", "unit", "forecast_source",
                      "end_reason", "programme")  # fmt: skip
MAYBE_NUMBERS: Final = ("value", "threshold", "day_counted", "day_good", "month_counted",
                        "month_good", "since_ms", "long_window_ms", "long_offered",
                        "long_answered_within", "expected_milli")  # fmt: skip
"""Of a record that has them: older ones and some kinds of rules have not."""

YEAR_10000_MS: Final = 253_402_300_800_000
"""Beyond what a date can say."""

_json: Final = msgspec.json.Decoder(dict[str, object])


def read_alert(raw: bytes | None) -> AlertRecord:
    """Return the alert.

    Raises:
        ValueError: not JSON, or without a field that sinks need; names it.
    """
    try:
        found = _json.decode(raw or b"")
    except msgspec.DecodeError as error:
        msg = f"expected a JSON object, got {raw or b''!r:.80}: {error}"
        raise ValueError(msg) from error
    for names, kind in ((TEXTS, str), (NUMBERS, int)):
        for name in names:
            if type(found.get(name)) is not kind:
                msg = f"{name}: expected {kind.__name__}, got {found.get(name)!r:.80}"
                raise ValueError(msg)
    for name in (*MAYBE_TEXTS, *MAYBE_NUMBERS):
        kind = str if name in MAYBE_TEXTS else int
        if name in found and type(found[name]) is not kind:
            msg = f"{name}: expected {kind.__name__} or nothing, got {found[name]!r:.80}"
            raise ValueError(msg)
    at_ms = found["at_ms"]
    if not (isinstance(at_ms, int) and 0 <= at_ms < YEAR_10000_MS):
        msg = f"at_ms: expected epoch milliseconds, got {at_ms}"
        raise ValueError(msg)
    return found
