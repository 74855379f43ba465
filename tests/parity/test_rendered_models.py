"""What the mutation runner renders without dbt is what dbt compiles."""

from __future__ import annotations

import re

from tests.sql_mutation.project import PROJECT, Renderer, ordered, read


def test_a_model_rendered_without_dbt_is_what_dbt_compiles(models: dict[str, str]) -> None:
    project = read(PROJECT)
    renderer = Renderer(project.macros)
    assert set(project.models) == set(models)
    for name in ordered(project.models):
        sql = renderer.sql(
            project.models[name],
            ref=lambda model: f'"parity"."main"."{model}"',
            source=lambda schema, table: f'"parity"."{schema}"."{table}"',
        )
        assert _lines(sql) == _lines(models[name]), name


def _lines(sql: str) -> list[str]:
    return [line for line in re.split(r"\s*\n", sql.strip()) if line]
