"""SQL and the Python ledger give the same agents' time, to the millisecond.

Many agents share one run, so that a run's fixed cost is paid once. Months hold the DST days of
Berlin and New York, of zones whose clocks change at midnight, by half an hour and back over
midnight, and terms that change on the 17th.
"""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from dataclasses import replace
from functools import cache
from types import SimpleNamespace
from typing import Any, TypeVar

import duckdb
import pyarrow as pa
import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from pipeline.batch.agent_parameters import put_agent_parameters
from pipeline.batch.parameters import put_parameters
from pipeline.config_files import QueueEntry, Targets
from pipeline.domain.agent_session import Session, sessions
from pipeline.domain.agent_terms import AgentTermHistory
from pipeline.domain.agent_time import (
    AGENT_TIME_FIELDS,
    TimePiece,
    account,
    agent_counts,
    exclusions,
)
from pipeline.domain.business_time import Month
from pipeline.domain.events import AgentStateEvent
from pipeline.domain.intervals import Grain, Grid, Interval
from pipeline.domain.ledger import clip, resolve
from pipeline.domain.schedule import ScheduledSpan, SchedulePiece, adherence, flatten, shifts
from pipeline.domain.shift import Shift
from pipeline.domain.shift import spans as spans_in_force
from pipeline.lake.shape import AGENT_STATES, SHAPES
from pipeline.lake.warehouse import show_files
from tests.agent_logs import (
    DAYS,
    ZONES,
    draw_log,
    draw_schedule,
    draw_shifts,
    month_days,
    terms,
)
from tests.factories import history as targets_history

AGENTS = 120
MODELS = (
    *(
        "stg_agent_states",
        "stg_schedules",
        "int_agent_schedule",
        "int_agent_shifts",
        "int_agent_source_spells",
    ),
    *("int_agent_sessions", "int_agent_ledger", "int_agent_time", "int_agent_adherence"),
    *("int_agent_parts", "fct_agent_intervals", "fct_agent_days", "fct_agent_months"),
    "fct_agent_exclusions",
)

LANDED = {"agent_states": AGENT_STATES, "schedule": "ref.schedule"}

Row = tuple[Any, ...]
T = TypeVar("T", TimePiece, SchedulePiece)


class _Zoned(Targets):
    """Zones by site."""

    def zone(self, client: str, site: str, queue: str) -> str:  # noqa: ARG002
        return ZONES[site]


TARGETS = _Zoned((QueueEntry("*", "*", "*", "UTC", targets_history()),), version="test")


class _Warehouse:
    def __init__(self, con: duckdb.DuckDBPyConnection, models: dict[str, str]) -> None:
        self.con = con
        self.models = models


@pytest.fixture(scope="module")
def warehouse(models: dict[str, str]) -> Iterator[_Warehouse]:
    """A database in memory with a landed table to fill, and the compiled models."""
    con = duckdb.connect(":memory:")
    con.execute("attach ':memory:' as parity; use parity; set TimeZone = 'UTC'")
    for name, topic in LANDED.items():
        show_files(con, name, SHAPES[topic], [])
        con.execute(f"create table landed.{name}_rows as select * from landed.{name}")
        con.execute(f"create or replace view landed.{name} as select * from landed.{name}_rows")
    yield _Warehouse(con, models)
    con.close()


def _run(
    warehouse: _Warehouse,
    month: str,
    logs: dict[tuple[str, str], list[AgentStateEvent]],
    shifts_sent: dict[tuple[str, str], list[Shift]],
) -> None:
    con = warehouse.con
    _land(con, "agent_states", list(logs.values()))
    _land(con, "schedule", list(shifts_sent.values()))
    year, number = map(int, month.split("-"))
    put_parameters(
        con,
        month=Month(year, number),
        targets=TARGETS,
        queues=[],
        agent_sites=[("acme", site) for site in ZONES],
        watermarks={},
    )
    put_agent_parameters(con, terms(month))
    for name in MODELS:
        con.execute(f"create or replace table {name} as {warehouse.models[name]}")


def _land(con: duckdb.DuckDBPyConnection, name: str, parts: Sequence[Sequence[Any]]) -> None:
    shape = SHAPES[LANDED[name]]
    tables = [
        shape.table(
            [(SimpleNamespace(offset=o, timestamp=0), r) for o, r in enumerate(part)], p, now_ms=0
        )
        for p, part in enumerate(parts)
        if part
    ]
    con.execute(f"delete from landed.{name}_rows")
    if tables:
        con.register("arrow", pa.concat_tables(tables))
        con.execute(f"insert into landed.{name}_rows by name select * from arrow")
        con.unregister("arrow")


def _same(found: list[Row], expected: list[Row]) -> None:
    assert len(found) == len(set(found))
    missing = sorted(map(str, set(expected) - set(found)))
    extra = sorted(map(str, set(found) - set(expected)))
    assert missing[:3] + extra[:3] == [], f"missing {missing[:3]}\nextra {extra[:3]}"


@settings(max_examples=9, deadline=None, phases=(Phase.explicit, Phase.reuse, Phase.generate))
@given(seed=st.integers(0, 2**32), month=st.sampled_from(sorted(DAYS)))
def test_sql_gives_the_agents_time_of_the_ledger(
    warehouse: _Warehouse, seed: int, month: str
) -> None:
    rng = random.Random(seed)  # noqa: S311 - draws examples, not keys
    agents = [(rng.choice(list(ZONES)), f"agent{n}") for n in range(AGENTS)]
    logs = {(s, a): draw_log(rng, month, site=s, agent=a) for s, a in agents}
    schedules = {(s, a): draw_schedule(rng, month, site=s) for s, a in agents}
    sent = {
        (s, a): [replace(shift, site=s) for shift in draw_shifts(rng, spans, a)]
        for (s, a), spans in schedules.items()
    }
    for own, spans in schedules.items():
        assert sorted(map(str, spans_in_force(sent[own]))) == sorted(map(str, spans))
    _run(warehouse, month, logs, sent)
    wanted: dict[str, list[Row]] = {
        name: [] for name in ("sessions", "ledger", "schedule", "days", "intervals", "excluded")
    }
    for (site, agent), log in logs.items():
        _expect(wanted, (site, agent), log, schedules[site, agent], month)
    who = "site, agent"
    fields = ", ".join(AGENT_TIME_FIELDS)
    asked = {
        "schedule": f"select {who}, started_at_ms, ended_at_ms, activity, is_paid, is_billable "
        "from int_agent_schedule",
        "sessions": f"select {who}, source, login_at_ms, last_sign_at_ms, ended_at_ms, closed_by "
        "from int_agent_sessions",
        "ledger": f"select {who}, started_at_ms, ended_at_ms, state, reason, source, is_presumed, "
        "closed_by from int_agent_ledger",
        "days": f"select {who}, business_on, {fields}, longest_spell_ms, session_count, "
        "unclosed_session_count, is_open_ended from fct_agent_days",
        "intervals": f"select {who}, interval_minutes, interval_start_ms, {fields} "
        f"from fct_agent_intervals where greatest({fields}) > 0",
        "excluded": f"select {who}, business_on, measure, excluded_by, state, reason, excluded_ms "
        "from fct_agent_exclusions",
    }
    for name, sql in asked.items():
        _same(warehouse.con.execute(sql).fetchall(), wanted[name])


def _expect(
    wanted: dict[str, list[Row]],
    who: tuple[str, str],
    log: list[AgentStateEvent],
    spans: list[ScheduledSpan],
    month: str,
) -> None:
    zone = ZONES[who[0]]
    history: AgentTermHistory = terms(month).history("acme", zone)
    days = month_days(month, zone)
    flat = flatten(spans)
    logins = sessions(log, history, shifts(flat))
    ledger = resolve(logins, history)
    pieces = account(ledger, days, history)
    parts = adherence(flat, ledger, days, history)
    wanted["schedule"] += [
        (*who, s.start_ms, s.end_ms, s.activity, s.is_paid, s.is_billable) for s in flat
    ]
    wanted["sessions"] += [
        (*who, s.source, s.login_ms, s.last_sign_ms, s.end_ms, s.closed_by) for s in logins
    ]
    wanted["ledger"] += [
        (*who, s.start_ms, s.end_ms, s.state, s.reason, s.source, s.is_presumed, s.closed_by)
        for s in ledger
    ]
    wanted["excluded"] += [(*who, *key, spent) for key, spent in exclusions(pieces).items()]
    for day, start, end in days:
        own, due = _touching(pieces, start, end), _touching(parts, start, end)
        counts = agent_counts(own, due, start, end)
        seen = _seen(logins, start, end)
        if own or due or seen[0]:
            longest = max((s.end_ms - s.start_ms for s in clip(ledger, start, end)), default=0)
            wanted["days"].append((*who, day, *counts.values(), longest, *seen))
        if own or due:
            for minutes, grain in ((15, Grain.QUARTER_HOUR), (30, Grain.HALF_HOUR)):
                for tile in _tiles(zone, grain, start, end):
                    a, b = tile.start_ms, tile.end_ms
                    counts = agent_counts(_touching(own, a, b), _touching(due, a, b), a, b)
                    if any(counts.values()):
                        wanted["intervals"].append((*who, minutes, a, *counts.values()))


@cache
def _tiles(zone: str, grain: Grain, start: int, end: int) -> list[Interval]:
    """Return the intervals of a day, which every agent of the zone has."""
    return list(Grid(zone, grain).tiles(start, end))


def _touching(parts: list[T], start: int, end: int) -> list[T]:
    return [part for part in parts if part.start_ms < end and part.end_ms > start]


def _seen(logins: list[Session], start: int, end: int) -> tuple[int, int, bool]:
    here = [login for login in logins if start <= login.last_sign_ms < end]
    unclosed = sum(login.closed_by != "logout" for login in here)
    return len(here), unclosed, unclosed > 0
