"""What the live views are made of: landed batches beyond a position, or a generation's own files.

Whatever does not go on from what was shown is a loud error; a live side that folds by another
configuration than the one here is waited for.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import duckdb

from pipeline.config_files import Targets
from pipeline.errors import StateLost, TerminalError
from pipeline.lake import generation, manifest, warehouse
from pipeline.lake.generation import DATASETS, Position, Positions
from pipeline.lake.shape import SHAPES
from pipeline.lake.warehouse import literal
from pipeline.settings import Settings

Batches = Mapping[str, list[manifest.Batch]]
"""By dataset, in order of partition and sequence."""


@contextmanager
def connection() -> Iterator[duckdb.DuckDBPyConnection]:
    """Open a database in memory that keeps the order of rows."""
    with (
        tempfile.TemporaryDirectory() as spill,
        warehouse.connect(":memory:", spill=Path(spill)) as con,
    ):
        # Rows are written in the order that they are asked for in.
        con.execute("set preserve_insertion_order = true")
        yield con


@contextmanager
def landed(settings: Settings, batches: Batches) -> Iterator[duckdb.DuckDBPyConnection]:
    """Show the files of landed batches as views; raise TerminalError if one is damaged."""
    damaged = [
        damage
        for found in batches.values()
        for damage in manifest.damaged(settings.landing, found, days=None)
    ]
    if damaged:
        listed = "\n".join(f"  {damage}" for damage in damaged)
        msg = f"landed files are damaged; land them again with: vane land --repair\n{listed}"
        raise TerminalError(msg)
    with connection() as con:
        for dataset, found in batches.items():
            paths = [settings.landing / file.path for file in manifest.files(found)]
            warehouse.show_files(con, _name(dataset), SHAPES[DATASETS[dataset]], paths)
        yield con


def view(dataset: str) -> str:
    """Return the view of a dataset's landed rows."""
    return f"landed.{_name(dataset)}"


def _name(dataset: str) -> str:
    return dataset.replace("-", "_")


def own(published: Path, number: int, dataset: str) -> str:
    """Return a relation of the rows in a generation's files."""
    paths = ", ".join(literal(str(p)) for p in generation.files(published, number, dataset))
    return f"read_parquet([{paths}], hive_partitioning = false)"


def other_configuration(
    con: duckdb.DuckDBPyConnection, published: Path, number: int | None, targets: Targets
) -> str:
    """Say which configuration the live side folds by, if it is another than ours; '' if not."""
    columns = "partition, config_hash, next_offset, _offset"
    sources = [f"select {columns} from landed.progress"]
    if number is not None:
        sources.append(f"select {columns} from {own(published, number, 'progress')}")
    found = con.execute(
        "select partition, arg_max(config_hash, (next_offset, _offset)) as in_force "
        f"from ({' union all '.join(sources)}) group by partition order by partition"
    ).fetchall()
    for partition, in_force in found:
        if not in_force.startswith(targets.version[:8]):
            return (
                f"partition {partition}: the live side folds by the configuration {in_force!r}, "
                f"expected one that begins with {targets.version[:8]!r} (config/queues.yaml here); "
                "nothing is shown until the worker was restarted with it and has caught up"
            )
    return ""


def positions(published: Path, number: int, dataset: str) -> Positions:
    """Return up to where a generation's dataset was read."""
    return generation.positions(generation.files(published, number, dataset)[-1])


def new_batches(landing: Path, topic: str, read: Positions) -> list[manifest.Batch]:
    """Return the batches in force of a topic beyond positions; StateLost if they do not go on."""
    found: list[manifest.Batch] = []
    top = landing / manifest.MANIFEST / topic
    for partition in sorted(int(p.name) for p in top.iterdir()) if top.is_dir() else ():
        at = read.get(partition)
        new = manifest.read_from(landing, topic, partition, at.next_seq if at else 0)
        if at and new and (new[0].topic_id, new[0].first) != (at.topic_id, at.next_offset):
            raise _lost(topic, partition, at)
        found += new
    return found


def check_positions(settings: Settings, number: int) -> None:
    """See that what was shown last is still what was landed; raise StateLost if not."""
    for dataset, topic in DATASETS.items():
        for partition, at in positions(settings.published, number, dataset).items():
            last = manifest.read_from(settings.landing, topic, partition, at.next_seq - 1)[:1]
            if [(b.topic_id, b.last + 1) for b in last] != [(at.topic_id, at.next_offset)]:
                raise _lost(topic, partition, at)


def _lost(topic: str, partition: int, at: Position) -> StateLost:
    return StateLost(
        f"{topic} partition {partition}: shown up to offset {at.next_offset - 1} of batch "
        f"{at.next_seq - 1} of topic id {at.topic_id}, but what is landed does not go on from "
        "there; it was landed anew. Begin anew, too: vane live --anew"
    )


def after(batches: list[manifest.Batch]) -> Positions:
    """Return the positions after batches, which are in order of partition and sequence."""
    return {
        b.partition: Position(topic_id=b.topic_id, next_seq=b.seq + 1, next_offset=b.last + 1)
        for b in batches
    }
