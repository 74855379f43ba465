"""One real broker for all integration tests, and topics of its own for each of them."""

from __future__ import annotations

import re
import shutil
import uuid
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from pipeline.broker.admin import admin
from pipeline.broker.local import local_broker
from pipeline.broker.topics import apply_topics
from pipeline.settings import PROJECT_ROOT, Settings, load_settings

Topics = Callable[[str], str]
"""Makes all topics anew under a name like the given one; returns the prefix they have."""


@pytest.fixture(scope="session")
def jars_dir() -> Path:
    """Where ``make setup`` put Kafka's jars."""
    return load_settings({}).jars


@pytest.fixture(scope="session")
def kafka(tmp_path_factory: pytest.TempPathFactory, jars_dir: Path) -> Iterator[str]:
    """Bootstrap address of a real broker that lives as long as the test session."""
    home = tmp_path_factory.mktemp("broker")
    with local_broker(home, jars_dir) as bootstrap:
        yield bootstrap
    shutil.rmtree(home / "kafka" / "data")


@pytest.fixture(scope="session")
def topics(kafka: str) -> Topics:
    """Make all topics under a prefix that no other test has."""

    def make(like: str) -> str:
        prefix = f"{re.sub('[^a-z0-9]+', '-', like.lower())[:60]}-{uuid.uuid4().hex[:8]}."
        apply_topics(kafka, PROJECT_ROOT / "schemas" / "topics", prefix=prefix)
        return prefix

    return make


@pytest.fixture
def prefix(kafka: str, topics: Topics, request: pytest.FixtureRequest) -> Iterator[str]:
    """Prefix of topics that nobody else uses; they are deleted with the test."""
    found = topics(request.node.name)
    yield found
    with admin(kafka) as client:
        client.delete_topics([name for name in client.list_topics() if name.startswith(found)])


@pytest.fixture
def settings(kafka: str, prefix: str, tmp_path: Path) -> Settings:
    """Settings of a deployment of its own: topics nobody else uses, and an empty home."""
    found = load_settings({"VANE_HOME": str(tmp_path / "home"), "VANE_BOOTSTRAP": kafka})
    return replace(found, topic_prefix=prefix, web_port=0)
