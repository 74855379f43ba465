"""Apache Kafka's jars: each by its exact coordinates, checked against a committed SHA-256 sum.

``kafka_jars.sha256`` is the lock: what ``org.apache.kafka:kafka_2.13`` needs, resolved once, plus
``slf4j-simple``, without which the broker would not say why it failed. Nothing is resolved when
jars are fetched, so no dependency can change under us and no Maven or Java is needed for it.
"""

from __future__ import annotations

import hashlib
import os
import tempfile
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from pipeline.errors import ConfigError, TerminalError, TransientError

KAFKA_VERSION: Final = "4.3.1"
LOCK: Final = Path(__file__).with_name("kafka_jars.sha256")
_AT_A_TIME: Final = 4
_SHA256_DIGITS: Final = 64
_TIMEOUT_S: Final = 60


class JarMismatchError(TerminalError):
    """A jar is not the one whose sum is committed."""

    def __init__(self, where: object, *, expected: str, found: str) -> None:
        """Name the jar and both sums."""
        self.expected = expected
        self.found = found
        super().__init__(
            f"{where}: expected sha256 {expected}, found {found}; delete it, then: make setup"
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Jar:
    """A jar in the lock."""

    group: str
    artifact: str
    version: str
    sha256: str

    @property
    def file(self) -> str:
        """Return the name of its file."""
        return f"{self.artifact}-{self.version}.jar"

    def __str__(self) -> str:
        """Return its Maven coordinates."""
        return f"{self.group}:{self.artifact}:{self.version}"


def locked(path: Path = LOCK) -> tuple[Jar, ...]:
    """Read the lock, lines of ``sha256  group:artifact:version``; a ConfigError names a bad one."""
    jars = []
    for number, line in enumerate(path.read_text(encoding="ascii").splitlines(), start=1):
        digest, _, coordinates = line.partition("  ")
        parts = coordinates.split(":")
        if len(digest) != _SHA256_DIGITS or len(parts) != 3:  # noqa: PLR2004 - group, artifact, version
            problem = f"expected '<sha256>  group:artifact:version', got {line!r}"
            raise ConfigError(path, problem, line=number)
        group, artifact, version = parts
        jars.append(Jar(group=group, artifact=artifact, version=version, sha256=digest))
    return tuple(jars)


def check(path: Path, jar: Jar) -> None:
    """Raise JarMismatchError unless a file is the jar of the lock."""
    found = hashlib.sha256(path.read_bytes()).hexdigest()
    if found != jar.sha256:
        raise JarMismatchError(path, expected=jar.sha256, found=found)


def missing(folder: Path, wanted: tuple[Jar, ...]) -> list[Jar]:
    """Return the jars that a folder lacks; those it has are checked.

    Raises:
        JarMismatchError: a jar is there with another content than the lock's.
    """
    lacking = []
    for jar in wanted:
        path = folder / jar.file
        if path.is_file():
            check(path, jar)
        else:
            lacking.append(jar)
    return lacking


def fetch(folder: Path, lock: Path = LOCK) -> Path:
    """Make sure that all jars of the lock are in a folder; return the folder.

    Nothing is downloaded when they are. Each download is checked before it takes its place, so a
    partial or wrong one is never used, and an interrupted fetch goes on where it stopped.

    Raises:
        JarMismatchError: a jar, already there or downloaded, is not the lock's.
        TransientError: the Maven repository did not deliver.
    """
    folder.mkdir(parents=True, exist_ok=True)
    lacking = missing(folder, locked(lock))
    if lacking:
        with (
            tempfile.TemporaryDirectory(dir=folder, prefix="fetch-") as scratch,
            ThreadPoolExecutor(_AT_A_TIME) as pool,
        ):
            list(pool.map(lambda jar: _fetch_one(jar, folder, Path(scratch)), lacking))
    return folder


def classpath(folder: Path) -> str:
    """Return the lock's jars in a folder as a Java class path; others in it are left out."""
    return os.pathsep.join(str(folder / jar.file) for jar in locked())


def _fetch_one(jar: Jar, folder: Path, scratch: Path) -> None:
    # jgo.build would do, but it also downloads a whole JDK to classify modules, which we have no
    # use for, and takes what lies in ~/.m2, whole or not. So: its client, without its resolver.
    from jgo.config import GlobalSettings
    from jgo.maven import MavenContext

    repositories = {**GlobalSettings.load().repositories, "central": _central()}
    context = MavenContext(
        repo_cache=scratch / jar.sha256, remote_repos=repositories, timeout=_TIMEOUT_S
    )
    try:
        path = context.project(jar.group, jar.artifact).at_version(jar.version).artifact().resolve()
    except Exception as error:  # the client has no error type of its own
        msg = f"could not download {jar}: {error}; is the Maven repository reachable?"
        raise TransientError(msg) from error
    check(path, jar)
    path.replace(folder / jar.file)


def _central() -> str:
    from jgo.constants import MAVEN_CENTRAL_URL

    return str(MAVEN_CENTRAL_URL)
