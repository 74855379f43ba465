"""Which run a month was billed by: written once, and from then on what the month's views show.

A billed month is not edited. Later runs of it are kept beside (``known`` in the catalog); the
difference is an adjustment of a later period.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Final

import msgspec

from pipeline.errors import InputError, StateLost
from pipeline.lake.manifest import sync_folder

BILLED: Final = "billed"


class Billed(msgspec.Struct, frozen=True, kw_only=True):
    """The run that a month was billed by, when that was said (epoch milliseconds) and by whom."""

    v: int = 1
    month: str
    run_id: str
    at_ms: int
    by: str


def read_billed(published: Path) -> dict[str, Billed]:
    """Return what was billed, by month.

    Raises:
        StateLost: a record cannot be read.
    """
    found = {}
    for path in sorted((published / BILLED).glob("*.json")):
        try:
            billed = msgspec.json.decode(path.read_bytes(), type=Billed)
        except ValueError as error:
            msg = f"{path}: expected which run a month was billed by, {error}"
            raise StateLost(msg) from error
        found[billed.month] = billed
    return found


def record_billed(published: Path, billed: Billed) -> None:
    """Write what a month was billed by, whole and once.

    Raises:
        InputError: the month was billed by another run.
    """
    target = published / BILLED / f"{billed.month}.json"
    target.parent.mkdir(parents=True, exist_ok=True)
    draft = target.with_name(f".{billed.month}.{os.getpid()}.tmp")
    with draft.open("wb") as out:
        out.write(msgspec.json.format(msgspec.json.encode(billed, order="deterministic")))
        out.flush()
        os.fsync(out.fileno())
    try:
        os.link(draft, target)
    except FileExistsError as error:
        known = read_billed(published)[billed.month]
        msg = (
            f"{billed.month} was billed by run {known.run_id} ({known.by}); a billed month stands, "
            "what is known since is in the schema known and in settlement_adjustments"
        )
        raise InputError(msg) from error
    finally:
        draft.unlink()
    sync_folder(target.parent)
