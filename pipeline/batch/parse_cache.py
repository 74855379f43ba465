"""Keeps the dbt project as dbt parsed it: parsing takes seconds and says the same every time.

A file ``<key>.manifest`` holds a SHA-256 and the manifest in dbt's own format. The key is a hash
of all that parsing reads, so a file is right or is not looked at; what is damaged is parsed again.
The folder may be removed at any time. dbt writes into a manifest as it builds: each build reads a
copy of its own.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import logging
import os
import re
import secrets
import sys
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any, Final

Report = Callable[[str], None]

KEPT: Final = 8
"""Parsed projects that are kept; the one parsed longest ago goes first."""

READ_LATER: Final = frozenset({"month", "has_previous"})
"""Variables that no ref, source or configuration depends on, only SQL text, rendered per build."""

TELEMETRY: Final = "DBT_SEND_ANONYMOUS_USAGE_STATS"

_PACKAGES: Final = ("dbt-core", "dbt-adapters", "dbt-common", "dbt-duckdb", "mashumaro", "msgpack")
_WRITTEN_BY_DBT: Final = {"target", "logs"}
_ENV_VAR: Final = re.compile(rb"""env_var\(\s*['"]([^'"]+)['"]""")
_LOG: Final = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Source:
    """What dbt parses.

    ``target`` is the output of the profile as far as parsing can tell: names and settings, no
    folders of a run.
    """

    project: Path
    target: Mapping[str, Any]
    variables: Mapping[str, Any]


def key(source: Source) -> str:
    """Return 64 hex digits of all that parsing reads.

    Every file of the project, the profile, the variables, the environment that dbt or the
    project asks for, and the versions of Python, dbt and its adapter.
    """
    files, asked = {}, set()
    for path in _files(source.project):
        content = path.read_bytes()
        files[str(path.relative_to(source.project))] = hashlib.sha256(content).hexdigest()
        asked |= {name.decode() for name in _ENV_VAR.findall(content)}
    read = {
        "python": sys.version,
        "packages": {name: version(name) for name in _PACKAGES},
        "project": str(source.project.resolve()),
        "target": dict(source.target),
        "variables": {k: v for k, v in source.variables.items() if k not in READ_LATER},
        "environment": _environment(asked),
        "files": files,
    }
    return hashlib.sha256(json.dumps(read, sort_keys=True).encode()).hexdigest()


def _environment(asked: set[str]) -> dict[str, str]:
    return {
        name: value
        for name, value in os.environ.items()
        if (name.startswith("DBT_") and name != TELEMETRY) or name in asked
    }


def _files(project: Path) -> Iterator[Path]:
    for path in sorted(project.rglob("*")):
        parts = path.relative_to(project).parts
        if parts[0] not in _WRITTEN_BY_DBT and path.is_file():
            yield path


def parsed(
    folder: Path,
    source: Source,
    parse: Callable[[], Any],
    report: Report,
) -> Any:  # noqa: ANN401 - dbt's manifest
    """Return the manifest of a project, from the folder or else by ``parse``, which is then kept.

    A folder that cannot be written costs the next run its seconds, and is no error.
    """
    name = key(source)
    path = folder / f"{name}.manifest"
    manifest = _read(path, report)
    if manifest is not None:
        return manifest
    manifest = parse()
    if key(source) == name:  # else a file was changed while dbt read it
        try:
            _keep(path, manifest)
        except OSError as error:
            _LOG.debug("%s: parsed models are not kept: %s", folder, error)
    return manifest


def _read(path: Path, report: Report) -> Any:  # noqa: ANN401 - dbt's manifest
    from dbt.contracts.graph.manifest import Manifest
    from dbt.parser.manifest import extended_mashumuro_decoder

    try:
        digest, _, packed = path.read_bytes().partition(b"\n")
    except OSError:
        return None
    if digest.decode("latin-1") != hashlib.sha256(packed).hexdigest():
        report(f"{path}: damaged; the models are parsed again")
        return None
    manifest = Manifest.from_msgpack(packed, decoder=extended_mashumuro_decoder)
    manifest.build_flat_graph()
    return manifest


def _keep(path: Path, manifest: Any) -> None:  # noqa: ANN401 - dbt's manifest
    """Write it aside and rename it, so that nobody reads half of it."""
    from dbt.parser.manifest import extended_mashumaro_encoder

    packed = manifest.to_msgpack(extended_mashumaro_encoder)
    path.parent.mkdir(parents=True, exist_ok=True)
    aside = path.with_suffix(f".{secrets.token_hex(4)}")
    try:
        aside.write_bytes(hashlib.sha256(packed).hexdigest().encode() + b"\n" + packed)
        aside.replace(path)
    finally:
        aside.unlink(missing_ok=True)
    for old in _oldest_first(path.parent)[:-KEPT]:
        old.unlink(missing_ok=True)


def _oldest_first(folder: Path) -> list[Path]:
    ages = []
    for path in folder.glob("*.manifest"):
        with contextlib.suppress(FileNotFoundError):  # another run has removed it
            ages.append((path.stat().st_mtime_ns, path))
    return [path for _, path in sorted(ages)]
