"""Parameter tables: what is put in is what SQL reads, whatever the type."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from decimal import Decimal
from enum import StrEnum

import duckdb
import pytest

from pipeline.lake.warehouse import put_table


class Colour(StrEnum):
    RED = "red"


COLUMNS = {
    "who": "VARCHAR",
    "at_ms": "BIGINT",
    "part": "INTEGER",
    "price": "DECIMAL(10,4)",
    "on_day": "DATE",
    "is_so": "BOOLEAN",
    "never": "BIGINT",
}


@pytest.fixture
def con() -> Iterator[duckdb.DuckDBPyConnection]:
    with duckdb.connect(":memory:") as found:
        yield found


def test_rows_of_every_type_are_read_back(con: duckdb.DuckDBPyConnection) -> None:
    rows = [
        (Colour.RED, 2**62, 1, Decimal("1.25"), date(2025, 11, 1), True, None),
        (None, -(2**62), 2, Decimal("100000.0001"), None, False, None),
        ('it\'s "so"', 0, 3, None, date(1970, 1, 1), None, None),
    ]
    put_table(con, "things", COLUMNS, iter(rows))
    assert con.execute("select * from params.things order by part").fetchall() == rows
    described = con.execute("describe params.things").fetchall()
    assert {name: kind for name, kind, *_ in described} == COLUMNS


def test_a_table_without_rows_has_its_columns_and_one_put_again_is_new(
    con: duckdb.DuckDBPyConnection,
) -> None:
    put_table(con, "things", {"n": "BIGINT"}, [(1,), (2,)])
    put_table(con, "things", {"n": "BIGINT", "m": "VARCHAR"}, [])
    assert con.execute("select n, m from params.things").fetchall() == []


def test_a_row_that_does_not_fit_is_an_error(con: duckdb.DuckDBPyConnection) -> None:
    for rows in ([(1, 2)], [(1,), (1, 2)], [("one",)]):
        with pytest.raises((ValueError, duckdb.Error)):
            put_table(con, "things", {"n": "BIGINT"}, rows)
