"""The published examples of each topic: the valid are accepted, the invalid rejected."""

from __future__ import annotations

from pathlib import Path

import pytest

from pipeline.codec.decode import decode_agent_state, decode_call_event
from pipeline.domain.events import Rejected

SCHEMAS = Path(__file__).parents[3] / "schemas" / "examples"


def examples(topic: str, kind: str) -> list[Path]:
    """Return the example files of a topic's first version."""
    return sorted((SCHEMAS / topic / "1" / kind).glob("*.json"))


def test_there_are_examples_of_both_kinds_for_both_topics() -> None:
    for topic in ("acd.events", "acd.agent-states"):
        assert examples(topic, "valid"), topic
        assert examples(topic, "invalid"), topic


@pytest.mark.parametrize("path", examples("acd.events", "invalid"), ids=lambda path: path.stem)
def test_an_invalid_example_of_a_call_event_is_rejected(path: Path) -> None:
    assert isinstance(decode_call_event(path.read_bytes()), Rejected)


@pytest.mark.parametrize("path", examples("acd.events", "valid"), ids=lambda path: path.stem)
def test_a_valid_example_of_a_call_event_is_accepted(path: Path) -> None:
    assert not isinstance(decode_call_event(path.read_bytes()), Rejected)


@pytest.mark.parametrize("path", examples("acd.agent-states", "invalid"), ids=lambda p: p.stem)
def test_an_invalid_example_of_an_agent_state_is_rejected(path: Path) -> None:
    assert isinstance(decode_agent_state(path.read_bytes()), Rejected)


@pytest.mark.parametrize("path", examples("acd.agent-states", "valid"), ids=lambda p: p.stem)
def test_a_valid_example_of_an_agent_state_is_accepted(path: Path) -> None:
    assert not isinstance(decode_agent_state(path.read_bytes()), Rejected)
