"""Runs unit tests of dbt in DuckDB: given rows as tables, and what has to come out.

As dbt does, a test compares the columns that it expects, as rows without order.
"""

from __future__ import annotations

import contextlib
import threading
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from datetime import date
from pathlib import Path
from types import MappingProxyType
from typing import Any, Final

import duckdb

from pipeline.batch.docs import put_nothing
from pipeline.lake import warehouse
from pipeline.settings import PROJECT_ROOT
from tests.sql_mutation.project import Project, Renderer, UnitTest, ordered

LONGEST_S: Final = 10.0
MEMORY_LIMIT: Final = "1GB"
"""A mutant that never ends, or takes all memory, counts as noticed."""

_NO_SQL: Final = (duckdb.ParserException, duckdb.BinderException, duckdb.CatalogException)


class InvalidMutantError(Exception):
    """The mutant is no SQL: nobody could have written it and run it."""


class Trial:
    """A database that knows the types of every relation, and the rows of every unit test."""

    def __init__(self, project: Project, spill: Path) -> None:
        """Create every relation, empty, and the rows of the tests.

        Raises:
            ValueError: a test gives or expects what does not exist, or leaves an input out.
        """
        self.project = project
        self.con = warehouse.connect(":memory:", spill=spill)
        self.con.execute(f"set memory_limit = '{MEMORY_LIMIT}'")
        self.con.execute("set threads = 1")
        put_nothing(self.con, PROJECT_ROOT / "config")
        renderer = Renderer(project.macros)
        for model in ordered(project.models):
            sql = self.over_nothing(project.models[model], renderer)
            self.con.execute(f"create table {model} as {sql}")
        self._expected = {test.name: self._put(test) for test in project.tests}

    def passes(self, test: UnitTest, text: str, renderer: Renderer) -> bool:
        """Say whether a model's text passes a test.

        Raises:
            InvalidMutantError: it is no SQL.
        """
        columns = ", ".join(f'"{name}"' for name in test.expected[0])
        try:
            sql = f"select {columns} from ({self.rendered(test, text, renderer)})"
            with self._for_a_while():
                found = self.con.execute(sql).fetchall()
        except _NO_SQL as error:
            raise InvalidMutantError(str(error)) from error
        except duckdb.Error:
            return False
        return _bag(found) == self._expected[test.name]

    def over_nothing(
        self, text: str, renderer: Renderer, variables: Mapping[str, Any] = MappingProxyType({})
    ) -> str:
        """Return a model's SQL over the empty relations."""
        return renderer.sql(text, ref=str, source=_dotted, variables=variables)

    def check(self, sql: str) -> None:
        """Look at SQL without running it.

        Raises:
            InvalidMutantError: it is none.
        """
        try:
            self.con.execute(f"explain {sql}")
        except _NO_SQL as error:
            raise InvalidMutantError(str(error)) from error

    def rows(self, test: UnitTest) -> list[dict[str, Any]]:
        """Return all that the model makes of the rows given."""
        text = self.project.models[test.model]
        cursor = self.con.execute(self.rendered(test, text, Renderer(self.project.macros)))
        names = [column[0] for column in cursor.description or ()]
        return [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]

    def rendered(self, test: UnitTest, text: str, renderer: Renderer) -> str:
        """Return a model's SQL over the rows that a test gives."""
        return renderer.sql(
            text,
            ref=lambda name: _table(test, name),
            source=lambda *name: _table(test, ".".join(name)),
            variables=test.variables,
        )

    def types(self, relation: str) -> dict[str, str]:
        """Return the columns of a model or a source with their types."""
        described = self.con.execute(f"describe {relation}").fetchall()
        return {column: kind for column, kind, *_ in described}

    @contextlib.contextmanager
    def _for_a_while(self) -> Iterator[None]:
        timer = threading.Timer(LONGEST_S, self.con.interrupt)
        timer.start()
        try:
            yield
        finally:
            timer.cancel()

    def _put(self, test: UnitTest) -> Counter[object]:
        """Create the tables that a test gives; return the rows that it expects."""
        self.con.execute(f"create schema {test.name}")
        for name, rows in test.given.items():
            types = self.types(name)
            typed = [_cast(test, name, types, dict.fromkeys(types) | row) for row in rows]
            nothing = f"select {_cast(test, name, types, dict.fromkeys(types))} where false"
            selects = " union all ".join(f"select {row}" for row in typed) or nothing
            self.con.execute(f"create table {_table(test, name)} as {selects}")
        types = self.types(test.model)
        selects = " union all ".join(
            f"select {_cast(test, test.model, types, row)}" for row in test.expected
        )
        return _bag(self.con.execute(selects).fetchall())


def _dotted(schema: str, table: str) -> str:
    return f"{schema}.{table}"


def _table(test: UnitTest, relation: str) -> str:
    if relation not in test.given:
        msg = f"{test.name}: gives no rows of {relation}"
        raise ValueError(msg)
    return f"{test.name}.{relation.replace('.', '__')}"


def _cast(test: UnitTest, of: str, types: Mapping[str, str], row: Mapping[str, Any]) -> str:
    if unknown := sorted(set(row) - set(types)):
        msg = f"{test.name}: {of} has no column {', '.join(unknown)}"
        raise ValueError(msg)
    return ", ".join(
        f'cast({_literal(value)} as {types[name]}) as "{name}"' for name, value in row.items()
    )


def _literal(value: object) -> str:
    if isinstance(value, list):
        return f"[{', '.join(_literal(item) for item in value)}]"
    if isinstance(value, float):
        return repr(value)
    if isinstance(value, date):
        return f"'{value}'"
    return warehouse.literal(value)


def _bag(rows: Iterable[tuple[Any, ...]]) -> Counter[object]:
    return Counter(tuple(_hashable(value) for value in row) for row in rows)


def _hashable(value: object) -> object:
    if isinstance(value, list):
        return tuple(_hashable(item) for item in value)
    if isinstance(value, dict):
        return tuple((key, _hashable(item)) for key, item in value.items())
    return value
