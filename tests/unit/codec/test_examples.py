"""The published examples of each topic: the valid are accepted, the invalid rejected as stated.

An invalid example is ``{"reason": <code>, "field": <name>, "record": {...}}``, or has ``raw`` in
place of ``record`` where the bytes are no JSON. The same files are held against the JSON Schemas
in ``tests/completeness/test_schema_examples.py``.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from pipeline.codec import diagnosis
from pipeline.codec.decode import decode_agent_state, decode_call_event
from pipeline.domain.events import Rejected

EXAMPLES = Path(__file__).parents[3] / "schemas" / "examples"
DECODERS: dict[str, Callable[[bytes], Any]] = {
    "acd.events": decode_call_event,
    "acd.agent-states": decode_agent_state,
}


def cases(kind: str) -> list[Any]:
    """Return (topic, file) of all examples of a kind, with readable ids."""
    return [
        pytest.param(topic, path, id=f"{topic}/{path.stem}")
        for topic in DECODERS
        for path in sorted((EXAMPLES / topic / "1" / kind).glob("*.json"))
    ]


@pytest.mark.parametrize("topic", DECODERS)
def test_there_is_an_example_of_every_reason_but_size(topic: str) -> None:
    stated = {
        json.loads(path.read_text(encoding="utf-8"))["reason"]
        for path in (EXAMPLES / topic / "1" / "invalid").glob("*.json")
    }
    documented = (diagnosis.__doc__ or "").partition("Reason codes:")[2]
    codes = {word.strip("`") for word in documented.replace(".", "").replace("\n", " ").split(", ")}
    assert stated == {code.strip().strip("`") for code in codes} - {"too_large"}


@pytest.mark.parametrize(("topic", "path"), cases("invalid"))
def test_an_invalid_example_is_rejected_for_its_stated_reason(topic: str, path: Path) -> None:
    example = json.loads(path.read_text(encoding="utf-8"))
    raw = example["raw"] if "raw" in example else json.dumps(example["record"])
    rejected = DECODERS[topic](raw.encode())
    assert isinstance(rejected, Rejected)
    assert rejected.reason == example["reason"], rejected.message
    assert example.get("field", "") in rejected.message.partition(":")[0]


@pytest.mark.parametrize(("topic", "path"), cases("valid"))
def test_a_valid_example_is_accepted(topic: str, path: Path) -> None:
    assert not isinstance(DECODERS[topic](path.read_bytes()), Rejected)
