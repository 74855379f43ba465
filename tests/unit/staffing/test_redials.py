from __future__ import annotations

import pytest

from pipeline.staffing.erlang import Traffic, steady
from pipeline.staffing.redials import NO_REDIALS, Redials, offered_in, steady_offered

HALF = Redials(share=0.5, delay_s=300)


def abandoned(calls: float) -> float:
    return steady(Traffic(rate_per_s=calls / 900, handle_s=240, patience_s=120), 73).abandoned


def test_without_redials_what_is_offered_is_new() -> None:
    found = offered_in(NO_REDIALS, fresh=10, pool=3, length_s=900, abandon_share=abandoned)
    assert (found.offered, found.pool) == (10, 0)


def test_in_the_long_run_offered_is_new_and_redials_of_what_was_offered() -> None:
    offered = steady_offered(HALF, fresh=330, abandon_share=abandoned)
    assert offered == pytest.approx(330 + 0.5 * offered * abandoned(offered), rel=1e-6)
    pool = 0.0
    for _ in range(40):
        flow = offered_in(HALF, fresh=330, pool=pool, length_s=900, abandon_share=abandoned)
        pool = flow.pool
    assert flow.offered == pytest.approx(offered, rel=1e-4)


def test_nobody_is_lost_or_made_between_slots() -> None:
    """What was in the pool and what entered it is offered again or still in it."""
    flow = offered_in(HALF, fresh=200, pool=40, length_s=600, abandon_share=lambda _: 0.2)
    again = flow.offered - 200
    assert again + flow.pool == pytest.approx(40 + 0.5 * 0.2 * flow.offered, abs=1e-6)


def test_a_pool_drains_with_its_delay() -> None:
    flow = offered_in(HALF, fresh=0, pool=100, length_s=300, abandon_share=lambda _: 0.0)
    assert flow.pool == pytest.approx(100 / 2.718281828, rel=1e-6)


@pytest.mark.parametrize(("share", "delay_s"), [(-0.1, 60), (1.0, 60), (0.5, 0)])
def test_what_no_caller_does_is_refused(share: float, delay_s: float) -> None:
    with pytest.raises(ValueError, match="redials: expected"):
        Redials(share=share, delay_s=delay_s)
