"""Keeps the live views in the catalog near the live side: what was landed since is appended.

Positions are in the files themselves (``lake/generation.py``), so a step that was cut short
anywhere is done by the next one, and nothing is written twice. Panes are appended before the
progress that speaks of them. Knows no broker: ``vane land --follow`` brings the records.
"""

from __future__ import annotations

import fcntl
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import duckdb
import pyarrow as pa

from pipeline.batch import live_inputs, live_rows
from pipeline.batch.publish import alone
from pipeline.config_files import Targets, load_targets
from pipeline.errors import TerminalError
from pipeline.lake import catalog, generation, manifest
from pipeline.lake.generation import DATASETS, LIVE
from pipeline.settings import Settings

MOST_FILES: Final = 64
"""Files of a dataset before a new generation holds their newest rows in one."""
KEEP_DAYS: Final = 45
"""Panes and alerts older than this, by event time, are left to the published months."""
KEPT_MS: Final = 24 * 3_600_000
"""How long a reader of an old catalog finds the generation that it names."""

LOCK: Final = ".lock"
_EVERYTHING: Final = -(2**62)
_DAY_MS: Final = 86_400_000


@dataclass(slots=True)
class Shown:
    """What was done: rows and files by dataset; ``waits_for`` says why nothing was."""

    rows: Counter[str] = field(default_factory=Counter)
    files: Counter[str] = field(default_factory=Counter)
    begun: list[int] = field(default_factory=list)
    waits_for: str = ""

    def add(self, other: Shown) -> None:
        """Add what another step did."""
        self.rows += other.rows
        self.files += other.files
        self.begun += other.begun
        self.waits_for = other.waits_for


def give_sign(published: Path) -> None:
    """Let those who look after the process see that it is at work: the lock's time is now."""
    (published / LIVE / LOCK).touch()


@contextmanager
def one_at_a_time(published: Path) -> Iterator[None]:
    """Let one process show what is live.

    Raises:
        TerminalError: another one does.
    """
    (published / LIVE).mkdir(parents=True, exist_ok=True)
    with (published / LIVE / LOCK).open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            msg = f"{lock.name}: another vane live is at work; run one per VANE_HOME"
            raise TerminalError(msg) from error
        yield


def start(settings: Settings, *, now_ms: int, anew: bool = False) -> Shown:
    """Finish what an earlier run may have left undone, and see that the catalog has the views.

    ``anew`` begins a generation from all that is landed, whatever was shown before.

    Raises:
        StateLost: what is landed does not continue what was shown.
        TerminalError: landed files are damaged, or the disk is full.
    """
    found = [] if anew else generation.generations(settings.published)
    if not found:
        return _begin(settings, now_ms=now_ms)
    live_inputs.check_positions(settings, found[-1])
    generation.sweep(settings.published)
    _write_catalog(settings.published)
    return Shown(begun=_tidy(settings, found[-1], now_ms=now_ms))


def step(settings: Settings, *, now_ms: int) -> Shown:
    """Append what was landed since the last step.

    Raises:
        StateLost: a file of the live views is damaged.
        TerminalError: landed files are damaged, the disk is full, or another process appends too.
    """
    published = settings.published
    found = generation.generations(published)
    if not found:
        return _begin(settings, now_ms=now_ms)
    number = found[-1]
    read = {d: live_inputs.positions(published, number, d) for d in DATASETS}
    new = _listed(lambda d: live_inputs.new_batches(settings.landing, DATASETS[d], read[d]))
    if not any(new.values()):
        return Shown()
    targets = load_targets(settings.config_dir / "queues.yaml")
    shown = Shown()
    with live_inputs.landed(settings, new) as con:
        shown.waits_for = live_inputs.other_configuration(con, published, number, targets)
        if shown.waits_for:
            return shown
        for dataset, batches in new.items():
            if batches:
                shown.rows[dataset] = generation.append(
                    published,
                    number,
                    dataset,
                    schema=live_rows.schema(dataset),
                    tables=_rows(con, dataset, targets, since_ms=_EVERYTHING, now_ms=now_ms),
                    upto=read[dataset] | live_inputs.after(batches),
                )
                shown.files[dataset] = 1
    shown.begun += _tidy(settings, number, now_ms=now_ms)
    return shown


def _tidy(settings: Settings, number: int, *, now_ms: int) -> list[int]:
    """Begin a generation if one is due, and look after those before; return what was begun."""
    published = settings.published
    is_due = max(len(generation.files(published, number, d)) for d in DATASETS) > MOST_FILES
    begun = [_compact(settings, number, now_ms=now_ms)] if is_due else []
    generation.mirror(published)
    generation.collect(published, before_ms=now_ms - KEPT_MS)
    return begun


def _begin(settings: Settings, *, now_ms: int) -> Shown:
    """Make a generation of all that is landed."""
    batches = _listed(lambda d: manifest.read_batches(settings.landing, DATASETS[d]))
    targets = load_targets(settings.config_dir / "queues.yaml")
    shown = Shown()
    with live_inputs.landed(settings, {"progress": batches["progress"]}) as con:
        shown.waits_for = live_inputs.other_configuration(con, settings.published, None, targets)
    if shown.waits_for:
        return shown
    with live_inputs.landed(settings, batches) as con:
        since = _since(con, live_inputs.view("progress"))

        def write(dataset: str, path: Path) -> None:
            rows = _rows(con, dataset, targets, since_ms=since, now_ms=now_ms)
            schema, upto = live_rows.schema(dataset), live_inputs.after(batches[dataset])
            shown.rows[dataset] = generation.write(path, schema, rows, upto)
            shown.files[dataset] = 1

        number = generation.next_number(settings.published)
        generation.begin(settings.published, number, write, now_ms=now_ms)
    shown.begun.append(number)
    _write_catalog(settings.published)
    return shown


def _listed(of: Callable[[str], list[manifest.Batch]]) -> live_inputs.Batches:
    """List batches of each dataset, in the order of writing.

    They are looked for in the reverse order, so that there is no progress without the panes that
    were landed before it.
    """
    found = {dataset: of(dataset) for dataset in reversed(list(DATASETS))}
    return {dataset: found[dataset] for dataset in DATASETS}


def _compact(settings: Settings, number: int, *, now_ms: int) -> int:
    """Make a generation of another's newest rows; return its number."""
    published = settings.published
    targets = load_targets(settings.config_dir / "queues.yaml")
    with live_inputs.connection() as con:
        since = _since(con, live_inputs.own(published, number, "progress"))

        def write(dataset: str, path: Path) -> None:
            sql = live_rows.newest(
                dataset, live_inputs.own(published, number, dataset), since_ms=since
            )
            rows = live_rows.read(con, dataset, sql, targets, since_ms=since, now_ms=now_ms)
            upto = live_inputs.positions(published, number, dataset)
            generation.write(path, live_rows.schema(dataset), rows, upto)

        after = generation.next_number(published)
        generation.begin(published, after, write, now_ms=now_ms)
    _write_catalog(published)
    return after


def _write_catalog(published: Path) -> None:
    with alone(published):
        catalog.write(published, catalog.read_runs(published))


def _rows(
    con: duckdb.DuckDBPyConnection, dataset: str, targets: Targets, *, since_ms: int, now_ms: int
) -> Iterator[pa.Table]:
    sql = live_rows.newest(dataset, live_inputs.view(dataset), since_ms=since_ms)
    return live_rows.read(con, dataset, sql, targets, since_ms=since_ms, now_ms=now_ms)


def _since(con: duckdb.DuckDBPyConnection, progress: str) -> int:
    """Return the earliest instant that is kept, by the furthest watermark."""
    (row,) = con.execute(f"select max(watermark_ms) from {progress}").fetchall()
    return _EVERYTHING if row[0] is None else int(row[0]) - KEEP_DAYS * _DAY_MS
