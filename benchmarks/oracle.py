"""What readers of the upserts hold, beside one fold of the whole log in this process."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from typing import Any

from aiokafka import AIOKafkaConsumer, TopicPartition

from benchmarks import measure
from pipeline.codec.judge import judge_chunk
from pipeline.config_files import load_targets
from pipeline.domain.fold import PartitionFold
from pipeline.domain.kpi import KPI_FIELDS
from pipeline.settings import load_settings
from pipeline.streams.snapshots import LEG_PACKING

Panes = dict[tuple[str, str, int], tuple[int, ...]]


def differences(b: measure.Bench) -> tuple[int, int]:
    """Return how many panes there should be, and how many differ or are missing."""
    expected, found = asyncio.run(_both(b))
    return len(expected), sum(
        expected.get(key) != found.get(key) for key in expected.keys() | found.keys()
    )


async def _both(b: measure.Bench) -> tuple[Panes, Panes]:
    return await folded(b), await read(b)


async def folded(b: measure.Bench) -> Panes:
    """Fold the log; return the panes that count something."""
    history = load_targets(load_settings().config_dir / "queues.yaml").history
    names = list(KPI_FIELDS)
    panes: Panes = {}
    for partition in range(4):
        fold = PartitionFold(history, packing=LEG_PACKING)
        async for records in _records(b, "acd.events", partition):
            fold.fold(judge_chunk(records))
            box = fold.take_outbox()
            for (queue, index, pane), counts in box.panes.items():
                panes[names[index], queue.key, pane] = tuple(counts)
    return {key: counts for key, counts in panes.items() if any(counts)}


async def read(b: measure.Bench) -> Panes:
    """Return the highest revision of each pane that counts something."""
    best: dict[tuple[str, str, int], tuple[int, tuple[int, ...]]] = {}
    for kpi, fields in KPI_FIELDS.items():
        for partition in range(4):
            async for records in _records(b, f"kpi.{kpi}", partition):
                for record in records:
                    v = json.loads(record.value)
                    key = (kpi, f"{v['client']}/{v['site']}/{v['queue']}", v["pane_start_ms"])
                    if key not in best or v["revision"] >= best[key][0]:
                        best[key] = v["revision"], tuple(v.get(name, 0) for name in fields)
    return {key: counts for key, (_, counts) in best.items() if any(counts)}


async def _records(b: measure.Bench, topic: str, partition: int) -> AsyncIterator[list[Any]]:
    consumer = AIOKafkaConsumer(
        bootstrap_servers=b.bootstrap, auto_offset_reset="earliest", enable_auto_commit=False
    )
    await consumer.start()
    try:
        tp = TopicPartition(b.topic(topic), partition)
        consumer.assign([tp])
        end = (await consumer.end_offsets([tp]))[tp]
        while await consumer.position(tp) < end:
            yield (await consumer.getmany(tp, timeout_ms=1000, max_records=8000)).get(tp, [])
    finally:
        await consumer.stop()
