"""Every move of every table, and every move that is in none."""

from __future__ import annotations

import pytest

from pipeline.desk.alert import ALERT, AlertOutcome, AlertState
from pipeline.desk.case import CASE, CaseOutcome, CaseState
from pipeline.desk.transition import COMMENT, By, Given, Move, Table, changed, move
from pipeline.errors import MoveRefused

ALERT_MOVES: dict[tuple[str, str], str] = {
    ("open", "acknowledge"): "acknowledged",
    ("open", "resolve"): "resolved",
    ("acknowledged", "resolve"): "resolved",
    ("acknowledged", "close"): "closed",
    ("resolved", "close"): "closed",
    ("resolved", "reopen"): "open",
    ("closed", "reopen"): "open",
    ("closed", "end"): "closed",
    **{(state, "assign"): state for state in ("open", "acknowledged", "resolved")},
    **{(state, "comment"): state for state in AlertState},
}
CASE_MOVES: dict[tuple[str, str], str] = {
    ("open", "take"): "in_progress",
    **{(state, "assign"): state for state in ("open", "in_progress")},
    **{(state, "postpone"): state for state in ("open", "in_progress")},
    **{(state, "comment"): state for state in CaseState},
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


def what_it_needs(made: Move) -> Given:
    """Return what has to be said with a move."""
    samples: dict[str, str | int] = {"owner": "li", COMMENT: "called", "due_at_ms": 1}
    outcome = {"outcome": min(made.outcomes)} if made.outcomes else {}
    return {name: samples[name] for name in made.needs} | outcome


@pytest.mark.parametrize(("table", "expected", "state", "action"), CELLS)
def test_a_move_is_made_or_refused_as_the_table_says(
    table: Table, expected: dict[tuple[str, str], str], state: str, action: str
) -> None:
    given = what_it_needs(table.moves[action])
    if (state, action) in expected:
        assert move(table, state, action, given, table.moves[action].via) == expected[state, action]
        return
    for via in (None, "cli", "log"):
        with pytest.raises(MoveRefused) as refused:
            move(table, state, action, given, via)
        allowed = sorted(
            name
            for at, name in expected
            if at == state and (via == "log" or name not in {"resolve", "end"})
        )
        assert str(refused.value).endswith(f"allowed: {', '.join(allowed)}")
        assert state in str(refused.value)


@pytest.mark.parametrize(("state", "action"), [("open", "resolve"), ("closed", "end")])
@pytest.mark.parametrize("via", [None, "cli", "api"])
def test_people_do_not_speak_for_the_log(state: str, action: str, via: str | None) -> None:
    assert move(ALERT, state, action, {}, "log")
    with pytest.raises(MoveRefused, match=f"'{action}' is not possible"):
        move(ALERT, state, action, {}, via)


def test_the_tables_know_every_state_and_no_other() -> None:
    assert ALERT.states() == set(AlertState)
    assert CASE.states() == set(CaseState)


@pytest.mark.parametrize("outcome", [None, "", "averted"])
def test_closing_an_alert_needs_one_of_its_outcomes(outcome: str | None) -> None:
    given = {} if outcome is None else {"outcome": outcome}
    with pytest.raises(MoveRefused, match=r"duplicate, false_alarm, known_cause, true_alarm"):
        move(ALERT, "resolved", "close", given)


@pytest.mark.parametrize("outcome", list(AlertOutcome))
def test_an_alert_closes_with_each_of_its_outcomes(outcome: AlertOutcome) -> None:
    assert move(ALERT, "resolved", "close", {"outcome": outcome}) == "closed"


@pytest.mark.parametrize("outcome", list(CaseOutcome))
def test_a_case_closes_with_each_of_its_outcomes(outcome: CaseOutcome) -> None:
    assert move(CASE, "open", "close", {"outcome": outcome}) == "closed"


@pytest.mark.parametrize(
    ("action", "given", "said"),
    [
        ("acknowledge", {"outcome": "true_alarm"}, "takes no outcome, got 'true_alarm'"),
        ("assign", {}, "expected owner, got nothing"),
        ("assign", {"owner": " "}, "owner: expected a text of 1 to 2000 characters, got ' '"),
        ("assign", {"owner": "a\x00b"}, "owner: expected a text"),
        ("comment", {"comment": "x" * 2_001}, "comment: expected a text"),
        (
            "assign",
            {"outcome": "averted", "comment": ""},
            "expected owner, got nothing; takes no outcome, got 'averted'; comment: ",
        ),
    ],
)
def test_what_is_given_out_of_place_is_refused_all_of_it_at_once(
    action: str, given: Given, said: str
) -> None:
    with pytest.raises(MoveRefused) as refused:
        move(ALERT, "open", action, given)
    assert str(refused.value).startswith(f"{action} of alert: {said}")


@pytest.mark.parametrize("due", [-1, 253_402_300_800_000, "tomorrow", True])
def test_a_due_time_is_an_instant(due: int | str) -> None:
    with pytest.raises(MoveRefused, match="due_at_ms: expected epoch milliseconds, got"):
        move(CASE, "open", "postpone", {"due_at_ms": due, COMMENT: "on holiday"})


def test_an_unknown_action_is_refused_and_names_what_is_allowed() -> None:
    allowed = "allowed: acknowledge, assign, comment$"
    with pytest.raises(MoveRefused, match=f"'snooze' is not possible; {allowed}"):
        move(ALERT, "open", "snooze", {})


def test_a_state_that_no_table_knows_is_a_bug() -> None:
    with pytest.raises(ValueError, match="no such state 'gone'"):
        move(ALERT, "gone", "close", {"outcome": "true_alarm"})


def test_a_move_names_the_columns_that_it_changes_and_no_others() -> None:
    row = {"state": "open", "acknowledged_by": None, "acknowledged_at_ms": None, "owner": "li"}
    assert changed(ALERT, row, "acknowledge", {COMMENT: "on it"}, By("wang", "cli", 7)) == {
        "state": "acknowledged",
        "acknowledged_by": "wang",
        "acknowledged_at_ms": 7,
    }
    assert changed(ALERT, row, "assign", {"owner": "li"}, By("wang", "cli", 7)) == {}
    assert changed(ALERT, row, "comment", {COMMENT: "hm"}, By("wang", "cli", 7)) == {}


def test_what_reopens_forgets_who_closed_it_and_how() -> None:
    row = {
        "state": "closed",
        "outcome": "averted",
        "owner": "li",
        "closed_by": "li",
        "closed_at_ms": 5,
    }
    assert changed(CASE, row, "reopen", {}, By("wang", "cli", 7)) == {
        "state": "open",
        **dict.fromkeys(("outcome", "owner", "closed_by", "closed_at_ms")),
    }
