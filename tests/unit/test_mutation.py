"""Mutation testing tells what no test notices: on a domain of one rule, in a project of its own."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.mutants import mutants
from tests.mutation import ROOT, UNIT, argued_equivalents

RULE = """
def is_short(wait_ms: int) -> bool:
    return wait_ms < 5000
"""
EDGE = "rule.is_short: return wait_ms < 5000 -> return wait_ms <= 5000"
LIMIT = "rule.is_short: return wait_ms < 5000 -> return wait_ms < 5001"
TESTS = """
from pipeline.domain.rule import is_short

def test_short() -> None:
    assert is_short(4999)
    assert not is_short({long})
"""


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """Return a project with one rule, whose test does not look at the edge."""
    for folder in ("pipeline/domain", UNIT, "tests/property/domain", "docs"):
        (tmp_path / folder).mkdir(parents=True)
    for file in ("tests/mutation.py", "tests/mutants.py", "pyproject.toml"):
        shutil.copy(ROOT / file, tmp_path / file)
    (tmp_path / "pipeline/domain/rule.py").write_text(RULE)
    (tmp_path / UNIT / "test_rule.py").write_text(TESTS.format(long=9000))
    (tmp_path / "docs/mutation-testing.md").write_text("Nothing is argued.\n")
    return tmp_path


def mutate(project: Path, *modules: str) -> tuple[int, str]:
    done = subprocess.run(
        [sys.executable, "-m", "tests.mutation", *modules],
        capture_output=True,
        text=True,
        check=False,
        cwd=project,
    )
    return done.returncode, done.stdout + done.stderr


def test_the_mutants_of_a_comparison_are_its_edge_its_opposite_its_limit_and_nothing() -> None:
    assert [str(m) for m in mutants("rule", RULE)] == [
        "rule.is_short: return wait_ms < 5000 -> return None",
        EDGE,
        "rule.is_short: return wait_ms < 5000 -> return wait_ms >= 5000",
        LIMIT,
    ]


def test_of_a_long_line_the_surroundings_of_the_change_name_the_mutant() -> None:
    source = f"TABLE = [{', '.join(['10'] * 60)}, 77, {', '.join(['20'] * 60)}]\n"
    (name,) = (str(m) for m in mutants("rule", source) if " 78," in m.source)
    assert name.count(" 77, ") == name.count(" 78, ") == 1
    assert len(name) < 300


def test_a_mutant_that_no_test_notices_is_reported_as_surviving(project: Path) -> None:
    code, said = mutate(project)
    assert code == 1
    assert said.count("SURVIVED pipeline/domain/rule.py:3") == 2
    assert f"`{EDGE}`" in said
    assert f"`{LIMIT}`" in said
    assert "rule: 4 mutants, 2 killed, 0 equivalent, 2 survived" in said


def test_a_test_of_the_edge_kills_it(project: Path) -> None:
    assert mutate(project)[0] == 1
    (project / UNIT / "test_rule.py").write_text(TESTS.format(long=5000))
    code, said = mutate(project)
    assert (code, said.split(", 0 equivalent")[0]) == (0, "rule: 4 mutants, 4 killed")


def test_what_is_argued_does_not_count_unless_it_is_killed(project: Path) -> None:
    document = project / "docs/mutation-testing.md"
    document.write_text(f"- `{EDGE}`: no wait is whole\n- `{LIMIT}`: nor one more\n")
    assert len(argued_equivalents(document.read_text())) == 2
    code, said = mutate(project)
    assert (code, "2 killed, 2 equivalent, 0 survived" in said) == (0, True), said
    (project / UNIT / "test_rule.py").write_text(TESTS.format(long=5000))
    code, said = mutate(project)
    assert (code, said.count("killed or gone")) == (1, 2)


def test_a_run_goes_on_where_it_was_cut_short(project: Path) -> None:
    first = mutate(project)[0]
    kept = project / ".vane/mutation.jsonl"
    rows = kept.read_text().splitlines(keepends=True)
    assert len(rows) == 4
    kept.write_text("".join(rows[:1]))
    assert mutate(project)[0] == first
    assert sorted(kept.read_text().splitlines(keepends=True)) == sorted(rows)
    mutate(project)
    assert len(kept.read_text().splitlines()) == 4


def test_without_a_test_that_passes_nothing_is_said_of_mutants(project: Path) -> None:
    (project / UNIT / "test_rule.py").write_text(TESTS.format(long=1))
    assert mutate(project)[0] == 2


def test_an_unknown_module_is_refused(project: Path) -> None:
    code, said = mutate(project, "ruel")
    assert (code, "no such module of pipeline/domain: ruel" in said) == (2, True)
