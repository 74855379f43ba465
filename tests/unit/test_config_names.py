"""The file of names: what a source's queues, agents and states are called, and what is wrong."""

from __future__ import annotations

from pathlib import Path

import pytest

from pipeline.config_names import load_names
from pipeline.domain.events import AgentState
from pipeline.errors import ConfigError

GOOD = """\
queues:
  "700": service
  arn:aws:connect:us-west-2:1:queue/q1: orders
agents:
  Agent/1001: li.wei
states:
  Lunch: meal
  coffee break: break
"""


def names_file(tmp_path: Path, text: str) -> Path:
    path = tmp_path / "names.yaml"
    path.write_text(text, encoding="utf-8")
    return path


def test_names_are_read_and_states_know_no_capitals(tmp_path: Path) -> None:
    names = load_names(names_file(tmp_path, GOOD))
    assert names.queue("700") == "service"
    assert names.queue("arn:aws:connect:us-west-2:1:queue/q1") == "orders"
    assert names.queue("701") == "701"
    assert names.agent("Agent/1001") == "li.wei"
    assert names.state("LUNCH", AgentState.OTHER) is AgentState.MEAL
    assert names.state("tea", AgentState.OTHER) is AgentState.OTHER


@pytest.mark.parametrize("text", ["queues:\n", "{}", "agents: {}\nstates:\n"])
def test_a_section_may_be_empty_or_absent(tmp_path: Path, text: str) -> None:
    names = load_names(names_file(tmp_path, text))
    assert (names.queues, names.agents, names.states) == ({}, {}, {})


@pytest.mark.parametrize(
    ("text", "line", "said"),
    [
        ("queue:\n  a: b\n", 1, r"unknown key\(s\) \['queue'\]; known: \['agents', 'queues'"),
        ("queues:\n  a: 7\n", 2, "a: expected str, got 7"),
        ("queues:\n  a: ''\n", 2, "a: expected a name, got ''"),
        ("queues:\n  0700: b\n", 2, "in quotes where YAML reads it as a number.*'448'"),
        ("agents:\n  on: b\n", 2, "in quotes where YAML reads it as a number.*'True'"),
        ("agents:\n  '': b\n", 2, "expected a native name, got ''"),
        ("states:\n  a: meal\n  b: lunch\n", 3, "b: expected one of .*'meal'.*, got 'lunch'"),
        ("states:\n  a: meal\n  A: break\n", 3, "'A' stands here twice; capitals do not count"),
        ("queues: [a]\n", 1, "queues: expected Located, got"),
        ("queues:\n  a: b\n  a: c\n", 3, "the key 'a' stands here and on line 2"),
    ],
)
def test_what_is_wrong_is_named_with_file_and_line(
    tmp_path: Path, text: str, line: int, said: str
) -> None:
    path = names_file(tmp_path, text)
    with pytest.raises(ConfigError, match=said) as found:
        load_names(path)
    assert str(found.value).startswith(f"{path}:{line}: ")


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="expected this file to exist"):
        load_names(tmp_path / "gone.yaml")
