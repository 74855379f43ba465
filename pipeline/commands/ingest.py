"""``vane ingest``: send calls from files to Kafka."""

from __future__ import annotations

import asyncio
import time
from collections import deque
from collections.abc import Callable, Iterator
from enum import StrEnum
from functools import partial
from pathlib import Path
from typing import Annotated, Final, NamedTuple
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import typer
from rich.console import Console
from rich.progress import (
    BarColumn,
    DownloadColumn,
    Progress,
    TextColumn,
    TimeRemainingColumn,
)
from rich.table import Table

from pipeline.codec import adapter
from pipeline.codec.anonymous_bank import Origin
from pipeline.codec.fact_fields import TOPICS
from pipeline.codec.fact_values import read_instant
from pipeline.codec.facts import FactAdapter, of_file
from pipeline.domain.fact import FactKind
from pipeline.errors import InputError
from pipeline.ingest.anonymous_bank import read_anonymous_bank
from pipeline.ingest.canonical import CALLS, canonical_files, read_canonical
from pipeline.ingest.facts import read_facts
from pipeline.ingest.message import Message, Route
from pipeline.ingest.produce import produce
from pipeline.ingest.tally import Tally
from pipeline.settings import DEVELOPMENT_KEY, Settings, load_settings

EXAMPLES: Final = """
Examples:

  vane ingest --format canonical sim/month

  vane ingest --format canonical --rate 2000 sim/double11/acd.events.ndjson

  vane ingest --format anonymous-bank --client bank january1999.txt

  vane ingest --format anonymous-bank --client bank --dry-run january1999.txt

  vane ingest --format forecast --client acme --timezone Europe/Berlin forecast-2025-11-04.csv

Running it again is safe: delivery is at least once, and an event keeps its event_id, so a second
ingest of the same file changes no number. Rows that are no events go to the dead letters, such as
acd.events.dlq, with their bytes, file, line and reason. Canonical lines are passed on as they
are; whoever reads the topic judges them.
"""


class Format(StrEnum):
    """What a file holds."""

    CANONICAL = "canonical"
    ANONYMOUS_BANK = "anonymous-bank"
    FORECAST = "forecast"
    SCHEDULE = "schedule"
    QA = "qa"
    COMPLAINTS = "complaints"
    INCIDENTS = "incidents"
    PEOPLE = "people"


class Input(NamedTuple):
    """A file, where its rows go, and how they are read."""

    file: Path
    route: Route
    read: Callable[[Tally, Callable[[int], None]], Iterator[Message]]


app = typer.Typer(add_completion=False, rich_markup_mode=None)


@app.command(epilog=EXAMPLES)
def ingest(  # noqa: PLR0913, PLR0917 - a command's options
    path: Annotated[
        Path, typer.Argument(help="A file, or for canonical a folder as vane simulate writes it.")
    ],
    form: Annotated[Format, typer.Option("--format", help="What the file holds.")],
    client: Annotated[
        str | None, typer.Option(help="Whose calls these are, where rows do not say (a bank's).")
    ] = None,
    site: Annotated[str, typer.Option(help="The client's site, where rows do not say.")] = "",
    source: Annotated[
        str | None, typer.Option(help="The system a file of facts comes from; default: its format.")
    ] = None,
    timezone: Annotated[
        str | None, typer.Option(help="Zone of times without an offset, in files of facts.")
    ] = None,
    as_of: Annotated[
        str | None,
        typer.Option(help="When a file of facts was issued; default: the date in its name."),
    ] = None,
    rate: Annotated[
        int | None, typer.Option(help="Records per second at most; default: no limit.", min=1)
    ] = None,
    *,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Read and count, send nothing.")
    ] = False,
) -> None:
    """Send calls from files to Kafka, and count what became of every row."""
    settings = load_settings()
    if not path.exists():
        msg = f"{path}: expected a file or folder, found nothing"
        raise InputError(msg)
    if form is Format.CANONICAL:
        if client is not None or site:
            msg = "expected neither --client nor --site: canonical rows name them"
            raise typer.BadParameter(msg, param_hint="--format canonical")
        inputs = list(_canonical_inputs(path, settings))
    else:
        if not client:
            msg = "expected whose calls these are, got nothing; for example: --client bank"
            raise typer.BadParameter(msg, param_hint="--client")
        if settings.customer_key == DEVELOPMENT_KEY:
            typer.secho(
                "warning: VANE_CUSTOMER_KEY is not set; customer_ref is keyed with a key that "
                "everybody knows, so numbers can be guessed from it",
                fg="yellow",
                err=True,
            )
        if form is Format.ANONYMOUS_BANK:
            origin = Origin(client=client, site=site, customer_key=settings.customer_key)
            inputs = [_bank_input(path, origin, settings)]
        else:
            facts = adapter.Origin(
                client=client,
                source=source or form,
                customer_key=settings.customer_key,
                site=site,
                zone=None if timezone is None else _zone(timezone),
            )
            inputs = [_fact_input(path, FactKind(form), facts, as_of, settings)]
    tally = Tally()
    console = Console(stderr=True)
    started = time.monotonic()
    with Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        DownloadColumn(),
        TimeRemainingColumn(),
        console=console,
        disable=not console.is_terminal,
    ) as progress:
        for file, route, read in inputs:
            messages = read(tally, _reporter(progress, file))
            if dry_run:
                deque(messages, maxlen=0)
                continue
            asyncio.run(
                produce(messages, tally, bootstrap=settings.bootstrap, topics=set(route), rate=rate)
            )
    _show(tally, time.monotonic() - started, is_dry_run=dry_run)


def _canonical_inputs(path: Path, settings: Settings) -> Iterator[Input]:
    for file, topic in canonical_files(path):
        route = Route(settings.topic(topic), settings.topic(f"{topic}.dlq"))
        yield Input(file, route, partial(read_canonical, file, route))


def _bank_input(path: Path, origin: Origin, settings: Settings) -> Input:
    if not path.is_file():
        msg = f"{path}: expected a file, found a folder"
        raise InputError(msg)
    route = Route(settings.topic(CALLS), settings.topic(f"{CALLS}.dlq"))
    return Input(path, route, partial(read_anonymous_bank, path, origin, route))


def _fact_input(
    path: Path, kind: FactKind, origin: adapter.Origin, as_of: str | None, settings: Settings
) -> Input:
    if not path.is_file():
        msg = f"{path}: expected a file, found a folder"
        raise InputError(msg)
    route = Route(settings.topic(TOPICS[kind]), settings.topic(f"{TOPICS[kind]}.dlq"))
    if as_of is None:
        reader = of_file(kind, origin, path.name)
    else:
        try:
            issued = read_instant(as_of, origin.zone, is_day_enough=True)
        except ValueError as error:
            raise typer.BadParameter(str(error), param_hint="--as-of") from error
        reader = FactAdapter(kind, origin, as_of_ms=issued.at_ms)
    return Input(path, route, partial(read_facts, path, reader, route))


def _zone(name: str) -> ZoneInfo:
    try:
        return ZoneInfo(name)
    except (ValueError, OSError, ZoneInfoNotFoundError) as error:
        msg = f"expected a zone such as Europe/Berlin, got {name!r}"
        raise typer.BadParameter(msg, param_hint="--timezone") from error


def _reporter(progress: Progress, file: Path) -> Callable[[int], None]:
    """Return a function that moves the bar; it redraws per quarter megabyte, not per row."""
    task = progress.add_task(file.name, total=file.stat().st_size)
    pending = 0

    def report(size: int) -> None:
        nonlocal pending
        pending += size
        if pending >= 1 << 18:
            progress.advance(task, pending)
            pending = 0

    return report


def _show(tally: Tally, elapsed_s: float, *, is_dry_run: bool) -> None:
    table = Table(title="dry run: nothing was sent" if is_dry_run else None)
    table.add_column("rows")
    table.add_column("count", justify="right")
    table.add_row("read", f"{tally.rows:,}")
    table.add_row("taken", f"{tally.taken:,}")
    for reason, count in sorted(tally.rejected.items()):
        table.add_row(f"rejected: {reason}", f"{count:,}")
    for reason, count in sorted(tally.skipped.items()):
        table.add_row(f"skipped: {reason}", f"{count:,}")
    for anomaly, count in sorted(tally.anomalies.items()):
        table.add_row(f"taken, but odd: {anomaly}", f"{count:,}")
    console = Console()
    console.print(table)
    for topic, count in sorted(tally.records.items()):
        console.print(f"{count:,} records to {topic}")
    if not is_dry_run:
        rate = tally.records.total() / max(elapsed_s, 1e-3)
        console.print(f"acknowledged by Kafka in {elapsed_s:.1f} s, {rate:,.0f} records/s")
    if not tally.adds_up:
        msg = f"rows read are not rows accounted for: {tally}"
        raise AssertionError(msg)
