"""What changed between two runs of a month, cell by cell, and the events that changed it.

Rows are matched by the unique key that each mart declares. A run's manifest says up to which
offset it read the log, so the events that a later run had more than an earlier one are known
exactly; of a changed leg those that are the leg's own are its cause. A leg that changed without
one changed by its definition or by the watermark.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import duckdb
import yaml

from pipeline.batch import inputs
from pipeline.domain.business_time import parse_month
from pipeline.errors import InputError
from pipeline.lake import catalog, warehouse
from pipeline.lake.shape import CALL_EVENTS
from pipeline.lake.warehouse import literal
from pipeline.settings import Settings

LEGS: Final = "fct_leg_facts"
_LEG_KEY: Final = ("client", "site", "queue", "contact_id", "leg")


@dataclass(frozen=True, slots=True)
class Rows:
    """How many rows of a dataset one run has and the other has not, or has otherwise."""

    dataset: str
    added: int
    removed: int
    changed: int
    cells: int


@dataclass(frozen=True, slots=True)
class Differences:
    """What ``compare`` found; ``con`` holds the tables ``cells`` and ``causes`` to ask.

    ``cells``: dataset, key (JSON), change ('added', 'removed', 'changed'), column, before, after.
    ``causes``: the leg's key, event_id, type, occurred_at_ms, _partition, _offset,
    _appended_at_ms; event_id is NULL for a leg that no event of its own changed.
    """

    before: catalog.Run
    after: catalog.Run
    rows: tuple[Rows, ...]
    con: duckdb.DuckDBPyConnection

    @property
    def is_config_changed(self) -> bool:
        """Return whether the runs were made by different configurations."""
        return (self.before.config_hash, self.before.agent_terms_hash) != (
            self.after.config_hash,
            self.after.agent_terms_hash,
        )


def choose(
    runs: Sequence[catalog.Run], month: str | None, named: Sequence[str]
) -> tuple[catalog.Run, catalog.Run]:
    """Return the two runs to compare: the named ones, or a month's first and newest.

    Raises:
        InputError: there are no such runs, or they are of different months or clients.
    """
    by_id = {run.run_id: run for run in runs}
    for name in named:
        if name not in by_id:
            msg = f"expected a published run, found no {name!r}; list them: vane month runs"
            raise InputError(msg)
    chosen = [by_id[name] for name in named] or [r for r in runs if r.month == month]
    if len(chosen) < 2:  # noqa: PLR2004 - two runs are compared
        msg = f"expected two runs to compare, found {[r.run_id for r in chosen]}"
        raise InputError(msg)
    before, after = chosen[0], chosen[-1]
    if before.month != after.month:
        msg = f"expected runs of one month, found {before.month} and {after.month}"
        raise InputError(msg)
    return before, after


def compare(
    settings: Settings, before: catalog.Run, after: catalog.Run, *, spill: Path
) -> Differences:
    """Compare two runs of a month; a run of one client is compared in that client's rows.

    Raises:
        InputError: the files of a run are gone, or nothing is landed.
    """
    con = warehouse.connect(":memory:", spill=spill)
    con.execute(
        "create table cells (dataset varchar, key varchar, change varchar, column_name varchar, "
        "before varchar, after varchar)"
    )
    client = before.client or after.client
    files = [{d.name: settings.published / d.path for d in r.datasets} for r in (before, after)]
    counted = []
    for name, key in unique_keys(settings.dbt_dir):
        paths = [found.get(name) for found in files]
        if paths[0] is None or paths[1] is None:
            continue  # a dataset that one version of Vane did not have
        for run, path in zip((before, after), paths, strict=True):
            if path is not None and not path.is_file():
                msg = f"{path}: expected this file of run {run.run_id}; it was collected or lost"
                raise InputError(msg)
        where = f"where client = {literal(client)}" if client else ""
        for side, path in zip(("before", "after"), paths, strict=True):
            con.execute(
                f"create or replace view side_{side} as select * "
                f"from read_parquet({literal(str(path))}, hive_partitioning = false) {where}"
            )
        counted.append(_compare_dataset(con, name, key))
    _find_causes(con, settings, before, after)
    return Differences(before, after, tuple(counted), con)


def unique_keys(project: Path) -> Iterator[tuple[str, tuple[str, ...]]]:
    """Yield each published mart and the columns of the unique key it declares, in a fixed order."""
    for path in sorted((project / "models" / "marts").glob("*.yml")):
        for model in yaml.safe_load(path.read_text(encoding="utf-8")).get("models", []):
            for test in model.get("data_tests", []):
                if isinstance(test, Mapping) and "unique_key" in test:
                    yield model["name"], tuple(test["unique_key"]["arguments"]["columns"])


def _compare_dataset(con: duckdb.DuckDBPyConnection, name: str, key: tuple[str, ...]) -> Rows:
    columns = [
        [row[0] for row in con.execute(f"describe side_{side}").fetchall()]
        for side in ("before", "after")
    ]
    shared = [c for c in columns[0] if c in columns[1] and c not in key]
    same = " and ".join(f"b.{c} is not distinct from a.{c}" for c in key)
    packed = ", ".join(f"'{c}': coalesce(b.{c}, a.{c})" for c in key)
    differs = " or ".join(f"b.{c} is distinct from a.{c}" for c in shared) or "false"
    con.execute(
        "create or replace temp table differing as select "
        f"to_json({{{packed}}}) as key, "
        f"case when b.{key[0]} is null then 'added' when a.{key[0]} is null then 'removed' "
        "else 'changed' end as change, b, a "
        f"from side_before b full outer join side_after a on {same} "
        f"where b.{key[0]} is null or a.{key[0]} is null or {differs}"
    )
    for column in shared:
        con.execute(
            f"insert into cells select ?, key, change, ?, b.{column}::varchar, a.{column}::varchar "
            f"from differing where b.{column} is distinct from a.{column}",
            [name, column],
        )
    found = dict(con.execute("select change, count(*) from differing group by change").fetchall())
    cells = con.execute("select count(*) from cells where dataset = ?", [name]).fetchall()
    return Rows(
        dataset=name,
        added=found.get("added", 0),
        removed=found.get("removed", 0),
        changed=found.get("changed", 0),
        cells=cells[0][0],
    )


def _find_causes(
    con: duckdb.DuckDBPyConnection, settings: Settings, before: catalog.Run, after: catalog.Run
) -> None:
    found = inputs.find(settings.landing, parse_month(after.month))
    inputs.show(con, found, None)
    bounds: list[tuple[Any, ...]] = [
        (int(p), before.landed.get(CALL_EVENTS, {}).get(p, -1), last)
        for p, last in after.landed.get(CALL_EVENTS, {}).items()
    ]
    columns = {"partition": "INTEGER", "read_before": "BIGINT", "read_after": "BIGINT"}
    warehouse.put_table(con, "bounds", columns, bounds)
    legs = ", ".join(f"key ->> '{c}' as {c}" for c in _LEG_KEY)
    joined = " and ".join(f"legs.{c} = fresh.{c}::varchar" for c in _LEG_KEY)
    con.execute(
        f"""
create table causes as
with legs as (select distinct {legs} from cells where dataset = '{LEGS}'),
fresh as (
    select e.* from landed.call_events e inner join params.bounds b on e._partition = b.partition
    where e._offset > b.read_before and e._offset <= b.read_after
)
select legs.*, event_id, type, occurred_at_ms, _partition, _offset, _appended_at_ms
from legs left join fresh on {joined}
order by all
"""
    )
