"""Terms of agents' time: what makes no sense is refused; the right one is in force."""

from __future__ import annotations

import pytest

from pipeline.domain.agent_terms import (
    PRECEDENCE,
    AgentTermHistory,
    AgentTimeTerms,
    Measure,
    MeasureTerms,
)
from pipeline.domain.events import AgentState
from tests.agent_logs import FIRST, SECOND

NOTHING = MeasureTerms(states=frozenset())


def test_terms_hold_from_their_start_and_the_first_before_it() -> None:
    history = AgentTermHistory((10, 20), (FIRST, SECOND))
    assert [history.at(at) for at in (0, 10, 19, 20, 99)] == [FIRST, FIRST, FIRST, SECOND, SECOND]


@pytest.mark.parametrize("starts", [(), (1,), (2, 1), (1, 1)])
def test_a_history_without_order_is_refused(starts: tuple[int, ...]) -> None:
    with pytest.raises(ValueError, match=r"need one start|must ascend"):
        AgentTermHistory(starts, (FIRST, SECOND) if starts else ())


@pytest.mark.parametrize("precedence", [PRECEDENCE[:-1], (*PRECEDENCE, AgentState.LOGGED_OUT)])
def test_a_precedence_ranks_every_state_once(precedence: tuple[AgentState, ...]) -> None:
    with pytest.raises(ValueError, match="every state once; missing"):
        AgentTimeTerms(precedence=precedence, measures=dict.fromkeys(Measure, NOTHING))


def test_every_measure_has_terms() -> None:
    with pytest.raises(ValueError, match=r"measures must be \['billable', 'paid', 'productive'\]"):
        AgentTimeTerms(measures={Measure.PAID: NOTHING})


def test_a_state_counts_by_name_or_with_its_reason() -> None:
    terms = MeasureTerms(states=frozenset({"break:rona", "available"}))
    assert terms.counts(AgentState.AVAILABLE, "any")
    assert terms.counts(AgentState.BREAK, "rona")
    assert not terms.counts(AgentState.BREAK, "tea")
    assert not terms.counts(AgentState.BREAK, None)


def test_a_state_without_a_reason_is_not_one_whose_reason_is_called_none() -> None:
    terms = MeasureTerms(states=frozenset({"other:None"}))
    assert terms.counts(AgentState.OTHER, "None")
    assert not terms.counts(AgentState.OTHER, None)


def test_what_terms_leave_open_is_four_minutes_no_minimum_no_cap_and_presumed_time_counts() -> None:
    terms = AgentTimeTerms(measures=dict.fromkeys(Measure, NOTHING))
    assert (terms.lost_after_ms, terms.longest_silence_ms) == (4 * 60_000, None)
    assert (NOTHING.minimum_login_ms, NOTHING.caps, NOTHING.counts_presumed) == (0, {}, True)
