"""One state at a time, whatever the sources say; clipping loses nothing."""

from __future__ import annotations

from pipeline.domain.agent_session import HEARTBEAT, sessions
from pipeline.domain.agent_terms import PRECEDENCE, AgentTermHistory
from pipeline.domain.events import AgentStateEvent
from pipeline.domain.ledger import Spell, clip, resolve, totals
from tests.agent_logs import FIRST, HOUR, SECOND, a_state_event

HISTORY = AgentTermHistory((0,), (FIRST,))
Short = tuple[int, int, str, str, str | None]


def short(ledger: list[Spell]) -> list[Short]:
    return [(s.start_ms, s.end_ms, str(s.state), s.source, s.closed_by) for s in ledger]


def ledger_of(log: list[AgentStateEvent], history: AgentTermHistory = HISTORY) -> list[Spell]:
    return resolve(sessions(log, history), history)


def day(source: str, *states: tuple[str, int], reason: str | None = None) -> list[AgentStateEvent]:
    return [a_state_event(state, at, source=source, reason=reason) for state, at in states]


def test_on_contact_in_one_source_beats_a_break_in_the_other() -> None:
    log = [
        *day("acd", ("available", 0), ("on_contact", 10), ("available", 20), ("logged_out", 50)),
        *day("connect", ("break", 5), ("logged_out", 60)),
    ]
    assert short(ledger_of(log)) == [
        (0, 5, "available", "acd", None),
        (5, 10, "break", "connect", None),
        (10, 20, "on_contact", "acd", None),
        (20, 60, "break", "connect", "logout"),
    ]


def test_the_smaller_name_of_a_source_stands_for_both() -> None:
    log = [
        *day("b", ("break", 0), ("logged_out", 30)),
        *day("a", ("break", 10), ("logged_out", 20)),
    ]
    assert short(ledger_of(log)) == [
        (0, 10, "break", "b", None),
        (10, 20, "break", "a", None),
        (20, 30, "break", "b", "logout"),
    ]


def test_a_state_told_twice_is_one_spell() -> None:
    log = [
        *day("acd", ("available", 0), ("available", 10), ("break", 20)),
        *day("acd", ("available", 30), ("logged_out", 40)),
    ]
    assert short(ledger_of(log)) == [
        (0, 20, "available", "acd", None),
        (20, 30, "break", "acd", None),
        (30, 40, "available", "acd", "logout"),
    ]


def test_another_reason_or_presumption_is_another_spell() -> None:
    log = [
        a_state_event("break", 0, reason="tea"),
        a_state_event("break", 10, reason="rona"),
        a_state_event("break", 20, reason=HEARTBEAT),
    ]
    assert [(s.start_ms, s.reason, s.is_presumed) for s in ledger_of(log)] == [
        (0, "tea", False),
        (10, "rona", False),
        (20, "rona", True),
    ]


def test_a_gap_closes_and_says_how() -> None:
    log = day("acd", ("available", 0), ("logged_out", 10), ("available", 15), ("break", 20))
    assert short(ledger_of(log)) == [
        (0, 10, "available", "acd", "logout"),
        (15, 20, "available", "acd", "last_event"),
    ]


def test_a_proven_state_beats_a_presumed_one_of_higher_rank() -> None:
    log = [
        *day("acd", ("on_contact", 0), reason=HEARTBEAT),
        *day("connect", ("available", 0), ("logged_out", 100_000)),
    ]
    assert short(ledger_of(log)) == [
        (0, 100_000, "available", "connect", None),
        (100_000, 240_000, "on_contact", "acd", "heartbeat_loss"),
    ]


def test_another_precedence_takes_force_within_a_state() -> None:
    history = AgentTermHistory((0, 50), (FIRST, SECOND))
    log = [
        *day("acd", ("on_contact", 0), ("logged_out", 100)),
        *day("connect", ("break", 0), ("logged_out", 100)),
    ]
    assert FIRST.precedence == PRECEDENCE
    assert short(ledger_of(log, history)) == [
        (0, 50, "on_contact", "acd", None),
        (50, 100, "break", "connect", "logout"),
    ]


def test_terms_that_change_nothing_cut_nothing() -> None:
    history = AgentTermHistory((0, 50), (FIRST, FIRST))
    log = day("acd", ("on_contact", 0), ("logged_out", 100))
    assert short(ledger_of(log, history)) == [(0, 100, "on_contact", "acd", "logout")]


def test_no_sessions_give_no_ledger() -> None:
    assert resolve([], HISTORY) == []


def test_a_spell_across_midnight_is_cut_half_open() -> None:
    ledger = ledger_of(day("acd", ("available", 0), ("break", 10), ("logged_out", 2 * HOUR)))
    assert short(clip(ledger, 10, HOUR)) == [(10, HOUR, "break", "acd", None)]
    assert short(clip(ledger, HOUR, 3 * HOUR)) == [(HOUR, 2 * HOUR, "break", "acd", "logout")]
    assert clip(ledger, 2 * HOUR, 3 * HOUR) == []
    assert short(clip(ledger, 0, 10)) == [(0, 10, "available", "acd", None)]


def test_a_logout_at_the_very_end_of_the_bounds_is_within_them() -> None:
    ledger = ledger_of(day("acd", ("available", 0), ("logged_out", HOUR)))
    assert short(clip(ledger, 0, HOUR)) == [(0, HOUR, "available", "acd", "logout")]
    assert short(clip(ledger, 0, HOUR - 1)) == [(0, HOUR - 1, "available", "acd", None)]


def test_time_per_state_adds_up_to_the_bounds() -> None:
    ledger = ledger_of(day("acd", ("available", 0), ("break", 10), ("logged_out", 2 * HOUR)))
    spent = totals(ledger, 0, HOUR)
    assert (spent["available"], spent["break"], sum(spent.values())) == (10, HOUR - 10, HOUR)  # type: ignore[index]
