"""Mutation testing of the domain kernel: would a test notice if a rule were a little different?

Changes one thing at a time in a module of ``pipeline/domain`` (a comparison, a constant, a
statement …), runs the domain's tests on it, and reports the changes that no test noticed.
Survivors that cannot change any result are listed, with the reason, in
``docs/mutation-testing.md``; any other survivor makes the script exit with 1, and so does a
mutant listed there that is killed or gone.

A mutant is imported in a fork of an interpreter that has everything but the product loaded. The
unit tests that import its module run first, then the other unit tests, then the property tests,
each up to the first failure. Verdicts are kept, so a run that was cut short goes on where it was:
those of killed mutants for as long as their module is the same, those of survivors until anything
in the domain or its tests changes.

    make mutate                                  all modules
    make mutate MODULES="outcome leg"            some
    make mutate MODULES="--units leg"            quicker: what is left may still be killed
"""

from __future__ import annotations

import argparse
import contextlib
import gc
import hashlib
import importlib.abc
import importlib.machinery
import importlib.util
import io
import json
import multiprocessing
import os
import re
import resource
import sys
import time
from collections.abc import Callable, Iterable, Sequence
from functools import partial
from pathlib import Path
from types import CodeType, ModuleType
from typing import Any, Final

from tests.mutants import Mutant, mutants

ROOT: Final = Path(__file__).resolve().parent.parent
DOMAIN: Final = ROOT / "pipeline" / "domain"
DOC: Final = ROOT / "docs" / "mutation-testing.md"
VERDICTS: Final = ROOT / ".vane" / "mutation.jsonl"
UNIT: Final = "tests/unit/domain"
PROPERTY: Final = "tests/property/domain"
EXAMPLES: Final = 40
AT_ONCE: Final = 2
CPU_LIMIT_S: Final = {UNIT: 8, PROPERTY: 40}
MEMORY_LIMIT_BYTES: Final = 4 << 30
"""A mutant that never ends, or takes all memory, counts as noticed."""

Run = Callable[[list[Mutant]], Iterable[bool]]

_NO_TESTS: Final = frozenset({4, 5})
"""pytest's codes for a wrong call and for no tests: the run is at fault, not the mutant."""


def modules() -> list[str]:
    """Return the names of all modules of the domain."""
    return sorted(path.stem for path in DOMAIN.glob("*.py") if path.stem != "__init__")


def source_of(module: str) -> str:
    """Return the text of a module of the domain."""
    return (DOMAIN / f"{module}.py").read_text(encoding="utf-8")


def stages(module: str) -> list[list[str]]:
    """Return the test files, a lot after the other: the module's own, other units, properties."""
    named = re.compile(
        rf"pipeline\.domain\.{module}\b|from pipeline\.domain import (\([^)]*|[^(\n]*)\b{module}\b"
    )
    units, properties = (sorted((ROOT / folder).glob("test_*.py")) for folder in (UNIT, PROPERTY))
    units.sort(key=lambda file: file.stem != f"test_{module}")
    naming = {file for file in units + properties if named.search(file.read_text("utf-8"))}
    own = [file for file in units if file in naming]
    others = [file for file in units if file not in naming]
    properties.sort(key=lambda file: file not in naming)
    return [[str(file) for file in lot] for lot in (own, others, properties) if lot]


def is_noticed(mutant: Mutant, *, units: bool = False) -> bool:
    """Run the tests on a mutant, or the unit tests alone; say if any failed, or did not end."""
    lots = stages(mutant.module)
    return any(_fails(mutant, lot) for lot in lots if not (units and PROPERTY in lot[0]))


def _fails(mutant: Mutant, tests: Sequence[str]) -> bool:
    child = os.fork()
    if child == 0:
        code = 3
        try:
            code = _test(mutant, tests)
        finally:
            os._exit(code)
    _, status = os.waitpid(child, 0)
    code = os.waitstatus_to_exitcode(status)
    if code in _NO_TESTS:
        msg = f"{mutant}: the tests could not be run (pytest ended with {code})"
        raise RuntimeError(msg)
    return code != 0


def _test(mutant: Mutant, tests: Sequence[str]) -> int:
    seconds = CPU_LIMIT_S[str(Path(tests[0]).parent.relative_to(ROOT))]
    resource.setrlimit(resource.RLIMIT_CPU, (seconds, seconds))
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY_LIMIT_BYTES, MEMORY_LIMIT_BYTES))
    name = f"pipeline.domain.{mutant.module}"
    loader = _MutantLoader(name, mutant.source)
    sys.meta_path.insert(0, loader)
    code = _pytest(["-x", *tests])
    loaded = sys.modules.get(name)
    if loaded is not None and loaded.__loader__ is not loader:
        return min(_NO_TESTS)  # another module was tested than the mutant
    return code


class _MutantLoader(importlib.abc.MetaPathFinder, importlib.abc.InspectLoader):
    """Finds one module, and loads it from the text given."""

    def __init__(self, name: str, source: str) -> None:
        self.name = name
        self.source = source

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> importlib.machinery.ModuleSpec | None:
        """Return a spec for the one module."""
        del path, target
        if fullname != self.name:
            return None
        return importlib.util.spec_from_loader(fullname, self)

    def get_source(self, fullname: str) -> str:
        """Return the mutant's text."""
        del fullname
        return self.source

    def get_code(self, fullname: str) -> CodeType:
        """Return the mutant compiled."""
        return compile(self.source, fullname, "exec")


def _pytest(arguments: Sequence[str]) -> int:
    import pytest

    quiet = ["-q", "-p", "no:cacheprovider", "-o", "filterwarnings=ignore"]
    with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()):
        return int(pytest.main([*quiet, *arguments]))


def warm_up() -> None:
    """Load all that the tests load, then let go of the product and the tests themselves."""
    os.environ["VANE_TEST_KERNEL"] = "python"
    sys.dont_write_bytecode = False  # every fork reads what is compiled here; mutants never are
    _fewer_examples()
    if _pytest(["--collect-only", UNIT, PROPERTY]) != 0:
        msg = "the domain's tests cannot be collected"
        raise RuntimeError(msg)
    ours = {name for name in sys.modules if name.split(".")[0] in {"pipeline", "tests"}}
    for name in ours - {"tests", Mutant.__module__, __name__}:
        del sys.modules[name]
    gc.freeze()


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


class Verdicts:
    """What earlier runs found, by mutant, in a file that grows by a line with each."""

    def __init__(self, file: Path, situation: str) -> None:
        self.file = file
        self.situation = situation
        self.noticed: dict[str, bool] = {}
        lines = file.read_text(encoding="utf-8").splitlines() if file.exists() else []
        for line in lines:
            row = json.loads(line)
            if row["noticed"] or row["situation"] == situation:
                self.noticed[row["mutant"]] = row["noticed"]

    def add(self, mutant: Mutant, *, noticed: bool) -> None:
        """Keep a verdict."""
        name = digest(mutant.source)
        row = {"mutant": name, "situation": self.situation, "noticed": noticed}
        self.file.parent.mkdir(parents=True, exist_ok=True)
        with self.file.open("a", encoding="utf-8") as out:
            out.write(json.dumps(row) + "\n")
        self.noticed[name] = noticed


def digest(*texts: str) -> str:
    """Return a short name of texts."""
    return hashlib.blake2b("\0".join(texts).encode(), digest_size=12).hexdigest()


def situation(*, units: bool) -> str:
    """Return a name of all that a survivor has survived: the domain and the tests run on it."""
    files = [*DOMAIN.glob("*.py"), *(ROOT / "tests").glob("*.py")]
    files += [file for folder in (UNIT, PROPERTY) for file in (ROOT / folder).glob("*.py")]
    return digest(str(units), *(file.read_text(encoding="utf-8") for file in sorted(files)))


def main() -> int:
    """Test the mutants of the modules asked for; 1 if one that matters survived."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("modules", nargs="*", default=[], metavar="MODULE")
    parser.add_argument("--units", action="store_true", help="quick: leave the property tests out")
    options = parser.parse_args()
    asked = options.modules or modules()
    if unknown := sorted(set(asked) - set(modules())):
        parser.error(f"no such module of pipeline/domain: {', '.join(unknown)}")
    argued = argued_equivalents(DOC.read_text(encoding="utf-8"))
    verdicts = Verdicts(VERDICTS, situation(units=options.units))
    warm_up()
    unchanged = Mutant(asked[0], "module", 0, source_of(asked[0]), "", "")
    test = partial(is_noticed, units=options.units)
    if test(unchanged):
        sys.stderr.write("the tests fail without any mutation\n")
        return 2
    with multiprocessing.get_context("fork").Pool(AT_ONCE) as pool:
        run = partial(pool.imap, test)
        open_ends = sum(_report(module, argued, verdicts, run) for module in asked)
    return 1 if open_ends else 0


def argued_equivalents(document: str) -> set[str]:
    """Return the mutants that the document lists: ``- `module.function: before -> after`: why``."""
    return set(re.findall(r"^- `(\w+\.\w+: .+? -> .+?)`: ", document, re.MULTILINE))


def _report(module: str, argued: set[str], verdicts: Verdicts, run: Run) -> int:
    """Test a module's mutants, print what is open: survivors not argued, arguments without one."""
    began = time.monotonic()
    every = list(mutants(module, source_of(module)))
    fresh = [m for m in every if digest(m.source) not in verdicts.noticed]
    for mutant, noticed in zip(fresh, run(fresh), strict=True):
        verdicts.add(mutant, noticed=noticed)
    alive = [m for m in every if not verdicts.noticed[digest(m.source)]]
    survived = [m for m in alive if str(m) not in argued]
    stale = {a for a in argued if a.startswith(f"{module}.")} - {str(m) for m in alive}
    for m in survived:
        sys.stdout.write(f"SURVIVED pipeline/domain/{module}.py:{m.line}\n  `{m}`\n")
    for name in sorted(stale):
        sys.stdout.write(f"ARGUED {DOC.name}, but killed or gone\n  `{name}`\n")
    sys.stdout.write(
        f"{module}: {len(every)} mutants, {len(every) - len(alive)} killed, "
        f"{len(alive) - len(survived)} equivalent, {len(survived)} survived, "
        f"{time.monotonic() - began:.0f} s\n"
    )
    sys.stdout.flush()
    return len(survived) + len(stale)


if __name__ == "__main__":
    sys.exit(main())
