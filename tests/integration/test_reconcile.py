"""Live equals month through the real worker, late events included; a changed number is found."""

from __future__ import annotations

import json
import shutil
from dataclasses import dataclass, field, replace
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


def test_after_a_change_of_targets_only_the_new_folding_counts(
    settings: Settings, tmp_path: Path
) -> None:
    sim = tmp_path / "sim"
    vane(settings, "simulate", "--days", "1", "--scale", "0.1", "--out", str(sim))
    vane(settings, "ingest", "--format", "canonical", str(sim))
    other = tmp_path / "config"
    shutil.copytree(settings.config_dir, other)
    queues = other / "queues.yaml"
    queues.write_text(queues.read_text().replace("threshold_s: 20", "threshold_s: 7"))
    size = log_size(settings)
    for config_dir in (settings.config_dir, other):
        changed = replace(settings, config_dir=config_dir)
        with running(changed) as worker:
            worker.wait_for(lambda w: w.folded() >= size)
            assert worker.stop() == 0
        land(changed)
        found = reconcile(changed, NOVEMBER, report=quiet)
        assert (found.difference_count, found.not_folded) == (0, 0)
    with pytest.raises(ReconcileError, match="folded by the configuration"):
        reconcile(settings, NOVEMBER, report=quiet)


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
