"""Keeping to the schedule, by the examples that Amazon Connect publishes."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

import pytest

from pipeline.config_agent_time import load_agent_time
from pipeline.domain import agent_kpi
from pipeline.domain.agent_session import sessions
from pipeline.domain.agent_time import account, agent_counts
from pipeline.domain.ledger import resolve
from pipeline.domain.schedule import ScheduledSpan, adherence, flatten, shifts
from pipeline.settings import PROJECT_ROOT
from tests.agent_logs import HOUR, MINUTE, a_state_event

DAYS = [(date(1970, 1, 1), 0, 24 * HOUR)]
HISTORY = load_agent_time(PROJECT_ROOT / "config" / "agent_time.yaml").history("acme", "UTC")


def a_span(activity: str, start: int, end: int, *, paid: bool = True) -> ScheduledSpan:
    """Return what is scheduled between two minutes of the day."""
    return ScheduledSpan(
        start_ms=start * MINUTE,
        end_ms=end * MINUTE,
        activity=activity,
        is_paid=paid,
        is_billable=True,
    )


def clock(hours: int, minutes: int = 0) -> int:
    return hours * 60 + minutes


def counts(spans: list[ScheduledSpan], *states: tuple[str, int]) -> dict[str, int]:
    log = [a_state_event(state, minute * MINUTE) for state, minute in states]
    flat = flatten(spans)
    ledger = resolve(sessions(log, HISTORY, shifts(flat)), HISTORY)
    parts = adherence(flat, ledger, DAYS, HISTORY)
    return agent_counts(account(ledger, DAYS, HISTORY), parts, 0, 24 * HOUR)


def test_a_break_in_scheduled_work_is_not_adherent_and_work_before_it_is_neither() -> None:
    found = counts(
        [a_span("on_queue", clock(8), clock(11))],
        ("available", clock(7, 30)),
        ("break", clock(10, 30)),
        ("logged_out", clock(11)),
    )
    share = agent_kpi.adherence(found)
    assert (share.numerator // MINUTE, share.denominator // MINUTE) == (150, 180)
    assert f"{share.ratio:.0%}" == "83%"
    assert agent_kpi.conformance(found).numerator // MINUTE == 210


def test_work_in_a_scheduled_break_is_not_adherent_and_a_break_in_a_meeting_is() -> None:
    found = counts(
        [
            a_span("on_queue", clock(9), clock(10, 30)),
            a_span("break", clock(10, 30), clock(11)),
            a_span("meeting", clock(11), clock(12)),
        ],
        ("available", clock(9)),
        ("on_contact", clock(10)),
        ("break", clock(10, 45)),
        ("logged_out", clock(12)),
    )
    share = agent_kpi.adherence(found)
    assert (share.numerator // MINUTE, share.denominator // MINUTE) == (165, 180)
    assert f"{share.ratio:.0%}" == "92%"


def test_leave_is_scheduled_and_paid_but_nobody_can_keep_to_it() -> None:
    found = counts([a_span("leave", 0, 60), a_span("on_queue", 60, 90, paid=False)])
    assert (found["scheduled_ms"], found["adherent_ms"]) == (30 * MINUTE, 0)
    assert (found["absence_paid_ms"], found["scheduled_paid_ms"]) == (HOUR, HOUR)


def test_who_does_not_come_is_not_adherent() -> None:
    found = counts([a_span("on_queue", 0, 60), a_span("break", 60, 70)])
    assert agent_kpi.adherence(found) == (0, 70 * MINUTE)


def test_a_break_within_a_shift_holds_for_its_time() -> None:
    spans = [a_span("on_queue", 0, 60), a_span("break", 20, 30), a_span("meal", 25, 28)]
    assert [(s.start_ms // MINUTE, s.end_ms // MINUTE, s.activity) for s in flatten(spans)] == [
        (0, 20, "on_queue"),
        (20, 25, "break"),
        (25, 28, "meal"),
        (28, 30, "break"),
        (30, 60, "on_queue"),
    ]


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (a_span("meal", 0, 10), a_span("break", 0, 20)),
        (a_span("break", 0, 20), a_span("meal", 0, 20)),
        (a_span("meal", 0, 20), a_span("meal", 0, 20, paid=False)),
        (a_span("meal", 0, 20), replace(a_span("meal", 0, 20), is_billable=False)),
    ],
)
def test_of_spans_with_one_start_it_is_settled_which_counts(
    one: ScheduledSpan, other: ScheduledSpan
) -> None:
    assert flatten([one, other])[0] == flatten([other, one])[0] == one


def test_neighbours_alike_are_one_and_empty_spans_are_none() -> None:
    spans = [a_span("meal", 0, 10), a_span("meal", 10, 20), a_span("break", 5, 5)]
    assert flatten(spans) == [a_span("meal", 0, 20)]
    apart = [a_span("meal", 0, 10), a_span("meal", 11, 20)]
    assert flatten(apart) == apart


def test_a_shift_is_unbroken_scheduled_work() -> None:
    flat = flatten(
        [
            a_span("on_queue", 0, 60),
            a_span("break", 60, 70),
            a_span("leave", 70, 80),
            a_span("on_queue", 80, 90),
            a_span("on_queue", 95, 99),
        ]
    )
    assert [(a // MINUTE, b // MINUTE) for a, b in shifts(flat)] == [(0, 70), (80, 90), (95, 99)]


def test_a_schedule_across_midnight_is_cut_there() -> None:
    parts = adherence([a_span("on_queue", -60, 60)], [], DAYS, HISTORY)
    assert [(p.start_ms, p.end_ms, p.state) for p in parts] == [(0, HOUR, "logged_out")]


def test_where_no_source_says_anything_the_agent_is_logged_out() -> None:
    states = (
        *(("available", 0), ("logged_out", 10), ("available", 20), ("on_contact", 30)),
        *(("logged_out", 40), ("available", 50), ("break", 60), ("logged_out", 70)),
    )
    log = [a_state_event(state, minute * MINUTE) for state, minute in states]
    parts = adherence(
        [a_span("on_queue", 10, 60)], resolve(sessions(log, HISTORY), HISTORY), DAYS, HISTORY
    )
    assert [(p.start_ms // MINUTE, p.end_ms // MINUTE, p.state) for p in parts] == [
        (10, 20, "logged_out"),
        (20, 30, "available"),
        (30, 40, "on_contact"),
        (40, 50, "logged_out"),
        (50, 60, "available"),
    ]
