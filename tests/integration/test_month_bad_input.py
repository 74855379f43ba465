"""What a month run makes of a broken world: a clear error, and nothing published by half."""

from __future__ import annotations

import errno
import os
import resource
import subprocess
import sys
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from pipeline.batch.month import close_month
from pipeline.errors import InputError, StateLost
from pipeline.lake import catalog, manifest
from pipeline.lake.manifest import sha256
from pipeline.lake.shape import CALL_EVENTS
from pipeline.settings import PROJECT_ROOT, Settings
from tests.integration import live
from tests.integration.test_month import NOVEMBER, ask, close, deploy, land, one_call

pytestmark = [pytest.mark.timeout(600)]

SMALL_BYTES = 100_000
"""Less than the first block of a build's database."""


@pytest.fixture
def landed(tmp_path: Path) -> Settings:
    """Two batches: a call, and another one."""
    settings = deploy(tmp_path)
    before = land(settings, CALL_EVENTS, one_call())
    land(settings, CALL_EVENTS, one_call("c2"), after=before)
    return settings


def manifests(settings: Settings) -> list[Path]:
    return sorted((settings.landing / manifest.MANIFEST / CALL_EVENTS / "0").glob("*.json"))


def test_a_hole_in_the_manifests_is_named_and_nothing_is_published(landed: Settings) -> None:
    first, _ = manifests(landed)
    first.unlink()
    with pytest.raises(StateLost, match=r"acd\.events.*partition 0|0.*acd\.events"):
        close(landed)
    assert not landed.published.exists()


def test_a_batch_that_is_there_twice_is_named_and_nothing_is_published(landed: Settings) -> None:
    _, second = manifests(landed)
    again = second.with_name(second.name.replace("1", "2"))
    again.write_bytes(second.read_bytes())
    with pytest.raises(StateLost, match=again.name):
        close(landed)
    assert not landed.published.exists()


def test_a_client_that_does_not_occur_is_named(landed: Settings) -> None:
    with pytest.raises(InputError, match="client 'nobody' does not occur"):
        close_month(landed, NOVEMBER, client="nobody", report=lambda _: None)
    assert not (landed.published / catalog.CATALOG).exists()


def rewrite(settings: Settings, batch: int, change: object) -> None:
    """Write a batch's file as another release would have, with its manifest."""
    path = manifests(settings)[batch]
    (file,) = manifest.read_partition(settings.landing, CALL_EVENTS, 0)[batch].files
    parquet = settings.landing / file.path
    table = pq.read_table(parquet, partitioning=None)
    assert callable(change)
    pq.write_table(change(table), parquet)
    text = path.read_text().replace(file.sha256, sha256(parquet))
    path.write_text(text.replace(f'"bytes": {file.bytes}', f'"bytes": {parquet.stat().st_size}'))


@pytest.mark.parametrize("batch", [0, 1], ids=["older file first", "newer file first"])
def test_files_of_three_releases_lie_side_by_side(landed: Settings, batch: int) -> None:
    """One lacks a column that came later, the other has one that is not known yet."""
    rewrite(landed, batch, lambda table: table.drop_columns(["customer_ref"]))
    later = pa.array(["?"] * 3)
    rewrite(landed, 1 - batch, lambda table: table.append_column("mood", later))
    assert (
        manifest.damaged(
            landed.landing, manifest.read_batches(landed.landing, CALL_EVENTS), days=None
        )
        == []
    )
    close(landed)
    assert ask(landed, "select contact_id from fct_leg_facts order by all") == [("c1",), ("c2",)]


def test_on_a_full_disk_the_run_says_so_and_the_month_stays_as_it_was(landed: Settings) -> None:
    first = close(landed)
    before = (landed.published / catalog.CATALOG).read_bytes()
    land(
        landed,
        CALL_EVENTS,
        one_call("c3"),
        after=manifest.read_batches(landed.landing, CALL_EVENTS)[-1],
    )

    def full() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (SMALL_BYTES, SMALL_BYTES))

    done = subprocess.run(
        [sys.executable, "-m", "pipeline", "month", "run", "--month", "2025-11"],
        env=live.environment(landed, VANE_CONFIG=str(landed.config_dir)),
        cwd=PROJECT_ROOT,
        preexec_fn=full,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1
    assert "Traceback" not in done.stderr, done.stderr
    assert os.strerror(errno.EFBIG) in done.stderr, done.stderr
    assert (landed.published / catalog.CATALOG).read_bytes() == before
    assert [run.run_id for run in catalog.read_runs(landed.published)] == [first.run.run_id]
    close(landed)
    assert ask(landed, "select count(*) from fct_leg_facts") == [(3,)]
