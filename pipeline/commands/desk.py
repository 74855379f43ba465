"""``vane desk``: the operational store: make it, check it, read alerts into it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Annotated, Final

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from pipeline.commands import desk_token
from pipeline.commands.desk_options import JsonOption, print_json, store
from pipeline.desk.migrate import migrate
from pipeline.desk.store import REVISIONS, engine_of, name_of
from pipeline.desk.verify import Report, verify
from pipeline.errors import TerminalError
from pipeline.settings import load_settings

MIGRATE_EXAMPLES: Final = """
Examples:

  vane desk migrate

  VANE_DESK_URL=postgresql://vane@db/vane VANE_DESK_PASSWORD_FILE=/run/desk vane desk migrate

Makes the store, or brings an older one to this release; run again, it changes nothing. Without
VANE_DESK_URL the store is a file in VANE_HOME.
"""
VERIFY_EXAMPLES: Final = """
Examples:

  vane desk verify

  vane desk verify --head 1204:9f2c…        (as it was printed some time ago)

Prints where the trail ends. Note it where nobody of the desk can write: it proves later that
nothing before it was changed.
"""
FOLLOW_EXAMPLES: Final = """
Examples:

  vane desk follow

  vane desk follow --once

It may be stopped or killed at any time: where it was is kept in the store with what it read, and
every alert is in it once. Run one per store. The counts add up to the offsets read.
"""

app = typer.Typer(
    add_completion=False,
    rich_markup_mode=None,
    no_args_is_help=True,
    help="The operational store: what people decided about alerts and cases, with its trail.",
)
app.add_typer(desk_token.subcommands, name="token")


@app.command("migrate", epilog=MIGRATE_EXAMPLES)
def migrate_command() -> None:
    """Make the store, or bring an older one to this release."""
    settings = load_settings()
    engine = engine_of(settings.desk_address, settings.desk_password)
    try:
        before = migrate(engine)
    finally:
        engine.dispose()
    now = REVISIONS[-1]
    how = "was there already" if before == now else f"made, from {before or 'nothing'}"
    typer.echo(f"{name_of(engine)}: schema {now}, {how}")


@app.command("verify", epilog=VERIFY_EXAMPLES)
def verify_command(
    *,
    head: Annotated[
        str | None,
        typer.Option(metavar="SEQ:HASH", help="An end of the trail that was noted earlier."),
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Check that the audit trail is whole, and that the records are what it says."""
    with store() as engine, _progress("checking", "entries") as report:
        verdict = verify(engine, head, report)
    if as_json:
        print_json({"entries": verdict.seq, "head": verdict.head, "problems": verdict.problems})
    for problem in verdict.problems:
        typer.secho(problem, fg="red", err=True)
    if verdict.problems:
        raise TerminalError(f"{name_of(engine)}: {len(verdict.problems)} problems")
    if not as_json:
        said = f"{verdict.seq:,} entries, unbroken; records are as they say"
        typer.echo(f"{said}; ends at {verdict.head}")


@app.command("follow", epilog=FOLLOW_EXAMPLES)
def follow_command(
    *,
    once: Annotated[bool, typer.Option("--once", help="Stop where the log ends now.")] = False,
    skip_gap: Annotated[
        bool,
        typer.Option("--skip-gap", help="Go on though the log lost what comes next unread."),
    ] = False,
) -> None:
    """Read alerts from Kafka into the store, each exactly once."""
    from pipeline.desk.follow import COUNTS, follow

    settings = load_settings()
    counts: Counter[str] = Counter()
    try:
        with store() as engine, _progress("reading", "offsets") as report:
            follow(settings, engine, once=once, skip_gap=skip_gap, counts=counts, report=report)
    except KeyboardInterrupt:
        Console(stderr=True).print("stopped; the next start goes on here")
    said = ", ".join(f"{counts[name]:,} {name}" for name in COUNTS)
    typer.echo(f"{counts.total():,} offsets read: {said}")


@contextmanager
def _progress(what: str, unit: str) -> Iterator[Report]:
    """Show a bar on a terminal; yield what moves it."""
    console = Console(stderr=True)
    with Progress(
        TextColumn(what),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn(unit),
        TimeRemainingColumn(),
        console=console,
        disable=not console.is_terminal,
        transient=True,
    ) as progress:
        task = progress.add_task("", total=None)
        yield lambda read, total: progress.update(task, completed=read, total=max(read, total))
