"""Topics as data: ``schemas/topics/*.yaml`` against what a cluster has."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import jsonschema
from kafka.admin import ConfigResource, ConfigResourceType, KafkaAdminClient, NewTopic
from kafka.errors import KafkaError, TopicAlreadyExistsError

from pipeline.config_files import Located, load_yaml
from pipeline.errors import BrokerUnavailable, ConfigError

META_SCHEMA: Final = "topic.schema.json"
REPLICATION: Final = 1


@dataclass(frozen=True, slots=True)
class Topic:
    """What a topic file says."""

    name: str
    partitions: int
    config: dict[str, str]
    description: str
    path: Path


@dataclass(slots=True)
class Report:
    """What ``apply_topics`` did and found."""

    created: list[str] = field(default_factory=list)
    present: list[str] = field(default_factory=list)
    missing: list[str] = field(default_factory=list)
    drift: list[tuple[str, str, str, str]] = field(default_factory=list)
    """(topic, setting, expected, found)."""


def load_topics(directory: Path) -> list[Topic]:
    """Read and validate all topic files; raise ConfigError naming file and line."""
    schema = load_yaml(directory.parent / META_SCHEMA)
    validator = jsonschema.Draft202012Validator(schema)
    topics = []
    for path in sorted(directory.glob("*.yaml")):
        found = load_yaml(path)
        for error in validator.iter_errors(found):
            where = error.path and f"{'.'.join(str(p) for p in error.path)}: "
            raise ConfigError(path, f"{where or ''}{error.message}", line=_line(found, error))
        if path.stem != found["topic"]:
            raise ConfigError(path, f"topic: expected {path.stem!r}, got {found['topic']!r}")
        config = {key: str(value) for key, value in found.get("config", {}).items()}
        topics.append(
            Topic(found["topic"], found["partitions"], config, found["description"], path)
        )
    return topics


def _line(found: Located, error: jsonschema.ValidationError) -> int:
    here: Any = found
    line = found.line
    for step in error.path:
        here = here[step]
        line = getattr(here, "line", line)
    return line


def apply_topics(
    bootstrap: str, directory: Path, *, prefix: str = "", check_only: bool = False
) -> Report:
    """Create what is missing and report what differs; nothing existing is ever changed.

    Raises:
        BrokerUnavailable: no broker answers.
        ConfigError: a topic file is wrong.
    """
    wanted = load_topics(directory)
    report = Report()
    with admin(bootstrap) as client:
        existing = set(client.list_topics())
        for topic in wanted:
            name = prefix + topic.name
            if name in existing:
                report.present.append(name)
            elif check_only:
                report.missing.append(name)
            else:
                _create(client, name, topic)
                report.created.append(name)
        report.drift.extend(_drift(client, wanted, prefix, report.present))
    return report


@contextmanager
def admin(bootstrap: str) -> Iterator[KafkaAdminClient]:
    """Yield an admin client; a broker that does not answer is a BrokerUnavailable."""
    try:
        client = KafkaAdminClient(bootstrap_servers=bootstrap, request_timeout_ms=15_000)
    except KafkaError as error:
        msg = f"no Kafka broker answers at {bootstrap} ({error}); start one: vane kafka start"
        raise BrokerUnavailable(msg) from error
    try:
        yield client
    finally:
        client.close()


def _create(client: KafkaAdminClient, name: str, topic: Topic) -> None:
    new = NewTopic(name, topic.partitions, REPLICATION, topic_configs=topic.config)
    try:
        client.create_topics([new])
    except TopicAlreadyExistsError:
        return  # another process was quicker


def _drift(
    client: KafkaAdminClient, wanted: Iterable[Topic], prefix: str, present: list[str]
) -> Iterator[tuple[str, str, str, str]]:
    if not present:
        return
    partitions = {t["name"]: len(t["partitions"]) for t in client.describe_topics(present)}
    for topic in wanted:
        name = prefix + topic.name
        if name not in partitions:
            continue
        if partitions[name] != topic.partitions:
            yield name, "partitions", str(topic.partitions), str(partitions[name])
        found = topic_config(client, name)
        for key, expected in topic.config.items():
            if found.get(key) != expected:
                yield name, key, expected, str(found.get(key))


def topic_config(client: KafkaAdminClient, name: str) -> dict[str, str]:
    """Return all settings of a topic as text."""
    resource = ConfigResource(ConfigResourceType.TOPIC, name)
    found = client.describe_configs([resource])["topic"][name]
    return {key: str(entry["value"]) for key, entry in found.items()}
