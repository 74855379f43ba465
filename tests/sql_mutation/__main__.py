"""Mutation testing of the dbt project: would a unit test notice if a model were a little different?

Changes one thing at a time in a model, or in a file of macros (a condition left out, ``<`` and
``<=``, a ``coalesce``, a kind of join, an order …), runs the dbt unit tests of the models concerned
on it, in DuckDB without dbt, and reports the changes that no test noticed. Survivors that cannot
change any row are listed, with the reason, in ``docs/mutation-testing.md``; any other survivor
makes the command exit with 1, and so does a mutant listed there that is killed or gone.

    make mutate-sql                                     every model and every file of macros
    make mutate-sql MODELS="int_kpi_units macro_waits"   some
    make mutate-sql MODELS="--list int_leg_outcomes"    the killed ones too, each with the test
"""

from __future__ import annotations

import argparse
import multiprocessing
import sys
import tempfile
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import jinja2

from tests.mutants import Mutant
from tests.mutation import AT_ONCE, argued_equivalents
from tests.sql_mutation import project as dbt
from tests.sql_mutation.mutants import mutants
from tests.sql_mutation.trial import InvalidMutantError, Trial

MACRO: Final = "macro_"
"""In front of the name of a file of macros: some are called as a module of the domain."""

DOC: Final = dbt.PROJECT.parent / "docs" / "mutation-testing.md"


@dataclass(frozen=True)
class Verdict:
    """What became of a mutant; ``killed_by`` is a test's name, ``says`` if it is SQL of its own."""

    says: bool
    killed_by: str | None = None


Run = Callable[[list[Mutant]], Iterable[Verdict]]


class Judge:
    """Judges the mutants of one project; each process has its own."""

    def __init__(self, project: dbt.Project) -> None:
        with tempfile.TemporaryDirectory() as spill:
            self.trial = Trial(project, Path(spill))
        self.project = project
        self.renderer = dbt.Renderer(project.macros)
        self.users = {
            name: {
                m
                for m, text in project.models.items()
                if name in dbt.macro_files(text, project.macros)
            }
            for name in project.macros
        }
        self.variables: dict[str, list[Mapping[str, Any]]] = {m: [{}] for m in project.models}
        for test in project.tests:
            if test.variables:
                self.variables[test.model].append(test.variables)

    def failing(self) -> list[str]:
        """Return the tests that fail without any mutation."""
        return [
            test.name
            for test in self.project.tests
            if not self.trial.passes(test, self.project.models[test.model], self.renderer)
        ]

    def verdict(self, mutant: Mutant) -> Verdict:
        """Say what becomes of a mutant of a model or of a file of macros."""
        try:
            texts, renderer = self._changed(mutant)
            if not self._says_another(texts, renderer):
                return Verdict(says=False)
            for test in self.project.tests:
                if test.model in texts and not self.trial.passes(test, texts[test.model], renderer):
                    return Verdict(says=True, killed_by=test.name)
        except (InvalidMutantError, jinja2.TemplateError):
            return Verdict(says=False)
        return Verdict(says=True)

    def _changed(self, mutant: Mutant) -> tuple[dict[str, str], dbt.Renderer]:
        """Return the texts of the models that a mutant is a part of, and what renders them."""
        if mutant.module in self.project.models:
            return {mutant.module: mutant.source}, self.renderer
        file = mutant.module.removeprefix(MACRO)
        texts = {model: self.project.models[model] for model in sorted(self.users[file])}
        return texts, dbt.Renderer({**self.project.macros, file: mutant.source})

    def _says_another(self, texts: dict[str, str], renderer: dbt.Renderer) -> bool:
        """Say whether any of the models is other SQL than before; all of it has to be SQL."""
        another = False
        for model, text in texts.items():
            for variables in self.variables[model]:
                sql = self.trial.over_nothing(text, renderer, variables)
                before = self.project.models[model]
                if sql != self.trial.over_nothing(before, self.renderer, variables):
                    self.trial.check(sql)
                    another = True
        return another


_judge: Judge | None = None


def _begin(project: dbt.Project) -> None:
    global _judge  # noqa: PLW0603 - one per process
    _judge = Judge(project)


def _judged(mutant: Mutant) -> Verdict:
    assert _judge is not None
    return _judge.verdict(mutant)


def main() -> int:
    """Test the mutants of what was asked for; 1 if one that matters survived."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("names", nargs="*", default=[], metavar="NAME", help="model or macro file")
    parser.add_argument("--list", action="store_true", help="also list what is killed, and by what")
    options = parser.parse_args()
    project = dbt.read(dbt.PROJECT)
    texts = project.models | {MACRO + name: text for name, text in project.macros.items()}
    if unknown := sorted(set(options.names) - set(texts)):
        parser.error(f"no such model or file of macros in {dbt.PROJECT}: {', '.join(unknown)}")
    if failing := Judge(project).failing():
        sys.stderr.write(f"fail without any mutation: {', '.join(failing)}\n")
        return 2
    argued = argued_equivalents(DOC.read_text(encoding="utf-8"))
    context = multiprocessing.get_context("fork")
    with context.Pool(AT_ONCE, _begin, (project,)) as pool:

        def run(every: list[Mutant]) -> Iterable[Verdict]:
            return pool.imap(_judged, every, chunksize=8)

        names = options.names or sorted(texts)
        open_ends = sum(
            _report(name, texts[name], argued, run, is_listed=options.list) for name in names
        )
    return 1 if open_ends else 0


def _report(
    name: str,
    text: str,
    argued: set[str],
    run: Run,
    *,
    is_listed: bool,
) -> int:
    """Test a text's mutants; print what is open: survivors not argued, arguments without one."""
    began = time.monotonic()
    every = list(mutants(name, text))
    judged = [(m, v) for m, v in zip(every, run(every), strict=True) if v.says]
    alive = [m for m, verdict in judged if verdict.killed_by is None]
    survived = [m for m in alive if str(m) not in argued]
    stale = {a for a in argued if a.startswith(f"{name}.")} - {str(m) for m in alive}
    for m in survived:
        sys.stdout.write(f"SURVIVED {name}.sql:{m.line}\n  `{m}`\n")
    for one in sorted(stale):
        sys.stdout.write(f"ARGUED {DOC.name}, but killed or gone\n  `{one}`\n")
    for m, verdict in judged if is_listed else ():
        if verdict.killed_by is not None:
            sys.stdout.write(f"KILLED {name}.sql:{m.line} by {verdict.killed_by}\n  `{m}`\n")
    sys.stdout.write(
        f"{name}: {len(judged)} mutants, {len(judged) - len(alive)} killed, "
        f"{len(alive) - len(survived)} equivalent, {len(survived)} survived, "
        f"{time.monotonic() - began:.0f} s\n"
    )
    sys.stdout.flush()
    return len(survived) + len(stale)


if __name__ == "__main__":
    sys.exit(main())
