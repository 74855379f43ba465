"""Removes what nobody needs any more: files of runs that no view shows, and of runs that failed.

Manifests stay: they say what was published, and hold the definitions that a month was closed by.
Whoever opened the catalog before a swap still reads the files of then, hence the time of grace.
"""

from __future__ import annotations

import shutil
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from pipeline.batch.acceptance import REPORTS
from pipeline.batch.publish import alone
from pipeline.errors import InputError
from pipeline.lake import catalog
from pipeline.lake.billing import BILLED, read_billed

_KEPT: Final = {catalog.RUNS, BILLED, REPORTS}
_DAY_S: Final = 86_400


@dataclass(frozen=True, slots=True)
class Removable:
    """A folder to remove, why, and its size in bytes."""

    path: Path
    why: str
    bytes: int


def collect(published: Path, builds: Path, *, keep_days: float, dry_run: bool) -> list[Removable]:
    """Remove folders that no view shows and that are older than the time of grace.

    Args:
        published: the published folder.
        builds: where month runs build; a failed run leaves its folder there to be looked at.
        keep_days: the time of grace.
        dry_run: only tell.

    Raises:
        InputError: the time of grace is negative.
    """
    if keep_days < 0:
        msg = f"--keep-days: expected 0 or more, found {keep_days}"
        raise InputError(msg)
    before = time.time() - keep_days * _DAY_S
    published.mkdir(parents=True, exist_ok=True)
    with alone(published):
        found = [*_published(published, before), *_builds(builds, before)]
        if not dry_run:
            for one in found:
                shutil.rmtree(one.path)
    return found


def _published(published: Path, before: float) -> Iterator[Removable]:
    runs = catalog.read_runs(published)
    shown = catalog.shown(runs, read_billed(published))
    published_at = {run.run_id: run.published_at_ms / 1000 for run in runs}
    for folder in sorted(published.glob("*/month=*/run=*")):
        run_id = folder.name.removeprefix("run=")
        if folder.parts[-3] in _KEPT or run_id in shown:
            continue
        at = published_at.get(run_id, folder.stat().st_mtime)
        if at < before:
            why = "replaced by a later run" if run_id in published_at else "of a run that failed"
            yield Removable(folder, why, _size(folder))


def _builds(builds: Path, before: float) -> Iterator[Removable]:
    for folder in sorted(builds.glob("*/")):
        if folder.stat().st_mtime < before:
            yield Removable(folder, "build of a run that failed", _size(folder))


def _size(folder: Path) -> int:
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())
