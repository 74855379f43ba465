"""Kafka's jars: only what the lock says is ever used."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path

import pytest

from pipeline.broker import jars
from pipeline.broker.jars import Jar, JarMismatchError
from pipeline.errors import ConfigError, TransientError


def a_jar(name: str, content: bytes) -> Jar:
    """Return the lock's entry of a jar with some content."""
    digest = hashlib.sha256(content).hexdigest()
    return Jar(group="org.example", artifact=name, version="1.0", sha256=digest)


def a_lock(path: Path, *wanted: Jar) -> Path:
    """Write a lock of some jars."""
    path.write_text("".join(f"{jar.sha256}  {jar}\n" for jar in wanted))
    return path


ONE = a_jar("one", b"first")
TWO = a_jar("two", b"second")


def test_jars_as_locked_are_taken_and_nothing_is_fetched(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(jars, "_fetch_one", lambda *_: pytest.fail("fetched"))
    folder = tmp_path / "jars"
    folder.mkdir()
    (folder / ONE.file).write_bytes(b"first")
    assert jars.fetch(folder, a_lock(tmp_path / "lock", ONE)) == folder


def test_a_missing_jar_is_named(tmp_path: Path) -> None:
    (tmp_path / ONE.file).write_bytes(b"first")
    assert jars.missing(tmp_path, (ONE, TWO)) == [TWO]
    assert str(TWO) == "org.example:two:1.0"


@pytest.mark.parametrize("content", [b"", b"firs", b"first ", b"<html>502</html>"])
def test_a_corrupt_jar_is_refused_with_both_sums(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / ONE.file
    path.write_bytes(content)
    with pytest.raises(JarMismatchError) as caught:
        jars.fetch(tmp_path, a_lock(tmp_path / "lock", ONE))
    assert str(path) in str(caught.value)
    assert caught.value.expected == ONE.sha256
    assert caught.value.found == hashlib.sha256(content).hexdigest()
    assert path.read_bytes() == content, "left for a person to look at"


def test_only_missing_jars_are_fetched_and_no_scratch_is_left(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def deliver(jar: Jar, folder: Path, scratch: Path) -> None:
        (scratch / "partial").write_bytes(b"sec")
        (folder / jar.file).write_bytes(b"second")

    monkeypatch.setattr(jars, "_fetch_one", deliver)
    folder = tmp_path / "jars"
    folder.mkdir()
    (folder / ONE.file).write_bytes(b"first")
    jars.fetch(folder, a_lock(tmp_path / "lock", ONE, TWO))
    assert {path.name for path in folder.iterdir()} == {ONE.file, TWO.file}


def test_a_repository_that_does_not_answer_is_transient_and_names_the_jar(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_args: object, **_options: object) -> None:
        msg = "connection refused"
        raise OSError(msg)

    monkeypatch.setattr("jgo.maven.MavenContext.project", refuse)
    with pytest.raises(TransientError, match=r"org\.example:one:1\.0: connection refused"):
        jars.fetch(tmp_path / "jars", a_lock(tmp_path / "lock", ONE))
    assert list((tmp_path / "jars").iterdir()) == []


@pytest.mark.parametrize(
    "line", ["", "abc  org.example:one:1.0", f"{ONE.sha256}  one-1.0.jar", f"{ONE.sha256} {ONE}"]
)
def test_a_bad_line_of_the_lock_is_named(tmp_path: Path, line: str) -> None:
    lock = a_lock(tmp_path / "lock", ONE)
    lock.write_text(lock.read_text() + line + "\n")
    with pytest.raises(ConfigError, match=rf"{lock}:2: expected '<sha256>  group:artifact:version"):
        jars.locked(lock)


def test_the_lock_has_the_broker_and_each_jar_once() -> None:
    wanted = jars.locked()
    assert f"org.apache.kafka:kafka_2.13:{jars.KAFKA_VERSION}" in {str(jar) for jar in wanted}
    assert len({jar.file for jar in wanted}) == len(wanted)


def test_the_class_path_has_the_locked_jars_only(tmp_path: Path) -> None:
    (tmp_path / "stray.jar").write_bytes(b"")
    entries = jars.classpath(tmp_path).split(os.pathsep)
    assert entries == [str(tmp_path / jar.file) for jar in jars.locked()]
