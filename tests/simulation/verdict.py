"""What readers of all outputs hold after a schedule, beside one fold of the log from its start."""

from __future__ import annotations

import json
from typing import Any

from pipeline.codec.judge import judge_chunk
from pipeline.domain.fold import PartitionFold
from pipeline.domain.kpi import KPI_FIELDS
from pipeline.domain.outbox import Outbox
from pipeline.streams.outgoing import alert_record
from tests.factories import history
from tests.property.domain.test_fold import logical
from tests.simulation.broker import PREFIX, Broker, Log
from tests.simulation.worker import RULE, Worker

ENDS = ("accepted", "duplicate", "late", "rejected", "quarantined")
SIDES = ("acd.events.dlq", "acd.late", "acd.quarantine")
Panes = dict[tuple[str, str, int], tuple[int, ...]]


def check(broker: Broker, last: Worker, first: dict[int, int] | None = None) -> None:
    """Compare; ``first`` are the offsets that folding began at, where that is not 0."""
    for log in broker.logs:
        begin = (first or {}).get(log.partition, 0)
        fold, box = whole(log, begin)
        found = last.engine.parts[log.partition].fold
        assert logical(found) == logical(fold), f"state of partition {log.partition}"
        assert found.counters.total == log.end - begin
        _check_panes(broker, log.partition, box)
        _check_alerts(broker, log.partition, box)
        _check_sides(broker, log.partition, box)
        _check_progress(broker, log.partition, fold)


def whole(log: Log, begin: int = 0) -> tuple[PartitionFold, Outbox]:
    """Fold the whole log in one go."""
    fold = PartitionFold(history, [RULE], first_offset=begin)
    fold.fold(judge_chunk(log.records[begin : log.end]))
    return fold, fold.take_outbox()


def written(broker: Broker, topic: str, partition: int) -> list[Any]:
    found = broker.outputs.get(f"{PREFIX}{topic}", ())
    return [record for at, record in found if at == partition]


def _check_panes(broker: Broker, partition: int, box: Outbox) -> None:
    held: dict[tuple[str, str, int], tuple[int, tuple[int, ...]]] = {}
    for kpi, fields in KPI_FIELDS.items():
        for _, value, _ in written(broker, f"kpi.{kpi}", partition):
            v = json.loads(value)
            key = (kpi, f"{v['client']}/{v['site']}/{v['queue']}", v["pane_start_ms"])
            counts = tuple(v.get(name, 0) for name in fields)
            known = held.get(key)
            if known is not None and known[0] == v["revision"]:
                assert known[1] == counts, f"two truths of {key} at offset {known[0]}"
            if known is None or v["revision"] >= known[0]:
                held[key] = (v["revision"], counts)
    names = list(KPI_FIELDS)
    expected = {(names[i], q.key, pane): tuple(n) for (q, i, pane), n in box.panes.items()}
    assert counted({key: counts for key, (_, counts) in held.items()}) == counted(expected)


def counted(panes: Panes) -> Panes:
    """Leave out panes that are all zero: they say that something moved elsewhere."""
    return {key: counts for key, counts in panes.items() if any(counts)}


def _check_alerts(broker: Broker, partition: int, box: Outbox) -> None:
    told: dict[str, dict[str, Any]] = {}
    for _, value, _ in written(broker, "kpi.alerts", partition):
        v = json.loads(value)
        v.pop("revision")  # of the chunk it came with, which is cut anew after a kill
        assert told.setdefault(v["alert_id"], v) == v, "one alert id, two alerts"
    expected = {}
    for alert in box.alerts:
        value = json.loads(alert_record(alert, revision=0, partition=partition)[1])
        value.pop("revision")
        expected[alert.alert_id] = value
    assert told == expected


def _check_sides(broker: Broker, partition: int, box: Outbox) -> None:
    expected = (
        {offset for offset, _ in box.rejected},
        {late.offset for late in box.late},
        {offset for offset, _ in box.quarantined},
    )
    for topic, offsets in zip(SIDES, expected, strict=True):
        found = written(broker, topic, partition)
        assert {int(dict(h)["__connect.errors.offset"]) for _, _, h in found} == offsets, topic


def _check_progress(broker: Broker, partition: int, fold: PartitionFold) -> None:
    found = [json.loads(value) for _, value, _ in written(broker, "kpi.progress", partition)]
    if fold.next_offset == fold.first_offset and not found:
        return
    newest = max(found, key=lambda v: v["next_offset"])
    assert newest["next_offset"] == fold.next_offset
    assert {end: newest[end] for end in ENDS} == {e: getattr(fold.counters, e) for e in ENDS}
    assert sum(newest[end] for end in ENDS) == fold.next_offset - fold.first_offset
