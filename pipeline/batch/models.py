"""Runs the dbt project in this process, against one build database.

dbt's own files (profile, target, logs) stay in the build's work folder; nothing is written into
the project. Telemetry is off in the project and here. What dbt has parsed is kept between builds
(``parse_cache``).
"""

from __future__ import annotations

import contextlib
import io
import json
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import yaml

from pipeline.batch import parse_cache
from pipeline.errors import TerminalError
from pipeline.lake.warehouse import session_settings

PROFILE: Final = "vane"
GATED: Final = "tag:gated"
"""Tests of what the gate on landed data has judged."""
PARSE: Final = ["parse", "--no-write-json", "--no-partial-parse"]
Report = Callable[[str], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Node:
    """What became of one model or test."""

    name: str
    kind: str
    status: str
    seconds: float
    message: str


def _silent(_line: str) -> None:
    """Report nothing."""


def load() -> None:
    """Import dbt, which takes seconds."""
    import dbt.adapters.duckdb.connections
    import dbt.cli.main  # noqa: F401 - to have it


def build(  # noqa: PLR0913 - what a build is made of
    project: Path,
    database: Path,
    *,
    work: Path,
    variables: Mapping[str, Any],
    parsed: Path | None = None,
    select: Sequence[str] = (),
    report: Report = _silent,
    with_unit_tests: bool = False,
) -> list[Node]:
    """Build models and run their tests; return every node, in order of completion.

    ``parsed`` is the folder in which parsed projects are kept; None parses anew.

    Raises:
        TerminalError: a model or test failed; names each with its message.
    """
    command = ["build", "--fail-fast", "--no-write-json", "--exclude", GATED]
    if select:
        # only tests whose models are all built
        command += ["--select", *select, "--indirect-selection", "cautious"]
    if not with_unit_tests:
        command += ["--exclude-resource-type", "unit_test"]
    manifest = None
    if parsed is not None:
        manifest = parse_cache.parsed(
            parsed,
            parse_cache.Source(project, _output(database), variables),
            lambda: _invoke(PARSE, project, database, work=work, variables=variables),
            report,
        )
    outcome = _invoke(
        command,
        project,
        database,
        work=work,
        variables=variables,
        report=report,
        manifest=manifest,
    )
    nodes = [
        Node(
            name=result.node.name,
            kind=str(result.node.resource_type),
            status=str(result.status),
            seconds=float(result.execution_time),
            message=str(result.message or ""),
        )
        for result in getattr(outcome, "results", None) or []
    ]
    failed = [n for n in nodes if n.status in {"error", "fail", "runtime error"}]
    if failed:
        listed = "\n".join(f"  {n.kind} {n.name}: {n.status}: {n.message}" for n in failed)
        msg = f"{len(failed)} of {len(nodes)} dbt nodes failed:\n{listed}\nbuild kept: {database}"
        raise TerminalError(msg)
    return nodes


def compiled(
    project: Path, database: Path, *, work: Path, variables: Mapping[str, Any]
) -> dict[str, str]:
    """Return the SQL of each model as dbt compiles it, in an order in which they can run."""
    _invoke(["compile"], project, database, work=work, variables=variables)
    manifest = json.loads((work / "target" / "manifest.json").read_text())
    models = {
        n["unique_id"]: n for n in manifest["nodes"].values() if n["resource_type"] == "model"
    }
    ordered: dict[str, str] = {}

    def visit(unique_id: str) -> None:
        node = models[unique_id]
        if node["name"] in ordered:
            return
        for parent in node["depends_on"]["nodes"]:
            if parent in models:
                visit(parent)
        ordered[node["name"]] = node["compiled_code"]

    for unique_id in models:
        visit(unique_id)
    return ordered


def documented(project: Path, database: Path, *, work: Path, variables: Mapping[str, Any]) -> Path:
    """Build the models without their tests; return dbt's page on them, all in one file.

    Raises:
        TerminalError: a model failed; dbt's word on it.
    """
    for command in (["run", "--fail-fast"], ["docs", "generate", "--static", "--no-compile"]):
        _invoke(command, project, database, work=work, variables=variables)
    return work / "target" / "static_index.html"


def _invoke(
    command: list[str],
    project: Path,
    database: Path,
    *,
    work: Path,
    variables: Mapping[str, Any],
    report: Report = _silent,
    manifest: object = None,
) -> Any:  # noqa: ANN401 - dbt's result of this command
    os.environ[parse_cache.TELEMETRY] = "0"
    from dbt.adapters.duckdb.connections import DuckDBConnectionManager
    from dbt.cli.main import dbtRunner

    work.mkdir(parents=True, exist_ok=True)
    _write_profile(work, database)

    def heard(event: Any) -> None:  # noqa: ANN401 - dbt's event message
        if event.info.name in {"LogModelResult", "LogTestResult"}:
            report(str(event.info.msg))

    arguments = [
        *command,
        *("--project-dir", str(project), "--profiles-dir", str(work)),
        *("--target-path", str(work / "target"), "--log-path", str(work / "logs")),
        *("--vars", json.dumps(dict(variables))),
        *("--quiet", "--no-use-colors", "--log-level-file", "none"),
    ]
    try:  # dbt keeps the database open; closed, this process can open it again
        with _quiet():
            outcome = dbtRunner(manifest=manifest, callbacks=[heard]).invoke(arguments)
    finally:
        with contextlib.suppress(Exception):  # raises if dbt never came to open it
            DuckDBConnectionManager.env().close()
        DuckDBConnectionManager.close_all_connections()
    if outcome.exception is not None:
        msg = f"dbt {command[0]} failed: {outcome.exception}"
        raise TerminalError(msg) from outcome.exception
    return outcome.result


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    """Keep dbt's console lines off ours."""
    with contextlib.redirect_stdout(io.StringIO()):
        yield


def _output(database: Path, spill: Path | None = None) -> dict[str, Any]:
    """Return the profile's output; without the folder to spill into, what parsing can tell of it.

    dbt names relations by the database's stem, so builds in any folder are parsed alike.
    """
    # One dbt thread: a statement uses all cores anyway, and two share the memory limit. With 50 M
    # events two of the widest at once end in an internal error of DuckDB 2.0.0 ("dict-surviving
    # join: ... received a non-dictionary chunk").
    settings = session_settings(Path())
    del settings["temp_directory"]
    output = {"type": "duckdb", "path": database.stem, "threads": 1, "settings": settings}
    if spill is not None:
        # Set at opening: dbt repeats `settings` on every cursor, and DuckDB refuses to move a
        # folder that is in use.
        output |= {"path": str(database), "config_options": {"temp_directory": str(spill)}}
    return output


def _write_profile(work: Path, database: Path) -> None:
    outputs = {"build": _output(database, work / "spill")}
    profile = {PROFILE: {"target": "build", "outputs": outputs}}
    (work / "profiles.yml").write_text(yaml.safe_dump(profile))
