"""The small changes that mutation testing makes: one comparison, constant or statement each."""

from __future__ import annotations

import ast
import copy
import difflib
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import takewhile
from typing import Any, Final

LONG: Final = 140
AROUND: Final = 40
"""Of a line longer than this, so many characters around its difference name the mutant."""

Change = Callable[[ast.AST], None]

_COMPARISONS: Final[dict[type[ast.cmpop], tuple[type[ast.cmpop], ...]]] = {
    ast.Lt: (ast.LtE, ast.GtE),
    ast.LtE: (ast.Lt, ast.Gt),
    ast.Gt: (ast.GtE, ast.LtE),
    ast.GtE: (ast.Gt, ast.Lt),
    ast.Eq: (ast.NotEq,),
    ast.NotEq: (ast.Eq,),
    ast.Is: (ast.IsNot,),
    ast.IsNot: (ast.Is,),
    ast.In: (ast.NotIn,),
    ast.NotIn: (ast.In,),
}
_OPERATORS: Final[dict[type[ast.operator], type[ast.operator]]] = {
    ast.Add: ast.Sub,
    ast.Sub: ast.Add,
    ast.Mult: ast.FloorDiv,
    ast.Div: ast.Mult,
    ast.FloorDiv: ast.Mult,
    ast.Mod: ast.Mult,
    ast.BitOr: ast.BitAnd,
}


@dataclass(frozen=True)
class Mutant:
    """One changed module: where, its text, and the lines that differ."""

    module: str
    function: str
    line: int
    source: str
    before: str
    after: str
    nth: int = 1

    def __str__(self) -> str:
        """Return ``module.function: before -> after``, which is how the document names it.

        A second one of these in the function has ``(2)`` after it, and so on.
        """
        nth = f" ({self.nth})" if self.nth > 1 else ""
        return f"{self.module}.{self.function}: {self.before} -> {self.after}{nth}"


def mutants(module: str, source: str) -> Iterator[Mutant]:
    """Yield every mutant of a module's source."""
    tree = ast.parse(source)
    original = ast.unparse(tree)
    seen = {original}
    named: Counter[tuple[str, str, str]] = Counter()
    for number, node in enumerate(_executable(tree)):
        for change in _changes(node):
            changed_tree = copy.deepcopy(tree)
            twin = next(n for i, n in enumerate(_executable(changed_tree)) if i == number)
            change(twin)
            changed = ast.unparse(ast.fix_missing_locations(changed_tree))
            if changed in seen:
                continue
            seen.add(changed)
            before, after = difference(original, changed)
            line = getattr(node, "lineno", 0)
            function = _function_at(tree, line)
            named[function, before, after] += 1
            nth = named[function, before, after]
            yield Mutant(module, function, line, changed, before, after, nth)


def _function_at(tree: ast.Module, line: int) -> str:
    """Return the innermost function or class around a line, or ``module``."""
    name = "module"
    for node in ast.walk(tree):  # outer ones come first
        if not isinstance(node, ast.FunctionDef | ast.ClassDef):
            continue
        if node.lineno <= line <= (node.end_lineno or 0):
            name = node.name
    return name


def difference(original: str, changed: str) -> tuple[str, str]:
    """Return the differing lines; of long ones only what is around the difference."""
    lines = list(difflib.unified_diff(original.splitlines(), changed.splitlines(), n=0))[3:]
    before = " ".join(line[1:].strip() for line in lines if line.startswith("-"))
    after = " ".join(line[1:].strip() for line in lines if line.startswith("+"))
    after = after or "(nothing)"
    if max(len(before), len(after)) <= LONG:
        return before, after
    start = _alike(before, after)
    end = _alike(before[start:][::-1], after[start:][::-1])
    start, end = max(start - AROUND, 0), max(end - AROUND, 0)
    return _excerpt(before, start, end), _excerpt(after, start, end)


def _alike(a: str, b: str) -> int:
    """Return how many characters two texts begin with in common."""
    return sum(1 for _ in takewhile(lambda pair: pair[0] == pair[1], zip(a, b, strict=False)))


def _excerpt(text: str, start: int, end: int) -> str:
    stop = len(text) - end
    return ("… " if start else "") + text[start:stop].strip() + (" …" if end else "")


def _executable(tree: ast.AST) -> Iterator[ast.AST]:
    """Walk everything but annotations, decorators, docstrings and ``__slots__``."""
    skipped: set[int] = set()
    for node in ast.walk(tree):
        if id(node) in skipped:
            skipped.update(id(child) for child in ast.iter_child_nodes(node))
            continue
        if isinstance(node, ast.FunctionDef | ast.ClassDef):
            skipped.update(id(d) for d in node.decorator_list)
        if isinstance(node, ast.FunctionDef) and node.returns is not None:
            skipped.add(id(node.returns))
        if isinstance(node, ast.arg | ast.AnnAssign) and node.annotation is not None:
            skipped.add(id(node.annotation))
        if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name):
            name = node.targets[0].id
            if name in {"__slots__", "msg", "Hold", "Labelled", "Record", "QueueKey", "LegKey"}:
                skipped.update(id(child) for child in ast.iter_child_nodes(node))
        if isinstance(node, ast.ImportFrom):
            continue
        yield node


def _changes(node: ast.AST) -> Iterator[Change]:  # noqa: C901, PLR0912 - one table, flat
    match node:
        case ast.Compare():
            for i, op in enumerate(node.ops):
                for other in _COMPARISONS.get(type(op), ()):
                    yield _set_op(i, other)
        case ast.BinOp() if type(node.op) in _OPERATORS:
            yield _set("op", _OPERATORS[type(node.op)]())
        case ast.AugAssign() if type(node.op) in _OPERATORS:
            yield _set("op", _OPERATORS[type(node.op)]())
            yield _to_pass
        case ast.BoolOp():
            yield _set("op", ast.Or() if isinstance(node.op, ast.And) else ast.And())
        case ast.UnaryOp(op=ast.Not()):
            yield _set("op", ast.UAdd())
        case ast.Constant(value=bool() as flag):
            yield _set("value", not flag)
        case ast.Constant(value=int() as number):
            yield _set("value", number + 1)
        case ast.Call(func=ast.Name(id=("min" | "max") as name)):
            yield _set("func", ast.Name("max" if name == "min" else "min", ast.Load()))
        case ast.IfExp():
            yield _swap_branches
        case ast.Assign(targets=[ast.Attribute() | ast.Subscript(), *_]):
            yield _to_pass
        case ast.Expr(value=ast.Call()) | ast.Delete() | ast.Raise():
            yield _to_pass
        case ast.Continue() | ast.Break():
            yield _to_pass
        case ast.Return(value=ast.expr() as value) if not _is_none(value):
            yield _set("value", ast.Constant(None))
        case _:
            return


def _is_none(value: ast.expr) -> bool:
    return isinstance(value, ast.Constant) and value.value is None


def _set(name: str, value: Any) -> Change:
    return lambda node: setattr(node, name, value)


def _set_op(index: int, op: type[ast.cmpop]) -> Change:
    def change(node: ast.AST) -> None:
        assert isinstance(node, ast.Compare)
        node.ops[index] = op()

    return change


def _swap_branches(node: ast.AST) -> None:
    assert isinstance(node, ast.IfExp)
    node.body, node.orelse = node.orelse, node.body


def _to_pass(node: ast.AST) -> None:
    """Make a statement do nothing, in place."""
    node.__class__ = ast.Pass
    for name in list(vars(node)):
        if name not in {"lineno", "col_offset", "end_lineno", "end_col_offset"}:
            delattr(node, name)
