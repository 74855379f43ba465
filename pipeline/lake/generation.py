"""The files of the live views: immutable Parquet, appended by name, in numbered generations.

``published/live/<generation>/<dataset>/<generation>-<part>.parquet``. A generation begins with one
file per dataset, the newest row of every key, and grows by a file per dataset and append. A view
reads whatever lies in its generation's folder, so a name there is a commit: a file is written
aside, made durable, then linked to a name that must be free. Each carries in its footer up to
which landed batch its dataset has been read; nothing else remembers that. Rows may come twice in
different files, and readers take the highest revision, so files can be replaced by their sum.
"""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import msgspec
import pyarrow as pa
import pyarrow.parquet as pq

from pipeline.domain.kpi import KPI_FIELDS
from pipeline.errors import StateLost, TerminalError
from pipeline.lake.manifest import sync_folder
from pipeline.lake.shape import ALERTS, PROGRESS

LIVE: Final = "live"
DATASETS: Final[Mapping[str, str]] = {
    **{kpi: f"kpi.{kpi}" for kpi in KPI_FIELDS},
    ALERTS.removeprefix("kpi."): ALERTS,
    PROGRESS.removeprefix("kpi."): PROGRESS,
}
"""Folder to topic, in the order of writing: what tells of panes comes after the panes."""

LAYOUT: Final = f"2 {' '.join(field for fields in KPI_FIELDS.values() for field in fields)}"
"""What the columns of the files depend on; counted up where they change otherwise."""

_POSITION: Final = b"vane.position"
_BEGUN: Final = "begun.json"
_NUMBER: Final = re.compile(r"\d{6}")
_WIDTH: Final = 6


class Position(msgspec.Struct, frozen=True, kw_only=True):
    """Up to where a landed partition has been read: the next batch, and the offset it begins at."""

    topic_id: str
    next_seq: int
    next_offset: int


class _Begun(msgspec.Struct, frozen=True, kw_only=True):
    at_ms: int
    layout: str


Positions = dict[int, Position]
"""By partition."""
Write = Callable[[str, Path], None]
"""Given a dataset and a path, writes its first file there."""

_decoder = msgspec.json.Decoder(Positions)


def folder(published: Path, generation: int) -> Path:
    """Return where a generation lies."""
    return published / LIVE / f"{generation:0{_WIDTH}d}"


def generations(published: Path) -> list[int]:
    """Return the generations that can be read, oldest first; the last is the one in force.

    One that lacks a dataset, because somebody removed files, is none; nor is one of a release that
    wrote other columns.
    """
    return [
        n
        for n in _numbered(published)
        if (begun := _begun(published, n)) is not None
        and begun.layout == LAYOUT
        and all(files(published, n, dataset) for dataset in DATASETS)
    ]


def next_number(published: Path) -> int:
    """Return a number that no generation has had, not even a damaged one."""
    return max(_numbered(published), default=0) + 1


def _numbered(published: Path) -> list[int]:
    return sorted(int(p.name) for p in (published / LIVE).glob("*/") if _NUMBER.fullmatch(p.name))


def _begun(published: Path, generation: int) -> _Begun | None:
    try:
        raw = (folder(published, generation) / _BEGUN).read_bytes()
    except (FileNotFoundError, NotADirectoryError):  # it may be collected meanwhile
        return None
    return msgspec.json.decode(raw, type=_Begun)


def files(published: Path, generation: int, dataset: str) -> list[Path]:
    """Return the files of a dataset in the order in which they were appended."""
    return sorted((folder(published, generation) / dataset).glob("*.parquet"))


def pattern(base: str, generation: int, dataset: str) -> str:
    """Return what a view reads: the files there at the time of the query."""
    return f"{base}/{LIVE}/{generation:0{_WIDTH}d}/{dataset}/*.parquet"


def positions(path: Path) -> Positions:
    """Return up to where a dataset was read when the file was written.

    Raises:
        StateLost: the file is not one of ours, or damaged.
    """
    try:
        return _decoder.decode(pq.read_schema(path).metadata[_POSITION])
    except (OSError, pa.ArrowInvalid, KeyError, TypeError, ValueError) as error:
        msg = f"{path}: expected a file of the live views, {error!r}; begin anew: vane live --anew"
        raise StateLost(msg) from error


def write(path: Path, schema: pa.Schema, tables: Iterable[pa.Table], upto: Positions) -> int:
    """Write rows and the position durably under a name that nobody reads; return how many rows."""
    rows = 0
    path.parent.mkdir(parents=True, exist_ok=True)
    marked = schema.with_metadata({_POSITION: msgspec.json.encode(upto)})
    with pq.ParquetWriter(path, marked, compression="zstd") as writer:
        for table in tables:
            writer.write_table(table.cast(marked))
            rows += table.num_rows
    with path.open("rb") as written:
        os.fsync(written.fileno())
    return rows


def append(
    published: Path,
    generation: int,
    dataset: str,
    *,
    schema: pa.Schema,
    tables: Iterable[pa.Table],
    upto: Positions,
) -> int:
    """Add a file to a dataset of a generation; return how many rows.

    Raises:
        TerminalError: another process appends too; or the disk is full, or cannot be written to,
            and nothing of the file is left.
    """
    newest = files(published, generation, dataset)[-1]
    head, tail = newest.stem.split("-")
    target = newest.with_name(f"{head}-{int(tail) + 1:0{_WIDTH}d}.parquet")
    draft = newest.with_name(f".{target.name}.tmp")
    try:
        with _telling(draft):
            rows = write(draft, schema, tables, upto)
            os.link(draft, target)
    finally:
        draft.unlink(missing_ok=True)
    sync_folder(target.parent)
    return rows


def begin(published: Path, generation: int, write_first: Write, *, now_ms: int) -> None:
    """Make a new generation with the first file of every dataset; it is there wholly or not.

    Args:
        published: the published folder.
        generation: its number, see ``next_number``.
        write_first: writes the files.
        now_ms: when; the generation before it is kept for a while from then on.

    Raises:
        TerminalError: the disk is full, or cannot be written to; nothing of it is left.
    """
    target = folder(published, generation)
    aside = target.with_name(f".{target.name}.tmp")
    shutil.rmtree(aside, ignore_errors=True)  # of one that was cut short
    try:
        with _telling(aside):
            for dataset in DATASETS:
                name = f"{generation:0{_WIDTH}d}-{0:0{_WIDTH}d}.parquet"
                write_first(dataset, aside / dataset / name)
                sync_folder(aside / dataset)
            with (aside / _BEGUN).open("wb") as out:
                out.write(msgspec.json.encode(_Begun(at_ms=now_ms, layout=LAYOUT)))
                out.flush()
                os.fsync(out.fileno())
            sync_folder(aside)
            aside.rename(target)
    except TerminalError:
        shutil.rmtree(aside, ignore_errors=True)
        raise
    sync_folder(target.parent)


@contextmanager
def _telling(path: Path) -> Iterator[None]:
    """Turn what a file system refuses into a word on what to do."""
    try:
        yield
    except FileExistsError as error:
        msg = f"{path}: another vane live has written this file; run one per VANE_HOME"
        raise TerminalError(msg) from error
    except OSError as error:
        msg = f"{path}: {error.strerror or error}; make room there and run vane live again"
        raise TerminalError(msg) from error


def sweep(published: Path) -> None:
    """Remove what a process that was killed left aside; nobody else may be writing."""
    for path in (published / LIVE).glob(".*.tmp"):
        shutil.rmtree(path)
    for path in (published / LIVE).glob("*/*/.*.tmp"):
        path.unlink()


def mirror(published: Path) -> None:
    """Show what is new to readers of older catalogs, by links into their generations.

    What a newer generation has in its first files is removed from the older ones, but not before
    the generation after it: queries under way still read it.

    Raises:
        TerminalError: a link cannot be made.
    """
    *older, newest = generations(published)
    for dataset in DATASETS:
        fresh = files(published, newest, dataset)
        kept = {path.name for n in (*older[-1:], newest) for path in files(published, n, dataset)}
        for generation in older:
            there = {path.name: path for path in files(published, generation, dataset)}
            for path in fresh:
                if path.name not in there:
                    target = folder(published, generation) / dataset / path.name
                    with _telling(target):
                        os.link(path, target)
            for name in there.keys() - kept:
                there[name].unlink()


def collect(published: Path, *, before_ms: int) -> list[int]:
    """Remove generations that were followed by another before an instant; return them."""
    gone = []
    for generation in _numbered(published):
        after = [n for n in generations(published) if n > generation]
        begun = _begun(published, after[0]) if after else None
        if begun is not None and begun.at_ms < before_ms:
            gone.append(generation)
    for generation in gone:
        # Renamed first: half of a generation must not be taken for one.
        folder(published, generation).rename(published / LIVE / f".{generation}.gone")
    for path in (published / LIVE).glob(".*.gone"):
        shutil.rmtree(path)
    return gone
