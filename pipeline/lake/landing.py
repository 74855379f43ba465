"""Writes the Parquet files of one batch: rows by event date, rejects and quarantine apart.

A file is written under a temporary name, made durable and renamed; it counts only once the
batch's manifest names it. Knows no broker: it is given decoded records.
"""

from __future__ import annotations

import os
import secrets
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from pipeline.domain.events import Rejected
from pipeline.domain.watermark import is_clock_ahead
from pipeline.lake import manifest
from pipeline.lake.manifest import Batch, Kind, LandedFile, sha256, sync_folder
from pipeline.lake.shape import Record, Shape

DAY_MS: Final = 86_400_000
ROW_GROUP: Final = 122_880

REJECT_SCHEMA: Final = pa.schema(
    [
        ("topic", pa.string()),
        ("_partition", pa.int32()),
        ("_offset", pa.int64()),
        ("_appended_at_ms", pa.int64()),
        ("reason", pa.string()),
        ("message", pa.string()),
        ("raw", pa.binary()),
    ]
)


@dataclass(slots=True)
class Draft:
    """A batch being filled: offsets from ``first`` on, of one partition."""

    shape: Shape
    topic_id: str
    partition: int
    seq: int
    first: int
    repair: int = 0
    next_offset: int = -1
    rows: int = 0
    rejects: list[tuple[Record, Rejected]] = field(default_factory=list)
    gaps: list[tuple[int, int]] = field(default_factory=list)
    tables: list[pa.Table] = field(default_factory=list)
    ahead: list[pa.Table] = field(default_factory=list)

    def __post_init__(self) -> None:
        """Expect the first offset next."""
        self.next_offset = self.first

    @property
    def size(self) -> int:
        """Return how many offsets are covered so far."""
        return self.next_offset - self.first

    def add(self, records: Iterable[Record], now_ms: int) -> None:
        """Decode records in offset order and sort them into rows, rejects and quarantine."""
        shape = self.shape
        decode = shape.decode
        good: list[tuple[Record, Any]] = []
        ahead: list[tuple[Record, Any]] = []
        for record in records:
            offset = record.offset
            if offset != self.next_offset:
                self.skip_to(offset)
            self.next_offset = offset + 1
            value = decode(record)
            if isinstance(value, Rejected):
                self.rejects.append((record, value))
            elif shape.has_clock and is_clock_ahead(value.occurred_at_ms, record.timestamp):
                ahead.append((record, value))
            else:
                good.append((record, value))
        if good:
            self.tables.append(shape.table(good, self.partition, now_ms))
            self.rows += len(good)
        if ahead:
            self.ahead.append(shape.table(ahead, self.partition, now_ms))

    def skip_to(self, offset: int) -> None:
        """Note that the log holds nothing up to an offset (compaction, transaction markers)."""
        if offset < self.next_offset:
            msg = f"{self.shape.topic} partition {self.partition}: offset {offset} came twice"
            raise AssertionError(msg)
        if offset > self.next_offset:
            self.gaps.append((self.next_offset, offset - 1))
            self.next_offset = offset


def write(landing: Path, draft: Draft) -> Batch:
    """Write the files of a batch and return the manifest that, once committed, makes them count.

    Raises:
        TerminalError: the disk is full, or cannot be written to; nothing of the batch is left.
    """
    # The token keeps a second lander, or a crashed one's successor, off committed files.
    token = secrets.token_hex(4)
    try:
        return _write(landing, draft, token)
    except OSError as error:
        for path in landing.rglob(f"*-{token}.parquet*"):
            path.unlink()
        raise manifest.not_written(landing, error) from error


def _write(landing: Path, draft: Draft, token: str) -> Batch:
    shape = draft.shape
    files: list[LandedFile] = []
    name = f"p{draft.partition}-{draft.first:020d}-{draft.next_offset - 1:020d}-{token}"
    if draft.tables:
        table = pa.concat_tables(draft.tables)
        for day, part in _by_day(table, shape.instant):
            path = f"topic={shape.topic}/event_date={day}/{name}.parquet"
            files.append(_write_file(landing, path, part, "rows", day))
    if draft.rejects:
        path = f"rejects/topic={shape.topic}/{name}.parquet"
        files.append(_write_file(landing, path, _reject_table(draft), "rejects"))
    quarantined = 0
    if draft.ahead:
        table = pa.concat_tables(draft.ahead)
        quarantined = table.num_rows
        path = f"quarantine/topic={shape.topic}/{name}.parquet"
        files.append(_write_file(landing, path, table, "quarantine"))
    return Batch(
        topic=shape.topic,
        topic_id=draft.topic_id,
        partition=draft.partition,
        seq=draft.seq,
        repair=draft.repair,
        first=draft.first,
        last=draft.next_offset - 1,
        rows=draft.rows,
        rejects=len(draft.rejects),
        quarantined=quarantined,
        gaps=draft.gaps,
        files=files,
    )


def _by_day(table: pa.Table, instant: str) -> list[tuple[str, pa.Table]]:
    days = pc.divide(table[instant], DAY_MS)
    unique = sorted(pc.unique(days).to_pylist())
    if len(unique) == 1:
        return [(_day(unique[0]), table)]
    return [(_day(day), table.filter(pc.equal(days, day))) for day in unique]


def _day(number: int) -> str:
    return datetime.fromtimestamp(number * DAY_MS / 1000, UTC).strftime("%Y-%m-%d")


def _reject_table(draft: Draft) -> pa.Table:
    rows = [
        {
            "topic": draft.shape.topic,
            "_partition": draft.partition,
            "_offset": record.offset,
            "_appended_at_ms": record.timestamp,
            "reason": rejected.reason,
            "message": rejected.message,
            "raw": record.value or b"",
        }
        for record, rejected in draft.rejects
    ]
    return pa.Table.from_pylist(rows, schema=REJECT_SCHEMA)


def _write_file(
    landing: Path, relative: str, table: pa.Table, kind: Kind, event_date: str = ""
) -> LandedFile:
    target = landing / relative
    target.parent.mkdir(parents=True, exist_ok=True)
    draft = target.with_suffix(".parquet.tmp")
    pq.write_table(table, draft, compression="zstd", row_group_size=ROW_GROUP)
    with draft.open("rb") as written:
        os.fsync(written.fileno())
    digest = sha256(draft)
    size = draft.stat().st_size
    draft.replace(target)
    sync_folder(target.parent)
    return LandedFile(
        path=relative,
        kind=kind,
        rows=table.num_rows,
        bytes=size,
        sha256=digest,
        event_date=event_date,
    )
