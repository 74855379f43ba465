"""What a month lists one by one: abandons and repeats, complaints, incidents, alerts, forecasts."""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any, Final

import pytest

from benchmarks.month import land
from pipeline.batch.month import Closed
from pipeline.codec.encode import encode
from pipeline.codec.fact_fields import TOPICS
from pipeline.domain.events import CallEvent
from pipeline.domain.fact import FactKind
from pipeline.lake.shape import ALERTS, CALL_EVENTS
from pipeline.settings import Settings
from tests.factories import NOON, an_event
from tests.facts import a_fact
from tests.integration.test_month import ask, close, deploy

HOUR: Final = 3_600_000
X, Y = ({"customer_ref": letter * 24} for letter in "ab")


def _calls() -> list[CallEvent]:
    """One customer hangs up, calls again and is answered; of another a machine is reached."""
    return [
        an_event("queued", 0, contact_id="c1", **X),
        an_event("abandoned", 6_000, contact_id="c1"),
        an_event("queued", HOUR, contact_id="c2", **X),
        an_event("answered", HOUR + 9_000, contact_id="c2"),
        an_event("ended", HOUR + 60_000, contact_id="c2", reason="caller"),
        an_event("queued", 2 * HOUR, contact_id="c3", **Y),
        an_event("abandoned", 2 * HOUR + 30_000, contact_id="c3"),
        an_event("dialed", 3 * HOUR, contact_id="c4", queue="outbound", **Y),
        an_event("connected", 3 * HOUR + 9, contact_id="c4", queue="outbound", reason="machine"),
        an_event("ended", 3 * HOUR + 9_000, contact_id="c4", queue="outbound", reason="agent"),
        # past midnight: the first day's calls are the second's no more
        an_event("queued", 13 * HOUR, contact_id="c5"),
        an_event("answered", 13 * HOUR + 9_000, contact_id="c5"),
        an_event("complaint_flagged", 13 * HOUR + 20_000, contact_id="c5"),
        an_event("transferred", 13 * HOUR + 30_000, contact_id="c5"),
        an_event("ended", 13 * HOUR + 30_000, contact_id="c5", reason="transfer"),
    ]


def _alert(number: int, status: str, at_ms: int, offered: int, within: int) -> dict[str, Any]:
    return {
        "v": 1,
        "alert_id": f"{number:032x}",
        "status": status,
        "rule": "service-level-drop",
        "rule_version": "3b1f0a9c77de",
        "severity": "page",
        "runbook": "docs/runbooks/service-level-drop.md",
        "client": "acme",
        "site": "",
        "queue": "service",
        "at_ms": at_ms,
        "window_ms": 300_000,
        "offered": offered,
        "answered_within": within,
        "goal_permille": 800,
        "revision": number,
        "partition": 0,
    }


ALERT_LINES: Final = [
    _alert(1, "firing", NOON, 40, 20),
    _alert(1, "firing", NOON, 40, 20),  # told again after a crash
    _alert(2, "resolved", NOON + 600_000, 50, 45),
    _alert(3, "firing", NOON + HOUR, 30, 3),
]
FACTS: Final[list[tuple[FactKind, dict[str, Any]]]] = [
    (FactKind.COMPLAINTS, {"complaint_id": "K-1", "contact_id": "c2", "is_valid": True}),
    (
        FactKind.COMPLAINTS,
        # received in December, about a contact of November
        {"complaint_id": "K-2", "contact_id": "c2", "received_at_ms": NOON + 30 * 24 * HOUR},
    ),
    (FactKind.INCIDENTS, {"incident_id": "I-1", "start_ms": NOON, "end_ms": NOON + HOUR}),
    (FactKind.INCIDENTS, {"incident_id": "I-2", "start_ms": NOON + HOUR}),
    (FactKind.FORECAST, {"interval_ms": 2 * HOUR, "calls_milli": 2_500, "aht_ms": 60_000}),
]


def _land(settings: Settings, topic: str, lines: Iterable[bytes]) -> None:
    file = settings.home / f"{topic}.ndjson"
    file.write_bytes(b"".join(line + b"\n" for line in lines))
    land(file, topic, settings.home)


@pytest.fixture(scope="module")
def closed(tmp_path_factory: pytest.TempPathFactory) -> tuple[Settings, Closed]:
    """The month, published."""
    settings = deploy(tmp_path_factory.mktemp("lists"))
    Path(settings.home).mkdir()
    _land(settings, CALL_EVENTS, map(encode, _calls()))
    said = (json.dumps(alert, separators=(",", ":")).encode() for alert in ALERT_LINES)
    _land(settings, ALERTS, said)
    for kind in (FactKind.COMPLAINTS, FactKind.INCIDENTS, FactKind.FORECAST):
        facts = [a_fact(kind, **own) for of, own in FACTS if of is kind]
        _land(settings, TOPICS[kind], map(encode, facts))
    return settings, close(settings)


def test_an_abandon_tells_who_called_back_and_whether_anybody_was_reached(
    closed: tuple[Settings, Closed],
) -> None:
    assert ask(
        closed[0],
        "select contact_id, wait_s, called_back_contact_id, called_back_by, called_back_outcome, "
        f"reached_at_ms - {NOON}, is_reach_provisional from bi_abandoned_calls order by 1",
    ) == [
        ("c1", 6.0, "c2", "customer", "answered", HOUR + 9_000, False),
        ("c3", 30.0, "c4", "centre", "unanswered", None, True),
    ]


def test_a_repeat_names_what_it_repeats(closed: tuple[Settings, Closed]) -> None:
    assert ask(
        closed[0],
        "select contact_id, repeat_contact_id, repeat_after_h, repeat_by, is_same_queue "
        "from bi_repeat_calls order by 1",
    ) == [("c1", "c2", 1.0, "customer", True), ("c3", "c4", 1.0, "centre", False)]


def test_days_are_of_the_contracts_zone(closed: tuple[Settings, Closed]) -> None:
    assert ask(
        closed[0],
        "select business_on::text, offered, answered, abandoned, service_level_numerator, "
        "service_level_denominator, service_level from bi_queue_days "
        "where queue = 'service' and attribution = 'arrival' order by 1",
    ) == [("2025-11-11", 3, 1, 2, 1, 3, 1 / 3), ("2025-11-12", 1, 1, 0, 1, 1, 1.0)]


def test_an_alert_told_twice_is_one_and_lasts_until_it_is_resolved(
    closed: tuple[Settings, Closed],
) -> None:
    settings, month = closed
    assert ask(
        settings,
        f"select fired_at_ms - {NOON}, firing_min, service_level_at_firing, "
        "service_level_at_resolving, is_resolved from bi_alerts order by 1",
    ) == [(0, 10.0, 0.5, 0.9, True), (HOUR, None, 0.1, None, False)]
    assert any("alerts_without_an_end = 1" in warning for warning in month.run.warnings)
    assert month.run.landed[ALERTS]


def test_incidents_are_beside_the_time_they_leave_out(closed: tuple[Settings, Closed]) -> None:
    settings, month = closed
    lasts_h = 19 * 24 + 11  # from 13:00 on the 11th to the end of the 30th
    assert ask(
        settings,
        "select incident_id, lasted_h, lasted_in_month_h, is_lasting from bi_incidents order by 1",
    ) == [("I-1", 1.0, 1.0, False), ("I-2", None, float(lasts_h), True)]
    ids = ask(settings, "select incident_ids from fct_excluded_spans where queue = 'service'")
    assert ids == [(["I-1", "I-2"],)]
    wanted = "excluded_incidents_without_an_end = 1"
    assert any(wanted in warning for warning in month.run.warnings)


def test_complaints_are_listed_by_receipt_and_by_contact(closed: tuple[Settings, Closed]) -> None:
    assert ask(
        closed[0],
        "select complaint_id, queue, is_received_in_month, is_contact_in_month, is_valid, "
        f"contact_began_ms - {NOON} from bi_complaints order by 1",
    ) == [
        ("K-1", "service", True, True, True, HOUR),
        ("K-2", "service", False, True, None, HOUR),
    ]
    signals = ask(
        closed[0], "select contact_id, signal, transferred_to from bi_complaint_signals order by 2"
    )
    assert signals == [("c5", "complaint", None), ("c5", "transfer", "blind:orders")]


def test_a_forecast_stands_beside_what_came(closed: tuple[Settings, Closed]) -> None:
    assert ask(
        closed[0],
        "select offered, volume_error, volume_error_rate, volume_error_abs_milli, forecast_aht_s, "
        "aht_s, aht_error_s from bi_forecast_intervals",
    ) == [(2, -0.5, -0.2, 500, 60.0, 51.0, -9.0)]
