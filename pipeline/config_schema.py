"""Judges a configuration file by its JSON Schema: every problem, each with its line.

What YAML reads as a date is judged as the text it was written as.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from datetime import date
from functools import cache
from pathlib import Path
from typing import Any, Final

import jsonschema

from pipeline.config_yaml import Located
from pipeline.errors import ConfigError

SCHEMAS: Final = Path(__file__).resolve().parents[1] / "schemas"

Problem = tuple[int, str]
"""A line, from 1, and what is wrong there."""


def schema_problems(top: Located, schema: str) -> list[Problem]:
    """Return what a schema, a file of ``schemas/``, has against a document, by line."""
    found = sorted(_validator(schema).iter_errors(_plain(top)), key=lambda e: list(_steps(e)))
    return sorted({(_line(top, error), _said(error)) for error in found})


def raise_problems(path: Path, problems: Iterable[Problem]) -> None:
    """Raise all problems of a file at once; none is fine.

    Raises:
        ConfigError: names file, line and problem of each.
    """
    listed = sorted(set(problems))
    if not listed:
        return
    if len(listed) == 1:
        line, said = listed[0]
        raise ConfigError(path, said, line=line)
    lines = "".join(f"\n  {path}:{line}: {said}" for line, said in listed)
    raise ConfigError(path, f"{len(listed)} problems{lines}")


@cache
def _validator(schema: str) -> jsonschema.Draft202012Validator:
    return jsonschema.Draft202012Validator(json.loads((SCHEMAS / schema).read_text("utf-8")))


def _plain(value: Any) -> Any:  # noqa: ANN401 - what YAML holds
    if isinstance(value, dict):
        return {key: _plain(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_plain(item) for item in value]
    return value.isoformat() if isinstance(value, date) else value


def _steps(error: jsonschema.ValidationError) -> Iterator[str]:
    # numbers by their size: 2 before 10
    return (f"{step:09}" if isinstance(step, int) else step for step in error.absolute_path)


def _line(top: Located, error: jsonschema.ValidationError) -> int:
    """Return the line of the value in error, or of the first key that should not be there."""
    node: Any = top
    line = top.line
    for step in error.absolute_path:
        if isinstance(node, Located):
            line = node.line_of(str(step))
        node = node[step]
    if isinstance(node, Located):
        if error.validator == "additionalProperties":
            return min(node.line_of(key) for key in _unknown(error))
        return node.line
    return line


def _unknown(error: jsonschema.ValidationError) -> list[str]:
    schema: Any = error.schema
    value: Any = error.instance
    return sorted(set(value) - set(schema["properties"]))


def _said(error: jsonschema.ValidationError) -> str:
    where = _where(error.absolute_path)
    schema: Any = error.schema
    value: Any = error.instance
    asked: Any = error.validator_value
    if error.validator == "additionalProperties":
        said = f"unknown key(s) {_unknown(error)}; known: {sorted(schema['properties'])}"
    elif error.validator == "required":
        said = f"expected the key(s) {sorted(set(asked) - set(value))}, found {sorted(value)}"
    else:
        example = f' in quotes such as "{schema["examples"][0]}"' if "examples" in schema else ""
        types = {"string": "text", "array": "a list", "object": "a mapping", "integer": "a number"}
        expected = {
            "type": f"expected {types.get(str(asked), asked)}{example}",
            "pattern": f"expected text{example or f' that matches {asked}'}",
            "enum": f"expected one of {asked}",
            "minLength": f"expected at least {asked} character",
            "minItems": f"expected at least {asked}",
            "maxItems": f"expected at most {asked}",
            "minProperties": f"expected at least {asked}",
            "minimum": f"expected at least {asked}",
            "maximum": f"expected at most {asked}",
            "multipleOf": f"expected a multiple of {asked}",
            "uniqueItems": "expected each once",
        }.get(str(error.validator), error.message)
        said = f"{expected}, got {value!r}"
    return f"{where}: {said}" if where else said


def _where(path: Sequence[str | int]) -> str:
    """Return the steps as ``clauses[0].terms[1].from``."""
    text = "".join(f"[{step}]" if isinstance(step, int) else f".{step}" for step in path)
    return text.removeprefix(".")
