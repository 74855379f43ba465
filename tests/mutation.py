"""Mutation testing of the domain kernel: would a test notice if a rule were a little different?

Changes one thing at a time in a copy of ``pipeline/domain`` (a comparison, a constant, a
statement …), runs the domain's unit and property tests on the copy, and reports the changes that
no test noticed. Survivors that cannot change any result are listed, with the reason, in
``docs/mutation-testing.md``; any other survivor makes the script exit with 1.

    make mutate                                  all modules
    make mutate MODULES="outcome leg"            some
"""

from __future__ import annotations

import argparse
import ast
import contextlib
import copy
import difflib
import io
import os
import resource
import shutil
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

ROOT: Final = Path(__file__).resolve().parent.parent
DOC: Final = ROOT / "docs" / "mutation-testing.md"
MODULES: Final = (
    "outcome",
    "leg",
    "alert",
    "watermark",
    "target",
    "closed_legs",
    "kpi",
    "queue_state",
    "outbox",
    "fold",
    "fold_state",
    "service_level",
    "abandonment",
    "definition",
    "units",
    "occurrences",
    "outbound",
    "refusal",
    "repeat",
    "wait_histogram",
    "opening_hours",
)
TESTS: Final = ("tests/unit/domain", "tests/property/domain")
EXAMPLES: Final = 40
CPU_LIMIT_S: Final = 25
"""A mutant that never ends counts as noticed."""

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

    def __str__(self) -> str:
        """Return ``module.function: before -> after``, which is how the document names it."""
        return f"{self.module}.{self.function}: {self.before} -> {self.after}"


def mutants(module: str, source: str) -> Iterator[Mutant]:
    """Yield every mutant of a module's source."""
    tree = ast.parse(source)
    original = ast.unparse(tree)
    seen = {original}
    for number, node in enumerate(_executable(tree)):
        for change in _changes(node):
            changed_tree = copy.deepcopy(tree)
            twin = next(n for i, n in enumerate(_executable(changed_tree)) if i == number)
            change(twin)
            changed = ast.unparse(ast.fix_missing_locations(changed_tree))
            if changed in seen:
                continue
            seen.add(changed)
            before, after = _difference(original, changed)
            line = getattr(node, "lineno", 0)
            yield Mutant(module, _function_at(tree, line), line, changed, before, after)


def _function_at(tree: ast.Module, line: int) -> str:
    """Return the innermost function or class around a line, or ``module``."""
    name = "module"
    for node in ast.walk(tree):  # outer ones come first
        if not isinstance(node, ast.FunctionDef | ast.ClassDef):
            continue
        if node.lineno <= line <= (node.end_lineno or 0):
            name = node.name
    return name


def _difference(original: str, changed: str) -> tuple[str, str]:
    lines = list(difflib.unified_diff(original.splitlines(), changed.splitlines(), n=0))[3:]
    before = " ".join(line[1:].strip() for line in lines if line.startswith("-"))
    after = " ".join(line[1:].strip() for line in lines if line.startswith("+"))
    return before, after or "(nothing)"


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


def copy_project(to: Path) -> None:
    """Copy what the domain's tests need, without compiled files."""
    ignore = shutil.ignore_patterns("__pycache__", ".hypothesis")
    shutil.copytree(ROOT / "pipeline", to / "pipeline", ignore=ignore)
    for folder in ("config", *TESTS):
        shutil.copytree(ROOT / folder, to / folder, ignore=ignore)
    for file in (*(ROOT / "tests").glob("*.py"), ROOT / "pyproject.toml"):
        shutil.copy(file, to / file.relative_to(ROOT))


def is_noticed(project: Path) -> bool:
    """Run the tests in a forked process; say whether any of them failed, or did not end."""
    child = os.fork()
    if child == 0:
        code = 3
        try:
            code = _test(project)
        finally:
            os._exit(code)
    _, status = os.waitpid(child, 0)
    return os.waitstatus_to_exitcode(status) != 0


def _test(project: Path) -> int:
    import pytest

    resource.setrlimit(resource.RLIMIT_CPU, (CPU_LIMIT_S, CPU_LIMIT_S))
    os.chdir(project)
    quiet = ["-q", "-x", "-p", "no:cacheprovider", "-o", "filterwarnings=ignore"]
    with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()):
        code = int(pytest.main([*quiet, *TESTS]))
        domain = sys.modules.get("pipeline.domain")
    if domain is not None and not str(domain.__file__).startswith(str(project)):
        return 0  # the copy was not what was tested: nothing was noticed
    return code


def _fewer_examples() -> None:
    """Let Hypothesis try few examples and shrink none, whatever a test asks for."""
    import hypothesis

    few: dict[str, Any] = {
        "max_examples": EXAMPLES,
        "phases": (hypothesis.Phase.explicit, hypothesis.Phase.generate),
        "derandomize": True,
        "database": None,
        "deadline": None,
        "suppress_health_check": tuple(hypothesis.HealthCheck),
    }
    as_asked = hypothesis.settings.__init__

    def as_few(self: hypothesis.settings, parent: Any = None, **asked: Any) -> None:
        as_asked(self, parent, **(asked | few))

    hypothesis.settings.__init__ = as_few  # type: ignore[method-assign]
    hypothesis.settings.register_profile("mutation", hypothesis.settings())
    hypothesis.settings.load_profile("mutation")


def main() -> int:
    """Test the mutants of the modules asked for; 1 if one that matters survived."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("modules", nargs="*", default=[], metavar="MODULE")
    modules = parser.parse_args().modules or list(MODULES)
    sys.dont_write_bytecode = True
    known = DOC.read_text(encoding="utf-8") if DOC.exists() else ""
    open_ends = 0
    with tempfile.TemporaryDirectory() as folder:
        project = Path(folder)
        copy_project(project)
        sys.path.insert(0, folder)
        _fewer_examples()
        import msgspec  # noqa: F401 - loaded once here rather than in every child

        if is_noticed(project):
            sys.stderr.write("the tests fail without any mutation\n")
            return 2
        for module in modules:
            open_ends += _report(project, module, known)
    return 1 if open_ends else 0


def _report(project: Path, module: str, known: str) -> int:
    path = project / "pipeline" / "domain" / f"{module}.py"
    source = path.read_text(encoding="utf-8")
    began = time.monotonic()
    tested = equivalent = survived = 0
    for mutant in mutants(module, source):
        tested += 1
        path.write_text(mutant.source, encoding="utf-8")
        if is_noticed(project):
            continue
        if f"`{mutant}`" in known:
            equivalent += 1
            continue
        survived += 1
        sys.stdout.write(
            f"SURVIVED pipeline/domain/{module}.py:{mutant.line}\n"
            f"  - {mutant.before}\n  + {mutant.after}\n"
        )
        sys.stdout.flush()
    path.write_text(source, encoding="utf-8")
    sys.stdout.write(
        f"{module}: {tested} mutants, {tested - equivalent - survived} killed, "
        f"{equivalent} equivalent, {survived} survived, {time.monotonic() - began:.0f} s\n"
    )
    sys.stdout.flush()
    return survived


if __name__ == "__main__":
    sys.exit(main())
