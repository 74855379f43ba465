"""The catalog: one version at a time, restated months, one client's rows replaced."""

from __future__ import annotations

from pathlib import Path

import duckdb
import pytest

from pipeline.errors import InputError
from pipeline.lake import catalog


def publish(published: Path, run_id: str, rows: list[tuple[str, int]], client: str = "") -> None:
    path = published / "fct" / "month=2025-11" / f"run={run_id}" / "part-0.parquet"
    path.parent.mkdir(parents=True)
    values = ", ".join(f"('{c}', {n})" for c, n in rows)
    duckdb.execute(f"copy (select * from (values {values}) t(client, n)) to '{path}'")
    number = len(catalog.read_runs(published))
    run = catalog.Run(
        run_id=run_id,
        month="2025-11",
        client=client,
        published_at_ms=number,
        config_hash="",
        landed={},
        warnings=[],
        datasets=[
            catalog.Dataset(
                name="fct", path=str(path.relative_to(published)), rows=len(rows), sha256=""
            )
        ],
    )
    catalog.write(published, [*catalog.read_runs(published), run])
    catalog.record(published, run)


def rows(published: Path) -> list[tuple[str, int]]:
    with catalog.open_catalog(published) as con:
        return con.execute("select client, n from fct order by all").fetchall()


def test_a_restated_month_replaces_the_one_before(tmp_path: Path) -> None:
    publish(tmp_path, "r1", [("a", 1), ("b", 1)])
    publish(tmp_path, "r2", [("a", 2), ("b", 2)])
    assert rows(tmp_path) == [("a", 2), ("b", 2)]


def test_a_run_of_one_client_replaces_its_rows_alone(tmp_path: Path) -> None:
    publish(tmp_path, "r1", [("a", 1), ("b", 1)])
    publish(tmp_path, "r2", [("a", 2)], client="a")
    publish(tmp_path, "r3", [("a", 3)], client="a")
    assert rows(tmp_path) == [("a", 3), ("b", 1)]


def test_the_catalog_cannot_be_written_by_a_reader(tmp_path: Path) -> None:
    publish(tmp_path, "r1", [("a", 1)])
    with (
        catalog.open_catalog(tmp_path) as con,
        pytest.raises(duckdb.Error, match="read-only"),
    ):
        con.execute("create table t as select 1")


def test_nothing_published_is_said_so(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="vane month run"):
        catalog.open_catalog(tmp_path)


def test_a_failed_swap_leaves_the_old_version(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    publish(tmp_path, "r1", [("a", 1)])

    def fail(self: Path, _target: Path) -> Path:
        raise OSError(self.name)

    monkeypatch.setattr(Path, "replace", fail)
    with pytest.raises(OSError, match=r"catalog\.duckdb"):
        publish(tmp_path, "r2", [("a", 2)])
    monkeypatch.undo()
    assert rows(tmp_path) == [("a", 1)]
