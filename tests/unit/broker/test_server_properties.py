"""The broker's settings file says what we mean, in the way Java reads it."""

from __future__ import annotations

from pathlib import Path

import pytest

from pipeline.broker import server_properties
from pipeline.errors import InputError


def written(tmp_path: Path, data: Path) -> dict[str, str]:
    path = tmp_path / "server.properties"
    server_properties.write(path, data=data, port=1, controller_port=2)
    lines = path.read_text(encoding="ascii").splitlines()
    return dict(line.split("=", 1) for line in lines if not line.startswith("#"))


def test_the_broker_listens_on_loopback_only(tmp_path: Path) -> None:
    found = written(tmp_path, Path("/data"))
    assert found["listeners"] == "PLAINTEXT://127.0.0.1:1,CONTROLLER://127.0.0.1:2"
    assert found["advertised.listeners"] == "PLAINTEXT://127.0.0.1:1"


def test_a_path_outside_ascii_is_escaped_as_java_reads_it(tmp_path: Path) -> None:
    found = written(tmp_path, Path("/呼叫 é\\𝄞"))
    assert found["log.dirs"] == "/\\u547c\\u53eb \\u00e9\\u005c\\ud834\\udd1e"


def test_a_path_with_a_comma_is_refused_because_kafka_would_split_it(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"expected a path without commas.*'/a,b'"):
        written(tmp_path, Path("/a,b"))
