"""``vane reconcile live``: compare the live numbers with the month."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Annotated, Final

import typer
from rich.console import Console
from rich.table import Table

from pipeline.batch.reconcile import SHOWN, Cell, Reconciliation, reconcile
from pipeline.commands.progress import reporting
from pipeline.domain.business_time import parse_month
from pipeline.settings import load_settings

EXAMPLES: Final = """
Examples:

  vane land && vane reconcile --month 2025-11

Exit code 0: every field of every pane is equal. 1: some differ; they are listed. Late events and
events not yet folded are no difference: what they add to the published month is listed apart.
Land while the worker is caught up; records landed in mid-stream can show differences that the
next landing removes.
"""


def live_command(
    month: Annotated[str, typer.Option(help="YYYY-MM, by each contract's own calendar.")],
) -> None:
    """Compare the live numbers with the month, row by row."""
    wanted = parse_month(month)
    with reporting(f"comparing {month}") as report:
        found = reconcile(load_settings(), wanted, report=report)
    _show(found)
    if found.difference_count or found.unexplained_count:
        raise typer.Exit(1)


def _show(found: Reconciliation) -> None:
    console = Console()
    if found.differences:
        _cells(console, "Differences", ("live", "month"), found.differences, found.difference_count)
    if found.delta:
        headings = ("admitted", "published")
        _cells(console, "Explained: late or open", headings, found.delta, found.delta_count or 0)
    sign = "=" if not found.difference_count else "≠"
    console.print(
        f"live {sign} month: {found.cells:,} cells, {found.difference_count:,} differences"
        f" ({found.month}, {found.panes:,} panes, {found.seconds:.1f} s)",
        soft_wrap=True,
    )
    console.print(f"late events, not in the live numbers: {found.late:,}")
    if found.not_folded:
        console.print(f"landed events the live side has not folded: {found.not_folded:,}")
    if found.not_landed:
        console.print(
            f"events the live side has folded that are not landed: {found.not_landed:,}; "
            "run vane land again",
            soft_wrap=True,
        )
    if found.delta_count is None:
        console.print(f"{found.month} is not published yet: vane month run --month {found.month}")
    else:
        console.print(f"cells in which the published month says otherwise: {found.delta_count:,}")
    if found.unexplained_count:
        console.print(
            f"{found.unexplained_count:,} of them have no late or unfolded event to explain them; "
            f"publish again: vane month run --month {found.month}",
            style="red",
            soft_wrap=True,
        )


def _cells(
    console: Console, title: str, headings: tuple[str, str], cells: Sequence[Cell], count: int
) -> None:
    table = Table(title=f"{title}: {count:,} cells" + (f", first {SHOWN}" if count > SHOWN else ""))
    for heading in ("queue", "pane (UTC)", "field", *headings):
        right = heading in headings
        table.add_column(heading, justify="right" if right else "left", overflow="fold")
    for client, site, queue, pane, name, one, other in cells:
        path = "/".join(part for part in (client, site, queue) if part)
        at = datetime.fromtimestamp(pane / 1000, UTC).strftime("%m-%d %H:%M:%S")
        table.add_row(path, at, name, f"{one:,}", f"{other:,}")
    console.print(table)
