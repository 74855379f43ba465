"""What the rows of a month run are a function of, as a hash: the same hash, the same rows."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from pipeline.batch.inputs import VIEWS, Inputs
from pipeline.settings import PROJECT_ROOT, Settings

_SUFFIXES: Final = {".py", ".sql", ".yml", ".yaml"}


def fingerprint(settings: Settings, found: Inputs) -> str:
    """Return 16 hex digits of the landed files read, the configuration, the models and the code.

    Landed files count by their own hashes, so it takes milliseconds.
    """
    digest = hashlib.sha256()
    for topic in sorted(VIEWS):
        for file in sorted(found.files(topic), key=lambda file: file.path):
            digest.update(f"{file.path} {file.sha256}\n".encode())
    for file in sorted(found.customer_files, key=lambda file: file.path):
        digest.update(f"customer {file.path} {file.sha256}\n".encode())
    digest.update(made_by(settings).encode())
    return digest.hexdigest()[:16]


def made_by(settings: Settings) -> str:
    """Return 16 hex digits of the configuration, the models and the code."""
    digest = hashlib.sha256()
    for folder in (settings.config_dir, settings.dbt_dir, PROJECT_ROOT / "pipeline"):
        for path in _texts(folder):
            digest.update(f"{path.relative_to(folder)}\n".encode())
            digest.update(path.read_bytes())
    return digest.hexdigest()[:16]


def _texts(folder: Path) -> Iterator[Path]:
    return (path for path in sorted(folder.rglob("*")) if path.suffix in _SUFFIXES)
