"""Every Kafka client of the product is made with ``client_arguments()``: none forgets TLS."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import pytest

from pipeline.settings import PROJECT_ROOT

CLIENTS: Final = {
    *("AIOKafkaConsumer", "AIOKafkaProducer", "AIOKafkaClient", "AIOKafkaAdminClient"),
    *("KafkaConsumer", "KafkaProducer", "KafkaAdminClient", "KafkaClient", "create_conn"),
}


def name_of(node: ast.expr) -> str:
    """Return the last word of a name: ``c`` of ``a.b.c``."""
    return node.attr if isinstance(node, ast.Attribute) else getattr(node, "id", "")


def asks_for_them(node: ast.AST) -> bool:
    return any(
        isinstance(found, ast.Call) and name_of(found.func) == "client_arguments"
        for found in ast.walk(node)
    )


def prepared(scope: ast.AST) -> set[str]:
    """Return the variables that a function puts ``client_arguments()`` into."""
    found: set[str] = set()
    for node in ast.walk(scope):
        if isinstance(node, (ast.Assign, ast.AugAssign, ast.AnnAssign)) and node.value is not None:
            targets = node.targets if isinstance(node, ast.Assign) else [node.target]
            if asks_for_them(node.value):
                found |= {name_of(target) for target in targets}
    return found


def forgetful(source: str) -> Iterator[int]:
    """Yield the lines on which a client is made without ``client_arguments()``."""
    tree = ast.parse(source)
    functions = [
        n for n in ast.walk(tree) if isinstance(n, (ast.FunctionDef, ast.AsyncFunctionDef))
    ]
    inside = {id(node): f for f in functions for node in ast.walk(f)}  # the innermost comes last
    for node in ast.walk(tree):
        if not isinstance(node, ast.Call) or name_of(node.func) not in CLIENTS:
            continue
        known = prepared(inside.get(id(node), tree))
        given = [k.value for k in node.keywords if k.arg is None]
        if not any(asks_for_them(value) or name_of(value) in known for value in given):
            yield node.lineno


def calls(source: str) -> int:
    found = (n for n in ast.walk(ast.parse(source)) if isinstance(n, ast.Call))
    return sum(name_of(node.func) in CLIENTS for node in found)


def sources() -> list[Path]:
    return sorted((PROJECT_ROOT / "pipeline").rglob("*.py"))


def test_no_client_is_made_without() -> None:
    texts = {path: path.read_text("utf-8") for path in sources()}
    assert sum(map(calls, texts.values())) >= 8
    wrong = [f"{path}:{line}" for path, text in texts.items() for line in forgetful(text)]
    assert wrong == []


GOOD = [
    "KafkaProducer(a=1, **s.client_arguments())",
    "def f(s):\n    c = {} | s.client_arguments()\n    aiokafka.AIOKafkaConsumer('t', **c)",
    "def f(s):\n    c = {}\n    c |= s.client_arguments()\n    KafkaConsumer(**c)",
]
BAD = [
    "KafkaProducer(bootstrap_servers=b)",
    "aiokafka.AIOKafkaConsumer('t', **c)",
    "KafkaAdminClient(security=s.client_arguments())",
    "def f(s):\n    c = s.client_arguments()\ndef g(c):\n    KafkaConsumer(**c)",
    "create_conn(h, p)",
]


@pytest.mark.parametrize("source", GOOD)
def test_one_that_has_them_passes(source: str) -> None:
    assert (calls(source), list(forgetful(source))) == (1, [])


@pytest.mark.parametrize("source", BAD)
def test_one_that_forgets_them_is_noticed(source: str) -> None:
    assert list(forgetful(source)) == [source.count("\n") + 1]
