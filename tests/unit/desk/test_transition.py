"""Every move of every table, and every move that is in none."""

from __future__ import annotations

import pytest

from pipeline.desk.alert import ALERT, AlertOutcome, AlertState
from pipeline.desk.case import CASE, CaseOutcome, CaseState
from pipeline.desk.transition import Table, move
from pipeline.errors import MoveRefused

ALERT_MOVES = {
    ("open", "acknowledge"): "acknowledged",
    ("open", "resolve"): "resolved",
    ("acknowledged", "resolve"): "resolved",
    ("acknowledged", "close"): "closed",
    ("resolved", "close"): "closed",
    ("resolved", "reopen"): "open",
    ("closed", "reopen"): "open",
}
CASE_MOVES = {
    ("open", "start"): "in_progress",
    ("open", "close"): "closed",
    ("in_progress", "close"): "closed",
    ("closed", "reopen"): "open",
}
CELLS = [
    (table, expected, state, action)
    for table, expected in ((ALERT, ALERT_MOVES), (CASE, CASE_MOVES))
    for state in sorted(table.states())
    for action in sorted(table.moves)
]


@pytest.mark.parametrize(("table", "expected", "state", "action"), CELLS)
def test_a_move_is_made_or_refused_as_the_table_says(
    table: Table, expected: dict[tuple[str, str], str], state: str, action: str
) -> None:
    outcome = min(table.moves[action].outcomes, default=None)
    if (state, action) in expected:
        assert move(table, state, action, outcome) == expected[state, action]
        return
    with pytest.raises(MoveRefused) as refused:
        move(table, state, action, outcome)
    allowed = sorted(name for at, name in expected if at == state)
    assert str(refused.value).endswith(f"allowed: {', '.join(allowed)}")
    assert state in str(refused.value)


def test_the_tables_know_every_state_and_no_other() -> None:
    assert ALERT.states() == set(AlertState)
    assert CASE.states() == set(CaseState)


@pytest.mark.parametrize("outcome", [None, "", "averted"])
def test_closing_an_alert_needs_one_of_its_outcomes(outcome: str | None) -> None:
    with pytest.raises(MoveRefused, match=r"duplicate, false_alarm, known_cause, true_alarm"):
        move(ALERT, "resolved", "close", outcome)


@pytest.mark.parametrize("outcome", list(AlertOutcome))
def test_an_alert_closes_with_each_of_its_outcomes(outcome: AlertOutcome) -> None:
    assert move(ALERT, "resolved", "close", outcome) == "closed"


@pytest.mark.parametrize("outcome", list(CaseOutcome))
def test_a_case_closes_with_each_of_its_outcomes(outcome: CaseOutcome) -> None:
    assert move(CASE, "open", "close", outcome) == "closed"


def test_an_outcome_out_of_place_is_refused() -> None:
    with pytest.raises(MoveRefused, match="takes no outcome"):
        move(ALERT, "open", "acknowledge", "true_alarm")


def test_an_unknown_action_is_refused_and_names_what_is_allowed() -> None:
    with pytest.raises(
        MoveRefused, match=r"'snooze' is not possible; allowed: acknowledge, resolve"
    ):
        move(ALERT, "open", "snooze")


def test_a_state_that_no_table_knows_is_a_bug() -> None:
    with pytest.raises(ValueError, match="no such state 'gone'"):
        move(ALERT, "gone", "close", "true_alarm")
