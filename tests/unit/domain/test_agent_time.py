"""Every millisecond logged in counts, or says why it does not."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

import pytest

from pipeline.domain.agent_terms import AgentTermHistory, Measure, Ringing
from pipeline.domain.agent_time import (
    AGENT_TIME_FIELDS,
    account,
    agent_counts,
    exclusions,
    is_occupiable,
    is_occupied,
)
from pipeline.domain.events import AgentState
from pipeline.domain.ledger import Spell
from pipeline.domain.schedule import SchedulePiece
from tests.agent_logs import FIRST, HOUR, MINUTE

MONDAY, TUESDAY = date(2025, 11, 10), date(2025, 11, 11)
DAYS = [(MONDAY, 0, 24 * HOUR), (TUESDAY, 24 * HOUR, 48 * HOUR)]
HISTORY = AgentTermHistory((0,), (FIRST,))


def a_spell(state: str, start: int, end: int, reason: str | None = None, **more: bool) -> Spell:
    return Spell(
        start_ms=start,
        end_ms=end,
        state=AgentState(state),
        reason=reason,
        source="acd",
        is_presumed=more.get("is_presumed", False),
        closed_by=None,
    )


def test_a_cap_is_used_up_in_order_of_time_and_begins_anew_each_day() -> None:
    ledger = [
        a_spell("break", 0, 15 * MINUTE),
        a_spell("available", 15 * MINUTE, HOUR),
        a_spell("break", HOUR, HOUR + 10 * MINUTE),
        a_spell("break", HOUR + 10 * MINUTE, HOUR + 12 * MINUTE, "tea"),
        a_spell("break", 24 * HOUR - MINUTE, 24 * HOUR + MINUTE),
    ]
    pieces = account(ledger, DAYS, HISTORY)
    paid = [
        (p.start_ms // MINUTE, p.end_ms // MINUTE, p.excluded.get(Measure.PAID)) for p in pieces
    ]
    assert paid == [
        (0, 15, None),
        (15, 60, None),
        (60, 65, None),
        (65, 70, "over_cap"),
        (70, 72, "over_cap"),
        (1439, 1440, "over_cap"),
        (1440, 1441, None),
    ]
    over = {key: spent for key, spent in exclusions(pieces).items() if key[1] is Measure.PAID}
    assert over == {
        (MONDAY, "paid", "over_cap", "break", None): 6 * MINUTE,
        (MONDAY, "paid", "over_cap", "break", "tea"): 2 * MINUTE,
    }


def test_a_cap_of_nothing_excludes_all_of_a_state() -> None:
    (piece,) = account([a_spell("meal", 0, HOUR)], DAYS, HISTORY)
    assert piece.excluded[Measure.PAID] == "over_cap"


def test_presumed_time_is_not_billed_where_the_terms_say_so() -> None:
    ledger = [a_spell("available", 0, HOUR), a_spell("available", HOUR, 2 * HOUR, is_presumed=True)]
    first, second = account(ledger, DAYS, HISTORY)
    assert first.excluded == {}
    assert second.excluded == {"billable": "presumed"}


@pytest.mark.parametrize(("length", "excluded"), [(30 * MINUTE, {}), (30 * MINUTE - 1, "all")])
def test_a_day_below_the_minimum_is_not_billed(length: int, excluded: object) -> None:
    (piece,) = account([a_spell("available", HOUR, HOUR + length)], DAYS, HISTORY)
    assert piece.excluded == (excluded and {"billable": "below_minimum_login"})


def test_a_state_that_does_not_count_is_named_before_any_other_reason() -> None:
    (piece,) = account([a_spell("training", 0, 1, is_presumed=True)], DAYS, HISTORY)
    assert piece.excluded == dict.fromkeys(Measure, "state")


def test_a_reason_can_make_a_state_count() -> None:
    tea, rona = account(
        [a_spell("break", 0, HOUR, "tea"), a_spell("break", HOUR, 2 * HOUR, "rona")], DAYS, HISTORY
    )[::2]
    assert Measure.BILLABLE in tea.excluded
    assert Measure.BILLABLE not in rona.excluded


@pytest.mark.parametrize(
    ("ringing", "expected"),
    [
        (Ringing.OCCUPIED, (True, True)),
        (Ringing.IDLE, (False, True)),
        (Ringing.NEITHER, (False, False)),
    ],
)
def test_ringing_goes_where_the_terms_put_it(ringing: Ringing, expected: tuple[bool, bool]) -> None:
    state = AgentState.RINGING
    assert (is_occupied(state, ringing), is_occupiable(state, ringing)) == expected


def test_counts_add_up_and_take_what_lies_within_the_bounds() -> None:
    terms = replace(FIRST, ringing=Ringing.IDLE)
    ledger = [
        a_spell("available", 0, 10 * MINUTE),
        a_spell("ringing", 10 * MINUTE, 12 * MINUTE),
        a_spell("on_contact", 12 * MINUTE, HOUR),
        a_spell("break", HOUR, 2 * HOUR, is_presumed=True),
    ]
    pieces = account(ledger, DAYS, AgentTermHistory((0,), (terms,)))
    parts = [
        SchedulePiece(
            start_ms=start,
            end_ms=end,
            activity=activity,
            state=AgentState.AVAILABLE,
            is_paid=is_paid,
            is_adherent=is_adherent,
        )
        for start, end, activity, is_paid, is_adherent in (
            (0, HOUR, "on_queue", True, True),
            (HOUR, 2 * HOUR, "on_queue", False, False),
            (2 * HOUR, 3 * HOUR, "leave", True, False),
            (3 * HOUR, 4 * HOUR, "absence", False, False),
        )
    ]
    counts = agent_counts(pieces, parts, 0, 24 * HOUR)
    assert tuple(counts) == AGENT_TIME_FIELDS
    assert {field: n // MINUTE for field, n in counts.items() if n} == {
        "available_ms": 10,
        "ringing_ms": 2,
        "on_contact_ms": 48,
        "break_ms": 60,
        "logged_in_ms": 120,
        "presumed_ms": 60,
        "occupied_ms": 48,
        "occupiable_ms": 60,
        "productive_ms": 60,
        "billable_ms": 58,
        "paid_ms": 78,
        "productive_paid_ms": 58,
        "scheduled_ms": 120,
        "adherent_ms": 60,
        "scheduled_paid_ms": 120,
        "absence_paid_ms": 60,
    }
    half = agent_counts(pieces, parts, 30 * MINUTE, HOUR + 1)
    assert (half["on_contact_ms"], half["break_ms"]) == (30 * MINUTE, 1)
    assert (half["scheduled_ms"], half["adherent_ms"]) == (30 * MINUTE + 1, 30 * MINUTE)
    assert set(agent_counts(pieces, parts, 48 * HOUR, 72 * HOUR).values()) == {0}
