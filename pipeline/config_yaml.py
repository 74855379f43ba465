"""Reads YAML mappings that remember their lines, and checks what stands in them.

Every error names file and line, the value found and what was expected.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any, Final, TypeVar

import yaml

from pipeline.errors import ConfigError

T = TypeVar("T")


class Located(dict[str, Any]):
    """A YAML mapping that remembers the lines it began and its keys are on (1-based)."""

    line: int = 0
    key_lines: Mapping[str, int] = MappingProxyType({})
    not_as_written: Mapping[str, str] = MappingProxyType({})
    """Keys that YAML reads as something else than what is written: 0700 as 448, on as True."""

    def line_of(self, key: str) -> int:
        """Return the line of a key, or the mapping's own if the key is not written there."""
        return self.key_lines.get(key, self.line)


class _Loader(yaml.SafeLoader):
    pass


def _located(loader: _Loader, node: yaml.MappingNode) -> Located:
    lines: dict[str, int] = {}
    not_as_written: dict[str, str] = {}
    for key, _ in node.value:
        if key.tag == _MERGE:
            continue
        # As it is read, not as it is written: 2025-12-4 and 2025-12-04 are one date.
        name = str(loader.construct_object(key, deep=True))
        if name in lines:
            problem = f"the key {name!r} stands here and on line {lines[name]}"
            raise yaml.constructor.ConstructorError(None, None, problem, key.start_mark)
        lines[name] = key.start_mark.line + 1
        if name != key.value:
            not_as_written[name] = str(key.value)
    found = Located({str(k): v for k, v in loader.construct_mapping(node, deep=True).items()})
    found.line = node.start_mark.line + 1
    found.key_lines = lines
    found.not_as_written = not_as_written
    return found


def _instant(loader: _Loader, node: yaml.ScalarNode) -> object:
    try:
        return loader.construct_yaml_timestamp(node)
    except ValueError as error:  # 2025-02-30
        problem = f"{node.value!r} is no date: {error}"
        raise yaml.constructor.ConstructorError(None, None, problem, node.start_mark) from error


_MERGE: Final = "tag:yaml.org,2002:merge"
_Loader.add_constructor(yaml.resolver.BaseResolver.DEFAULT_MAPPING_TAG, _located)
_Loader.add_constructor("tag:yaml.org,2002:timestamp", _instant)


def load_yaml(path: Path) -> Located:
    """Read a YAML mapping; raise ConfigError with file and line if it is not one."""
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError as error:
        raise ConfigError(path, "expected this file to exist") from error
    except UnicodeDecodeError as error:
        line = error.object.count(b"\n", 0, error.start) + 1
        raise ConfigError(path, f"expected UTF-8: {error.reason}", line=line) from error
    except OSError as error:  # a folder, or somebody else's
        raise ConfigError(path, f"expected a file that can be read: {error.strerror}") from error
    try:
        found = yaml.load(text, _Loader)  # noqa: S506 - a SafeLoader
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark
        line_found = mark.line + 1 if mark else None
        raise ConfigError(path, f"not valid YAML: {error.problem}", line=line_found) from error
    except yaml.reader.ReaderError as error:  # a control character
        line = text.count("\n", 0, error.position) + 1
        problem = f"not valid YAML: {error.reason}, got {text[error.position]!r}"
        raise ConfigError(path, problem, line=line) from error
    except ValueError as error:  # !!int "x"
        raise ConfigError(path, f"not valid YAML: {error}") from error
    if not isinstance(found, Located):
        raise ConfigError(path, f"expected a mapping at the top, got {type(found).__name__}")
    return found


def take(path: Path, where: Located, key: str, kind: type[T]) -> T:
    """Return ``where[key]``, which must be of a type; raise ConfigError naming the line."""
    if key not in where:
        expected = f"expected a key {key!r} ({kind.__name__})"
        raise ConfigError(path, f"{expected}, found {sorted(where)}", line=where.line)
    value = where[key]
    if not isinstance(value, kind) or (isinstance(value, bool) and kind is not bool):
        problem = f"{key}: expected {kind.__name__}, got {value!r}"
        raise ConfigError(path, problem, line=where.line_of(key))
    return value


def check_keys(path: Path, where: Located, allowed: set[str]) -> None:
    """Refuse keys that are not known, so that a misspelt one is not silently ignored."""
    unknown = sorted(set(where) - allowed)
    if unknown:
        problem = f"unknown key(s) {unknown}; known: {sorted(allowed)}"
        raise ConfigError(path, problem, line=where.line_of(unknown[0]))


def mappings(path: Path, where: Located, key: str) -> list[Located]:
    """Return ``where[key]``, which must be a list of mappings."""
    items = take(path, where, key, list)
    for item in items:
        if not isinstance(item, Located):
            problem = f"{key}: expected mappings, got {item!r}"
            raise ConfigError(path, problem, line=where.line_of(key))
    return items


def one_of(path: Path, where: Located, key: str, known: Iterable[str]) -> str:
    """Return ``where[key]``, a text that must be one of those known; an error lists them."""
    value = take(path, where, key, str)
    listed = list(known)
    if value not in listed:
        problem = f"{key}: expected one of {listed}, got {value!r}"
        raise ConfigError(path, problem, line=where.line_of(key))
    return value


def whole_number(path: Path, where: Located, key: str, low: int, high: int) -> int:
    """Return ``where[key]``, which must be a whole number from ``low`` to ``high``."""
    number = take(path, where, key, int)
    if not low <= number <= high:
        problem = f"{key}: expected {low} to {high}, got {number}"
        raise ConfigError(path, problem, line=where.line_of(key))
    return number


def content_hash(value: Mapping[str, Any]) -> str:
    """Return a hash of a value's content (32 hex digits); order of keys does not matter."""
    text = repr(_canonical(value))
    return hashlib.blake2b(text.encode(), digest_size=16).hexdigest()


def _canonical(value: object) -> object:
    if isinstance(value, Mapping):
        return sorted((str(k), _canonical(v)) for k, v in value.items())
    if isinstance(value, list | tuple):
        return [_canonical(v) for v in value]
    return value
