"""A client's file while it is read: its texts by meaning, what is wrong with them, what is odd."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

import polars as pl

from pipeline.reconcile.mapping import ClientMapping
from pipeline.reconcile.problems import SHOWN, Problems
from pipeline.reconcile.text_table import LINE


@dataclass(frozen=True, slots=True)
class Flag:
    """Something odd about rows that were used all the same: what, how many, the first lines."""

    kind: str
    count: int
    lines: list[int] = field(default_factory=list)


@dataclass(slots=True)
class Reading:
    """One file being read: its texts by meaning, and what is wrong or odd."""

    mapping: ClientMapping
    header: list[str]
    rows: pl.DataFrame
    problems: Problems
    has_own_times: bool = False
    """Whether the file keeps times as such (Excel, Parquet); they are written as ISO 8601."""
    flags: list[Flag] = field(default_factory=list)

    def name(self, meaning: str) -> str:
        """Return the column's name in the file and its meaning, as problems tell it."""
        return f"{' + '.join(self.mapping.columns[meaning])} ({meaning})"

    def refuse(self, bad: pl.Expr, meaning: str, expected: str) -> None:
        """Note the rows for which an expression over texts is true."""
        found = self.rows.filter(bad & (pl.col(meaning) != ""))
        self.problems.add(
            f"{self.name(meaning)}: expected {expected}", places(found, meaning), found.height
        )

    def flag(self, kind: str, rows: pl.DataFrame) -> None:
        """Note rows that are odd and used."""
        if rows.height:
            self.flags.append(Flag(kind, rows.height, rows[LINE].head(SHOWN).to_list()))


def places(rows: pl.DataFrame, meaning: str) -> Iterator[tuple[int, str]]:
    """Yield line and value of the first rows."""
    return ((line, repr(got)[:80]) for line, got in rows.head(SHOWN).select(LINE, meaning).rows())


def begin(
    mapping: ClientMapping, header: list[str], rows: pl.DataFrame, problems: Problems
) -> Reading:
    """Name the columns by their meaning; note each that the header lacks or has twice."""
    columns = []
    for meaning, names in mapping.columns.items():
        parts = []
        for name in names:
            count = header.count(name)
            if count != 1:
                got = "not there" if count == 0 else f"there {count} times"
                problems.add_one(
                    mapping.header_row,
                    f"expected a column {name!r} ({meaning}, {mapping.path}:"
                    f"{mapping.column_lines[meaning]}), it is {got}; header: {', '.join(header)}",
                )
            else:
                parts.append(pl.col(f"c{header.index(name)}"))
        if len(parts) == len(names):
            columns.append(pl.concat_str(parts, separator=" ").str.strip_chars().alias(meaning))
    problems.raise_any()
    return Reading(mapping, header, rows.select(LINE, *columns), problems)
