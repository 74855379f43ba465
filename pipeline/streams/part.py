"""One assigned partition of the input: its fold and how it stands with the log."""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass, field

from faust.types import TP

from pipeline.domain.fold import PartitionFold
from pipeline.domain.fold_state import Plain, fill
from pipeline.streams import outgoing, snapshots


@dataclass(slots=True, eq=False)
class Part:
    """One assigned partition: its fold and how it stands with the log."""

    tp: TP
    fold: PartitionFold
    generation: int
    templates: outgoing.PaneTemplates
    snapshot_offset: int
    lock: asyncio.Lock = field(default_factory=asyncio.Lock)
    """Held while the fold goes on or its state is copied."""
    snapshotting: asyncio.Lock = field(default_factory=asyncio.Lock)
    """Held from the copy of a state to its acknowledgement."""
    seeks: int = 0
    sought_at: float = 0.0
    appended_ms: int = 0
    """Append time of the newest record folded; 0: none that is known."""
    replayed: int = 0
    """Records that an earlier owner is known to have folded, beyond the snapshot recovered."""
    snapshot_at: float = field(default_factory=time.monotonic)
    """When the newest snapshot was written, or recovered; by the monotonic clock."""
    snapshot_bytes: int = 0


async def copy_state(fold: PartitionFold) -> Plain:
    """Return the state of a fold, which the caller keeps still, letting others run in between.

    Its rows are packed already.
    """
    state: Plain = {}
    for _ in fill(state, fold, snapshots.PackedRows):
        await asyncio.sleep(0)
    return state
