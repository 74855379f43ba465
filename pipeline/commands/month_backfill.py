"""``vane month backfill``: close a year's months, several at a time."""

from __future__ import annotations

import os
from typing import Annotated, Final

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from pipeline.batch.backfill import End, Ended, backfill, landed_months, span
from pipeline.commands.month_push import push_if_asked
from pipeline.domain.business_time import Month, parse_month
from pipeline.settings import load_settings

BACKFILL_EXAMPLES: Final = """
Examples:

  vane month backfill

  vane month backfill --from 2024-12 --to 2025-11 --jobs 4

Each month is closed as by vane month run, in a process of its own. One that was published from what
is landed now, by the same configuration and models, is left as it is, so a backfill that was cut
short is begun again with the same command. Exit code 1 where a month failed; the others are done.
"""

subcommands = typer.Typer(add_completion=False, rich_markup_mode=None)


@subcommands.command("backfill", epilog=BACKFILL_EXAMPLES)
def backfill_months(
    *,
    first: Annotated[
        str | None, typer.Option("--from", help="YYYY-MM; the first landed if not given.")
    ] = None,
    last: Annotated[
        str | None, typer.Option("--to", help="YYYY-MM; the last landed if not given.")
    ] = None,
    jobs: Annotated[
        int, typer.Option(min=1, help="Months at a time; each takes a core and some 2 GB.")
    ] = max(1, (os.cpu_count() or 2) // 2),
    again: Annotated[bool, typer.Option("--again", help="Also those that are up to date.")] = False,
) -> None:
    """Close many months, several at a time; what is up to date is left as it is."""
    settings = load_settings()
    landed = (None, None) if first and last else landed_months(settings)
    months = span(_month(first, landed[0]), _month(last, landed[1]))
    console = Console(stderr=True, highlight=False)
    ends = []
    with Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        console=console,
        transient=True,
    ) as progress:
        bar = progress.add_task("months", total=len(months))
        under_way: set[Month] = set()

        def begin(month: Month) -> None:
            under_way.add(month)
            progress.update(bar, description=", ".join(map(str, sorted(under_way, key=str))))

        for ended in backfill(settings, months, jobs=jobs, again=again, started=begin):
            under_way.discard(ended.month)
            ends.append(ended)
            progress.advance(bar)
            console.print(_line(ended), markup=False, soft_wrap=True)
    counts = {end: sum(e.end is end for e in ends) for end in End}
    typer.echo(", ".join(f"{count} {end}" for end, count in counts.items()))
    push_if_asked(settings)
    if counts[End.FAILED]:
        raise typer.Exit(1)


def _month(text: str | None, otherwise: Month | None) -> Month:
    if text is not None:
        return parse_month(text)
    assert otherwise is not None  # noqa: S101 - asked for where a text is missing
    return otherwise


def _line(ended: Ended) -> str:
    took = f" in {ended.seconds:.1f} s" if ended.seconds else ""
    return f"{ended.month} {ended.end}{took}" + (f": {ended.said}" if ended.said else "")
