"""How ``vane ingest`` tells what it does: a bar while it reads files, counts when it is done."""

from __future__ import annotations

import os
import stat
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Final

import typer
from rich.console import Console
from rich.progress import (
    BarColumn,
    DownloadColumn,
    Progress,
    TextColumn,
    TimeRemainingColumn,
    TransferSpeedColumn,
)
from rich.table import Table

from pipeline.ingest.files import Input
from pipeline.ingest.read import STDIN
from pipeline.ingest.tally import Gap, Tally

_STEP: Final = 1 << 18
"""Bytes between two redraws of the bar."""


@contextmanager
def progress_of(inputs: Sequence[Input]) -> Iterator[Callable[[Input, int], None]]:
    """Show one bar over all inputs, in bytes as stored; yield what moves it."""
    console = Console(stderr=True)
    with Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        DownloadColumn(),
        TransferSpeedColumn(),
        TimeRemainingColumn(),
        console=console,
        disable=not console.is_terminal,
    ) as progress:
        task = progress.add_task("", total=_size_of(inputs))
        pending = 0

        def report(one: Input, size: int) -> None:
            nonlocal pending
            pending += size
            if pending >= _STEP:
                progress.update(task, advance=pending, description=one.name)
                pending = 0

        yield report
        progress.advance(task, pending)


def _size_of(inputs: Sequence[Input]) -> int | None:
    """Return the bytes of all inputs, or None where one is a pipe and nobody knows."""
    found = [os.fstat(0) if one.file == STDIN else one.file.stat() for one in inputs]
    if all(stat.S_ISREG(status.st_mode) for status in found):
        return sum(status.st_size for status in found)
    return None


def notes(text: str) -> None:
    """Say on the error stream what happens around a live source, with the time of day."""
    typer.echo(f"{datetime.fromtimestamp(time.time(), UTC):%Y-%m-%d %H:%M:%SZ} {text}", err=True)


def show(tally: Tally, elapsed_s: float, *, is_dry_run: bool) -> None:
    """Print what became of every record."""
    table = Table(title="dry run: nothing was sent" if is_dry_run else None)
    table.add_column("records")
    table.add_column("count", justify="right")
    table.add_row("read", f"{tally.rows:,}")
    table.add_row("taken", f"{tally.taken:,}")
    for reason, count in sorted(tally.rejected.items()):
        table.add_row(f"rejected: {reason}", f"{count:,}")
    for reason, count in sorted(tally.skipped.items()):
        table.add_row(f"skipped: {reason}", f"{count:,}")
    for anomaly, count in sorted(tally.anomalies.items()):
        table.add_row(f"taken, but odd: {anomaly}", f"{count:,}")
    console = Console(highlight=False)
    console.print(table)
    for reason, examples in sorted(tally.examples.items()):
        for example in examples:
            console.print(f"{reason}: {example}", markup=False, soft_wrap=True)
    _show_around(tally, console)
    for topic, count in sorted(tally.records.items()):
        console.print(f"{count:,} records to {topic}", soft_wrap=True)
    if not is_dry_run:
        rate = tally.records.total() / max(elapsed_s, 1e-3)
        console.print(f"acknowledged by Kafka in {elapsed_s:.1f} s, {rate:,.0f} records/s")
    if not tally.adds_up:
        msg = f"records read are not records accounted for: {tally}"
        raise AssertionError(msg)


def _show_around(tally: Tally, console: Console) -> None:
    """Print what happened around the records: files, rotations, connections and their gaps."""
    if tally.files > 1:
        console.print(f"{tally.files:,} files")
    if tally.rotations:
        console.print(f"{tally.rotations:,} rotations followed")
    if tally.connects:
        lost_s = sum(gap.until_ms - gap.from_ms for gap in tally.gaps) / 1000
        console.print(
            f"{tally.connects:,} connections; {len(tally.gaps):,} gaps of {lost_s:.1f} s in all, "
            "whose events are lost"
        )
    for gap in tally.gaps:
        console.print(f"not heard {said(gap)}")


def said(gap: Gap) -> str:
    """Return a gap as people read it."""
    first, last = (
        f"{datetime.fromtimestamp(at / 1000, UTC):%Y-%m-%d %H:%M:%S.%f}"[:-3] + "Z"
        for at in (gap.from_ms, gap.until_ms)
    )
    return f"from {first} to {last}"
