"""What ``schemas/`` holds, as the tests of it read it."""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from typing import Any

from jsonschema import Draft202012Validator, TypeChecker, ValidationError, validators

from pipeline.config_files import load_yaml

ROOT = Path(__file__).parents[2]
SCHEMAS = ROOT / "schemas"

Json = dict[str, Any]


def _is_whole(_checker: TypeChecker, value: object) -> bool:
    return type(value) is int


Validator = validators.extend(  # type: ignore[no-untyped-call]
    Draft202012Validator,
    type_checker=Draft202012Validator.TYPE_CHECKER.redefine("integer", _is_whole),
)
"""JSON Schema, but 1.0 is no integer: the schemas' descriptions say "without a fraction"."""


@cache
def topics() -> dict[str, Json]:
    """Return topic name to the content of its file."""
    return {path.stem: load_yaml(path) for path in sorted((SCHEMAS / "topics").glob("*.yaml"))}


def with_schema() -> list[str]:
    """Return the topics whose value is described by a JSON Schema."""
    return [name for name, topic in topics().items() if "versions" in topic]


@cache
def schema(topic: str) -> Json:
    """Return the newest JSON Schema of a topic."""
    path = SCHEMAS / topics()[topic]["versions"][-1]["schema"]
    found: Json = json.loads(path.read_text(encoding="utf-8"))
    return found


def errors(topic: str, record: object) -> list[ValidationError]:
    """Return what a topic's schema has against a record."""
    return list(Validator(schema(topic)).iter_errors(record))


def examples(topic: str, kind: str) -> list[Path]:
    """Return the example files of a topic's first version."""
    return sorted((SCHEMAS / "examples" / topic / "1" / kind).glob("*.json"))


def read(path: Path) -> Any:
    """Return the content of a JSON file."""
    return json.loads(path.read_text(encoding="utf-8"))
