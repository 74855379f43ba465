"""Topics as data: ``schemas/topics/*.yaml`` against what a cluster has.

Topics are created, never changed or deleted: what differs is reported for a person to decide,
because a setting such as retention may be the only copy of somebody's data.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Final

import jsonschema
import yaml
from kafka.admin import ConfigResource, ConfigResourceType, KafkaAdminClient
from kafka.errors import NoError, TopicAlreadyExistsError, for_code

from pipeline.broker.admin import admin
from pipeline.broker.security import PLAINTEXT, Security
from pipeline.config_files import load_yaml
from pipeline.errors import ConfigError

META_SCHEMA: Final = "topic.schema.json"
REPLICATION: Final = -1
"""The cluster's default: 1 on the local broker, usually 3 elsewhere."""
UNSET: Final = "(unset)"
"""How a report names a setting that a topic file does not state."""

_OVERRIDE: Final = "DYNAMIC_TOPIC_CONFIG"
_CONTENT: Final = ("versions", "headers", "binary")
"""The keys of a topic file of which it has one: what the value of a record is."""


@dataclass(frozen=True, slots=True)
class Topic:
    """What a topic file says."""

    name: str
    partitions: int
    config: dict[str, str]
    description: str


@dataclass(frozen=True, slots=True)
class Drift:
    """One setting of an existing topic that is not as its file says, or not said by it."""

    topic: str
    setting: str
    expected: str
    found: str


@dataclass(slots=True)
class Report:
    """What ``apply_topics`` did and found; topics by their names on the cluster."""

    created: list[str] = field(default_factory=list)
    present: list[str] = field(default_factory=list)
    missing: list[str] = field(default_factory=list)
    drift: list[Drift] = field(default_factory=list)


def load_topics(directory: Path) -> list[Topic]:
    """Read and validate all topic files.

    Raises:
        ConfigError: names file, line, value and what is expected.
    """
    validator = jsonschema.Draft202012Validator(load_yaml(directory.parent / META_SCHEMA))
    paths = sorted(directory.glob("*.yaml"), key=lambda path: path.stem)
    if not paths:
        raise ConfigError(directory, "expected at least one topic file (*.yaml), found none")
    return [_load_topic(path, validator) for path in paths]


def _load_topic(path: Path, validator: jsonschema.Draft202012Validator) -> Topic:
    found = load_yaml(path)
    for error in validator.iter_errors(found):
        raise ConfigError(path, _problem(error), line=_line(path, error))
    if path.stem != found["topic"]:
        problem = f"topic: expected the file's name, {path.stem!r}, got {found['topic']!r}"
        raise ConfigError(path, problem, line=found.line)
    return Topic(
        name=found["topic"],
        partitions=found["partitions"],
        config=dict(found["config"]),
        description=found["description"],
    )


def _problem(error: jsonschema.ValidationError) -> str:
    where = ".".join(str(step) for step in error.path)
    value: Any = error.instance
    expectations = {
        "type": f"expected {error.validator_value}",
        "const": f"expected {error.validator_value!r}",
        "enum": f"expected one of {error.validator_value}",
        "pattern": f"expected text that matches {error.validator_value}",
        "minLength": f"expected at least {error.validator_value} characters",
        "minimum": f"expected at least {error.validator_value}",
        "minItems": "expected at least one entry",
        "oneOf": f"expected exactly one of the keys {', '.join(_CONTENT)}",
    }
    if error.validator == "oneOf":
        value = [key for key in _CONTENT if key in value]
    expected = expectations.get(str(error.validator))
    said = error.message if expected is None else f"{expected}, got {value!r}"
    return f"{where}: {said}" if where else said


def _line(path: Path, error: jsonschema.ValidationError) -> int:
    """Return the line of the value in error, or of the key that should not be there."""
    node: Any = yaml.compose(path.read_text(encoding="utf-8"), yaml.SafeLoader)
    for step in error.path:
        if isinstance(node, yaml.MappingNode):
            node = next(value for key, value in node.value if key.value == step)
        else:
            node = node.value[step]
    if error.validator == "additionalProperties":
        schema: Any = error.schema
        node = next(key for key, _ in node.value if key.value not in schema["properties"])
    return int(node.start_mark.line) + 1


def apply_topics(
    bootstrap: str,
    directory: Path,
    *,
    prefix: str = "",
    partitions: int | None = None,
    check_only: bool = False,
    security: Security = PLAINTEXT,
) -> Report:
    """Create what is missing and report what differs; nothing existing is ever changed.

    ``partitions`` stands for what every topic file says, so outputs still lie in the partition of
    their input. A topic that was created is ready for use on return: each partition has a leader.

    Raises:
        BrokerUnavailable: no broker answers.
        AccessDenied: it does not let us in, or not create topics.
        ConfigError: the address is not one, a topic file is wrong, or the broker refuses what it
            says.
    """
    wanted = {
        prefix + topic.name: replace(topic, partitions=partitions or topic.partitions)
        for topic in load_topics(directory)
    }
    report = Report()
    with admin(bootstrap, security) as client:
        existing = set(client.list_topics())
        report.present = [name for name in wanted if name in existing]
        absent = {name: topic for name, topic in wanted.items() if name not in existing}
        if check_only:
            report.missing = list(absent)
        elif absent:
            report.created = _create(client, absent, directory)
        present = {name: wanted[name] for name in report.present}
        report.drift = list(_drift(client, present)) if present else []
    return report


def _create(client: KafkaAdminClient, absent: dict[str, Topic], directory: Path) -> list[str]:
    """Create topics and wait until they can be used; return those that are new."""
    request = {
        name: {
            "num_partitions": topic.partitions,
            "replication_factor": REPLICATION,
            "configs": topic.config,
        }
        for name, topic in absent.items()
    }
    created = []
    for answer in client.create_topics(request, raise_errors=False)["topics"]:
        error = for_code(answer["error_code"])
        if error is NoError:
            created.append(answer["name"])
        elif error is not TopicAlreadyExistsError:  # another process was quicker
            path = directory / f"{absent[answer['name']].name}.yaml"
            said = answer["error_message"] or error.__name__
            raise ConfigError(path, f"the broker refuses {answer['name']}: {said}")
    client.wait_for_topics(list(absent))
    return created


def _drift(client: KafkaAdminClient, present: dict[str, Topic]) -> Iterator[Drift]:
    partitions = {t["name"]: len(t["partitions"]) for t in client.describe_topics(list(present))}
    resources = [ConfigResource(ConfigResourceType.TOPIC, name) for name in present]
    # The default filter leaves out settings that equal the broker's default.
    configs = client.describe_configs(resources, config_filter="all")["topic"]
    for name, topic in present.items():
        if partitions[name] != topic.partitions:
            yield Drift(name, "partitions", str(topic.partitions), str(partitions[name]))
        for key, entry in sorted(configs[name].items()):
            found = str(entry["value"])
            if key in topic.config:
                if found != topic.config[key]:
                    yield Drift(name, key, topic.config[key], found)
            elif entry["config_source"] == _OVERRIDE:
                yield Drift(name, key, UNSET, found)
