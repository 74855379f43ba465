"""Records to fold again, in offset order: from the landed files, and on from the log."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any, Final

import pyarrow as pa
import pyarrow.parquet as pq
from aiokafka import AIOKafkaConsumer, TopicPartition

from pipeline.broker.log import Log
from pipeline.broker.security import Security
from pipeline.codec.judge import judge_chunk
from pipeline.domain.events import CallEvent, EventType, Rejected, TransferKind
from pipeline.errors import BrokerUnavailable, StateLost
from pipeline.lake import manifest
from pipeline.lake.shape import LOG_COLUMNS

Chunk = list[tuple[int, int, CallEvent | Rejected]]
"""(offset, broker append time in ms, what the record is), as the fold takes it."""

CHUNK_RECORDS: Final = 5_000
_POLL_MS: Final = 500
_STALLED_S: Final = 60.0
_TYPES: Final = {str(kind): kind for kind in EventType}
_TRANSFERS: Final = {str(kind): kind for kind in TransferKind}


def landed_chunks(landing: Path, batch: manifest.Batch) -> Iterator[Chunk]:
    """Yield the records of a landed batch; a rejected one is what it was when it was landed.

    Raises:
        StateLost: files are damaged, or the log had a hole there.
    """
    where = f"{batch.topic} partition {batch.partition}"
    damaged = manifest.damaged(landing, [batch], days=None)
    if damaged:
        listed = "; ".join(map(str, damaged))
        msg = (
            f"{where}: landed files are damaged; land them again with: vane land --repair: {listed}"
        )
        raise StateLost(msg)
    if batch.gaps:
        first, last = batch.gaps[0]
        msg = f"{where}: offsets {first} to {last} were in no log when they were landed"
        raise StateLost(msg)
    records: Chunk = []
    for file in batch.files:
        table = pq.read_table(landing / file.path)
        records += _rejected(table) if file.kind == "rejects" else _events(table)
    records.sort(key=lambda record: record[0])
    for start in range(0, len(records), CHUNK_RECORDS):
        yield records[start : start + CHUNK_RECORDS]


def _events(table: pa.Table) -> Iterator[tuple[int, int, CallEvent]]:
    offsets, appended = (table[name].to_pylist() for name in ("_offset", "_appended_at_ms"))
    names = [name for name in table.column_names if name not in LOG_COLUMNS]
    columns = [table[name].to_pylist() for name in names]
    kind, transfer = names.index("type"), names.index("transfer_kind")
    columns[kind] = [_TYPES[value] for value in columns[kind]]
    columns[transfer] = [value and _TRANSFERS[value] for value in columns[transfer]]
    for offset, at, *values in zip(offsets, appended, *columns, strict=True):
        yield offset, at, CallEvent(**dict(zip(names, values, strict=True)))


def _rejected(table: pa.Table) -> Iterator[tuple[int, int, Rejected]]:
    for row in table.to_pylist():
        rejected = Rejected(reason=row["reason"], message=row["message"], raw=row["raw"])
        yield row["_offset"], row["_appended_at_ms"], rejected


async def log_chunks(
    bootstrap: str, security: Security, log: Log, first: int
) -> AsyncIterator[Chunk]:
    """Yield the records of the log from an offset to where it ended when it was described.

    Raises:
        BrokerUnavailable: nothing came for a minute though the log goes on.
    """
    if first >= log.end:
        return
    tp = TopicPartition(log.name, log.partition)
    consumer: Any = AIOKafkaConsumer(
        bootstrap_servers=bootstrap,
        enable_auto_commit=False,
        auto_offset_reset="none",
        max_partition_fetch_bytes=4 << 20,
        **security.client_arguments(),
    )
    try:
        await consumer.start()
        consumer.assign([tp])
        consumer.seek(tp, first)
        heard_s = time.monotonic()
        while await consumer.position(tp) < log.end:
            fetched = await consumer.getmany(tp, timeout_ms=_POLL_MS, max_records=CHUNK_RECORDS)
            records = [record for record in fetched.get(tp, ()) if record.offset < log.end]
            if records:
                heard_s = time.monotonic()
                yield judge_chunk(records)
            elif time.monotonic() - heard_s > _STALLED_S:
                msg = f"no records of {log.name} for {_STALLED_S:.0f} s though it goes on"
                raise BrokerUnavailable(msg)
    finally:
        await consumer.stop()
