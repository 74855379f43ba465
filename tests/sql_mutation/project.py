"""The dbt project as texts, and its models rendered for DuckDB without dbt.

dbt takes seconds to start and tens of milliseconds per statement; a mutant is rendered here in one.
``tests/parity/test_rendered_models.py`` compares what is rendered with what dbt compiles.
"""

from __future__ import annotations

import graphlib
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import jinja2
import yaml
from jinja2.runtime import Macro

from pipeline.settings import PROJECT_ROOT

PROJECT: Final = PROJECT_ROOT / "dbt_like_sql"
VARIABLES: Final = {"month": "2025-11", "admitted_only": False}
_MACRO_CALL: Final = re.compile(r"\b(\w+)\(")
_MACRO: Final = re.compile(r"\{%-? macro (\w+)\(.*?\{%-? endmacro -?%\}", re.DOTALL)
_REF: Final = re.compile(r"\{\{ ref\('(\w+)'\) \}\}")

Name = Callable[..., str]
"""Says what a ``ref`` or a ``source`` is called."""


@dataclass(frozen=True)
class UnitTest:
    """A unit test of dbt: rows of each input, and the rows that have to come out."""

    name: str
    model: str
    given: Mapping[str, list[dict[str, Any]]]
    expected: list[dict[str, Any]]
    variables: Mapping[str, Any]


@dataclass(frozen=True)
class Project:
    """Texts of the models and the files of macros by name, and the unit tests."""

    models: dict[str, str]
    macros: dict[str, str]
    tests: list[UnitTest] = field(default_factory=list)


def read(root: Path) -> Project:
    """Read a project's folder."""
    return Project(
        models={path.stem: path.read_text() for path in sorted(root.glob("models/**/*.sql"))},
        macros={path.stem: path.read_text() for path in sorted(root.glob("macros/*.sql"))},
        tests=[
            _unit_test(plain)
            for path in sorted(root.glob("models/**/*.yml"))
            for plain in (yaml.safe_load(path.read_text()) or {}).get("unit_tests", [])
        ],
    )


def _unit_test(plain: Mapping[str, Any]) -> UnitTest:
    return UnitTest(
        name=plain["name"],
        model=plain["model"],
        given={relation(given["input"]): given["rows"] for given in plain["given"]},
        expected=plain["expect"]["rows"],
        variables=plain.get("overrides", {}).get("vars", {}),
    )


def relation(called: str) -> str:
    """Return ``model`` or ``schema.table`` of ``ref('model')`` or ``source('schema', 'table')``."""
    return ".".join(re.findall(r"'(\w+)'", called))


def ordered(models: Mapping[str, str]) -> list[str]:
    """Return the names of the models, each after those that it reads."""
    reads = {name: set(_REF.findall(text)) & set(models) for name, text in models.items()}
    return list(graphlib.TopologicalSorter(reads).static_order())


def _defined(text: str) -> list[str]:
    """Return the names of the macros in a file."""
    return [found.group(1) for found in _MACRO.finditer(text)]


def macro_files(model: str, macros: Mapping[str, str]) -> set[str]:
    """Return the files of macros that a model's text uses, directly or through others."""
    bodies = {
        found.group(1): (file, found.group())
        for file, text in macros.items()
        for found in _MACRO.finditer(text)
    }
    files: set[str] = set()
    seen: set[str] = set()
    texts = [model]
    while texts:
        for name in set(_MACRO_CALL.findall(texts.pop())) - seen:
            seen.add(name)
            for called in (name, f"duckdb__{name}"):
                if called in bodies:
                    file, body = bodies[called]
                    files.add(file)
                    texts.append(body)
    return files


class _Returned(Exception):  # noqa: N818 - no error
    def __init__(self, value: object) -> None:
        self.value = value


class Renderer:
    """Renders models with a set of macros."""

    def __init__(self, macros: Mapping[str, str]) -> None:
        self._environment = jinja2.Environment(
            extensions=["jinja2.ext.do"],
            autoescape=False,  # noqa: S701 - SQL, no page
            undefined=jinja2.StrictUndefined,
            keep_trailing_newline=True,
        )
        self._macros: dict[str, Macro] = {}
        known = self._environment.globals
        known |= {"return": _return, "adapter": {"dispatch": self._dispatch}}
        # a template sees what is known when it is loaded: first the names, then what they stand for
        known |= {name: self._named(name) for text in macros.values() for name in _defined(text)}
        # each alone: of one text, one macro would see the other, not what it returns
        for text in macros.values():
            for found in _MACRO.finditer(text):
                module = self._environment.from_string(found.group()).module
                self._macros[found.group(1)] = getattr(module, found.group(1))

    def _dispatch(self, name: str) -> Callable[..., Any]:
        return self._named(f"duckdb__{name}")

    def _named(self, name: str) -> Callable[..., Any]:
        def call(*args: object, **kwargs: object) -> Any:
            try:
                return self._macros[name](*args, **kwargs)
            except _Returned as returned:
                return returned.value

        return call

    def sql(
        self, text: str, *, ref: Name, source: Name, variables: Mapping[str, Any] | None = None
    ) -> str:
        """Return the SQL of a model's text."""
        values = {**VARIABLES, **(variables or {})}
        template = self._environment.from_string(text)
        return template.render(ref=ref, source=source, var=values.__getitem__)


def _return(value: object) -> None:
    raise _Returned(value)
