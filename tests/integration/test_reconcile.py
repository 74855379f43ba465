"""Live equals month through the real worker, late events included; a changed number is found."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from pathlib import Path

import duckdb
import pytest

from pipeline.batch.land import land
from pipeline.batch.reconcile import reconcile
from pipeline.domain.business_time import Month
from pipeline.errors import ReconcileError
from pipeline.lake import landing, manifest
from pipeline.lake.shape import SHAPES
from pipeline.settings import Settings
from tests.integration.live import log_size, running, vane

pytestmark = pytest.mark.integration
NOVEMBER = Month(2025, 11)
SERVICE_LEVEL = "kpi.service-level"


@dataclass
class Upsert:
    offset: int
    value: bytes | None
    timestamp: int = 0
    key: bytes | None = None
    headers: list[tuple[str, bytes]] = field(default_factory=list)


def quiet(_line: str) -> None:
    """Report nothing."""


def test_live_equals_month_and_a_changed_pane_is_found(settings: Settings, tmp_path: Path) -> None:
    sim = tmp_path / "sim"
    options = ("--days", "2", "--scale", "0.3", "--late-rate", "0.01", "--out", str(sim))
    vane(settings, "simulate", *options)
    vane(settings, "ingest", "--format", "canonical", str(sim))
    land(settings)
    with pytest.raises(ReconcileError, match="vane worker"):
        reconcile(settings, NOVEMBER, report=quiet)
    with running(settings) as worker:
        size = log_size(settings)
        worker.wait_for(lambda w: w.folded() >= size)
        worker.stop()
    land(settings)
    found = reconcile(settings, NOVEMBER, report=quiet)
    assert (found.difference_count, found.not_folded, found.not_landed) == (0, 0, 0)
    assert found.cells > 10_000
    assert found.late > 0
    _change_one_pane(settings)
    changed = reconcile(settings, NOVEMBER, report=quiet)
    assert changed.difference_count == 1
    ((*_, field, live, month),) = changed.differences
    assert (field, live) == ("offered", month + 1)


def _change_one_pane(settings: Settings) -> None:
    """Land one more upsert of the last pane, with one more call offered."""

    batches = manifest.read_batches(settings.landing, SERVICE_LEVEL)
    paths = [str(settings.landing / file.path) for file in manifest.files(batches)]
    cursor = duckdb.execute(
        "select * exclude (_appended_at_ms, _ingested_at_ms) "
        "from read_parquet(?, hive_partitioning = false) "
        "order by revision desc, _offset desc limit 1",
        [paths],
    )
    names = [column[0] for column in cursor.description or ()]
    row = dict(zip(names, cursor.fetchall()[0], strict=True))
    partition = row.pop("_partition")
    row.pop("_offset")
    newest = [b for b in batches if b.partition == partition][-1]
    draft = landing.Draft(
        SHAPES[SERVICE_LEVEL], newest.topic_id, partition, newest.seq + 1, newest.last + 1
    )
    row |= {"offered": row["offered"] + 1, "revision": row["revision"] + 1}

    draft.add([Upsert(newest.last + 1, json.dumps(row).encode())], now_ms=0)
    manifest.commit(settings.landing, landing.write(settings.landing, draft))
