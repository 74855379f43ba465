"""Apache Kafka's jars: resolved by artifact id, each checked against a committed SHA-256 sum."""

from __future__ import annotations

import hashlib
import os
import shutil
import tempfile
from pathlib import Path
from typing import Final

from pipeline.errors import TerminalError, TransientError

KAFKA_VERSION: Final = "4.3.1"
ARTIFACT: Final = f"org.apache.kafka:kafka_2.13:{KAFKA_VERSION}"
SUMS: Final = Path(__file__).with_name("kafka_jars.sha256")


class JarMismatchError(TerminalError):
    """A jar is not the one whose sum is committed."""


def expected_sums(path: Path = SUMS) -> dict[str, str]:
    """Return jar name to SHA-256 (hex), as committed."""
    lines = path.read_text(encoding="ascii").splitlines()
    return {name: digest for digest, name in (line.split() for line in lines)}


def verify(folder: Path, sums: dict[str, str]) -> list[str]:
    """Return the names that are missing in a folder.

    Raises:
        JarMismatchError: a jar is there with another content than expected.
    """
    missing = []
    for name, expected in sums.items():
        jar = folder / name
        if not jar.is_file():
            missing.append(name)
            continue
        found = hashlib.sha256(jar.read_bytes()).hexdigest()
        if found != expected:
            msg = f"{jar}: expected sha256 {expected}, found {found}; delete it and fetch again"
            raise JarMismatchError(msg)
    return missing


def fetch(folder: Path) -> Path:
    """Make sure that all jars are in a folder and are the right ones; return the folder.

    Nothing is downloaded when they are. A download is checked before it takes its place, so a
    partial or wrong one is never used.

    Raises:
        JarMismatchError: a jar is not the expected one.
        TransientError: the package repository did not answer.
    """
    sums = expected_sums()
    folder.mkdir(parents=True, exist_ok=True)
    if not verify(folder, sums):
        return folder
    with tempfile.TemporaryDirectory(dir=folder.parent, prefix="kafka-fetch-") as scratch:
        fresh = Path(scratch) / "jars"
        fresh.mkdir()
        for jar in _resolve(Path(scratch) / "cache"):
            shutil.copyfile(jar, fresh / jar.name)
        missing = verify(fresh, sums)
        if missing:
            msg = f"{ARTIFACT} resolved without {', '.join(missing)}; expected {len(sums)} jars"
            raise JarMismatchError(msg)
        for name in sums:
            os.replace(fresh / name, folder / name)
    return folder


def _resolve(cache: Path) -> list[Path]:
    import jgo  # slow to import, and needed only for a download

    try:
        return [Path(jar) for jar in jgo.build(ARTIFACT, cache_dir=cache).all_jars]
    except Exception as error:  # the resolver has no error type of its own
        msg = f"could not resolve {ARTIFACT}: {error}; is the Maven repository reachable?"
        raise TransientError(msg) from error
