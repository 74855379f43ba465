"""Topic files: good ones are read, bad ones are refused with file, line, value and expectation."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from pipeline.broker.topics import META_SCHEMA, load_topics
from pipeline.errors import ConfigError

SCHEMAS = Path(__file__).parents[3] / "schemas"
GOOD = """\
topic: acd.late
description: >-
  An event that came too late.
owner: platform
producers:
  - vane worker
consumers:
  - vane land
key: the original key
partitions: 4
headers:
  - name: dlq.reason
    description: "Reason code"
config:
  cleanup.policy: "delete"
  retention.ms: "86400000"
"""
HEADERS = 'headers:\n  - name: dlq.reason\n    description: "Reason code"\n'

BAD = [
    pytest.param("owner: platform\n", "", 1, "'owner' is a required property", id="no owner"),
    pytest.param("owner: platform", "owner: ''", 4, "owner: expected at least 1", id="owner empty"),
    pytest.param("owner:", "ownr: me\nowner:", 4, "'ownr' was unexpected", id="unknown key"),
    pytest.param("partitions: 4", "partitions: 3", 10, "partitions: expected 4, got 3", id="3"),
    pytest.param("acd.late", "acd_late", 1, "topic: expected text that matches", id="underscore"),
    pytest.param("acd.late", "acd.later", 1, "expected the file's name, 'acd.late'", id="name"),
    pytest.param("  - vane land\n", "  []\n", 8, "expected at least one entry", id="no consumer"),
    pytest.param(HEADERS, "versions: []\n", 11, "expected at least one entry", id="no version"),
    pytest.param(HEADERS, "binary: x\n", 11, "expected at least 20 characters", id="binary"),
    pytest.param(
        "headers:",
        "binary: packed in a way of its own\nheaders:",
        1,
        "expected exactly one of the keys versions, headers, binary, got ['headers', 'binary']",
        id="two contents",
    ),
    pytest.param(
        HEADERS,
        "",
        1,
        "expected exactly one of the keys versions, headers, binary, got []",
        id="no content",
    ),
    pytest.param(
        '    description: "Reason code"\n', "", 12, "'description' is a required", id="header"
    ),
    pytest.param(
        '"86400000"', "86400000", 16, "config.retention.ms: expected string, got 86400000", id="int"
    ),
    pytest.param('"86400000"', '"1 day"', 16, "config.retention.ms: expected text", id="1 day"),
    pytest.param('"delete"', '"remove"', 15, "config.cleanup.policy: expected one of", id="policy"),
    pytest.param(
        '  retention.ms: "86400000"\n',
        "",
        15,
        "config: 'retention.ms' is a required property",
        id="no retention",
    ),
    pytest.param(
        "  retention.ms:",
        '  retention.mss: "1"\n  retention.ms:',
        16,
        "config: Additional properties are not allowed ('retention.mss' was unexpected)",
        id="misspelt setting",
    ),
    pytest.param("owner: platform", "owner: [", 6, "not valid YAML", id="not YAML"),
]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Return a folder for topic files, its schema beside it."""
    shutil.copy(SCHEMAS / META_SCHEMA, tmp_path / META_SCHEMA)
    topics = tmp_path / "topics"
    topics.mkdir()
    return topics


def test_a_good_file_is_read(folder: Path) -> None:
    (folder / "acd.late.yaml").write_text(GOOD)
    (topic,) = load_topics(folder)
    assert topic.name == "acd.late"
    assert topic.partitions == 4
    assert topic.config == {"cleanup.policy": "delete", "retention.ms": "86400000"}


@pytest.mark.parametrize(("old", "new", "line", "said"), BAD)
def test_a_bad_file_is_refused_with_file_and_line(
    folder: Path, old: str, new: str, line: int, said: str
) -> None:
    assert old in GOOD
    path = folder / "acd.late.yaml"
    path.write_text(GOOD.replace(old, new, 1))
    with pytest.raises(ConfigError) as caught:
        load_topics(folder)
    assert str(caught.value).startswith(f"{path}:{line}: ")
    assert said in str(caught.value)


def test_no_file_at_all_is_an_error(folder: Path) -> None:
    with pytest.raises(ConfigError, match="expected at least one topic file"):
        load_topics(folder)


def test_a_missing_meta_schema_is_an_error(folder: Path) -> None:
    (folder.parent / META_SCHEMA).unlink()
    with pytest.raises(ConfigError, match=r"topic\.schema\.json: expected this file to exist"):
        load_topics(folder)


def test_the_meta_schema_lets_no_object_have_unknown_keys() -> None:
    def open_objects(part: object, where: str) -> list[str]:
        if isinstance(part, list):
            return [found for item in part for found in open_objects(item, where)]
        if not isinstance(part, dict):
            return []
        is_open = part.get("type") == "object" and part.get("additionalProperties") is not False
        inner = [f for key, value in part.items() for f in open_objects(value, f"{where}/{key}")]
        return [where, *inner] if is_open else inner

    schema = json.loads((SCHEMAS / META_SCHEMA).read_text(encoding="utf-8"))
    assert open_objects(schema, "") == []
    assert open_objects({"properties": {"x": {"type": "object"}}}, "") == ["/properties/x"]


def test_the_project_s_own_files_are_good() -> None:
    topics = load_topics(SCHEMAS / "topics")
    assert [t.name for t in topics] == sorted(t.name for t in topics)
    assert {t.partitions for t in topics} == {4}
    for topic in topics:
        compacted = "compact" in topic.config["cleanup.policy"]
        assert compacted or topic.config["retention.ms"] != "-1", "grows without end"
