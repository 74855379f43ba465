"""Puts what is published into an S3 bucket: files first, then the catalog, the manifests last.

A bucket swaps single objects at once and nothing more, which is all that publishing needs: files
are never changed, the catalog is one object, and a manifest tells that its run is wholly there.
So a push may end anywhere, and the next one finishes the job.
"""

from __future__ import annotations

import re
import tempfile
import time
from collections.abc import Callable, Collection, Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

from fsspec import AbstractFileSystem

from pipeline.batch.acceptance import REPORTS
from pipeline.batch.publish import alone
from pipeline.errors import InputError
from pipeline.lake import catalog
from pipeline.lake.billing import BILLED, read_billed
from pipeline.lake.bucket import Bucket

Report = Callable[[str], None]

AGAIN: Final = "; finish the job with: vane month push"

_RUN: Final = re.compile(r"(?:^|/)run=([^/]+)/")
_DAY_S: Final = 86_400


@dataclass(frozen=True, slots=True)
class Pushed:
    """How many files went up, of how many bytes, and how many were there already."""

    files: int
    bytes: int
    known: int


class _Published(AbstractFileSystem):  # type: ignore[misc] # the package has no types
    """The published folder under the address of its copy in the bucket; read only."""

    protocol = "s3"
    cachable = False

    def __init__(self, published: Path, url: str, opened: ExitStack) -> None:
        super().__init__()
        self._opened = opened
        self._folder = published
        self._base = self._strip_protocol(url) + "/"

    def glob(self, path: str, **_: Any) -> list[str]:  # noqa: ANN401 - fsspec's signature
        return [self._strip_protocol(path)]

    def info(self, path: str, **_: Any) -> dict[str, Any]:  # noqa: ANN401
        return {"name": path, "size": self._file(path).stat().st_size, "type": "file"}

    def modified(self, path: str) -> datetime:
        return datetime.fromtimestamp(self._file(path).stat().st_mtime, UTC)

    def _open(self, path: str, mode: str = "rb", **_: Any) -> Any:  # noqa: ANN401
        return self._opened.enter_context(self._file(path).open(mode))  # DuckDB closes nothing

    def _file(self, path: str) -> Path:
        found: str = self._strip_protocol(path)
        return self._folder / found.removeprefix(self._base)


def push(published: Path, url: str, report: Report) -> Pushed:
    """Make a bucket hold what is published here, and its catalog name the objects.

    Raises:
        InputError: the address is none, or the bucket holds runs that are not known here.
        TransientError: the bucket did not take something; a push again finishes the job.
    """
    bucket = Bucket(url)
    with alone(published), bucket.telling("what is published here is not all in", again=AGAIN):
        runs, billed = catalog.read_runs(published), read_billed(published)
        there = {one["Key"]: one["Size"] for one in bucket.listed()}
        _refuse_strangers(bucket, there, runs)
        paths = [dataset.path for run in runs for dataset in run.datasets]
        files = [path for path in paths if (published / path).is_file()]
        files += [path for folder in (REPORTS, BILLED) for path in _files(published, folder)]
        went = _put(bucket, there, published, files, report)
        with tempfile.TemporaryDirectory() as folder, ExitStack() as opened:
            draft = Path(folder) / catalog.CATALOG
            here = _Published(published, bucket.url, opened)
            catalog.build(draft, bucket.url, runs, billed, here)
            bucket.put(catalog.CATALOG, draft)
        manifests = _files(published, catalog.RUNS)
        went += _put(bucket, there, published, manifests, report)
    report(f"{bucket.url}: {len(runs)} runs and the catalog")
    sizes = sum((published / path).stat().st_size for path in went)
    return Pushed(len(went), sizes, len(files) + len(manifests) - len(went))


def _files(published: Path, folder: str) -> list[str]:
    found = (p for p in (published / folder).rglob("*") if p.is_file() and p.suffix != ".tmp")
    return sorted(str(path.relative_to(published)) for path in found)


def _put(
    bucket: Bucket, there: Mapping[str, int], published: Path, files: list[str], report: Report
) -> list[str]:
    """Put the files that the bucket has not; return them.

    None of them is ever changed, and an object is there wholly or not at all: of the same name and
    size, it is the same.
    """
    missing = [p for p in files if there.get(p) != (published / p).stat().st_size]
    for n, path in enumerate(missing, 1):
        report(f"  {n} of {len(missing)} {path}")
        bucket.put(path, published / path)
    return missing


def _refuse_strangers(bucket: Bucket, there: Collection[str], runs: list[catalog.Run]) -> None:
    known = {f"{catalog.RUNS}/{run.run_id}.json" for run in runs}
    strangers = sorted(p for p in there if p.startswith(f"{catalog.RUNS}/") and p not in known)
    if strangers:
        listed = ", ".join(Path(path).stem for path in strangers[:3])
        msg = (
            f"{bucket.url} has {len(strangers)} runs that are not published here ({listed}), which "
            "its catalog would lose; push from where they were published, or to another prefix"
        )
        raise InputError(msg)


def collect(published: Path, url: str, *, keep_days: float, dry_run: bool) -> list[str]:
    """Delete objects of runs that no view shows, put longer ago than the time of grace.

    Returns:
        The paths of what is, or would be, deleted.

    Raises:
        TransientError: the bucket does not answer, or refuses.
    """
    bucket = Bucket(url)
    before = time.time() - keep_days * _DAY_S
    with alone(published), bucket.telling("cannot clear", again=""):
        shown = catalog.shown(catalog.read_runs(published), read_billed(published))
        found = [
            o["Key"]
            for o in bucket.listed()
            if (run := _RUN.search(o["Key"])) is not None
            and run.group(1) not in shown
            and o["LastModified"].timestamp() < before
        ]
        if not dry_run:
            bucket.delete(found)
    return found
