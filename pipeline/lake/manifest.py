"""Which landed files count: an append-only log of batches, one exclusive file per batch.

``manifest/<topic>/<partition>/<seq>.json`` is the commit point of a batch. A batch covers an
offset range, begins where the one before it ended, and accounts for every offset in it. Files
that no manifest names are orphans and are never read. A repaired batch is
``<seq>.r<n>.json``: the highest ``n`` stands for the batch.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Final, Literal

import msgspec
import pyarrow.parquet as pq

from pipeline.errors import StateLost, TerminalError

MANIFEST: Final = "manifest"
Kind = Literal["rows", "rejects", "quarantine"]


class LandedFile(msgspec.Struct, frozen=True, kw_only=True):
    """One committed Parquet file; ``path`` is relative to the landing folder."""

    path: str
    kind: Kind
    rows: int
    bytes: int
    sha256: str
    event_date: str = ""


class Batch(msgspec.Struct, frozen=True, kw_only=True):
    """What became of the offsets ``first`` to ``last`` (inclusive) of a partition."""

    v: int = 1
    topic: str
    topic_id: str
    partition: int
    seq: int
    repair: int = 0
    first: int
    last: int
    rows: int
    rejects: int
    quarantined: int
    gaps: list[tuple[int, int]]
    files: list[LandedFile]

    def __post_init__(self) -> None:
        """Refuse a batch that does not account for each of its offsets."""
        gone = sum(end - start + 1 for start, end in self.gaps)
        accounted = self.rows + self.rejects + self.quarantined + gone
        if accounted != self.last - self.first + 1:
            msg = f"offsets {self.first}..{self.last} of {self.topic}: {accounted} accounted for"
            raise AssertionError(msg)


class DamagedFile(msgspec.Struct, frozen=True):
    """A committed file that is not what its manifest says, and the offsets that went with it."""

    batch: Batch
    path: str
    problem: str

    def __str__(self) -> str:
        """Name file, problem and offsets."""
        b = self.batch
        return (
            f"{self.path}: {self.problem}; it holds offsets {b.first} to {b.last} of "
            f"{b.topic} partition {b.partition}"
        )


def folder(landing: Path, topic: str, partition: int) -> Path:
    """Return where the batches of a partition are recorded."""
    return landing / MANIFEST / topic / str(partition)


def commit(landing: Path, batch: Batch) -> None:
    """Record a batch exclusively: written whole, then linked to its name, which must be free.

    Raises:
        TerminalError: another lander has committed this batch already; or the disk is full, or
            cannot be written to, and nothing of the batch is left.
    """
    target = folder(landing, batch.topic, batch.partition) / _name(batch)
    draft = target.with_name(f".{target.name}.{os.getpid()}.tmp")
    try:
        _link(draft, target, batch)
    except OSError as error:
        for file in batch.files:
            (landing / file.path).unlink(missing_ok=True)
        raise not_written(landing, error) from error
    sync_folder(target.parent)


def _link(draft: Path, target: Path, batch: Batch) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    try:
        with draft.open("wb") as out:
            out.write(msgspec.json.format(msgspec.json.encode(batch)))
            out.flush()
            os.fsync(out.fileno())
        os.link(draft, target)
    except FileExistsError as error:
        msg = (
            f"{target}: another lander has committed this batch of {batch.topic} partition "
            f"{batch.partition}; this one stops. Run one lander per landing folder"
        )
        raise TerminalError(msg) from error
    finally:
        draft.unlink(missing_ok=True)


def not_written(landing: Path, error: OSError) -> TerminalError:
    """Return the word on a batch that could not be written."""
    return TerminalError(
        f"{landing}: {error.strerror or error}; what was not committed is not lost: make room "
        "there and run vane land again"
    )


def _name(batch: Batch) -> str:
    return (
        f"{batch.seq:012d}.json" if not batch.repair else f"{batch.seq:012d}.r{batch.repair}.json"
    )


def sync_folder(path: Path) -> None:
    """Make a rename or link in a folder survive a power cut."""
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def read_batches(landing: Path, topic: str) -> list[Batch]:
    """Return the batches in force of a topic, by partition and sequence, continuity checked.

    Raises:
        StateLost: a manifest cannot be read, or batches are missing or overlap.
    """
    batches: list[Batch] = []
    top = landing / MANIFEST / topic
    if top.is_dir():
        for partition in sorted(top.iterdir(), key=lambda p: int(p.name)):
            batches += read_partition(landing, topic, int(partition.name))
    return batches


def read_partition(landing: Path, topic: str, partition: int) -> list[Batch]:
    """Return the batches in force of one partition in order; see ``read_batches``."""
    newest: dict[int, Batch] = {}
    where = folder(landing, topic, partition)
    for path in sorted(where.glob("[0-9]*.json")):
        batch = _read(path)
        known = newest.get(batch.seq)
        if known is None or batch.repair > known.repair:
            newest[batch.seq] = batch
    batches = [newest[seq] for seq in sorted(newest)]
    for i, batch in enumerate(batches):
        due = batches[i - 1].last + 1 if i else batch.first
        if batch.seq != i or batch.first != due:
            msg = (
                f"{where / _name(batch)}: expected batch {i} from offset {due}, "
                f"found batch {batch.seq} from offset {batch.first}"
            )
            raise StateLost(msg)
    return batches


def _read(path: Path) -> Batch:
    try:
        batch = msgspec.json.decode(path.read_bytes(), type=Batch)
    except (ValueError, AssertionError) as error:
        msg = f"{path}: expected a batch manifest, {error}; restore it or land into a new folder"
        raise StateLost(msg) from error
    if path.name != _name(batch):
        msg = f"{path}: expected the manifest of its name, found that of {_name(batch)}"
        raise StateLost(msg)
    return batch


def read_from(landing: Path, topic: str, partition: int, seq: int) -> list[Batch]:
    """Return the batches in force of a partition from one on; looks at no earlier ones.

    Raises:
        StateLost: a manifest cannot be read.
    """
    found: list[Batch] = []
    where = folder(landing, topic, partition)
    # Asked by name: to list a folder of many months takes longer than all else here.
    while (where / f"{seq:012d}.json").exists():
        found.append(_read(max(where.glob(f"{seq:012d}*.json"), key=_repair)))
        seq += 1
    return found


def _repair(path: Path) -> int:
    _, _, repair = path.stem.partition(".r")
    return int(repair or 0)


def files(batches: Iterable[Batch], kind: Kind = "rows") -> Iterator[LandedFile]:
    """Yield the committed files of one kind."""
    for batch in batches:
        yield from (file for file in batch.files if file.kind == kind)


def damaged(landing: Path, batches: Iterable[Batch], *, days: set[str] | None) -> list[DamagedFile]:
    """Return the committed files that are missing, changed or short; ``days`` limits the look."""
    found = []
    for batch in batches:
        for file in batch.files:
            if file.kind != "rows" or days is None or file.event_date in days:
                problem = _problem(landing / file.path, file)
                if problem is not None:
                    found.append(DamagedFile(batch, str(landing / file.path), problem))
    return found


def _problem(path: Path, file: LandedFile) -> str | None:
    try:
        size = path.stat().st_size
        if size != file.bytes:
            return f"expected {file.bytes} bytes, found {size}"
        digest = sha256(path)
    except FileNotFoundError:
        return "expected this file to exist"
    if digest != file.sha256:
        return f"expected sha256 {file.sha256[:12]}…, found {digest[:12]}…"
    rows = pq.read_metadata(path).num_rows
    return None if rows == file.rows else f"expected {file.rows} rows, found {rows}"


def sha256(path: Path) -> str:
    """Return the digest of a file's bytes."""
    with path.open("rb") as source:
        return hashlib.file_digest(source, "sha256").hexdigest()
