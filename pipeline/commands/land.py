"""``vane land``: bring Kafka topics to Parquet, exactly once."""

from __future__ import annotations

import time
from typing import Annotated

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from rich.table import Table

from pipeline.batch.land import FOLLOW_S, Landed, land, repair
from pipeline.lake import manifest
from pipeline.lake.shape import SHAPES
from pipeline.settings import Settings, load_settings

EXAMPLES = """
Examples:

  vane land

  vane land --topic acd.events --topic acd.agent-states

  vane land --follow

  vane land --repair

  vane land --follow --max-delay 5

Running it again lands only what is new. Files count once their batch's manifest is written, so it
may be stopped or killed at any time. --repair checks every landed file against its manifest and
lands the offsets of damaged ones again.
"""

app = typer.Typer(add_completion=False, rich_markup_mode=None)


@app.command(epilog=EXAMPLES)
def land_command(
    topic: Annotated[
        list[str] | None, typer.Option(help="Only this topic; may be given more than once.")
    ] = None,
    *,
    follow: Annotated[bool, typer.Option("--follow", help="Go on until Ctrl-C.")] = False,
    max_delay: Annotated[
        float,
        typer.Option(
            min=1,
            max=3600,
            help="With --follow: seconds after which what came is landed, however little.",
        ),
    ] = FOLLOW_S,
    mend: Annotated[
        bool, typer.Option("--repair", help="Check landed files; land damaged ones again.")
    ] = False,
) -> None:
    """Bring Kafka topics to Parquet, exactly once, and count what became of every offset."""
    settings = load_settings()
    if mend:
        _repair(settings, topic)
        return
    console = Console(stderr=True)
    landed = Landed()
    started = time.monotonic()
    with Progress(
        TextColumn("landing"),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("offsets"),
        TimeRemainingColumn(),
        console=console,
        disable=not console.is_terminal,
    ) as progress:
        task = progress.add_task("", total=None)

        def report(read: int, total: int) -> None:
            progress.update(task, advance=read, total=None if follow else total)

        try:
            land(
                settings,
                topic,
                follow=follow,
                max_delay_s=max_delay,
                report=report,
                landed=landed,
            )
        except KeyboardInterrupt:
            console.print("stopped; what was not committed is landed next time")
    _show(landed, time.monotonic() - started)


def _repair(settings: Settings, topics: list[str] | None) -> None:
    console = Console()
    found = []
    for topic in topics or SHAPES:
        batches = manifest.read_batches(settings.landing, topic)
        found += manifest.damaged(settings.landing, batches, days=None)
    if not found:
        console.print("every landed file is what its manifest says; nothing to repair")
        return
    for damage in found:
        console.print(str(damage), style="red", soft_wrap=True)
    landed = repair(settings, [damage.batch for damage in found], Landed())
    console.print(f"landed {landed.offsets.total():,} offsets again")


def _show(landed: Landed, elapsed_s: float) -> None:
    table = Table()
    table.add_column("topic")
    for heading in ("offsets", "rows", "rejects", "quarantined", "gaps", "batches"):
        table.add_column(heading, justify="right")
    for topic in sorted(landed.offsets):
        counts = (landed.offsets, landed.rows, landed.rejects, landed.quarantined, landed.gaps)
        table.add_row(topic, *(f"{c[topic]:,}" for c in (*counts, landed.batches)))
    console = Console()
    if not landed.offsets:
        console.print("nothing new to land")
    else:
        console.print(table)
        total = landed.offsets.total()
        console.print(f"{total:,} offsets in {elapsed_s:.1f} s, {total / elapsed_s:,.0f}/s")
    if landed.absent:
        console.print(f"not on the broker: {', '.join(landed.absent)}")
