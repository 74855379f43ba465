"""The domain imports the standard library only; a list of forbidden packages could be too short."""

from __future__ import annotations

import ast
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

DOMAIN = Path(__file__).parents[2] / "pipeline" / "domain"
IMPURE = {"asyncio", "logging", "os", "pathlib", "random", "socket", "subprocess", "time"}


def imported(text: str) -> Iterator[str]:
    """Yield the names of all modules a source file imports, at any depth."""
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield node.module or "."


def out_of_place(text: str) -> list[str]:
    """Return what a module of the domain may not import."""
    wrong = []
    for name in imported(text):
        top = name.split(".")[0]
        is_ours = name.startswith("pipeline.domain") or name == "pipeline.errors"
        if not is_ours and (top not in sys.stdlib_module_names or top in IMPURE):
            wrong.append(name)
    return wrong


@pytest.mark.parametrize("path", sorted(DOMAIN.rglob("*.py")), ids=lambda path: path.stem)
def test_a_module_of_the_domain_imports_nothing_but_plain_python(path: Path) -> None:
    assert out_of_place(path.read_text(encoding="utf-8")) == []


@pytest.mark.parametrize(
    "text",
    [
        "import duckdb",
        "from msgspec import json",
        "def f():\n    import time",
        "from os import path",
        "from pipeline.codec.decode import decode_call_event",
        "from pipeline.settings import load_settings",
        "from . import leg",
    ],
)
def test_an_import_out_of_place_is_noticed(text: str) -> None:
    assert len(out_of_place(text)) == 1
