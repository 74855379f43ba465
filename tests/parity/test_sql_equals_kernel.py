"""SQL and the Python kernel give the same leg outcomes and panes, exactly.

The models are compiled by dbt once; the compiled SQL then runs on generated events. Many
datasets, each under its own client name and partition, share one run, so that a run's fixed
cost is paid once.
"""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import duckdb
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pipeline.batch.calendar import Month
from pipeline.batch.models import compiled
from pipeline.batch.parameters import EARLIEST_MS, LATEST_MS, QUEUES, put_parameters
from pipeline.config_files import QueueEntry, Targets
from pipeline.domain.events import BEFORE_QUEUE, CallEvent, EventType, TransferKind
from pipeline.domain.kpi import KPI_FIELDS
from pipeline.domain.leg import LegFacts, apply
from pipeline.domain.outcome import classify, contributions, handling
from pipeline.domain.target import ServiceTarget, TargetHistory
from pipeline.lake.shape import AGENT_STATES, CALL_EVENTS, LATE, SHAPES
from pipeline.lake.warehouse import put_table, show_files

PROJECT = Path(__file__).resolve().parents[2] / "dbt_like_sql"
NOON = 1_762_920_000_000
DATASETS = 25
MODELS = ("stg_call_events", "int_leg_facts", "int_leg_holds", "int_leg_instants")
CHECKED = (*MODELS, "int_leg_outcomes", "fct_kpi_panes")
PANE_COLUMNS = [f for fields in KPI_FIELDS.values() for f in fields]

HISTORIES = {
    "service": TargetHistory(
        (0,),
        (
            ServiceTarget(
                threshold_ms=20_000,
                inclusive=True,
                short_abandon_ms=5_000,
                long_hold_ms=10_000,
                goal_permille=800,
            ),
        ),
    ),
    "orders": TargetHistory(
        (NOON - 5, NOON + 30_000),
        (
            ServiceTarget(
                threshold_ms=20_000,
                inclusive=False,
                short_abandon_ms=0,
                long_hold_ms=1_000,
                goal_permille=800,
            ),
            ServiceTarget(
                threshold_ms=1_000,
                inclusive=True,
                short_abandon_ms=5_000,
                long_hold_ms=60_000,
                goal_permille=900,
            ),
        ),
    ),
}


class _Configured(Targets):
    """Targets of the two test queues, whatever the client."""

    def history(self, client: str, site: str, queue: str) -> TargetHistory:  # noqa: ARG002
        return HISTORIES[queue]


TARGETS = _Configured(
    (QueueEntry("*", "*", "*", "Asia/Shanghai", HISTORIES["service"]),), version="test"
)

# Few instants, many of them equal or at an edge: thresholds, panes, term starts, the past.
instants = st.one_of(
    st.sampled_from([0, 1, 999, 1_000, 1_001, 5_000, 5_001, 19_999, 20_000, 20_001, 29_999]),
    st.sampled_from([-1, -5, -6, 30_000, 30_001, 59_999, 60_000]),
    st.integers(-90, 200).map(lambda s: s * 1_000),
)


@st.composite
def call_events(draw: st.DrawFn) -> dict[str, object]:
    """Draw the parts of one event of one of a few legs."""
    return {
        "type": draw(st.sampled_from(list(EventType))),
        "at": NOON + draw(instants),
        "queue": draw(st.sampled_from(["service", "service", "orders"])),
        "site": draw(st.sampled_from(["", "", "sh"])),
        "contact_id": draw(st.sampled_from(["c1", "c2"])),
        "leg": draw(st.sampled_from([1, 1, 2])),
        "agent": draw(st.sampled_from(["ann", "bob", "Ö", "z"])),
        "hold_seq": draw(st.integers(0, 2)),
        "reason": draw(st.sampled_from([None, "", BEFORE_QUEUE, "agent", "ärger"])),
        "kind": draw(st.sampled_from([None, *TransferKind])),
        "customer_ref": draw(st.sampled_from([None, "aa", "b", "Z"])),
    }


# (events, how often repeated, seed of the order, watermark)
datasets = st.tuples(
    st.lists(call_events(), min_size=1, max_size=14),
    st.integers(0, 4),
    st.integers(0, 1 << 16),
    instants.map(lambda at: NOON + at),
)


def _events(number: int, parts: list[dict[str, object]]) -> list[CallEvent]:
    return [
        CallEvent(
            v=1,
            event_id=f"{number:08x}{i:024x}",
            type=part["type"],  # type: ignore[arg-type]
            occurred_at_ms=part["at"],  # type: ignore[arg-type]
            client=f"client{number}",
            site=part["site"],  # type: ignore[arg-type]
            queue=part["queue"],  # type: ignore[arg-type]
            contact_id=part["contact_id"],  # type: ignore[arg-type]
            leg=part["leg"],  # type: ignore[arg-type]
            source="acd",
            source_position=str(i),
            agent=part["agent"],  # type: ignore[arg-type]
            hold_seq=part["hold_seq"],  # type: ignore[arg-type]
            reason=part["reason"],  # type: ignore[arg-type]
            transfer_kind=part["kind"],  # type: ignore[arg-type]
            transfer_target="other" if part["kind"] else None,
            customer_ref=part["customer_ref"],  # type: ignore[arg-type]
        )
        for i, part in enumerate(parts)
    ]


@pytest.fixture(scope="module")
def warehouse(tmp_path_factory: pytest.TempPathFactory) -> Iterator[duckdb.DuckDBPyConnection]:
    """A database in memory whose models are the compiled ones."""
    work = tmp_path_factory.mktemp("dbt")
    variables = {"month": "2025-11", "admitted_only": False}
    models = compiled(PROJECT, work / "parity.duckdb", work=work, variables=variables)
    con = duckdb.connect(":memory:")
    con.execute("attach ':memory:' as parity; use parity; set TimeZone = 'UTC'")
    con.execute("create schema landed")
    columns = {f.name: f.type for f in SHAPES[CALL_EVENTS].schema}
    show_files(con, "call_events", SHAPES[CALL_EVENTS], [])
    con.execute("create table landed.rows as select * from landed.call_events")
    con.execute("create or replace view landed.call_events as select * from landed.rows")
    show_files(con, "agent_states", SHAPES[AGENT_STATES], [])
    show_files(con, "late_events", SHAPES[LATE], [])
    put_parameters(
        con, month=Month(2025, 11), targets=TARGETS, queues=[], agent_sites=[], watermarks={}
    )
    assert columns
    for name in CHECKED:
        con.execute(f"create or replace view {name} as {models[name]}")
    yield con
    con.close()


def _load(con: duckdb.DuckDBPyConnection, logs: list[list[CallEvent]], marks: list[int]) -> None:
    names = [f.name for f in SHAPES[CALL_EVENTS].schema]
    rows = [
        [
            {"_partition": p, "_offset": o, "_appended_at_ms": 0, "_ingested_at_ms": 0}[name]
            if name.startswith("_")
            else getattr(event, name)
            for name in names
        ]
        for p, log in enumerate(logs)
        for o, event in enumerate(log)
    ]
    con.execute("delete from landed.rows")
    con.executemany(
        f"insert into landed.rows ({', '.join(names)}) values ({', '.join('?' * len(names))})", rows
    )
    queues = {(e.client, e.site, e.queue) for log in logs for e in log}
    put_parameters(
        con,
        month=Month(2025, 11),
        targets=TARGETS,
        queues=queues,
        agent_sites=[],
        watermarks={p: (mark, len(logs[p])) for p, mark in enumerate(marks)},
    )
    everything = [(*q, "UTC", EARLIEST_MS, LATEST_MS) for q in sorted(queues)]
    put_table(con, "queues", QUEUES, everything)


@settings(
    max_examples=20, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture,
    HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.large_base_example]
)
@given(drawn=st.lists(datasets, min_size=1, max_size=DATASETS))
def test_sql_gives_the_outcomes_and_panes_of_the_kernel(
    warehouse: duckdb.DuckDBPyConnection,
    drawn: list[tuple[list[dict[str, object]], int, int, int]],
) -> None:
    logs, marks = [], []
    for number, (parts, repeats, seed, mark) in enumerate(drawn):
        log = _events(number, parts)
        log += log[:repeats]
        random.Random(seed).shuffle(log)
        logs.append(log)
        marks.append(mark)
    _load(warehouse, logs, marks)
    panes: dict[tuple[object, ...], Counter[str]] = {}
    outcomes = set()
    for log, mark in zip(logs, marks, strict=True):
        legs: dict[tuple[object, ...], LegFacts] = {}
        for event in log:
            key = (event.client, event.site, event.queue, event.contact_id, event.leg)
            apply(legs.setdefault(key, LegFacts()), event)
        for key, facts in legs.items():
            history = HISTORIES[str(key[2])]
            queued = facts.queued_at
            target = history.at(facts.first_ms if queued is None else queued)
            outcomes.add((*key, *_outcome(facts, target, mark)))
            for kpi, pane, deltas in contributions(facts, target, mark):
                fields = list(KPI_FIELDS.values())[kpi]
                counts = panes.setdefault((*key[:3], pane), Counter())
                for field, amount in deltas:
                    counts[fields[field]] += amount
    assert _sql_outcomes(warehouse) == outcomes
    expected = {(*key, *(counts[f] for f in PANE_COLUMNS)) for key, counts in panes.items()}
    columns = ", ".join(("client", "site", "queue", "pane_start_ms", *PANE_COLUMNS))
    assert set(warehouse.execute(f"select {columns} from fct_kpi_panes").fetchall()) == expected


def _outcome(facts: LegFacts, target: ServiceTarget, mark: int) -> tuple[object, ...]:
    found = classify(facts, target, mark)
    done = handling(facts)
    decided = (
        (None, None, None, False, None)
        if found is None
        else (str(found.kind), found.outcome_at, found.wait_ms, found.is_within, found.service_level_at)
    )
    answered = facts.answered or (None, None)
    return (
        *decided,
        *((None,) * 4 if done is None else tuple(done)),
        *answered,
        facts.flowed_out[1] if facts.flowed_out else None,
        facts.transferred[1] if facts.transferred else None,
        facts.ended[1] if facts.ended else None,
        facts.customer_ref,
        len(facts.offers or ()),
        len(facts.complaints or ()),
        len(facts.before_queue or ()),
        facts.first_ms,
        facts.last_ms,
    )


def _sql_outcomes(con: duckdb.DuckDBPyConnection) -> set[tuple[object, ...]]:
    return set(
        con.execute(
            """
            select client, site, queue, contact_id, leg,
                outcome, outcome_at_ms, wait_ms, is_within, service_level_at_ms,
                completed_at_ms, talk_ms, hold_ms, acw_ms,
                answered_at_ms, answered_agent, flowed_out_reason, transferred_to, ended_by,
                customer_ref, offer_count, complaint_count, before_queue_count, first_ms, last_ms
            from int_leg_outcomes
            """
        ).fetchall()
    )
