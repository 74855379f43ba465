"""Plans, and the 双11 day that is won by following one in the simulation."""

from __future__ import annotations

from dataclasses import replace
from random import Random

import pytest

from pipeline.staffing.curve import CONFIDENCE, Rules
from pipeline.staffing.day import course
from pipeline.staffing.plan import Plan, make_plan
from pipeline.staffing.pool import Lent, Source
from pipeline.staffing.simulate import Callers, Slot, simulate
from tests.unit.staffing.days import HOURS, PATIENCE_S, QUARTER_MS, SLOTS, a_rest

END_MS = SLOTS * QUARTER_MS
LEADERS = Source(name="leaders", lent=(Lent(0, END_MS, 12),), ramp_s=300)
HARBOUR = Source(name="harbour", lent=(Lent(0, END_MS, 30),), ramp_s=1200, cost_per_hour=1.5)
FLAT = Rules()


@pytest.fixture(scope="module")
def saved() -> Plan:
    """Return the plan for 双11 after a tenth of its volume: 20,000 calls, 73 agents."""
    rest = a_rest(past=0.1, volume_cv=0.05)
    return make_plan(rest, [LEADERS, HARBOUR], rest.slots[0].start_ms, FLAT)


def test_singles_day_can_be_won_after_a_tenth_of_its_volume(saved: Plan) -> None:
    assert saved.is_enough
    assert saved.before.likely < 0.01
    assert saved.before.projected == pytest.approx(0.237, abs=0.003)
    assert saved.after.likely >= CONFIDENCE
    assert saved.after.projected > 0.8
    first = saved.steps[0]
    assert (first.source, first.people) == ("leaders", 12)
    assert first.at_ms == saved.rest.slots[0].start_ms + 300_000


def test_singles_day_is_won_when_the_plan_is_followed(saved: Plan) -> None:
    """Simulated from empty, with a volume that is off by 5 % or so: in at least 54 of 60 days."""
    past = [Slot(length_s=900, calls=20_000 / SLOTS, agents=73)] * round(SLOTS * 0.1)
    callers = Callers(handle_s=240, patience_s=PATIENCE_S, threshold_s=20)
    won = 0
    for seed in range(60):
        busy = Random(f"busy/{seed}").gauss(1, 0.05)  # noqa: S311 - a simulation
        rest = [
            Slot(length_s=slot.length_s, calls=busy * slot.calls, agents=round(agents))
            for slot, agents in zip(saved.rest.slots, saved.agents, strict=True)
        ]
        rows = simulate([*past, *rest], callers, f"singles/{seed}")
        won += sum(row.within for row in rows) >= 0.8 * sum(row.offered for row in rows)
    assert won >= 54


def test_after_a_quarter_of_its_volume_nothing_saves_it_and_the_plan_says_so() -> None:
    rest = a_rest(past=0.25)
    found = make_plan(rest, [LEADERS], rest.slots[0].start_ms, FLAT)
    assert not found.is_enough
    assert found.after.likely < 0.01
    assert max(map(sum, found.people)) == 12  # everybody, all the same


def test_a_day_that_goes_well_needs_nobody() -> None:
    rest = a_rest(calls=15_000, agents=78, level=0.9)
    found = make_plan(rest, [LEADERS, HARBOUR], rest.slots[0].start_ms, FLAT)
    assert (found.is_enough, found.steps, found.cost) == (True, (), 0.0)


def test_it_costs_no_more_than_the_same_people_all_day() -> None:
    """The least number of people who, all day long, give the same chance, cost as much or more."""
    rest = a_rest(level=0.6, agents=85)
    now = rest.slots[0].start_ms
    crew = Source(name="crew", lent=(Lent(0, END_MS, 30),))
    found = make_plan(rest, [crew], now, FLAT)
    assert found.is_enough
    hours = sum(slot.length_s for slot in rest.slots) / 3600
    same = next(
        k
        for k in range(31)
        if course(rest, [slot.agents + k for slot in rest.slots]).likely >= FLAT.confidence
    )
    assert found.cost <= same * hours + 1e-6
    assert found.cost > 0


def test_the_cheaper_are_asked_first_and_pace_is_a_cost(saved: Plan) -> None:
    leaders, harbour = zip(*saved.people, strict=True)
    assert all(n == 12 for n, more in zip(leaders, harbour, strict=True) if more)
    rest = a_rest(level=0.75, agents=88)
    slow = replace(LEADERS, name="slow", pace=2.0)
    quick = replace(LEADERS, name="quick", cost_per_hour=1.8)
    found = make_plan(rest, [slow, quick], rest.slots[0].start_ms, FLAT)
    assert {step.source for step in found.steps} == {"quick"}


def test_shrinkage_takes_more_people_for_the_same_agents() -> None:
    rest = a_rest(level=0.75, agents=88)
    now = rest.slots[0].start_ms
    plain = make_plan(rest, [HARBOUR], now, FLAT)
    shrunk = make_plan(rest, [HARBOUR], now, replace(FLAT, shrinkage=0.25))
    assert shrunk.cost > plain.cost * 1.2
    i = next(i for i, row in enumerate(shrunk.people) if row[0])
    assert shrunk.agents[i] == pytest.approx(88 + 0.75 * shrunk.people[i][0])


def test_occupancy_calls_people_in_even_where_the_goal_does_not() -> None:
    rest = a_rest(calls=15_000, agents=74, level=0.9)
    now = rest.slots[0].start_ms
    easy = Rules(most_occupancy=0.85)
    found = make_plan(rest, [replace(HARBOUR, ramp_s=0)], now, easy)
    assert found.steps
    assert not found.too_busy
    tight = make_plan(rest, [replace(LEADERS, ramp_s=0)], now, Rules(most_occupancy=0.7))
    assert len(tight.too_busy) == len(rest.slots)


def test_nobody_is_called_in_for_hours_without_calls() -> None:
    rest = a_rest(calls=15_000, agents=74, level=0.9)
    night = tuple(replace(slot, calls=0.0, agents=0.0) for slot in rest.slots[:4])
    rest = replace(rest, slots=night + rest.slots[4:])
    crew = Source(name="crew", lent=(Lent(0, END_MS, 40),))
    found = make_plan(rest, [crew], rest.slots[0].start_ms, Rules(most_occupancy=0.85))
    assert [row[0] for row in found.people[:3]] == [0, 0, 0]
    assert not set(found.too_busy) & {slot.start_ms for slot in night}


def test_who_comes_stays_and_who_goes_stays_away_for_a_while() -> None:
    rest = a_rest(level=0.7, agents=88)
    slots = tuple(
        replace(slot, calls=slot.calls * (1.2 if i % 4 == 0 else 0.9))
        for i, slot in enumerate(rest.slots)
    )
    rest = replace(rest, slots=slots)
    now = slots[0].start_ms
    crew = Source(name="crew", lent=(Lent(0, END_MS, 40),))
    hasty = make_plan(rest, [crew], now, Rules(stay_s=0))
    calm = make_plan(rest, [crew], now, Rules(stay_s=3600))
    assert len(calm.steps) < len(hasty.steps)
    assert calm.after.likely >= hasty.after.likely
    came: list[int] = []
    for step in calm.steps:
        if step.change > 0:
            came.append(step.at_ms)
        else:
            assert step.at_ms - came[-1] >= 3_600_000


def test_each_step_tells_the_chance_if_it_is_the_last(saved: Plan) -> None:
    chances = [step.likely for step in saved.steps if step.change > 0]
    assert chances == sorted(chances)
    assert chances[0] < 0.1
    assert chances[-1] == pytest.approx(saved.after.likely)


def test_a_pool_too_late_for_the_day_is_no_pool() -> None:
    rest = a_rest(past=0.9)
    late = replace(LEADERS, ramp_s=HOURS * 3600)
    found = make_plan(rest, [late], rest.slots[0].start_ms, FLAT)
    assert (found.is_enough, found.steps) == (False, ())


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"confidence": 1.0}, "confidence: expected"),
        ({"shrinkage": 1.0}, "shrinkage: expected"),
        ({"most_occupancy": 0.0}, "occupancy: expected"),
        ({"stay_s": -1.0}, "stay: expected"),
    ],
)
def test_rules_that_cannot_be_kept_are_refused(changed: dict[str, float], said: str) -> None:
    with pytest.raises(ValueError, match=said):
        replace(FLAT, **changed)
