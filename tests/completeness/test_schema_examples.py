"""Examples: valid ones pass, invalid ones fail for the reason stated; codec and schema agree."""

from __future__ import annotations

import json
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from jsonschema import ValidationError

from pipeline.codec.decode import decode_agent_state, decode_call_event
from pipeline.codec.fact_fields import TOPICS
from pipeline.codec.fact_record import decode_fact
from pipeline.domain.events import Rejected
from tests.completeness.registry import Json, errors, examples, read, schema, with_schema

DECODERS: dict[str, Callable[[bytes], Any]] = {
    "acd.events": decode_call_event,
    "acd.agent-states": decode_agent_state,
    **{topic: partial(decode_fact, kind) for kind, topic in TOPICS.items()},
}
ABSENT = object()
ODD_VALUES: tuple[object, ...] = (
    ABSENT,
    None,
    "",
    "x",
    "blind",
    0,
    1,
    2,
    -1,
    1.0,
    1.5,
    2**31,
    2**62,
    True,
    [],
    {},
)


def cases(kind: str) -> list[Any]:
    """Return (topic, file) of all examples of a kind, with readable ids."""
    return [
        pytest.param(topic, path, id=f"{topic}/{path.stem}")
        for topic in with_schema()
        for path in examples(topic, kind)
    ]


def codec_reason(error: ValidationError) -> str:
    """Return the codec's reason code for what a schema has against a record."""
    place = list(error.schema_path)
    if "then" in place:
        return "bad_value"
    by_place = {
        "properties/v/const": "schema_version",
        "properties/type/enum": "unknown_type",
        "properties/state/enum": "unknown_type",
        "type": "not_an_object",
    }
    by_keyword = {
        "required": "missing_field",
        "type": "wrong_type",
        "additionalProperties": "unknown_field",
    }
    keyword = str(error.validator)
    return by_place.get(keyword_path(error)) or by_keyword.get(keyword, "bad_value")


def keyword_path(error: ValidationError) -> str:
    """Return where in the schema the keyword stands that a record breaks."""
    return "/".join(str(step) for step in error.schema_path)


@pytest.mark.parametrize("topic", with_schema())
def test_a_topic_has_at_least_two_examples_of_each_kind(topic: str) -> None:
    assert len(examples(topic, "valid")) >= 2
    assert len(examples(topic, "invalid")) >= 2


@pytest.mark.parametrize(("topic", "path"), cases("valid"))
def test_a_valid_example_passes(topic: str, path: Path) -> None:
    assert [e.message for e in errors(topic, read(path))] == []


@pytest.mark.parametrize(("topic", "path"), cases("invalid"))
def test_an_invalid_example_fails_for_its_stated_reason_only(topic: str, path: Path) -> None:
    example = read(path)
    assert set(example) - {"field"} in ({"reason", "record"}, {"reason", "raw"})
    if "raw" in example:
        assert example["reason"] == "malformed_json"
        with pytest.raises(json.JSONDecodeError):
            json.loads(example["raw"])
        return
    (error,) = errors(topic, example["record"])
    found = codec_reason(error) if topic in DECODERS else keyword_path(error)
    assert found == example["reason"], error.message
    said = f"{'.'.join(str(step) for step in error.path)} {error.message}"
    assert example.get("field", "") in said


def test_every_required_property_of_events_has_an_example_without_it() -> None:
    for topic in DECODERS:
        stated = [read(path) for path in examples(topic, "invalid")]
        missing = {e["field"] for e in stated if e["reason"] == "missing_field"}
        assert missing == set(schema(topic)["required"])


@pytest.mark.parametrize("topic", DECODERS)
def test_schema_and_codec_agree_on_every_field_of_every_example_made_odd(topic: str) -> None:
    for path in examples(topic, "valid"):
        record = read(path)
        for name in schema(topic)["properties"]:
            for value in ODD_VALUES:
                _assert_agree(topic, _changed(record, name, value), path.stem)


def _changed(record: Json, name: str, value: object) -> Json:
    if value is ABSENT:
        return {key: kept for key, kept in record.items() if key != name}
    return record | {name: value}


def _assert_agree(topic: str, record: Json, where: str) -> None:
    found = DECODERS[topic](json.dumps(record).encode())
    by_codec = found.message if isinstance(found, Rejected) else ""
    by_schema = [e.message for e in errors(topic, record)]
    assert bool(by_codec) == bool(by_schema), (where, by_codec, by_schema)
