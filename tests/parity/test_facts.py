"""SQL and Python agree on facts: the revision in force, scopes, excluded time, teams."""

from __future__ import annotations

import random
import re
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import duckdb
import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from pipeline.batch.models import compiled
from pipeline.batch.parameters import put_parameters
from pipeline.codec.fact_fields import TOPICS
from pipeline.config_files import QueueEntry, Targets
from pipeline.domain.business_time import Month
from pipeline.domain.complaint import SCOPES, Fault, scopes
from pipeline.domain.fact import FactKind, newest
from pipeline.domain.incident import excluded
from pipeline.domain.person import spells
from pipeline.lake.shape import AGENT_STATES, ALERTS, CALL_EVENTS, LATE, SHAPES
from pipeline.lake.warehouse import show_files
from tests.factories import history as targets_history
from tests.facts import a_fact

PROJECT = Path(__file__).resolve().parents[2] / "dbt_like_sql"
NOVEMBER = Month(2025, 11)
QUEUES = ["sales", "service"]
TARGETS = Targets((QueueEntry("*", "*", "*", "Europe/Berlin", targets_history()),), version="test")
START, END = NOVEMBER.bounds("Europe/Berlin")
HOUR = 3_600_000
EVENTS = {"call_events": CALL_EVENTS, "agent_states": AGENT_STATES, "late_events": LATE}
EVENTS |= {"customer_events": CALL_EVENTS, "alerts": ALERTS}


class _Warehouse:
    def __init__(self, con: duckdb.DuckDBPyConnection, models: dict[str, str]) -> None:
        self.con = con
        self.models = models


@pytest.fixture(scope="module")
def warehouse(tmp_path_factory: pytest.TempPathFactory) -> Iterator[_Warehouse]:
    """A database in memory with landed facts to fill, no calls, and the compiled models."""
    work = tmp_path_factory.mktemp("dbt")
    variables = {"month": "2025-11", "admitted_only": False}
    models = compiled(PROJECT, work / "parity.duckdb", work=work, variables=variables)
    con = duckdb.connect(":memory:")
    con.execute("attach ':memory:' as parity; use parity; set TimeZone = 'UTC'")
    for name, topic in EVENTS.items():
        show_files(con, name, SHAPES[topic], [])
    for kind, topic in TOPICS.items():
        show_files(con, str(kind), SHAPES[topic], [])
        con.execute(f"create table landed.{kind}_rows as select * from landed.{kind}")
        con.execute(f"create or replace view landed.{kind} as select * from landed.{kind}_rows")
    put_parameters(
        con,
        month=NOVEMBER,
        targets=TARGETS,
        queues=[("acme", "", queue) for queue in QUEUES],
        agent_sites=[],
        watermarks={},
    )
    of_calls = [
        m
        for m in models
        if not re.match("bi_|.*(agent|settlement|risk|contact_signals|wind_vane)", m)
    ]
    for name in of_calls:
        con.execute(f"create or replace table {name} as {models[name]}")
    yield _Warehouse(con, models)
    con.close()


def _draw(rng: random.Random, kind: FactKind) -> Any:
    def at() -> int:
        edge = rng.choice([START, END, START + 5 * HOUR])
        return edge + rng.choice([-HOUR, -1, 0, 1, HOUR, 2 * HOUR])

    head = {"as_of_ms": rng.randint(1, 3), "is_withdrawn": rng.random() < 0.2}
    number = str(rng.randint(1, 30))
    own: dict[str, Any] = {}
    match kind:
        case FactKind.COMPLAINTS:
            own = {
                "complaint_id": number,
                "received_at_ms": at(),
                "contact_at_ms": rng.choice([None, at()]),
                "queue": rng.choice([None, *QUEUES, "elsewhere"]),
                "is_valid": rng.choice([None, True, False]),
                "is_escalated": rng.random() < 0.5,
                "fault": rng.choice([None, *Fault]),
                "closed_at_ms": rng.choice([None, at()]),
            }
        case FactKind.INCIDENTS:
            start = at()
            own = {
                "incident_id": number,
                "start_ms": start,
                "end_ms": rng.choice([None, start, start + 1, start + HOUR, start + 2 * HOUR]),
                "is_excluded": rng.random() < 0.8,
                "queues": tuple(rng.sample([*QUEUES, "elsewhere"], rng.randint(0, 2))),
            }
        case FactKind.PEOPLE:
            own = {
                "agent": f"agent{rng.randint(1, 8)}",
                "valid_from_ms": at(),
                "valid_to_ms": rng.choice([None, at()]),
                "team": rng.choice(["red", "blue"]),
            }
    return a_fact(kind, **head, **own)


def _land(con: duckdb.DuckDBPyConnection, kind: FactKind, facts: list[Any]) -> None:
    rows = [(SimpleNamespace(offset=o, timestamp=0), fact) for o, fact in enumerate(facts)]
    con.execute(f"delete from landed.{kind}_rows")
    con.register("arrow", SHAPES[TOPICS[kind]].table(rows, 0, now_ms=0))
    con.execute(f"insert into landed.{kind}_rows by name select * from arrow")
    con.unregister("arrow")


@settings(max_examples=25, deadline=None, phases=(Phase.explicit, Phase.reuse, Phase.generate))
@given(seed=st.integers(0, 2**32))
def test_sql_gives_what_the_kernel_gives_of_facts(warehouse: _Warehouse, seed: int) -> None:
    con, models = warehouse.con, warehouse.models
    rng = random.Random(seed)  # noqa: S311 - draws examples, not keys
    said: dict[FactKind, list[Any]] = {}
    for kind in (FactKind.COMPLAINTS, FactKind.INCIDENTS, FactKind.PEOPLE):
        said[kind] = [_draw(rng, kind) for _ in range(rng.randint(0, 60))]
        _land(con, kind, said[kind])
    wanted = ["stg_complaints", "stg_incidents", "stg_people", "int_excluded_spans"]
    for name in (*wanted, "fct_complaints", "fct_complaint_months"):
        con.execute(f"create or replace table {name} as {models[name]}")

    people = newest(said[FactKind.PEOPLE])
    by_agent = {p.agent: [q for q in people if q.agent == p.agent] for p in people}
    assert con.execute(
        "select agent, valid_from_ms, valid_to_ms, team from stg_people order by all"
    ).fetchall() == sorted(
        (p.agent, p.valid_from_ms, p.valid_to_ms, p.team)
        for own in by_agent.values()
        for p in spells(own)
    )

    incidents = newest(said[FactKind.INCIDENTS])
    assert con.execute(
        "select queue, started_at_ms, ended_at_ms from int_excluded_spans order by all"
    ).fetchall() == [(q, *span) for q in QUEUES for span in excluded(incidents, q, END)]

    counts: dict[tuple[str, str], Counter[str]] = {
        (queue, attribution): Counter()
        for queue in {c.queue or "" for c in newest(said[FactKind.COMPLAINTS])}
        for attribution in ("received", "contact")
    }
    for complaint in newest(said[FactKind.COMPLAINTS]):
        placed = {"received": complaint.received_at_ms, "contact": complaint.contact_at_ms}
        for attribution, at in placed.items():
            if at is not None and START <= at < END:
                found = counts[complaint.queue or "", attribution]
                found.update(scopes(complaint))
                found["cases_unplaced"] += complaint.contact_at_ms is None
    names = [*SCOPES, "cases_unplaced"]
    assert con.execute(
        f"select queue, attribution, {', '.join(names)} from fct_complaint_months order by all"
    ).fetchall() == sorted(
        (*key, *(found[name] for name in names)) for key, found in counts.items() if found["cases"]
    )
