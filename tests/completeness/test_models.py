"""Every model of the dbt project says what it and its columns are, and has a unit test."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.sql_mutation.project import PROJECT, Project, read
from tests.sql_mutation.trial import Trial

Described = Mapping[str, Mapping[str, Any]]


def described(root: Path) -> dict[str, dict[str, Any]]:
    """Return what the project's YAML says of each model."""
    return {
        model["name"]: model
        for path in sorted(root.glob("models/**/*.yml"))
        for model in (yaml.safe_load(path.read_text()) or {}).get("models", [])
    }


def undescribed(models: Described, columns: Mapping[str, list[str]]) -> list[str]:
    """Return what lacks a description, and columns described that are none."""
    found = []
    for name, made in columns.items():
        model = models.get(name, {})
        if not model.get("description", "").strip():
            found.append(name)
        said = {c["name"]: c.get("description", "").strip() for c in model.get("columns", [])}
        found += [f"{name}.{column}" for column in made if not said.get(column)]
        found += [f"{name}.{column}: no such column" for column in said if column not in made]
    return found


def untested(project: Project) -> list[str]:
    """Return the models without a unit test."""
    return sorted(set(project.models) - {test.model for test in project.tests})


@pytest.fixture(scope="module")
def project() -> Project:
    return read(PROJECT)


@pytest.fixture(scope="module")
def columns(project: Project, tmp_path_factory: pytest.TempPathFactory) -> dict[str, list[str]]:
    """The columns that each model makes."""
    trial = Trial(project, tmp_path_factory.mktemp("spill"))
    return {model: list(trial.types(model)) for model in project.models}


def test_every_model_and_column_is_described(columns: dict[str, list[str]]) -> None:
    assert len(columns) > 50
    assert undescribed(described(PROJECT), columns) == []


def test_what_lacks_a_description_is_found(columns: dict[str, list[str]]) -> None:
    models = described(PROJECT)
    bad: Any = yaml.safe_load(yaml.safe_dump(models))
    bad["int_leg_holds"]["columns"][0]["description"] = " "
    bad["int_leg_holds"]["columns"].pop()
    bad["int_leg_holds"]["columns"].append({"name": "ended_ms", "description": "Renamed."})
    del bad["fct_calls"]["description"]
    del bad["dim_people"]
    assert sorted(undescribed(bad, columns)) == [
        "dim_people",
        *sorted(f"dim_people.{column}" for column in columns["dim_people"]),
        "fct_calls",
        "int_leg_holds.client",
        "int_leg_holds.ended_at_ms",
        "int_leg_holds.ended_ms: no such column",
    ]


def test_every_source_is_described() -> None:
    sources = yaml.safe_load((PROJECT / "models" / "sources.yml").read_text())["sources"]
    tables = [table for source in sources for table in (source, *source["tables"])]
    assert len(tables) > 20
    assert [table["name"] for table in tables if not table.get("description")] == []


def test_every_model_has_a_unit_test(project: Project) -> None:
    assert untested(project) == []


def test_a_model_without_one_is_found(project: Project) -> None:
    models = {**project.models, "fct_new": "select 1 as one"}
    assert untested(Project(models, project.macros, project.tests)) == ["fct_new"]
