"""A login ends with its logout, or with the last of the agent's signs of life, and says which."""

from __future__ import annotations

import pytest

from pipeline.domain.agent_session import HEARTBEAT, ClosedBy, Session, sessions
from pipeline.domain.agent_terms import AgentTermHistory
from pipeline.domain.events import AgentStateEvent
from tests.agent_logs import FIRST, HOUR, MINUTE, SECOND, a_state_event

HISTORY = AgentTermHistory((0,), (FIRST,))
NINE = 1_762_851_600_000


def says(state: str, at: int, **fields: object) -> AgentStateEvent:
    """Return an event ``at`` milliseconds after nine."""
    return a_state_event(state, NINE + at, **fields)  # type: ignore[arg-type]


def beat(state: str, at: int, **fields: object) -> AgentStateEvent:
    return says(state, at, reason=HEARTBEAT, **fields)


def spells(session: Session) -> list[tuple[int, int, str, str | None, bool]]:
    return [
        (s.start_ms - NINE, s.end_ms - NINE, str(s.state), s.reason, s.is_presumed)
        for s in session.spells
    ]


def ends(found: list[Session]) -> list[tuple[int, int, int, str]]:
    return [
        (s.login_ms - NINE, s.last_sign_ms - NINE, s.end_ms - NINE, str(s.closed_by)) for s in found
    ]


def test_a_logout_ends_a_session_and_a_login_begins_another() -> None:
    log = [
        says("available", 0),
        says("break", 10, reason="tea"),
        says("logged_out", 30),
        says("available", 50),
        says("logged_out", 60),
    ]
    found = sessions(log, HISTORY)
    assert ends(found) == [(0, 30, 30, "logout"), (50, 60, 60, "logout")]
    assert spells(found[0]) == [
        (0, 10, "available", None, False),
        (10, 30, "break", "tea", False),
    ]


def test_order_of_arrival_and_repeats_change_nothing() -> None:
    log = [says("available", 0), says("break", 10), says("logged_out", 30)]
    assert sessions([*log[::-1], log[0], log[2]], HISTORY) == sessions(log, HISTORY)


def test_of_one_instant_the_last_of_the_log_stands_however_often_the_first_is_repeated() -> None:
    first, last = says("on_contact", 0, number=1), says("available", 0, number=2)
    (found,) = sessions([first, last, first, says("logged_out", 9)], HISTORY)
    assert spells(found) == [(0, 9, "available", None, False)]
    (other,) = sessions([last, first, says("logged_out", 9)], HISTORY)
    assert spells(other) == [(0, 9, "on_contact", None, False)]


@pytest.mark.parametrize("is_first", [True, False])
def test_a_heartbeat_of_the_same_instant_does_not_hide_a_change(is_first: bool) -> None:  # noqa: FBT001
    both = [says("break", 0, reason="tea"), beat("available", 0)]
    log = [*(both if is_first else both[::-1]), says("logged_out", 9)]
    assert spells(sessions(log, HISTORY)[0]) == [(0, 9, "break", "tea", False)]


def test_heartbeats_of_one_instant_are_one() -> None:
    log = [beat("available", 0), beat("break", 0, number=1), says("logged_out", 9)]
    assert spells(sessions(log, HISTORY)[0]) == [(0, 9, "break", None, False)]


def test_a_heartbeat_keeps_the_reason_the_state_began_with() -> None:
    log = [
        says("break", 0, reason="tea"),
        beat("break", 120_000),
        beat("available", 240_000),
        says("available", 250_000, reason=""),
        says("logged_out", 300_000),
    ]
    assert [(state, reason) for _, _, state, reason, _ in spells(sessions(log, HISTORY)[0])] == [
        ("break", "tea"),
        ("break", "tea"),
        ("available", None),
        ("available", None),
    ]


def test_a_source_that_beats_is_lost_at_the_silence_it_may_last() -> None:
    log = [says("available", 0), beat("available", 120_000)]
    (found,) = sessions(log, HISTORY, shifts=[(NINE - HOUR, NINE + 9 * HOUR)])
    assert ends([found]) == [(0, 120_000, 360_000, "heartbeat_loss")]
    assert spells(found) == [
        (0, 120_000, "available", None, False),
        (120_000, 360_000, "available", None, True),
    ]


@pytest.mark.parametrize(("gap", "count"), [(240_000, 1), (240_001, 2)])
def test_a_source_that_beats_may_be_silent_for_two_heartbeats_exactly(gap: int, count: int) -> None:
    log = [beat("available", 0), beat("available", gap), says("logged_out", gap + 1)]
    found = sessions(log, HISTORY)
    assert len(found) == count
    assert found[0].end_ms == NINE + (240_000 if count > 1 else gap + 1)


def test_a_reason_does_not_outlive_a_lost_login() -> None:
    log = [says("break", 0, reason="tea"), beat("break", HOUR), says("logged_out", HOUR + 1)]
    first, second = sessions(log, HISTORY)
    assert spells(first) == [(0, 240_000, "break", "tea", True)]
    assert spells(second) == [(HOUR, HOUR + 1, "break", None, False)]


def test_heartbeats_after_the_logout_prove_nothing() -> None:
    log = [
        beat("available", 0),
        says("logged_out", 9),
        beat("logged_out", 120_000),
        beat("logged_out", 240_000),
    ]
    assert ends(sessions(log, HISTORY)) == [(0, 9, 9, "logout")]


def test_without_heartbeats_a_login_ends_at_the_end_of_its_shift() -> None:
    shifts = [(NINE - 9 * HOUR, NINE), (NINE, NINE + HOUR), (NINE + HOUR, NINE + 2 * HOUR)]
    (found,) = sessions([says("available", 0), says("break", MINUTE)], HISTORY, shifts)
    assert ends([found]) == [(0, MINUTE, HOUR, "shift_end")]
    assert spells(found)[1] == (MINUTE, HOUR, "break", None, True)


def test_a_shift_that_is_over_or_to_come_closes_nothing() -> None:
    shifts = [(NINE - HOUR, NINE), (NINE + 1, NINE + HOUR)]
    (found,) = sessions([says("available", 0)], HISTORY, shifts)
    assert ends([found]) == [(0, 0, 0, "last_event")]
    assert found.spells == ()


def test_with_neither_a_login_ends_with_its_last_event() -> None:
    (found,) = sessions([says("available", 0), says("break", 10)], HISTORY)
    assert ends([found]) == [(0, 10, 10, "last_event")]
    assert spells(found) == [(0, 10, "available", None, False)]


@pytest.mark.parametrize(
    ("gap", "shift_ms", "expected"),
    [
        (16 * HOUR, 0, [(0, 16 * HOUR + 1, 16 * HOUR + 1, "logout")]),
        (16 * HOUR + 1, 0, [(0, 0, 0, "last_event")]),
        (16 * HOUR + 1, 8 * HOUR, [(0, 0, 8 * HOUR, "shift_end")]),
        (16 * HOUR + 1, 20 * HOUR, [(0, 0, 16 * HOUR + 1, "shift_end")]),
    ],
)
def test_a_silence_past_the_longest_is_a_missing_logout(
    gap: int, shift_ms: int, expected: list[tuple[int, int, int, str]]
) -> None:
    shifts = [(NINE, NINE + shift_ms)] if shift_ms else []
    log = [says("available", 0), says("available", gap), says("logged_out", gap + 1)]
    assert ends(sessions(log, HISTORY, shifts))[:1] == expected


def test_terms_without_a_longest_silence_wait_for_the_next_event() -> None:
    log = [says("available", 0), says("logged_out", 900 * HOUR)]
    found = sessions(log, AgentTermHistory((0,), (SECOND,)))
    assert ends(found) == [(0, 900 * HOUR, 900 * HOUR, "logout")]


def test_sources_have_sessions_of_their_own() -> None:
    log = [
        says("available", 0, source="b"),
        says("break", 5, source="a"),
        says("logged_out", 10, source="b"),
    ]
    found = sessions(log, HISTORY)
    assert [(s.source, s.closed_by) for s in found] == [
        ("a", ClosedBy.LAST_EVENT),
        ("b", ClosedBy.LOGOUT),
    ]
