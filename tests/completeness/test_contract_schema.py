"""The contract's schema describes every kind of clause, and ``docs/settlement.md`` every key."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from pipeline.domain.events import AgentState
from pipeline.settings import PROJECT_ROOT
from pipeline.settlement.kinds import Kind

SCHEMAS = PROJECT_ROOT / "schemas"
CONTRACT: dict[str, Any] = json.loads((SCHEMAS / "contract.schema.json").read_text())
DOC = (PROJECT_ROOT / "docs" / "settlement.md").read_text()
NAMES = ["contract.schema.json", "calendars.schema.json", "figures.schema.json"]
OF_EVERY_CLAUSE = {"id", "title", "kind", "programme", "currency"}


def kinds_with_a_shape() -> list[str]:
    """Return the kinds that have an ``if`` of their own, as often as they do."""
    found = []
    for branch in CONTRACT["$defs"]["clause"]["allOf"]:
        kind = branch["if"]["properties"]["kind"]
        found += kind.get("enum", [kind.get("const")])
    return found


def properties(part: Any, where: str = "") -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield every property of a schema with its place."""
    if isinstance(part, dict):
        for name, value in part.get("properties", {}).items():
            yield f"{where}.{name}", value
        for key, value in part.items():
            yield from properties(value, f"{where}.{key}")
    elif isinstance(part, list):
        for value in part:
            yield from properties(value, where)


def undescribed(schema: dict[str, Any]) -> list[str]:
    """Return the properties that say nothing of themselves, nor what they refer to."""
    return [
        where
        for where, value in properties(schema)
        if where.rpartition(".")[2] not in OF_EVERY_CLAUSE | {"terms"}
        and not value.get("description")
        and "$ref" not in value
        and ".if" not in where
    ]


@pytest.mark.parametrize("name", NAMES)
def test_a_schema_is_one_and_describes_its_properties(name: str) -> None:
    schema = json.loads((SCHEMAS / name).read_text())
    Draft202012Validator.check_schema(schema)
    assert len(list(properties(schema))) > 5
    assert undescribed(schema) == []


def test_every_kind_has_one_shape() -> None:
    kinds = CONTRACT["$defs"]["clause"]["properties"]["kind"]["enum"]
    assert kinds == [str(kind) for kind in Kind]
    assert sorted(kinds_with_a_shape()) == sorted(kinds)


def test_agents_states_are_those_there_are() -> None:
    states = CONTRACT["$defs"]["agent_states"]["items"]["enum"]
    assert set(states) == {str(s) for s in AgentState} - {"logged_out"}


def test_every_kind_and_key_is_documented() -> None:
    keys = {where.rpartition(".")[2] for where, _ in properties(CONTRACT)}
    assert len(keys) > 40
    named = set(re.findall(r"`([a-z_]+)`", DOC))
    assert {str(kind) for kind in Kind} - named == set()
    assert keys - named == set()


def test_what_lacks_a_description_is_found() -> None:
    bad = json.loads(json.dumps(CONTRACT))
    del bad["$defs"]["package"]["properties"]["fee"]["$ref"]
    del bad["$defs"]["package"]["properties"]["fee"]["description"]
    assert undescribed(bad) == [".$defs.package.fee"]
