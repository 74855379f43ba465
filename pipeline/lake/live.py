"""What the live side has published, as landed: its panes, how far it is, what it left out."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Final

import duckdb

from pipeline.domain.kpi import KPI_FIELDS
from pipeline.errors import ReconcileError
from pipeline.lake import manifest
from pipeline.lake.shape import PROGRESS, SHAPES
from pipeline.lake.warehouse import show_files

QUEUE: Final = "client, site, queue, pane_start_ms"


@dataclass(frozen=True, slots=True, kw_only=True)
class Progress:
    """How far the live side has folded a partition, and how every record ended."""

    partition: int
    first_offset: int
    next_offset: int
    watermark_ms: int
    late: int
    config_hash: str


def view_name(kpi: str) -> str:
    """Return the name of a KPI's landed view."""
    return f"live_{kpi.replace('-', '_')}"


def show(con: duckdb.DuckDBPyConnection, landing: Path) -> None:
    """Create views of the landed upserts; the highest revision stands for a pane.

    Only upserts by the configuration that a partition's progress names count: after a change the
    log is folded again, and what the old configuration said of a pane says nothing any more.
    """
    for topic in (*(f"kpi.{kpi}" for kpi in KPI_FIELDS), PROGRESS):
        batches = manifest.read_batches(landing, topic)
        damaged = manifest.damaged(landing, batches, days=None)
        if damaged:
            listed = "\n".join(f"  {damage}" for damage in damaged)
            msg = f"landed files are damaged; land them again with: vane land --repair\n{listed}"
            raise ReconcileError(msg)
        paths = [landing / file.path for file in manifest.files(batches)]
        show_files(
            con,
            "progress" if topic == PROGRESS else topic[4:].replace("-", "_"),
            SHAPES[topic],
            paths,
        )
    for kpi, fields in KPI_FIELDS.items():
        newest = ", ".join(f"arg_max({f}, (revision, _offset)) as {f}" for f in fields)
        con.execute(
            f"create or replace view landed.{view_name(kpi)} as "
            f"select {QUEUE}, {newest} from landed.{kpi.replace('-', '_')} "
            "semi join (select partition, arg_max(config_hash, (next_offset, _offset)) as "
            f"config_hash from landed.progress group by partition) using (partition, config_hash) "
            f"group by {QUEUE}"
        )


def read_progress(con: duckdb.DuckDBPyConnection, *, targets_version: str) -> list[Progress]:
    """Return the newest progress of each partition.

    Raises:
        ReconcileError: the live side has said nothing, or works by other targets than ours.
    """
    rows = con.execute(
        "select partition, first_offset, next_offset, watermark_ms, late, config_hash "
        "from landed.progress qualify row_number() over "
        "(partition by partition order by next_offset desc, _offset desc) = 1 order by partition"
    ).fetchall()
    if not rows:
        msg = f"expected landed records of {PROGRESS}, found none; run: vane worker, then vane land"
        raise ReconcileError(msg)
    found = []
    for partition, first, upto, watermark, late, config_hash in rows:
        if not config_hash.startswith(targets_version[:8]):
            msg = (
                f"partition {partition}: the live side folded by the configuration "
                f"{config_hash!r}, expected one that begins with {targets_version[:8]!r} "
                "(config/queues.yaml here); restart the worker, let it catch up, and land again"
            )
            raise ReconcileError(msg)
        found.append(
            Progress(
                partition=partition,
                first_offset=first,
                next_offset=upto,
                watermark_ms=watermark,
                late=late,
                config_hash=config_hash,
            )
        )
    return found
