"""A landed month of any size: one simulated, and copies of it as further clients.

Simulating and decoding fifty million events in Python takes half an hour and says nothing about
the month run. A copy has the clients ``meridian-1``, ``harbour-1`` and so on, with event ids of
their own, and follows the offsets of the one before: for the run it is another two clients. Files
and manifests are written by the lander's own code.
"""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from benchmarks.month import land
from pipeline.lake import landing, manifest
from pipeline.lake.manifest import Batch
from pipeline.lake.shape import AGENT_STATES, CALL_EVENTS, SHAPES

MONTH: Final = "2025-11"
EVENTS_PER_SCALE: Final = 363_000
"""Call events of a simulated November at scale 1."""
NAMED: Final = ("client", "event_id")
"""Columns that tell a copy from its original."""


def simulate(home: Path, scale: float) -> Path:
    """Simulate and land a month below ``home``, once; return its landing folder."""
    root = home / "landing"
    if root.exists():
        return root
    out = home / "simulated"
    command = [sys.executable, "-m", "pipeline", "simulate", "--out", str(out)]
    subprocess.run(
        [*command, "--month", MONTH, "--scale", str(scale)], check=True, stdout=subprocess.DEVNULL
    )
    for topic in (CALL_EVENTS, AGENT_STATES):
        land(out / f"{topic}.ndjson", topic, home)
        (out / f"{topic}.ndjson").unlink()
    return root


def multiply(base: Path, target: Path, copies: int) -> None:
    """Land a landed month ``copies`` times into a new landing folder, the first under its names."""
    for topic in (CALL_EVENTS, AGENT_STATES):
        known = manifest.read_batches(base, topic)
        for partition in sorted({batch.partition for batch in known}):
            _multiply(base, target, [b for b in known if b.partition == partition], copies)


def rows(root: Path, topic: str) -> int:
    """Return how many rows of a topic are landed."""
    return sum(batch.rows for batch in manifest.read_batches(root, topic))


def _multiply(base: Path, target: Path, batches: list[Batch], copies: int) -> None:
    tables = list(_tables(base, batches))
    seq = first = 0
    for copy in range(copies):
        for batch, table in zip(batches, tables, strict=True):
            draft = landing.Draft(SHAPES[batch.topic], "benchmark", batch.partition, seq, first)
            draft.tables.append(_renamed(table, copy, first - batch.first))
            draft.rows = table.num_rows
            draft.next_offset = first + table.num_rows
            manifest.commit(target, landing.write(target, draft))
            seq, first = seq + 1, draft.next_offset


def _tables(base: Path, batches: list[Batch]) -> Iterator[pa.Table]:
    for batch in batches:
        if batch.rows != batch.last - batch.first + 1:
            msg = f"{batch.topic} batch {batch.seq}: expected rows alone, found others beside them"
            raise ValueError(msg)
        parts = [pq.read_table(base / file.path, partitioning=None) for file in batch.files]
        yield pa.concat_tables(parts)


def _renamed(table: pa.Table, copy: int, shift: int) -> pa.Table:
    for name in NAMED if copy else ():
        renamed = pc.binary_join_element_wise(table[name], f"{copy}", "-")
        table = table.set_column(table.schema.get_field_index(name), name, renamed)
    at = table.schema.get_field_index("_offset")
    return table.set_column(at, table.schema.field(at), pc.add(table["_offset"], shift))
