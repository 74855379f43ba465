"""The schema of client mappings is closed, described, and what code and docs know."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from pipeline.errors import ConfigError
from pipeline.reconcile.classes import VarianceClass
from pipeline.reconcile.mapping import DURATIONS, INSTANTS, SCHEMA, load_mapping
from pipeline.settings import PROJECT_ROOT

SCHEMAS = PROJECT_ROOT / "schemas"
DOC = (PROJECT_ROOT / "docs" / "reconciliation.md").read_text(encoding="utf-8")
FOUND: Any = json.loads((SCHEMAS / SCHEMA).read_text(encoding="utf-8"))
OTHER_COLUMNS = {"source_id", "leg", "number", "queue", "outcome", "billable", "agent"}
SUMS = {"day", "calls"}


def faults(node: Any, name: str = "top") -> Iterator[str]:
    """Yield what leaves a schema open or a key without a word."""
    if node.get("type") == "object" and "additionalProperties" not in node:
        yield f"{name} is open"
    for key, value in node.get("properties", {}).items():
        if not value.get("description", "").endswith("."):
            yield f"{name}.{key} has no description"
        yield from faults(value, key)


def keys(node: Any) -> Iterator[str]:
    for key, value in node.get("properties", {}).items():
        yield key
        yield from keys(value)


def example() -> str:
    (found,) = re.findall(r"```yaml\n(.*?)```", DOC, re.DOTALL)
    return str(found)


def test_the_schema_is_one_and_is_closed_and_described() -> None:
    Draft202012Validator.check_schema(FOUND)
    assert list(faults(FOUND)) == []


def test_an_open_schema_and_a_key_without_a_word_are_noticed() -> None:
    bad = {"type": "object", "properties": {"a": {"type": "string"}}}
    assert list(faults(bad)) == ["top is open", "top.a has no description"]


def test_every_key_is_in_the_documentation() -> None:
    assert {key for key in keys(FOUND) if not re.search(rf"\b{key}\b", DOC)} == set()


def test_the_columns_are_those_that_the_import_knows() -> None:
    columns = set(FOUND["properties"]["columns"]["properties"])
    assert columns == {*INSTANTS, *DURATIONS, *OTHER_COLUMNS, *SUMS}


def test_the_documentations_example_is_a_mapping(tmp_path: Path) -> None:
    path = tmp_path / "mapping.yaml"
    path.write_text(example(), encoding="utf-8")
    mapping = load_mapping(path, SCHEMAS)
    assert mapping.columns["queued_at"] == ("日期", "时间")
    path.write_text(example().replace("grain:", "grains:"), encoding="utf-8")
    with pytest.raises(ConfigError, match="grains"):
        load_mapping(path, SCHEMAS)


def test_every_class_is_in_the_documentation() -> None:
    spoken = DOC.replace("/DST", "").replace("-call rule", " call").lower()
    for name in VarianceClass:
        assert name.replace("_", " ") in spoken, name
