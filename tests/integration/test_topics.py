"""Topics are created once, as their files say, and what differs is told and never changed."""

from __future__ import annotations

import time
from pathlib import Path

import pytest
from kafka.admin import ConfigResource, ConfigResourceType

from pipeline.broker.admin import admin
from pipeline.broker.topics import Drift, apply_topics, load_topics
from pipeline.errors import ConfigError
from pipeline.settings import PROJECT_ROOT, Settings
from tests.integration.command import vane

pytestmark = pytest.mark.integration

TOPICS = PROJECT_ROOT / "schemas" / "topics"


def drift_of(kafka: str, prefix: str, *, at_least: int) -> list[Drift]:
    """Return the drift, once the broker tells as many changes as were made."""
    deadline = time.monotonic() + 10
    while True:
        found = apply_topics(kafka, TOPICS, prefix=prefix, check_only=True).drift
        if len(found) >= at_least or time.monotonic() > deadline:
            return found
        time.sleep(0.1)


def alter(kafka: str, topic: str, **config: str) -> None:
    """Change settings of a topic; ``_`` stands for a dot."""
    settings = {name.replace("_", "."): value for name, value in config.items()}
    with admin(kafka) as client:
        client.alter_configs([ConfigResource(ConfigResourceType.TOPIC, topic, settings)])


def test_applying_again_creates_nothing_and_finds_no_difference(kafka: str, prefix: str) -> None:
    report = apply_topics(kafka, TOPICS, prefix=prefix)
    assert report.created == []
    assert report.present == [prefix + topic.name for topic in load_topics(TOPICS)]
    assert report.drift == []


def test_changes_made_by_hand_are_told_and_left_as_they_are(kafka: str, prefix: str) -> None:
    events, late = f"{prefix}acd.events", f"{prefix}acd.late"
    alter(kafka, events, retention_ms="3600000", retention_bytes="1000000000")
    with admin(kafka) as client:
        client.create_partitions({late: 6})
    expected = [
        Drift(events, "retention.bytes", "(unset)", "1000000000"),
        Drift(events, "retention.ms", "604800000", "3600000"),
        Drift(late, "partitions", "4", "6"),
    ]
    assert drift_of(kafka, prefix, at_least=3) == expected
    assert apply_topics(kafka, TOPICS, prefix=prefix).drift == expected
    assert drift_of(kafka, prefix, at_least=3) == expected


def test_check_creates_nothing(kafka: str) -> None:
    report = apply_topics(kafka, TOPICS, prefix="never-made.", check_only=True)
    assert report.missing == [f"never-made.{topic.name}" for topic in load_topics(TOPICS)]
    assert report.created == report.present == []
    with admin(kafka) as client:
        assert not [name for name in client.list_topics() if name.startswith("never-made.")]


def test_another_number_of_partitions_holds_for_all(kafka: str, tmp_path: Path) -> None:
    prefix = f"wide-{tmp_path.name.replace('_', '-')}."
    made = apply_topics(kafka, TOPICS, prefix=prefix, partitions=6)
    assert len(made.created) == len(load_topics(TOPICS))
    again = apply_topics(kafka, TOPICS, prefix=prefix, partitions=6, check_only=True)
    assert again.drift == []
    as_described = apply_topics(kafka, TOPICS, prefix=prefix, check_only=True)
    assert {(d.setting, d.found) for d in as_described.drift} == {("partitions", "6")}
    assert len(as_described.drift) == len(made.created)
    with admin(kafka) as client:
        client.delete_topics(made.created)


def test_what_the_broker_refuses_names_the_file(kafka: str, tmp_path: Path) -> None:
    folder = tmp_path / "topics"
    folder.mkdir()
    (tmp_path / "topic.schema.json").write_bytes((TOPICS.parent / "topic.schema.json").read_bytes())
    text = (TOPICS / "vane.snapshots.yaml").read_text()
    path = folder / "vane.snapshots.yaml"
    path.write_text(text.replace("67108864", "3"))
    with pytest.raises(ConfigError) as caught:
        apply_topics(kafka, folder, prefix="refused.")
    assert str(caught.value).startswith(f"{path}: the broker refuses refused.vane.snapshots: ")
    assert "segment.bytes" in str(caught.value)


def test_the_command_exits_with_1_on_check_if_anything_differs(settings: Settings) -> None:
    environment = {
        "VANE_BOOTSTRAP": settings.bootstrap,
        "VANE_TOPIC_PREFIX": settings.topic_prefix,
    }
    check = ("topics", "apply", "--check")
    same = vane(*check, home=settings.home, **environment)
    assert same.returncode == 0, same.stdout + same.stderr
    alter(settings.bootstrap, settings.topic("kpi.alerts"), retention_ms="1000")
    assert drift_of(settings.bootstrap, settings.topic_prefix, at_least=1)
    differs = vane(*check, home=settings.home, **environment)
    assert differs.returncode == 1
    assert "retention.ms" in differs.stdout
    assert settings.topic("kpi.alerts") in differs.stdout
    told = vane("topics", "apply", home=settings.home, **environment)
    assert told.returncode == 0
    assert "retention.ms" in told.stdout
    nothing = vane(*check, home=settings.home, **environment | {"VANE_TOPIC_PREFIX": "no-such."})
    assert nothing.returncode == 1
    assert "missing  no-such.acd.events" in nothing.stdout
