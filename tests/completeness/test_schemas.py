"""``schemas/`` is closed from both sides: nothing named is missing, nothing there is unnamed."""

from __future__ import annotations

import ast
import dataclasses
import re
from collections.abc import Iterable, Iterator

import pytest
from jsonschema import Draft202012Validator

from pipeline.alerting.recovery import NoPlan, Recovery, RecoveryStep
from pipeline.cli import COMMANDS
from pipeline.codec.fact_fields import CLASSES, RULES, TOPICS
from pipeline.domain.alert import Alert, AlertStatus
from pipeline.domain.complaint import Fault
from pipeline.domain.evaluation import Sampling
from pipeline.domain.events import (
    AgentState,
    AgentStateEvent,
    CallEvent,
    EventType,
    TransferKind,
)
from pipeline.domain.fact import FactKind
from pipeline.domain.incident import Cause, IncidentKind
from pipeline.domain.kpi import ALWAYS_WRITTEN, KPI_FIELDS
from pipeline.domain.schedule import ACTIVITIES
from pipeline.lake.shape import LATE, SHAPES
from pipeline.staffing.outlook import Standing
from pipeline.streams.outgoing import KPI_TOPICS
from tests.completeness.registry import ROOT, SCHEMAS, Json, schema, topics, with_schema

PANE_HEAD = (
    "v",
    "client",
    "site",
    "queue",
    "partition",
    "config_hash",
    "pane_start_ms",
    "revision",
)
KEYWORDS = {
    *("$schema", "title", "description", "type", "additionalProperties", "required", "properties"),
    *("items", "allOf", "if", "then", "not", "const", "enum", "pattern"),
    *("minLength", "minimum", "maximum", "multipleOf"),
}
A_TOPIC = re.compile(r"(acd|kpi|ref|vane)\.[a-z-]+(\.dlq)?")


def topics_in_code() -> set[str]:
    """Return all topic names that stand as texts in the package."""
    found = set(KPI_TOPICS)
    for path in (ROOT / "pipeline").rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Constant) and isinstance(node.value, str):
                found |= {node.value} if A_TOPIC.fullmatch(node.value) else set()
    return found


def keywords(part: object) -> Iterator[str]:
    """Yield the JSON Schema keywords that a schema uses, at any depth."""
    if not isinstance(part, dict):
        return
    for keyword, value in part.items():
        yield keyword
        inner = value.values() if keyword == "properties" else [value]
        for item in inner:
            for one in item if isinstance(item, list) else [item]:
                yield from keywords(one)


def faults(found: Json) -> list[str]:
    """Return what is wrong with the form of a schema."""
    wrong = [f"unknown keyword {k}" for k in sorted(set(keywords(found)) - KEYWORDS)]
    if found.get("additionalProperties") is not False:
        wrong.append("additionalProperties is not false")
    if not re.fullmatch(r"[a-z]+(_[a-z]+)*", found.get("title", "")):
        wrong.append("title is not snake_case")
    if not set(found.get("required", ())) <= set(found["properties"]):
        wrong.append("a required property is not described")
    for name, prop in found["properties"].items():
        text = prop.get("description", "")
        if not text.endswith("."):
            wrong.append(f"{name} is not described")
        if "integer" in prop.get("type", ()) and not re.search(r" Unit: .+\.$", text):
            wrong.append(f"{name} has no unit")
    return wrong


def without_default(cls: type) -> set[str]:
    """Return the names of a dataclass's fields that must be given."""
    return {f.name for f in dataclasses.fields(cls) if f.default is dataclasses.MISSING}


def fields_of(cls: type) -> list[str]:
    """Return the names of a dataclass's fields in order."""
    return [f.name for f in dataclasses.fields(cls)]


def test_every_topic_in_code_has_a_file() -> None:
    assert topics_in_code() - set(topics()) == set()


def test_every_topic_that_a_command_of_ours_handles_is_in_code() -> None:
    ours = {
        name
        for name, topic in topics().items()
        if any(who.startswith("vane ") for who in topic["producers"] + topic["consumers"])
    }
    in_code = topics_in_code()
    assert ours - in_code - {f"{name}.dlq" for name in in_code} == set()


def test_producers_and_consumers_are_commands_that_exist() -> None:
    named = {who for t in topics().values() for who in t["producers"] + t["consumers"]}
    commands = {who.removeprefix("vane ") for who in named if who.startswith("vane ")}
    assert commands - set(COMMANDS) == set()


def test_the_lander_is_a_consumer_of_exactly_the_topics_it_lands() -> None:
    stated = {name for name, topic in topics().items() if "vane land" in topic["consumers"]}
    assert stated == set(SHAPES)


def test_no_schema_is_an_orphan_and_versions_have_no_gap() -> None:
    referenced = set()
    for name in with_schema():
        versions = topics()[name]["versions"]
        assert [v["version"] for v in versions] == list(range(1, len(versions) + 1))
        for v in versions:
            assert v["schema"] == f"events/{name}.v{v['version']}.schema.json"
            referenced.add(v["schema"])
    there = {str(p.relative_to(SCHEMAS)) for p in (SCHEMAS / "events").rglob("*") if p.is_file()}
    assert there == referenced


def test_no_example_is_an_orphan() -> None:
    folders = {
        f"{name}/{v['version']}/{kind}"
        for name in with_schema()
        for v in topics()[name]["versions"]
        for kind in ("valid", "invalid")
    }
    for path in (SCHEMAS / "examples").rglob("*"):
        if path.is_file():
            assert str(path.parent.relative_to(SCHEMAS / "examples")) in folders, path
            assert path.suffix == ".json", path


def test_nothing_else_lies_in_schemas() -> None:
    assert {p.name for p in SCHEMAS.iterdir()} == {
        *("topic.schema.json", "client-mapping.schema.json", "topics", "events", "examples"),
        *("contract.schema.json", "calendars.schema.json", "figures.schema.json"),
    }
    assert {p.suffix for p in (SCHEMAS / "topics").iterdir()} == {".yaml"}


@pytest.mark.parametrize("topic", with_schema())
def test_a_schema_is_closed_and_described(topic: str) -> None:
    Draft202012Validator.check_schema(schema(topic))
    assert faults(schema(topic)) == []


@pytest.mark.parametrize(
    ("change", "fault"),
    [
        ({"additionalProperties": True}, "additionalProperties is not false"),
        ({"aditionalProperties": False}, "unknown keyword aditionalProperties"),
        ({"title": "callEvent"}, "title is not snake_case"),
        ({"required": ["v", "velocity"]}, "a required property is not described"),
        ({"properties": {"v": {"type": "integer"}}}, "v has no unit"),
        ({"properties": {"v": {"type": "integer", "minimun": 1}}}, "unknown keyword minimun"),
        ({"properties": {"v": {}}}, "v is not described"),
    ],
)
@pytest.mark.parametrize("topic", with_schema())
def test_a_schema_made_bad_is_noticed(topic: str, change: Json, fault: str) -> None:
    assert fault in faults(schema(topic) | change)


@pytest.mark.parametrize(
    ("topic", "cls", "before", "after"),
    [
        ("acd.events", CallEvent, [], []),
        ("acd.agent-states", AgentStateEvent, [], []),
        ("kpi.alerts", Alert, ["v"], ["revision", "partition"]),
        ("kpi.recovery", Recovery, ["v"], []),
        *((TOPICS[kind], cls, [], []) for kind, cls in CLASSES.items()),
    ],
)
def test_properties_are_the_fields_of_the_dataclass(
    topic: str, cls: type, before: list[str], after: list[str]
) -> None:
    assert list(schema(topic)["properties"]) == [*before, *fields_of(cls), *after]
    assert set(schema(topic)["required"]) == {*before, *without_default(cls), *after}


@pytest.mark.parametrize(
    ("topic", "name", "words"),
    [
        ("acd.events", "type", EventType),
        ("acd.events", "transfer_kind", TransferKind),
        ("acd.agent-states", "state", AgentState),
        ("kpi.alerts", "status", AlertStatus),
        ("kpi.recovery", "status", AlertStatus),
        ("kpi.recovery", "reason", NoPlan),
        ("kpi.recovery", "standing", Standing),
        ("ref.schedule", "activity", ACTIVITIES),
        ("ref.qa", "sampling", Sampling),
        ("ref.complaints", "fault", Fault),
        ("ref.incidents", "kind", IncidentKind),
        ("ref.incidents", "cause", Cause),
    ],
)
def test_words_allowed_are_those_of_the_enum(topic: str, name: str, words: Iterable[str]) -> None:
    allowed = schema(topic)["properties"][name]["enum"]
    assert [word for word in allowed if word is not None] == list(words)


def test_a_step_of_a_recovery_is_its_dataclass() -> None:
    step = schema("kpi.recovery")["properties"]["steps"]["items"]
    assert faults(step | {"title": "step"}) == []
    assert list(step["properties"]) == step["required"] == fields_of(RecoveryStep)


@pytest.mark.parametrize("kpi", KPI_FIELDS)
def test_properties_of_a_pane_are_its_identity_and_its_counts(kpi: str) -> None:
    found = schema(f"kpi.{kpi}")
    assert list(found["properties"]) == [*PANE_HEAD, *KPI_FIELDS[kpi]]
    always = [*PANE_HEAD, *KPI_FIELDS[kpi][: ALWAYS_WRITTEN[kpi]]]
    assert found["required"] == always


@pytest.mark.parametrize("topic", sorted(set(SHAPES) - {LATE}))
def test_what_is_landed_is_in_the_schema(topic: str) -> None:
    shape = SHAPES[topic]
    landed = {*shape.text, *shape.numbers, *shape.flags, *shape.lists}
    assert landed <= set(schema(topic)["properties"])


@pytest.mark.parametrize("kind", FactKind)
def test_of_a_fact_everything_is_landed_and_read_by_one_table(kind: FactKind) -> None:
    shape = SHAPES[TOPICS[kind]]
    landed = {*shape.text, *shape.numbers, *shape.flags, *shape.lists}
    assert landed == set(schema(TOPICS[kind])["properties"])
    assert ["v", *RULES[kind]] == fields_of(CLASSES[kind])
