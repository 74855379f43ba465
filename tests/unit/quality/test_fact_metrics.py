"""What the gate is told of landed facts: good ones pass, each kind of bad one is counted."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import duckdb
import pytest

from pipeline.codec.fact_fields import TOPICS
from pipeline.domain.fact import FactKind
from pipeline.lake.shape import SHAPES
from pipeline.lake.warehouse import show_files
from pipeline.quality.landed_facts import FACT_METRICS, FACTS, FACTS_VIEW, all_facts_sql
from tests.facts import NOON, a_fact

PEOPLE, SHIFT = FactKind.PEOPLE, FactKind.SCHEDULE
DAY = 86_400_000


def metrics(landed: dict[FactKind, list[Any]], *, offsets: list[int] | None = None) -> Any:
    con = duckdb.connect(":memory:")
    for kind, topic in TOPICS.items():
        show_files(con, str(kind), SHAPES[topic], [])
        facts = landed.get(kind, [])
        rows = [
            (SimpleNamespace(offset=(offsets or range(9))[n], timestamp=NOON), fact)
            for n, fact in enumerate(facts)
        ]
        con.register("arrow", SHAPES[topic].table(rows, 0, now_ms=0))
        con.execute(f"create table landed.{kind}_rows as select * from arrow")
        con.execute(f"create or replace view landed.{kind} as select * from landed.{kind}_rows")
        con.unregister("arrow")
    con.execute(f"create view {FACTS_VIEW} as {all_facts_sql(map(str, TOPICS))}")
    cursor = con.execute(FACT_METRICS)
    names = [column[0] for column in cursor.description or ()]
    found = dict(zip(names, cursor.fetchall()[0], strict=True))
    for rule in FACTS.rules:
        if rule.keys:  # the rows that are kept are the rows that were counted
            assert len(con.execute(rule.keys).fetchall()) == found[rule.metric], rule.metric
    return found


def test_nothing_landed_and_good_facts_are_faultless() -> None:
    good = {kind: [a_fact(kind), a_fact(kind, as_of_ms=NOON + 1)] for kind in FactKind}
    for landed, rows in (({}, 0), (good, 12)):
        found = metrics(landed)
        assert found.pop("rows_read") == rows
        assert set(found.values()) == {0}
        assert found.keys() <= {rule.metric for rule in FACTS.rules}


@pytest.mark.parametrize(
    ("kind", "facts", "metric"),
    [
        (
            PEOPLE,
            [a_fact(PEOPLE, team="red"), a_fact(PEOPLE, team="blue")],
            "contradictory_revisions",
        ),
        (PEOPLE, [a_fact(PEOPLE, as_of_ms=NOON + DAY + 1)], "rows_issued_in_the_future"),
        (PEOPLE, [a_fact(PEOPLE, valid_to_ms=NOON)], "spans_without_length"),
        (SHIFT, [a_fact(SHIFT, end_ms=NOON)], "spans_without_length"),
        (
            FactKind.INCIDENTS,
            [a_fact(FactKind.INCIDENTS, end_ms=NOON - 1)],
            "spans_without_length",
        ),
        (PEOPLE, [a_fact(PEOPLE, client=None)], "rows_without_a_key"),
    ],
)
def test_a_bad_fact_is_counted_by_its_fault_alone(
    kind: FactKind, facts: list[Any], metric: str
) -> None:
    found = metrics({kind: facts})
    del found["rows_read"]
    assert {name for name, count in found.items() if count} == {metric}
    assert found[metric] == 1


def test_an_offset_landed_twice_is_noticed_one_of_another_topic_is_not() -> None:
    two = [a_fact(PEOPLE), a_fact(PEOPLE, agent="bob")]
    assert metrics({PEOPLE: two}, offsets=[3, 3])["offsets_landed_twice"] == 1
    apart = {PEOPLE: two[:1], SHIFT: [a_fact(SHIFT)]}
    assert metrics(apart, offsets=[3])["offsets_landed_twice"] == 0
