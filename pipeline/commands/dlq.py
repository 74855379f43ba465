"""``vane dlq``: look at dead letters, and send back those that can be taken."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Annotated

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from pipeline.commands import dlq_report
from pipeline.commands.dlq_options import places_of, since_ms_of, topic_of
from pipeline.dead_letters import log
from pipeline.dead_letters.redrive import redrive
from pipeline.dead_letters.selection import DEFAULT_TOPIC, Selection, letters, marks_of
from pipeline.dead_letters.verdict import Rekey
from pipeline.settings import load_settings

app = typer.Typer(
    add_completion=False,
    rich_markup_mode=None,
    no_args_is_help=True,
    help="Dead letters: records that were not taken. List them, show one, send them back.",
    epilog="Examples: vane dlq list | vane dlq show 2:17 | vane dlq redrive --dry-run. "
    "docs/dead-letters.md says what each reason means and what to do.",
)

LIST_EXAMPLES = """
Examples:

  vane dlq list

  vane dlq list --reason bad_key --since 2h

  vane dlq list --topic acd.quarantine --json | jq .message
"""
SHOW_EXAMPLES = "Examples: vane dlq show 2:17 | vane dlq show 0:3 --topic acd.quarantine"
REDRIVE_EXAMPLES = """
Examples:

  vane dlq redrive --dry-run

  vane dlq redrive --reason schema_version

  vane dlq redrive --reason bad_key --rekey client

  vane dlq redrive --topic acd.quarantine --only 2:17

A letter is sent once: what was sent is remembered in vane.redriven, and running again sends only
what is new. A letter that the worker would only reject again is held, and told why.
"""

TopicOption = Annotated[
    str, typer.Option(help="acd.events.dlq, acd.quarantine, acd.late or another dead-letter topic.")
]
ReasonOption = Annotated[
    list[str] | None, typer.Option(help="Only this reason code; may be given more than once.")
]
SinceOption = Annotated[
    str | None,
    typer.Option(help="Only what was put there since: 90m, 24h, 7d, or a date or time in UTC."),
]


@app.command(name="list", epilog=LIST_EXAMPLES)
def list_command(
    topic: TopicOption = DEFAULT_TOPIC,
    reason: ReasonOption = None,
    since: SinceOption = None,
    limit: Annotated[
        int, typer.Option(min=0, help="Show so many of the newest; counts are of all.")
    ] = 20,
    *,
    as_json: Annotated[
        bool, typer.Option("--json", help="Print every letter as a line of JSON; no limit.")
    ] = False,
) -> None:
    """List dead letters: counts per reason, and where the newest lie and came from."""
    settings = load_settings()
    selection = Selection(
        topic=topic_of(settings, topic),
        reasons=frozenset(reason or ()),
        since_ms=since_ms_of(since, int(time.time() * 1000)),
    )
    summary = dlq_report.Summary(limit)
    with log.consumer(settings.bootstrap, settings.security) as reader:
        marks = marks_of(reader, settings, selection)
        with _progress("reading") as report:
            for letter in letters(reader, settings, selection, report):
                sent_to = marks.sent_to(letter.place)
                if as_json:
                    print(dlq_report.json_line(letter, sent_to, settings.customer_key))
                else:
                    summary.add(letter, sent_to)
    if not as_json:
        dlq_report.show_list(summary, settings.topic(topic))


@app.command(epilog=SHOW_EXAMPLES)
def show(
    place: Annotated[str, typer.Argument(metavar="PARTITION:OFFSET", help="As vane dlq list.")],
    topic: TopicOption = DEFAULT_TOPIC,
    most: Annotated[int, typer.Option(min=1, help="Show so many bytes of the value.")] = 4096,
) -> None:
    """Show one dead letter: reason in words, headers, key and value; numbers are hidden."""
    settings = load_settings()
    selection = Selection(topic=topic_of(settings, topic), only=places_of([place]))
    with log.consumer(settings.bootstrap, settings.security) as reader:
        marks = marks_of(reader, settings, selection)
        for letter in letters(reader, settings, selection, lambda _read, _all: None):
            sent_to = marks.sent_to(letter.place)
            dlq_report.show_letter(letter, sent_to, key=settings.customer_key, most=most)


@app.command(name="redrive", epilog=REDRIVE_EXAMPLES)
def redrive_command(
    topic: TopicOption = DEFAULT_TOPIC,
    reason: ReasonOption = None,
    since: SinceOption = None,
    only: Annotated[
        list[str] | None,
        typer.Option(metavar="PARTITION:OFFSET", help="Only this one; may be given repeatedly."),
    ] = None,
    rekey: Annotated[
        Rekey | None,
        typer.Option(help="Send events under a wrong key under their client, or client/site."),
    ] = None,
    *,
    force: Annotated[
        bool,
        typer.Option("--force", help="Send also what this release rejects: the worker is newer."),
    ] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Send nothing; say what.")] = False,
) -> None:
    """Send dead letters back to acd.events, each once; say which were held, and why."""
    settings = load_settings()
    selection = Selection(
        topic=topic_of(settings, topic),
        reasons=frozenset(reason or ()),
        since_ms=since_ms_of(since, int(time.time() * 1000)),
        only=places_of(only or ()),
    )
    with _progress("redriving") as report:
        done = redrive(
            settings, selection, rekey=rekey, force=force, dry_run=dry_run, report=report
        )
    dlq_report.show_redriven(
        done, settings.topic(topic), key=settings.customer_key, is_dry_run=dry_run
    )


@contextmanager
def _progress(what: str) -> Iterator[log.Report]:
    """Show a bar on a terminal; yield what moves it."""
    console = Console(stderr=True)
    with Progress(
        TextColumn(what),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("offsets"),
        TimeRemainingColumn(),
        console=console,
        disable=not console.is_terminal,
        transient=True,
    ) as progress:
        task = progress.add_task("", total=None)
        yield lambda read, total: progress.update(task, completed=read, total=total)
