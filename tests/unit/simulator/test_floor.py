"""A floor obeys the laws of a call centre."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise

import pytest

from pipeline.domain.events import AgentState
from pipeline.simulator import profile as p
from pipeline.simulator.floor import simulate_day
from pipeline.simulator.leg import FloorDay
from pipeline.simulator.plan import DayPlan, Order, Scenario

ORDER = Order(scenario=Scenario.DOUBLE11, seed=1, year=2025, month=11, scale=0.2)


@pytest.fixture(scope="module")
def plan() -> DayPlan:
    """Return a site of the retailer on a hard day."""
    return ORDER.plans(ORDER.dates()[0])[0]


@pytest.fixture(scope="module")
def day(plan: DayPlan) -> FloorDay:
    """Simulate it."""
    return simulate_day(plan)


def test_an_agent_has_one_call_at_a_time(day: FloorDay) -> None:
    busy: dict[str, list[tuple[int, int]]] = {}
    for leg in day.legs:
        for offer in leg.offers:
            until = offer.at + offer.ring_ms
            busy.setdefault(offer.agent, []).append((offer.at, until))
        if leg.answered_at is not None:
            span = (leg.answered_at, leg.wrapup_ended_at or leg.ended_at or 0)
            busy[leg.offers[-1].agent].append(span)
    for spans in busy.values():
        for (_, until), (following, _) in pairwise(sorted(spans)):
            assert until <= following


def test_an_agent_is_on_contact_exactly_from_each_answer(day: FloorDay) -> None:
    answers = sorted((leg.answered_at, leg.offers[-1].agent) for leg in day.legs if leg.answered_at)
    states = sorted((s.at, s.agent) for s in day.states if s.state is AgentState.ON_CONTACT)
    assert states == answers


def test_every_leg_has_one_fate(day: FloorDay) -> None:
    for leg in day.legs:
        fates = (
            leg.answered_at,
            leg.abandoned_at,
            leg.flowed_out_at,
            leg.callback_at,
            leg.before_queue_at,
            leg.refused_at,
        )
        assert sum(at is not None for at in fates) == 1


def test_nobody_is_served_after_leaving_or_before_coming(day: FloorDay) -> None:
    for leg in day.legs:
        assert all(offer.at >= leg.queued_at for offer in leg.offers)
        if leg.answered_at is not None:
            assert leg.queued_at < leg.answered_at <= leg.leave_at
            assert leg.ended_at is not None
            assert leg.answered_at < leg.ended_at


def test_holds_lie_within_the_call_one_after_the_other(day: FloorDay) -> None:
    held = [leg for leg in day.legs if leg.holds]
    assert held
    for leg in held:
        edges = [at for hold in leg.holds or [] for at in hold]
        assert leg.answered_at is not None
        assert leg.ended_at is not None
        assert edges == sorted(edges)
        assert leg.answered_at <= edges[0]
        assert edges[-1] <= leg.ended_at


def test_an_unanswered_telephone_sends_the_agent_to_a_break_and_the_call_on(day: FloorDay) -> None:
    passed_on = [leg for leg in day.legs if len(leg.offers) > 1]
    assert passed_on
    for leg in passed_on:
        first = leg.offers[0]
        assert first.rang_out
        assert first.ring_ms == p.RONA_RING_S * 1000
        assert (first.at + first.ring_ms, first.agent, "rona") in {
            (s.at, s.agent, s.reason) for s in day.states
        }


def test_outside_opening_hours_calls_flow_out(plan: DayPlan, day: FloorDay) -> None:
    for leg in day.legs:
        is_open = plan.opens_ms <= leg.queued_at < plan.closes_ms
        assert (leg.flowed_out_reason == "after_hours") == (
            not is_open and leg.before_queue_at is None
        )


def test_a_bank_that_is_closed_takes_no_call() -> None:
    plan = ORDER.plans(ORDER.dates()[0])[-1]
    refused = [leg for leg in simulate_day(plan).legs if leg.refused_reason == "closed"]
    assert refused
    for leg in refused:
        assert not plan.opens_ms <= leg.queued_at < plan.closes_ms
        assert (leg.offers, leg.flowed_out_at) == ([], None)


def test_a_full_queue_takes_no_new_call_and_gives_a_transferred_one_back() -> None:
    order = replace(ORDER, scale=0.5)
    legs = simulate_day(order.plans(order.dates()[0])[0]).legs
    refused = [leg for leg in legs if leg.refused_at is not None]
    assert {leg.refused_reason for leg in refused} == {"full"}
    assert all(leg.number == 1 and leg.offers == [] for leg in refused)
    given_back = [leg for leg in legs if leg.flowed_out_reason == "queue_full"]
    assert given_back
    assert all(leg.number > 1 for leg in given_back)


def test_an_agent_who_dials_has_one_person_at_a_time_and_says_so(day: FloorDay) -> None:
    talks = sorted(
        (leg.offers[0].agent, leg.answered_at, leg.ended_at, leg.wrapup_ended_at)
        for leg in day.dialed
        if leg.answered_at is not None
    )
    assert talks
    for (agent, *_, until), (another, following, *_) in pairwise(talks):
        assert agent != another or (until or 0) <= (following or 0)
    told: dict[AgentState, set[tuple[str, int]]] = {state: set() for state in AgentState}
    for change in day.dialers:
        told[change.state].add((change.agent, change.at))
    assert told[AgentState.ON_CONTACT] == {(agent, at) for agent, at, *_ in talks}
    assert told[AgentState.AFTER_CALL_WORK] == {(agent, at) for agent, _, at, _ in talks}
    inbound = {change.agent for change in day.states}
    assert not inbound & {agent for agent, _ in told[AgentState.LOGGED_OUT]}


def test_a_dialer_leaves_few_with_nobody_to_talk_to() -> None:
    order = Order(scenario=Scenario.NORMAL_MONTH, seed=1, year=2025, month=11, scale=10, days=1)
    legs = [leg for plan in order.plans(order.dates()[0]) for leg in simulate_day(plan).dialed]
    live = [leg for leg in legs if leg.picked_up_by == "human"]
    lost = [leg for leg in live if leg.answered_at is None]
    assert 0.4 < len(live) / len(legs) < 0.5
    assert 0 < len(lost) / len(live) < 0.03


def test_some_callers_try_again(day: FloorDay) -> None:
    contacts = {leg.contact: leg for leg in day.legs if leg.number == 1}
    left = [leg for leg in contacts.values() if leg.abandoned_at is not None]
    again = sum(
        any(
            other.customer == leg.customer and other.queued_at > (leg.abandoned_at or 0)
            for other in contacts.values()
        )
        for leg in left
    )
    assert again > 0.3 * len(left)


def test_scale_keeps_the_service_level() -> None:
    levels = []
    for scale in (1.0, 8.0):
        order = Order(scenario=Scenario.NORMAL_MONTH, seed=1, year=2025, month=11, scale=scale)
        plan = order.plans(order.dates()[2])[0]
        legs = [leg for leg in simulate_day(plan).legs if leg.before_queue_at is None]
        within = sum(
            leg.answered_at is not None and leg.answered_at - leg.queued_at <= 20_000
            for leg in legs
        )
        levels.append(within / len(legs))
    assert levels[1] == pytest.approx(levels[0], abs=0.08)
