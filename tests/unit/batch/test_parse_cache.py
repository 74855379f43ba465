"""The key of a parsed dbt project: all that parsing reads changes it, and nothing else does."""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import replace
from importlib.metadata import version
from pathlib import Path

import pytest

from pipeline.batch import parse_cache
from pipeline.batch.parse_cache import Source, key

Change = Callable[[Source, pytest.MonkeyPatch], Source]


@pytest.fixture
def source(tmp_path: Path) -> Source:
    files = {
        "dbt_project.yml": "name: small\n",
        "macros/two.sql": "{% macro two() %}2{% endmacro %}",
        "models/one.sql": "select {{ two() }} as n, '{{ env_var(\"SMALL_REGION\", 'eu') }}' as r",
        "models/one.yml": "models: [{name: one}]",
    }
    for name, text in files.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(text)
    variables = {"month": "2025-11", "admitted_only": False}
    return Source(tmp_path, {"type": "duckdb", "path": "build", "threads": 1}, variables)


def write(name: str) -> Change:
    def change(source: Source, _patch: pytest.MonkeyPatch) -> Source:
        path = source.project / name
        path.parent.mkdir(exist_ok=True, parents=True)
        path.write_text("-- other")
        return source

    return change


def remove(source: Source, _patch: pytest.MonkeyPatch) -> Source:
    (source.project / "models" / "one.yml").unlink()
    return source


def move(source: Source, _patch: pytest.MonkeyPatch) -> Source:
    models = source.project / "models"
    (models / "one.sql").rename(models / "uno.sql")
    return source


def environment(name: str) -> Change:
    def change(source: Source, patch: pytest.MonkeyPatch) -> Source:
        patch.setenv(name, "other")
        return source

    return change


def variables(**given: object) -> Change:
    return lambda source, _: replace(source, variables={**source.variables, **given})


def target(**given: object) -> Change:
    return lambda source, _: replace(source, target={**source.target, **given})


def other_python(source: Source, patch: pytest.MonkeyPatch) -> Source:
    patch.setattr(sys, "version", "3.99")
    return source


def other_package(name: str) -> Change:
    def change(source: Source, patch: pytest.MonkeyPatch) -> Source:
        patch.setattr(
            parse_cache, "version", lambda asked: "9" if asked == name else version(asked)
        )
        return source

    return change


READ = {
    "a macro": write("macros/two.sql"),
    "a model": write("models/one.sql"),
    "a model's description": write("models/one.yml"),
    "a new macro": write("macros/three.sql"),
    "a package": write("dbt_packages/other/macros/four.sql"),
    "a removed file": remove,
    "a renamed model": move,
    "dbt's flags": environment("DBT_WARN_ERROR"),
    "dbt's version": other_package("dbt-core"),
    "Python's version": other_python,
    "the adapter's version": other_package("dbt-duckdb"),
    "the database": target(path="other"),
    "the environment asked for": environment("SMALL_REGION"),
    "the profile's settings": target(threads=2),
    "the project file": write("dbt_project.yml"),
    "variables": variables(admitted_only=True),
}
NOT_READ = {
    "environment not asked for": environment("SMALL_TOWN"),
    "the month": variables(month="2025-12"),
    "telemetry": environment(parse_cache.TELEMETRY),
    "what dbt logged": write("logs/dbt.log"),
    "what dbt wrote": write("target/manifest.json"),
}


@pytest.mark.parametrize("name", sorted(READ))
def test_all_that_parsing_reads_changes_the_key(
    source: Source, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    before = key(source)
    assert key(source) == before
    assert key(READ[name](source, monkeypatch)) != before


@pytest.mark.parametrize("name", sorted(NOT_READ))
def test_what_parsing_does_not_read_leaves_the_key(
    source: Source, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    before = key(source)
    assert key(NOT_READ[name](source, monkeypatch)) == before
