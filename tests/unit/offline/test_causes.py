"""Causes of a fall from what is landed: who was away, what took long, came twice or broke."""

from __future__ import annotations

from pathlib import Path

import pytest

from pipeline.config_agent_time import load_agent_time
from pipeline.config_files import load_targets
from pipeline.domain.events import AgentState
from pipeline.domain.incident import Cause, IncidentKind
from pipeline.errors import InputError
from pipeline.lake.queue_day import QueueData, QueueKey
from pipeline.lake.window_log import WindowLog
from pipeline.offline.causes import Causes, find_causes
from pipeline.offline.weeks import earlier
from pipeline.offline.window_plan import StatedPlan, quarters_of
from pipeline.settings import Settings
from pipeline.staffing.cause import NoCause
from tests.unit.offline import cause_day as day
from tests.unit.offline import landed_day as landed

SERVICE = QueueKey("meridian", "sh", "service")
NINE = landed.local("2025-11-11 09:00")
TEN = NINE + day.HOUR_MS
STATED = StatedPlan(patience_s=120, agents=10, planned_agents=10)


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return landed.new_settings(tmp_path)


def find(
    settings: Settings,
    stated: StatedPlan = STATED,
    window: tuple[int, int] = (NINE, TEN),
    key: QueueKey = SERVICE,
) -> Causes:
    return find_causes(
        key,
        window,
        targets=load_targets(settings.config_dir / "queues.yaml"),
        times=load_agent_time(settings.config_dir / "agent_time.yaml"),
        data=QueueData(settings.landing, settings.published),
        log=WindowLog(settings.landing),
        stated=stated,
    )


def land_hour(
    settings: Settings, *, calls: int = 36, in_time: int = 30, aht_s: int = 240, planned: int = 36
) -> None:
    """Land an hour's counts by the quarter, and a forecast of 36 calls of 240 s and 11 agents."""
    starts = landed.quarters("2025-11-11", 9, 10)
    landed.land_live(
        settings,
        [landed.pane(at, offered=calls, answered=calls, answered_within=in_time) for at in starts],
        [landed.handled(at, calls, 1000 * aht_s * calls) for at in starts],
    )
    plan = {"calls_milli": 1000 * planned, "agents_milli": 11_000}
    landed.land_forecast(settings, [landed.a_forecast(at, **plan) for at in starts])


def first(found: Causes) -> Cause:
    return found.explanation.ordered[0][0]


def names(found: Causes, cause: Cause) -> list[str]:
    return [part.name for part in found.parts[cause]]


def test_more_calls_than_planned_are_the_environment(settings: Settings) -> None:
    land_hour(settings, calls=60, in_time=20)
    found = find(settings, StatedPlan(patience_s=120))
    assert first(found) is Cause.ENVIRONMENT
    assert names(found, Cause.ENVIRONMENT) == ["11 Nov 09:00"]
    assert found.parts[Cause.ENVIRONMENT][0].amount == 4 * 24
    assert found.explanation.points[Cause.PEOPLE] == 0
    said = " | ".join(found.notes)
    assert "planned calls by the landed forecast" in said
    assert "agents are taken as planned, so people have no points" in said
    assert "method has no points" in said


def test_who_was_scheduled_and_away_is_named(settings: Settings) -> None:
    land_hour(settings, in_time=10)
    crew = ["anna", "bo", "cy", "di", "ed", "flo", "gus", "hal", "ida", "jo", "kim"]
    night = NINE - day.HOUR_MS
    day.land(
        settings,
        calls=[day.call(f"c-{agent}", NINE - day.HOUR_MS, agent) for agent in crew],
        # jo has not come, ida has gone at half past
        states=[
            *(day.state(agent, night, AgentState.AVAILABLE) for agent in crew if agent != "jo"),
            day.state("ida", NINE + day.HOUR_MS // 2, AgentState.LOGGED_OUT),
            day.state("kim", NINE, AgentState.MEAL),
            day.state("kim", NINE + day.HOUR_MS // 4, AgentState.AVAILABLE),
        ],
        shifts=[day.shift(agent, night, TEN + day.HOUR_MS) for agent in crew],
    )
    found = find(settings, StatedPlan(patience_s=120))
    assert first(found) is Cause.PEOPLE
    parts = found.parts[Cause.PEOPLE]
    assert [(p.name, round(p.amount, 6)) for p in parts] == [
        ("jo", 1.0),
        ("ida", 0.5),
        ("kim", 0.25),
    ]
    assert sum(p.points for p in parts) == pytest.approx(found.explanation.points[Cause.PEOPLE])
    assert any("agents by the states of the 10" in note for note in found.notes)


def test_offers_let_ring_are_taken_off_the_agents_time(settings: Settings) -> None:
    land_hour(settings, calls=4, in_time=2, planned=4)
    day.land(
        settings,
        calls=[
            *(day.call(f"c{i}", NINE + i * 100_000, "anna", rang="bo") for i in range(30)),
            day.call("b", NINE - day.HOUR_MS, "bo"),
        ],
        states=[day.state(agent, NINE, AgentState.AVAILABLE) for agent in ("anna", "bo")],
        shifts=[day.shift(agent, NINE, TEN) for agent in ("anna", "bo")],
    )
    found = find(settings, StatedPlan(patience_s=120, planned_agents=2))
    (worst, *_) = found.parts[Cause.PEOPLE]
    assert (worst.name, round(3600 * worst.amount)) == ("bo", 600)
    assert any("30 offers were let ring (30 by bo)" in note for note in found.notes)


def test_at_the_end_of_the_log_those_who_take_calls_are_there(settings: Settings) -> None:
    """Nobody has logged out, and no schedule says until when; who was silent for long is gone."""
    land_hour(settings)
    since = {"anna": TEN - 600_000, "bo": NINE - 2 * day.HOUR_MS, "cy": NINE + 1_800_000}
    day.land(
        settings,
        calls=[day.call(f"c-{agent}", NINE - day.HOUR_MS, agent) for agent in since],
        states=[
            *(day.state(agent, at, AgentState.AVAILABLE) for agent, at in since.items()),
            day.state("cy", TEN + 1_800_000, AgentState.LOGGED_OUT),
        ],
    )
    found = find(settings, StatedPlan(patience_s=120))
    there_s = [900 * i.actual.agents for i in found.intervals]
    assert there_s == pytest.approx([0, 0, 900, 900 + 600])


def test_who_takes_long_is_named_and_what_it_is_spent_on(settings: Settings) -> None:
    land_hour(settings, aht_s=300, in_time=10)
    day.land(
        settings,
        calls=[
            *(day.call(f"a{i}", NINE + i * 60_000, "anna", talk_s=570) for i in range(20)),
            *(day.call(f"b{i}", NINE + i * 60_000, "bo") for i in range(20)),
        ],
    )
    found = find(settings, StatedPlan(patience_s=120, agents=11))
    assert first(found) is Cause.MATERIAL
    assert names(found, Cause.MATERIAL) == ["anna"]
    assert found.parts[Cause.MATERIAL][0].amount == pytest.approx(20 * 360 / 3600)


def test_what_was_handed_over_and_what_came_twice_is_method(settings: Settings) -> None:
    land_hour(settings, calls=60, in_time=20)
    week = 7 * 24 * day.HOUR_MS
    before = [day.call(f"w{i}", NINE - week + i * 60_000) for i in range(40)]
    old = [day.call("old", NINE - 3 * week)]
    now = [day.call(f"n{i}", NINE + i * 60_000, customer_ref=f"{i:024x}") for i in range(40)]
    again = [
        day.call(f"r{i}", NINE + (i + 10) * 60_000, customer_ref=f"{i:024x}") for i in range(10)
    ]
    handed = []
    for i in range(10):
        handed.append(day.call(f"t{i}", NINE + i * 60_000, "bo", queue="orders"))
        handed.append(day.call(f"t{i}", NINE + i * 60_000 + 300_000, leg=2))
    day.land(settings, calls=[*old, *before, *now, *again, *handed])
    found = find(settings)
    assert first(found) is Cause.METHOD
    assert [(p.kind, p.name, p.amount) for p in found.parts[Cause.METHOD]] == [
        ("queue", "orders", 10),
        ("repeat", "service", 10),
    ]
    assert any("33.3 % of calls where 0.0 % were usual (1 weeks)" in note for note in found.notes)


def test_a_log_that_begins_too_late_blames_no_method(settings: Settings) -> None:
    land_hour(settings, calls=60)
    week = 7 * 24 * day.HOUR_MS
    day.land(
        settings,
        calls=[
            day.call("w", NINE - week),
            day.call("n", NINE),
            day.call("t", NINE, queue="orders"),
            day.call("t", NINE + 300_000, leg=2),
        ],
    )
    found = find(settings)
    assert found.explanation.points[Cause.METHOD] == 0
    assert any("no earlier week is known; say --rework" in note for note in found.notes)
    stated = find(settings, StatedPlan(patience_s=120, agents=10, planned_agents=10, rework=0.1))
    assert stated.explanation.points[Cause.METHOD] > 0


def test_an_outage_is_the_machine_and_not_the_people(settings: Settings) -> None:
    starts = landed.quarters("2025-11-11", 9, 10)
    counts = [(36, 30), (0, 0), (0, 0), (36, 30)]
    landed.land_live(
        settings,
        [
            landed.pane(at, offered=36, answered=a, answered_within=w, abandoned=36 - a)
            for at, (a, w) in zip(starts, counts, strict=True)
        ],
        [landed.handled(at, 36, 240_000 * 36) for at in (starts[0], starts[3])],
    )
    plan = {"calls_milli": 36_000, "agents_milli": 11_000}
    landed.land_forecast(settings, [landed.a_forecast(at, **plan) for at in starts])
    day.land(
        settings,
        calls=[day.call("c", NINE)],
        states=[day.state("anna", NINE, AgentState.AVAILABLE)],
        shifts=[day.shift("anna", NINE, TEN)],
        incidents=[
            day.incident("trunk", starts[1], starts[3]),
            day.incident("elsewhere", starts[0], None, queues=("orders",)),
            day.incident("strike", starts[0], None, kind=IncidentKind.STAFFING),
            day.incident("blamed", starts[0], None, cause=Cause.PEOPLE),
            day.incident("over", starts[0] - 10, starts[0]),
        ],
    )
    found = find(settings, StatedPlan(patience_s=120, agents=11))
    assert first(found) is Cause.MACHINE
    assert found.explanation.points[Cause.MACHINE] == pytest.approx(
        0.5 * (found.explanation.planned or 0)
    )
    assert [(p.name, p.amount) for p in found.parts[Cause.MACHINE]] == [("trunk", 30)]
    measured = find(settings, StatedPlan(patience_s=120, planned_agents=1))
    assert [i.actual.agents for i in measured.intervals] == [1, 1, 1, 1]


def test_a_fault_in_which_calls_were_answered_is_not_blamed_for_those(settings: Settings) -> None:
    land_hour(settings, in_time=18)
    day.land(settings, incidents=[day.incident("flaky", NINE - 1, None)])
    found = find(settings, StatedPlan(patience_s=120, agents=11))
    assert found.explanation.points[Cause.MACHINE] == 0
    assert any("flaky (telephony)" in note for note in found.notes)


def test_a_plan_that_nobody_made_is_asked_for(settings: Settings) -> None:
    landed.land_live(settings, [landed.pane(NINE, offered=5)], [landed.handled(NINE, 1, 1)])
    with pytest.raises(InputError, match="say --forecast FILE"):
        find(settings)
    rows = [landed.a_forecast(NINE, agents_milli=None)]
    landed.land_forecast(settings, rows)
    with pytest.raises(InputError, match="--planned-agents: expected how many were planned"):
        find(settings, StatedPlan(patience_s=120))
    (quarter, *_) = find(settings).intervals
    assert quarter.planned is not None
    assert quarter.planned.agents == 10
    assert find(settings).explanation.unplanned == 0


def test_a_handle_time_that_nobody_planned_is_asked_for(settings: Settings) -> None:
    landed.land_live(settings, [landed.pane(NINE, offered=5)], [landed.handled(NINE, 1, 1)])
    landed.land_forecast(settings, [landed.a_forecast(NINE, aht_ms=None)])
    with pytest.raises(InputError, match="expected a planned handle time"):
        find(settings)


def test_no_calls_and_no_window_are_said(settings: Settings) -> None:
    land_hour(settings, calls=0, in_time=0)
    assert find(settings).explanation.reason is NoCause.NO_CALLS
    with pytest.raises(InputError, match="expected a window of more than nothing"):
        find(settings, window=(TEN, TEN))
    with pytest.raises(InputError, match="at most a month"):
        find(settings, window=(NINE, NINE + 33 * 24 * day.HOUR_MS))


def test_a_window_ends_where_the_counts_do(settings: Settings) -> None:
    service, handle = landed.panes_of("2025-11-11", from_h=9, until_h=10, calls=400, in_time=100)
    landed.land_live(settings, service, handle, watermark_ms=NINE + 1_800_000)
    landed.land_forecast(settings, [landed.a_forecast(at) for at in landed.quarters("2025-11-11")])
    found = find(settings)
    assert found.to_ms == NINE + 1_800_000
    assert any("counts end 30 min before the window does" in note for note in found.notes)
    with pytest.raises(InputError, match="none of the window is known"):
        find(settings, window=(TEN, TEN + 1))


def test_quarters_begin_where_the_window_does() -> None:
    q = landed.QUARTER_MS
    assert quarters_of(NINE, NINE + 2 * q) == [(NINE, NINE + q), (NINE + q, NINE + 2 * q)]
    assert quarters_of(NINE + 1, NINE + q + 5) == [(NINE + 1, NINE + q), (NINE + q, NINE + q + 5)]


@pytest.mark.parametrize("at", ["2025-03-31 09:00", "2025-10-27 09:00"])
def test_a_week_before_a_change_of_the_clock_is_the_same_wall_clock_time(at: str) -> None:
    from datetime import datetime
    from zoneinfo import ZoneInfo

    berlin = ZoneInfo("Europe/Berlin")
    local = datetime.fromisoformat(at).replace(tzinfo=berlin)
    start = round(local.timestamp() * 1000)
    ((from_ms, to_ms), *_) = earlier((start, start + day.HOUR_MS), "Europe/Berlin")
    assert f"{datetime.fromtimestamp(from_ms / 1000, berlin):%H:%M}" == "09:00"
    assert f"{datetime.fromtimestamp(to_ms / 1000, berlin):%H:%M}" == "10:00"
    assert abs(start - from_ms - 7 * 24 * day.HOUR_MS) == day.HOUR_MS
