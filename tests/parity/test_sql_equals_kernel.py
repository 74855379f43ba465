"""SQL and the Python kernel give the same leg outcomes and panes, exactly.

The models are compiled by dbt once; the compiled SQL then runs on generated events. Many
datasets, each under its own client name and partition, share one run, so that a run's fixed
cost is paid once.
"""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Iterator
from types import SimpleNamespace

import duckdb
import pyarrow as pa
import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from pipeline.batch.parameters import EARLIEST_MS, LATEST_MS, QUEUES, put_parameters
from pipeline.config_files import QueueEntry, Targets
from pipeline.domain.business_time import Month
from pipeline.domain.definition import ClockStop, KpiDefinition
from pipeline.domain.events import BEFORE_QUEUE, CallEvent, EventType, TransferKind
from pipeline.domain.kpi import KPI_FIELDS
from pipeline.domain.leg import LegFacts, apply
from pipeline.domain.opening_hours import OpeningHours
from pipeline.domain.outcome import classify, contributions, handling
from pipeline.domain.target import ServiceTarget, TargetHistory
from pipeline.lake.shape import AGENT_STATES, CALL_EVENTS, LATE, SHAPES
from pipeline.lake.warehouse import put_table, show_files

NOON = 1_762_920_000_000
DATASETS = 250
MODELS = ("stg_call_events", "int_leg_facts", "int_leg_holds", "int_leg_instants")
CHECKED = (*MODELS, "int_leg_hours", "int_leg_outcomes", "fct_kpi_panes")
PANE_COLUMNS = [f for fields in KPI_FIELDS.values() for f in fields]

ZONE = "Asia/Shanghai"
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
    # opens at noon by the contract's clock, and subtracts the agent's announcement
    "counter": TargetHistory(
        (0,),
        (
            ServiceTarget(
                threshold_ms=10_000,
                inclusive=True,
                short_abandon_ms=5_000,
                long_hold_ms=60_000,
                goal_permille=900,
                definition=KpiDefinition(
                    name="counter",
                    clock_stop=ClockStop.BEFORE_ANNOUNCEMENT,
                    announcement_ms=1_000,
                    opening_hours=OpeningHours((((720, 1440),),) * 7),
                ),
                zone=ZONE,
            ),
        ),
    ),
}


class _Configured(Targets):
    """Targets of the test queues, whatever the client."""

    def history(self, client: str, site: str, queue: str) -> TargetHistory:  # noqa: ARG002
        return HISTORIES[queue]


TARGETS = _Configured((QueueEntry("*", "*", "*", ZONE, HISTORIES["service"]),), version="test")

REASONS = ("FULL", "closed", "JoinEmpty", "human", "machine")
TARGETS_OF_TRANSFERS = ("other", "queue", "queue:a", "agent:b:c", "external:", ":", "elsewhere:d")

# Few instants, many of them equal or at an edge: thresholds, panes, term starts, the past.
EDGES = (-6, -5, -1, 0, 1, 999, 1_000, 1_001, 5_000, 5_001, 19_999, 20_000, 20_001, 29_999)
LATER_EDGES = (30_000, 30_001, 59_999, 60_000)


def _instant(rng: random.Random) -> int:
    if rng.random() < 0.6:
        return NOON + rng.choice(EDGES + LATER_EDGES)
    return NOON + rng.randint(-90, 200) * 1_000


def _log(rng: random.Random, number: int) -> list[CallEvent]:
    """Draw events of a few legs of one client: in any order, some of them repeated."""
    log = []
    for i in range(rng.randint(1, 14)):
        kind = rng.choice([None, *TransferKind])
        log.append(
            CallEvent(
                v=1,
                event_id=f"{number:08x}{i:024x}",
                type=rng.choice(
                    [*EventType, EventType.QUEUED, EventType.ANSWERED, EventType.ENDED]
                ),
                occurred_at_ms=_instant(rng),
                client=f"client{number}",
                site=rng.choice(["", "", "sh"]),
                queue=rng.choice(["service", "service", "orders", "counter"]),
                contact_id=rng.choice(["c1", "c2"]),
                leg=rng.choice([1, 1, 2]),
                source="acd",
                source_position=str(i),
                agent=rng.choice(["ann", "bob", "Ö", "z"]),
                hold_seq=rng.randint(0, 2),
                reason=rng.choice([None, "", BEFORE_QUEUE, "agent", "ärger", *REASONS]),
                transfer_kind=kind,
                transfer_target=rng.choice(TARGETS_OF_TRANSFERS) if kind else None,
                customer_ref=rng.choice([None, "aa", "b", "Z"]),
            )
        )
    log += log[: rng.randint(0, 4)]
    rng.shuffle(log)
    return log


@pytest.fixture(scope="module")
def warehouse(models: dict[str, str]) -> Iterator[duckdb.DuckDBPyConnection]:
    """A database in memory whose models are the compiled ones."""
    con = duckdb.connect(":memory:")
    con.execute("attach ':memory:' as parity; use parity; set TimeZone = 'UTC'")
    con.execute("create schema landed")
    show_files(con, "call_events", SHAPES[CALL_EVENTS], [])
    con.execute("create table landed.rows as select * from landed.call_events")
    con.execute("create or replace view landed.call_events as select * from landed.rows")
    show_files(con, "agent_states", SHAPES[AGENT_STATES], [])
    show_files(con, "late_events", SHAPES[LATE], [])
    put_parameters(
        con, month=Month(2025, 11), targets=TARGETS, queues=[], agent_sites=[], watermarks={}
    )
    for name in CHECKED:
        con.execute(f"create or replace view {name} as {models[name]}")
    yield con
    con.close()


def _load(con: duckdb.DuckDBPyConnection, logs: list[list[CallEvent]], marks: list[int]) -> None:
    shape = SHAPES[CALL_EVENTS]
    tables = [
        shape.table(
            [(SimpleNamespace(offset=o, timestamp=0), e) for o, e in enumerate(log)], p, now_ms=0
        )
        for p, log in enumerate(logs)
    ]
    arrow = pa.concat_tables(tables)
    con.execute("delete from landed.rows")
    con.register("arrow", arrow)
    con.execute("insert into landed.rows by name select * from arrow")
    con.unregister("arrow")
    queues = {(e.client, e.site, e.queue) for log in logs for e in log}
    put_parameters(
        con,
        month=Month(2025, 11),
        targets=TARGETS,
        queues=queues,
        agent_sites=[],
        watermarks={p: (mark, 0, len(logs[p])) for p, mark in enumerate(marks)},
    )
    everything = [(*q, ZONE, EARLIEST_MS, LATEST_MS) for q in sorted(queues)]
    put_table(con, "queues", QUEUES, everything)


@settings(max_examples=8, deadline=None, phases=(Phase.explicit, Phase.reuse, Phase.generate))
@given(seed=st.integers(0, 2**32))
def test_sql_gives_the_outcomes_and_panes_of_the_kernel(
    warehouse: duckdb.DuckDBPyConnection, seed: int
) -> None:
    rng = random.Random(seed)  # noqa: S311 - draws examples, not keys
    logs = [_log(rng, number) for number in range(DATASETS)]
    marks = [_instant(rng) for _ in logs]
    _load(warehouse, logs, marks)
    panes: dict[tuple[object, ...], Counter[str]] = {}
    outcomes = set()
    for log, mark in zip(logs, marks, strict=True):
        legs: dict[tuple[object, ...], LegFacts] = {}
        for event in log:
            key = (event.client, event.site, event.queue, event.contact_id, event.leg)
            apply(legs.setdefault(key, LegFacts()), event)
        for leg, facts in legs.items():
            history = HISTORIES[str(leg[2])]
            queued = facts.queued_at
            target = history.at(facts.first_ms if queued is None else queued)
            outcomes.add((*leg, *_outcome(facts, target, mark)))
            for kpi, pane, deltas in contributions(facts, target, mark):
                fields = list(KPI_FIELDS.values())[kpi]
                counts = panes.setdefault((*leg[:3], pane), Counter())
                for field, amount in deltas:
                    counts[fields[field]] += amount
    found = _sql_outcomes(warehouse)
    assert sorted(map(str, found - outcomes))[:5] == sorted(map(str, outcomes - found))[:5] == []
    expected = {(*key, *(counts[f] for f in PANE_COLUMNS)) for key, counts in panes.items()}
    columns = ", ".join(("client", "site", "queue", "pane_start_ms", *PANE_COLUMNS))
    rows = warehouse.execute(f"select {columns} from fct_kpi_panes").fetchall()
    assert len(rows) == len(expected)
    assert sorted(set(rows) - expected)[:5] == []


def _outcome(facts: LegFacts, target: ServiceTarget, mark: int) -> tuple[object, ...]:
    found = classify(facts, target, mark)
    done = handling(facts)
    decided = (
        (None, None, None, False, None)
        if found is None
        else (
            str(found.kind),
            found.outcome_at,
            found.wait_ms,
            found.is_within,
            found.service_level_at,
        )
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
        len(facts.no_answers or ()),
        *(facts.refused or (None, None)),
        facts.dialed_at,
        *(facts.connected or (None, None)),
        facts.queued_at is not None and not target.is_open(facts.queued_at),
        len(facts.complaints or ()),
        len(facts.before_queue or ()),
        facts.first_ms,
        facts.last_ms,
    )


def _sql_outcomes(con: duckdb.DuckDBPyConnection) -> set[tuple[object, ...]]:
    rows = con.execute(
        """
            select client, site, queue, contact_id, leg,
                outcome, outcome_at_ms, wait_ms, is_within, service_level_at_ms,
                completed_at_ms, talk_ms, hold_ms, acw_ms,
                answered_at_ms, answered_agent, flowed_out_reason, transferred_to, ended_by,
                customer_ref, offer_count, no_answer_count, refused_at_ms, refused_reason,
                dialed_at_ms, connected_at_ms, connected_to,
                coalesce(counts_as = 'out_of_hours', false), complaint_count, before_queue_count,
                first_ms, last_ms
            from int_leg_outcomes
            """
    ).fetchall()
    assert len(rows) == len(set(rows))
    return set(rows)
