"""Planted variances of every class are found, each as what it is, with their money to the cent."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime

import duckdb
import pytest

from benchmarks.batch import planted
from pipeline.lake import warehouse
from pipeline.lake.warehouse import literal, put_table
from pipeline.reconcile import client
from pipeline.reconcile.imported import import_calls
from pipeline.reconcile.mapping import load_mapping
from pipeline.reconcile.money import amount
from pipeline.reconcile.ours import RATES
from pipeline.reconcile.variances import write_variances
from pipeline.settings import PROJECT_ROOT

CONTACTS = 4_000


@pytest.fixture(scope="module")
def compared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[duckdb.DuckDBPyConnection]:
    folder = tmp_path_factory.mktemp("planted")
    with warehouse.connect(":memory:", spill=folder / "spill") as con:
        planted.plant(con, CONTACTS)
        planted.write_rows(con, folder / "theirs.csv")
        planted.put_ours(con)
        rows = ([rate[name] for name in RATES] for rate in planted.rates())
        put_table(con, "rates", RATES, rows)
        (folder / "mapping.yaml").write_text(planted.MAPPING)
        mapping = load_mapping(folder / "mapping.yaml", PROJECT_ROOT / "schemas")
        _, parquet = import_calls(
            folder / "theirs.csv",
            mapping,
            queues=["cards", "orders", "service"],
            key=planted.KEY,
            folder=folder / "imports",
        )
        client.put_theirs(con, parquet, client.put_ours(con, mapping))
        bounds = (planted.FIRST_MS, planted.END_MS)
        client.compare_calls(con, mapping, bounds=bounds, report=lambda _line: None)
        write_variances(
            con,
            folder / "variances.parquet",
            catalog=folder,
            runs=("a run",),
            at=datetime(2025, 12, 3, tzinfo=UTC),
        )
        file = literal(str(folder / "variances.parquet"))
        con.execute(f"create table written as from {file}")
        yield con


def test_every_class_is_found_with_its_money(compared: duckdb.DuckDBPyConnection) -> None:
    scores = planted.score(compared, "written")
    assert {score["class"] for score in scores} == set(planted.BUCKETS)
    for score in scores:
        assert score["planted"] > CONTACTS // 100, score
        assert score["right_class"] == score["planted"] == score["found"], score
        assert amount(int(score["shares"]), decimals=6) == score["planted_amount"], score


def test_the_score_sees_a_wrong_class_and_wrong_money(
    compared: duckdb.DuckDBPyConnection,
) -> None:
    compared.execute("""
create or replace table spoilt as
select * replace (
    case when class = 'rounding' then 'definition' else class end as class,
    case when class = 'duplicate' then shares + 36000000 else shares end as shares
) from written
""")
    scores = {score["class"]: score for score in planted.score(compared, "spoilt")}
    assert scores["rounding"]["right_class"] == 0
    duplicate = scores["duplicate"]
    assert amount(int(duplicate["shares"]), decimals=6) != duplicate["planted_amount"]
