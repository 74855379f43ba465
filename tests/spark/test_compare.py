"""The comparison of two engines' marts: equal is equal, and each known-bad is found."""

from __future__ import annotations

from pathlib import Path

import duckdb
import pytest

from pipeline.settings import PROJECT_ROOT
from tests.spark.compare import compare
from tests.spark.variants import SPOILT, spoil

GOOD = "select * from (values (1, 1.50::decimal(18, 2)), (1, 1.50), (2, null)) as t(leg, amount)"
BAD = {
    "another value": "select leg, (amount + 1)::decimal(18, 2) as amount from good",
    "another scale": "select leg, amount::decimal(18, 3) as amount from good",
    "a duplicate less": "select distinct * from good",
    "a duplicate more": "from good union all from good",
    "another name": "select leg, amount as sum from good",
    "another order": "select amount, leg from good",
    "another kind of integer": "select leg::bigint as leg, amount from good",
    "no rows": "from good where false",
}


@pytest.fixture
def con(tmp_path: Path) -> duckdb.DuckDBPyConnection:
    con = duckdb.connect(":memory:")
    con.execute(f"create table good as {GOOD}")
    (tmp_path / "good").mkdir()
    return con


def _write(con: duckdb.DuckDBPyConnection, folder: Path, sql: str) -> None:
    con.execute(f"copy ({sql}) to '{folder}/good/part-0.parquet'")


def test_the_same_rows_in_another_order_are_equal(
    con: duckdb.DuckDBPyConnection, tmp_path: Path
) -> None:
    _write(con, tmp_path, "from good order by leg desc")
    found = compare(con, "good", tmp_path)
    assert found.is_equal
    assert found.rows == 3


@pytest.mark.parametrize("name", sorted(BAD))
def test_every_known_bad_is_found(
    con: duckdb.DuckDBPyConnection, tmp_path: Path, name: str
) -> None:
    _write(con, tmp_path, BAD[name])
    found = compare(con, "good", tmp_path)
    assert not found.is_equal
    assert found.columns or found.samples


def test_a_mart_that_was_not_written_is_an_error(
    con: duckdb.DuckDBPyConnection, tmp_path: Path
) -> None:
    with pytest.raises(duckdb.IOException, match="good"):
        compare(con, "good", tmp_path)


def test_the_variants_spoil_models_that_are_there(tmp_path: Path) -> None:
    project = PROJECT_ROOT / "dbt_like_sql"
    copy = spoil(project, tmp_path / "copy")
    for model, (_, bad) in sorted(SPOILT.items()):
        (path,) = copy.glob(f"models/*/{model}.sql")
        assert bad in path.read_text()
        (original,) = project.glob(f"models/*/{model}.sql")
        assert bad not in original.read_text()


def test_a_variant_of_a_model_that_reads_otherwise_by_now_is_an_error(tmp_path: Path) -> None:
    models = tmp_path / "project" / "models" / "marts"
    models.mkdir(parents=True)
    for model in SPOILT:
        (models / f"{model}.sql").write_text("select 1")
    with pytest.raises(ValueError, match=r"\.sql: expected"):
        spoil(tmp_path / "project", tmp_path / "copy")
