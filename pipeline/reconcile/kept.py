"""A client's rows at rest: whole or not at all.

A file read twice by the same mapping is the same import: its id is a hash of both
and of the key.
"""

from __future__ import annotations

import hashlib
import hmac
import os
import shutil
from pathlib import Path
from typing import Final

import msgspec
import polars as pl

from pipeline.lake.manifest import sha256, sync_folder
from pipeline.reconcile.reading import Reading

ROWS: Final = "theirs.parquet"
MANIFEST: Final = "import.json"
_VERSION: Final = 1
"""Of what is made of a file; another one reads it again."""


class Flagged(msgspec.Struct, frozen=True):
    """Something odd about rows that were used all the same."""

    kind: str
    count: int
    lines: list[int]


class Import(msgspec.Struct, frozen=True, kw_only=True):
    """What was imported; times of the file are by ``zone``."""

    v: int = 1
    import_id: str
    client: str
    file: str
    file_sha256: str
    mapping: str
    mapping_hash: str
    rows: int
    flags: list[Flagged]


def keep(path: Path, read: Reading, folder: Path, *, key: bytes = b"") -> tuple[Import, Path]:
    """Put what was read of a file to rest below a folder; return its record and its rows' file.

    By another key that numbers were hashed with it is another import.
    """
    mapping = read.mapping
    digest = sha256(path)
    said = f"{_VERSION} {digest} {mapping.content}".encode()
    name = hmac.new(key, said, hashlib.sha256).hexdigest()[:16]
    done = Import(
        import_id=name,
        client=mapping.client,
        file=path.name,
        file_sha256=digest,
        mapping=mapping.path.name,
        mapping_hash=mapping.content,
        rows=read.rows.height,
        flags=[Flagged(flag.kind, flag.count, flag.lines) for flag in read.flags],
    )
    target = folder / name
    if not (target / MANIFEST).is_file():
        _put(target, done, read.rows)
    return done, target / ROWS


def _put(target: Path, done: Import, rows: pl.DataFrame) -> None:
    """Write an import aside and give it its name when it is whole."""
    draft = target.with_name(f".{target.name}.{os.getpid()}.tmp")
    shutil.rmtree(draft, ignore_errors=True)
    draft.mkdir(parents=True)
    try:
        rows.write_parquet(draft / ROWS)
        text = msgspec.json.format(msgspec.json.encode(done))
        (draft / MANIFEST).write_bytes(text)
        for name in (ROWS, MANIFEST):
            with (draft / name).open("rb") as written:
                os.fsync(written.fileno())
        try:
            draft.replace(target)
        except OSError:
            if not (target / MANIFEST).is_file():  # else somebody else has just done the same
                raise
        sync_folder(target.parent)
    finally:
        shutil.rmtree(draft, ignore_errors=True)
