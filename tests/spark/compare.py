"""Compares a mart of the build database with the one that Spark wrote, row by row."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import duckdb

SHOWN = 3
"""Rows shown of each side that differs."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """What two engines made of one mart.

    ``rows`` are DuckDB's. ``here`` and ``there`` count the rows that only DuckDB or only Spark
    has, duplicates included. ``columns`` names what differs of names and types, in their order.
    """

    mart: str
    rows: int
    here: int
    there: int
    columns: tuple[str, ...] = ()
    samples: tuple[str, ...] = ()

    @property
    def is_equal(self) -> bool:
        """Say whether there is no difference at all."""
        return not (self.here or self.there or self.columns)


def marts(con: duckdb.DuckDBPyConnection) -> list[str]:
    """Return the marts and BI views of a build database."""
    found = con.execute(
        "select table_name from information_schema.tables where table_schema = 'main' "
        "and regexp_matches(table_name, '^(fct|dim|bi)_') order by table_name"
    ).fetchall()
    return [name for (name,) in found]


def compare(con: duckdb.DuckDBPyConnection, mart: str, spark: Path) -> Comparison:
    """Compare ``main.<mart>`` with the Parquet files in ``spark/<mart>``.

    Raises:
        duckdb.IOException: Spark wrote no such mart.
    """
    here, there = f"main.{mart}", f"read_parquet('{spark}/{mart}/*.parquet')"
    columns = _columns(con, here), _columns(con, there)
    rows = _count(con, f"from {here}")
    if columns[0] != columns[1]:
        differing = (*(set(columns[0]) - set(columns[1])), *(set(columns[1]) - set(columns[0])))
        return Comparison(
            mart=mart, rows=rows, here=rows, there=0, columns=tuple(sorted(differing)) or ("order",)
        )
    only = {
        "DuckDB": f"(from {here} except all from {there})",
        "Spark": f"(from {there} except all from {here})",
    }
    counts = [_count(con, f"from {side}") for side in only.values()]
    samples = tuple(
        f"{engine} only: {row}"
        for engine, side in only.items()
        for row in con.execute(f"from {side} limit {SHOWN}").fetchall()
    )
    return Comparison(mart=mart, rows=rows, here=counts[0], there=counts[1], samples=samples)


def _columns(con: duckdb.DuckDBPyConnection, relation: str) -> list[str]:
    described = con.execute(f"describe from {relation}").fetchall()
    return [f"{name} {kind}" for name, kind, *_ in described]


def _count(con: duckdb.DuckDBPyConnection, relation: str) -> int:
    (found,) = con.execute(f"select count(*) {relation}").fetchall()
    return int(found[0])
