"""What is read from ``kpi.alerts``: an alert with all that sinks need, or what is wrong with it."""

from __future__ import annotations

import json

import pytest

from pipeline.alerting.record import NUMBERS, TEXTS, read_alert
from tests.completeness.registry import SCHEMAS
from tests.unit.alerting.receiver import an_alert


def test_every_example_of_the_schema_is_read() -> None:
    examples = sorted((SCHEMAS / "examples" / "kpi.alerts").rglob("*.json"))
    good = [path for path in examples if "invalid" not in str(path)]
    assert good
    for path in good:
        assert read_alert(path.read_bytes())["rule"]


def test_what_sinks_need_the_schema_demands() -> None:
    schema = json.loads((SCHEMAS / "events" / "kpi.alerts.v1.schema.json").read_text())
    assert {*TEXTS, *NUMBERS} <= set(schema["required"])


@pytest.mark.parametrize("name", [*TEXTS, *NUMBERS])
def test_a_field_that_is_missing_or_of_another_kind_is_named(name: str) -> None:
    for value in (None, 1.5, True):
        with pytest.raises(ValueError, match=f"{name}: expected (str|int), got {value}"):
            read_alert(json.dumps(an_alert() | {name: value}).encode())


@pytest.mark.parametrize("at_ms", [-1, 10**18])
def test_an_instant_that_no_date_can_say_is_refused(at_ms: int) -> None:
    with pytest.raises(ValueError, match=f"at_ms: expected epoch milliseconds, got {at_ms}"):
        read_alert(json.dumps(an_alert() | {"at_ms": at_ms}).encode())


@pytest.mark.parametrize("raw", [None, b"", b"not JSON", b"[]", b'"text"', b"\xff"])
def test_what_is_no_object_is_said(raw: bytes | None) -> None:
    with pytest.raises(ValueError, match="expected a JSON object"):
        read_alert(raw)
