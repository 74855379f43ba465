"""The published examples: valid ones are events, invalid ones rejected for their stated reason."""

from __future__ import annotations

import json
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from pipeline.codec.decode import decode_agent_state, decode_call_event
from pipeline.codec.fact_fields import TOPICS
from pipeline.codec.fact_record import decode_fact
from pipeline.domain.events import Rejected

EXAMPLES = Path(__file__).parents[3] / "schemas" / "examples"
DECODERS: dict[str, Callable[[bytes], object]] = {
    "acd.events": decode_call_event,
    "acd.agent-states": decode_agent_state,
    **{topic: partial(decode_fact, kind) for kind, topic in TOPICS.items()},
}


def cases(kind: str) -> list[Any]:
    """Return (topic, file) of every example of a kind."""
    return [
        pytest.param(topic, path, id=f"{topic}/{path.stem}")
        for topic in DECODERS
        for path in sorted((EXAMPLES / topic / "1" / kind).glob("*.json"))
    ]


def test_there_are_examples_of_both_kinds_for_every_topic() -> None:
    for kind in ("valid", "invalid"):
        assert {case.values[0] for case in cases(kind)} == set(DECODERS)


@pytest.mark.parametrize(("topic", "path"), cases("valid"))
def test_a_valid_example_is_accepted(topic: str, path: Path) -> None:
    assert not isinstance(DECODERS[topic](path.read_bytes()), Rejected)


@pytest.mark.parametrize(("topic", "path"), cases("invalid"))
def test_an_invalid_example_is_rejected_for_its_reason(topic: str, path: Path) -> None:
    example = json.loads(path.read_text(encoding="utf-8"))
    raw = example["raw"] if "raw" in example else json.dumps(example["record"])
    result = DECODERS[topic](raw.encode())
    assert isinstance(result, Rejected)
    assert result.reason == example["reason"]
    assert example.get("field", "") in result.message
