"""Parsed once: a second build reads the manifest kept, unless something that dbt reads changed."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import duckdb
import msgspec
import pytest

from pipeline.batch import models, parse_cache
from pipeline.lake.shape import CALL_EVENTS
from pipeline.settings import PROJECT_ROOT, Settings
from tests.integration.test_month import close, deploy, land, one_call

PROJECT = {
    "dbt_project.yml": "name: small\nversion: '1.0.0'\nprofile: vane\nvars: {month: none}\n",
    "macros/kind.sql": "{% macro kind() %}table{% endmacro %}",
    "models/one.sql": "{{ config(materialized=kind()) }} select '{{ var('month') }}' as month",
    "models/two.sql": "select month || '!' as month from {{ ref('one') }}",
}
ROWS = "select month, (select table_type from information_schema.tables where table_name = 'one')"

Build = Callable[..., tuple[str, str]]


@pytest.fixture
def parses(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """One more element each time that dbt parses."""
    from dbt.parser.manifest import ManifestLoader

    counted: list[int] = []
    load = ManifestLoader.load

    def counting(loader: Any) -> Any:
        counted.append(1)
        return load(loader)

    monkeypatch.setattr(ManifestLoader, "load", counting)
    return counted


@pytest.fixture
def project(tmp_path: Path) -> Path:
    root = tmp_path / "project"
    for name, text in PROJECT.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text)
    return root


@pytest.fixture
def build(project: Path, tmp_path: Path) -> Build:
    """Build the project into a database of its own; return its one row."""
    number = 0

    def built(month: str = "2025-11", said: Callable[[str], None] = print) -> tuple[str, str]:
        nonlocal number
        work = tmp_path / f"run-{(number := number + 1)}"
        work.mkdir()
        database = work / "build.duckdb"
        parsed = tmp_path / "cache" / "dbt"
        nodes = models.build(
            project, database, work=work, parsed=parsed, variables={"month": month}, report=said
        )
        assert sorted(node.name for node in nodes) == ["one", "two"]
        with duckdb.connect(str(database), read_only=True) as con:
            ((said_month, kind),) = con.execute(f"{ROWS} from two").fetchall()
        return said_month, kind

    return built


def kept(tmp_path: Path) -> list[Path]:
    return sorted((tmp_path / "cache" / "dbt").iterdir())


def test_the_second_build_does_not_parse_and_says_its_own_month(
    build: Build, parses: list[int], tmp_path: Path
) -> None:
    assert build() == ("2025-11!", "BASE TABLE")
    assert len(parses) == 1
    (before,) = kept(tmp_path)
    content = before.read_bytes()
    assert build() == ("2025-11!", "BASE TABLE")
    assert build("2025-12") == ("2025-12!", "BASE TABLE")
    assert len(parses) == 1
    assert before.read_bytes() == content


def test_a_changed_macro_is_parsed_again(build: Build, parses: list[int], project: Path) -> None:
    build()
    (project / "macros" / "kind.sql").write_text("{% macro kind() %}view{% endmacro %}")
    assert build() == ("2025-11!", "VIEW")
    assert len(parses) == 2


def test_a_key_that_ignored_macros_would_be_found_out(
    build: Build, project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    every = parse_cache._files
    monkeypatch.setattr(
        parse_cache, "_files", lambda root: (p for p in every(root) if p.parent.name != "macros")
    )
    build()
    (project / "macros" / "kind.sql").write_text("{% macro kind() %}view{% endmacro %}")
    assert build() == ("2025-11!", "BASE TABLE")


def flip(content: bytes) -> bytes:
    return content[:-40] + bytes([content[-40] ^ 1]) + content[-39:]


@pytest.mark.parametrize("damage", [flip, lambda _: b"", lambda c: c[:-9]], ids="abc")
def test_a_damaged_file_is_told_of_and_parsed_again(
    build: Build, parses: list[int], tmp_path: Path, damage: Callable[[bytes], bytes]
) -> None:
    build()
    (path,) = kept(tmp_path)
    path.write_bytes(damage(path.read_bytes()))
    said: list[str] = []
    assert build(said=said.append) == ("2025-11!", "BASE TABLE")
    assert f"{path}: damaged; the models are parsed again" in said
    build()
    assert len(parses) == 2


def test_a_folder_that_cannot_be_written_is_no_error(
    build: Build, parses: list[int], tmp_path: Path
) -> None:
    (tmp_path / "cache").write_text("a file where the folder should be")
    assert build() == build() == ("2025-11!", "BASE TABLE")
    assert len(parses) == 2


def test_a_file_changed_while_dbt_reads_is_not_kept(
    build: Build, project: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from dbt.parser.manifest import ManifestLoader

    load = ManifestLoader.load

    def changing(loader: Any) -> Any:
        loaded = load(loader)
        (project / "macros" / "kind.sql").write_text("{% macro kind() %}view{% endmacro %}")
        return loaded

    monkeypatch.setattr(ManifestLoader, "load", changing)
    build()
    assert not (tmp_path / "cache").exists()


def test_only_the_newest_are_kept(build: Build, project: Path, tmp_path: Path) -> None:
    build()
    (path,) = kept(tmp_path)
    for n in range(parse_cache.KEPT + 2):
        path.with_name(f"{n}.manifest").write_bytes(b"")
    (project / "models" / "two.sql").write_text("select 'x!' as month from {{ ref('one') }}")
    assert build() == ("x!", "BASE TABLE")
    assert len(kept(tmp_path)) == parse_cache.KEPT
    assert path not in kept(tmp_path)


def test_a_second_month_run_does_not_parse_and_publishes_the_same_rows(
    tmp_path: Path, parses: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Settings, "parsed_models", tmp_path / "parsed")
    settings = deploy(tmp_path)
    land(settings, CALL_EVENTS, one_call())
    first, second = close(settings).run, close(settings).run
    assert len(parses) == 1
    with duckdb.connect() as con:
        for one, other in zip(first.datasets, second.datasets, strict=True):
            rows = [
                con.execute(
                    "from read_parquet(?, hive_partitioning = false)",
                    [str(settings.published / dataset.path)],
                ).fetchall()
                for dataset in (one, other)
            ]
            assert rows[0] == rows[1], one.name
            assert one.rows == other.rows == len(rows[0])
    assert sum(dataset.rows for dataset in first.datasets) > 0


def parsed(project: Path, work: Path, month: str, *, has_previous: bool = False) -> Any:
    """Return the manifest of a project as plain data, without times and what is per parse."""
    from dbt.parser.manifest import extended_mashumaro_encoder

    variables = {"month": month, "has_previous": has_previous}
    manifest = models._invoke(
        models.PARSE, project, work / "build.duckdb", work=work, variables=variables
    )
    plain = msgspec.msgpack.decode(manifest.to_msgpack(extended_mashumaro_encoder))
    del plain["metadata"], plain["state_check"]
    return timeless(plain)


def timeless(value: Any) -> Any:
    if isinstance(value, dict):
        return {k: timeless(v) for k, v in value.items() if k != "created_at"}
    return [timeless(v) for v in value] if isinstance(value, list) else value


def test_what_is_parsed_does_not_depend_on_the_month_or_on_what_was_run_before(
    tmp_path: Path,
) -> None:
    assert {"month", "has_previous"} == parse_cache.READ_LATER
    november, december = (
        parsed(PROJECT_ROOT / "dbt_like_sql", tmp_path / month, month, has_previous=is_again)
        for month, is_again in (("2025-11", False), ("2025-12", True))
    )
    assert len(november["nodes"]) > 100
    assert november == december


def test_a_model_configured_by_the_month_would_be_found_out(tmp_path: Path, project: Path) -> None:
    model = project / "models" / "two.sql"
    model.write_text("{{ config(alias='two_' ~ var('month')) }} " + model.read_text())
    november, december = (
        parsed(project, tmp_path / month, month) for month in ("2025-11", "2025-12")
    )
    assert november != december
