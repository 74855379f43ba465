"""``vane live``: the live numbers in the published catalog."""

from __future__ import annotations

import time
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from pipeline.batch import live
from pipeline.errors import ReconcileError
from pipeline.lake.catalog import CATALOG
from pipeline.settings import load_settings

EXAMPLES = """
Examples:

  vane live

  vane live --follow

  vane live --anew

Shows what vane land has landed of the live side's panes, alerts and progress as the views
bi_live_* and bi_all_queue_intervals of the published catalog; with vane land --follow beside it,
at most a minute late. It may be stopped or killed at any time. --anew begins from all that is
landed, after the landing folder was begun anew.
"""

app = typer.Typer(add_completion=False, rich_markup_mode=None)


@app.command(epilog=EXAMPLES)
def live_command(
    *,
    follow: Annotated[bool, typer.Option("--follow", help="Go on until Ctrl-C.")] = False,
    every: Annotated[
        float, typer.Option(min=0.2, max=600, help="With --follow: seconds between two looks.")
    ] = 5.0,
    anew: Annotated[
        bool, typer.Option("--anew", help="Forget what was shown; begin from all that is landed.")
    ] = False,
) -> None:
    """Show the live numbers in the published catalog."""
    settings = load_settings()
    shown = live.Shown()
    said = ""
    with live.one_at_a_time(settings.published):
        try:
            shown.add(live.start(settings, now_ms=_now_ms(), anew=anew))
            while True:
                shown.add(live.step(settings, now_ms=_now_ms()))
                if shown.waits_for and not follow:
                    raise ReconcileError(shown.waits_for)
                if shown.waits_for not in {"", said}:
                    Console(stderr=True).print(shown.waits_for, style="yellow", soft_wrap=True)
                said = shown.waits_for
                live.give_sign(settings.published)
                if not follow:
                    break
                time.sleep(every)
        except KeyboardInterrupt:
            Console(stderr=True).print("stopped; what was not shown is shown next time")
    _print(shown, settings.published / CATALOG)


def _now_ms() -> int:
    return time.time_ns() // 1_000_000


def _print(shown: live.Shown, catalog: object) -> None:
    console = Console()
    if not shown.files:
        console.print("nothing new to show")
        return
    table = Table()
    table.add_column("dataset")
    table.add_column("rows", justify="right")
    table.add_column("files", justify="right")
    for dataset in sorted(shown.files):
        table.add_row(dataset, f"{shown.rows[dataset]:,}", f"{shown.files[dataset]:,}")
    console.print(table)
    console.print(f"views bi_live_* of {catalog}", soft_wrap=True)
