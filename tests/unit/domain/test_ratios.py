"""The ratios over counts: what divides what, and nothing where there is nothing to divide by."""

from __future__ import annotations

import pytest

from pipeline.domain import kpi
from pipeline.domain.repeat import Contact, repeats

COUNTS = {
    "hold_ms": 600,
    "held": 2,
    "handled": 6,
    "complaints": 3,
    "transfers": 4,
    "answered": 8,
    "no_answers": 5,
    "offers": 20,
    "dialed": 100,
    "connected_live": 50,
    "dialer_abandoned": 2,
    "identified_contacts": 40,
    "repeated_contacts": 10,
    "contact_handle_ms": 900,
    "contacts_handled": 3,
}


@pytest.mark.parametrize(
    ("ratio", "expected"),
    [
        (kpi.average_hold_of_held_ms, 300),
        (kpi.average_hold_of_handled_ms, 100),
        (kpi.complaints_per_thousand, 500),
        (kpi.transfer_rate, 0.5),
        (kpi.no_answer_rate, 0.25),
        (kpi.connect_rate, 0.5),
        (kpi.dialer_abandon_rate, 0.04),
        (kpi.first_contact_resolution, 0.75),
        (kpi.average_handle_time_per_contact_ms, 300),
    ],
)
def test_each_ratio_divides_sums_and_nothing_is_none(ratio: object, expected: float) -> None:
    assert callable(ratio)
    assert ratio(COUNTS) == expected
    assert ratio(dict.fromkeys(COUNTS, 0)) is None


def test_of_the_fields_after_those_always_written_an_absent_one_is_nought() -> None:
    assert kpi.ALWAYS_WRITTEN == {"service-level": 13, "handle-time": 5, "complaint-signals": 3}


# --- repeat calls ----------------------------------------------------------------------------


def flags(*firsts: int, window: int = 10, watermark: int = 100) -> list[tuple[bool, bool, bool]]:
    contacts = [Contact("anna", at, f"k{i}") for i, at in enumerate(firsts)]
    found = {r.contact_id: r[1:] for r in repeats(contacts, lambda _contact: window, watermark)}
    return [found[f"k{i}"] for i in range(len(firsts))]


def test_a_repeat_is_within_the_window_of_the_contact_before() -> None:
    assert flags(0, 10, 21) == [(False, True, False), (True, False, False), (False, False, False)]
    assert flags(21, 0, 10)[0] == (False, False, False)


def test_a_window_is_a_distance_wherever_it_lies() -> None:
    assert flags(1_000, 1_010, watermark=2_000) == [(False, True, False), (True, False, False)]


def test_the_last_contact_is_provisional_until_its_window_is_over() -> None:
    assert flags(90, watermark=99) == [(False, False, True)]
    assert flags(90, watermark=100) == [(False, False, False)]
    assert flags(80, 91, watermark=91)[0] == (False, False, False)


def test_customers_are_told_apart_and_windows_can_differ() -> None:
    contacts = [Contact("anna", 0, "a"), Contact("bea", 1, "b"), Contact("anna", 5, "c")]
    found = list(repeats(contacts, {"a": 5, "b": 9, "c": 4}.__getitem__, 100))
    assert [(r.contact_id, r.is_repeat, r.is_repeated) for r in found] == [
        ("a", False, True),
        ("c", False, False),
        ("b", False, False),
    ]
