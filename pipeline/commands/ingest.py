"""``vane ingest``: send calls from files, growing logs and live sockets to Kafka."""

from __future__ import annotations

import asyncio
import difflib
import signal
import ssl
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Annotated, Final
from zoneinfo import ZoneInfo, available_timezones

import typer

from pipeline.codec.adapter import Origin
from pipeline.codec.fact_values import read_instant
from pipeline.codec.names import Names
from pipeline.commands.ingest_report import notes, progress_of, show
from pipeline.config_names import load_names
from pipeline.domain.fact import FactKind
from pipeline.errors import InputError
from pipeline.ingest.connect import Address, listen
from pipeline.ingest.files import Input, inputs_of
from pipeline.ingest.follow import follow
from pipeline.ingest.formats import FORMATS, Format, known_formats
from pipeline.ingest.intake import Intake
from pipeline.ingest.produce import Pieces, count, produce
from pipeline.ingest.read import STDIN, read_inputs
from pipeline.ingest.session import Credentials, Session
from pipeline.ingest.tally import Tally
from pipeline.ingest.tls import client_context
from pipeline.settings import DEVELOPMENT_KEY, Settings, load_settings

MOST_WRAPUP_S: Final = 3600
"""Longer than any wrap-up; rather milliseconds by mistake."""
INTERRUPTED: Final = 130
"""Exit status where files were not read to their end because one was told to stop."""
EXAMPLES: Final = f"""
Formats: {known_formats()}.

Examples:

  vane ingest --format canonical sim/month

  vane ingest --format anonymous-bank --client bank --dry-run january1999.txt

  zcat calls.gz | vane ingest --format canonical -

A folder is read whole, each rotated log oldest first; gzip is told by its first bytes:

  vane ingest --format queue_log --client acme --timezone Europe/Berlin /var/log/asterisk

A log that grows, through its rotations, until SIGINT or SIGTERM:

  vane ingest --format queue_log --client acme --follow /var/log/asterisk/queue_log

A live socket, reconnected when it breaks (what is said in between is lost, and the gap counted):

  VANE_AMI_USER=vane VANE_AMI_SECRET=... vane ingest --format ami --client acme --connect pbx:5038

  vane ingest --format ami --client acme --connect pbx.example.com:5039 --tls --tls-ca pbx.pem

What no ACD sends, such as forecasts and schedules, from CSV or JSON:

  vane ingest --format forecast --client acme --timezone Europe/Berlin forecast-2025-11-04.csv

Running it again is safe: delivery is at least once, and an event keeps its event_id, so a second
ingest of the same file changes no number. Records that are no events go to the dead letters, such
as acd.events.dlq, with file, line and reason; telephone numbers in them are replaced by their
keyed hash. Canonical lines are passed on as they are; whoever reads the topic judges them.
docs/ingest.md has the details.
"""

app = typer.Typer(add_completion=False, rich_markup_mode=None)


@app.command(epilog=EXAMPLES)
def ingest(  # noqa: PLR0913, PLR0917 - one argument per option
    form: Annotated[str, typer.Option("--format", help="What the input holds: see below.")],
    paths: Annotated[
        list[Path] | None,
        typer.Argument(metavar="PATH...", help="Files, folders, or - for standard input."),
    ] = None,
    client: Annotated[
        str | None, typer.Option(help="Whose calls these are, where records do not say.")
    ] = None,
    site: Annotated[str, typer.Option(help="The client's site, where records do not say.")] = "",
    source: Annotated[
        str,
        typer.Option(help="Name of the system, part of every event's id; default CLIENT.FORMAT."),
    ] = "",
    timezone: Annotated[
        str, typer.Option(help="IANA zone of local times, such as Europe/Berlin.")
    ] = "",
    names: Annotated[
        Path | None, typer.Option(help="YAML: what the source's queues, agents, states are called.")
    ] = None,
    as_of: Annotated[
        str,
        typer.Option(help="When files of facts were issued; default: the date in each one's name."),
    ] = "",
    wrapup: Annotated[
        int,
        typer.Option(
            metavar="SECONDS",
            help="How long agents wrap up, which ami and freeswitch enforce and do not tell.",
            min=0,
            max=MOST_WRAPUP_S,
        ),
    ] = 0,
    rate: Annotated[
        int | None, typer.Option(help="Records per second at most; default: no limit.", min=1)
    ] = None,
    connect: Annotated[
        str, typer.Option(metavar="HOST:PORT", help="Read a live socket instead of files.")
    ] = "",
    tls_ca: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE", help="With --tls: PEM certificates to trust instead of the system's."
        ),
    ] = None,
    *,
    tls: Annotated[
        bool, typer.Option("--tls", help="Encrypt --connect; the certificate is verified.")
    ] = False,
    follow_logs: Annotated[
        bool, typer.Option("--follow", help="Go on reading as files grow and are rotated.")
    ] = False,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Read and count, send nothing.")
    ] = False,
) -> None:
    """Send calls to Kafka, and count what became of every record."""
    settings = load_settings()
    chosen = _format(form)
    _check_ways(chosen, paths, connect, rate, is_followed=follow_logs)
    context = _tls(connect, tls_ca, is_on=tls)
    origin = _origin(chosen, settings, client, site, source, timezone, names)
    if as_of:
        origin = replace(origin, issued_at_ms=_issued_at_ms(as_of, chosen, origin.zone))
    if wrapup:
        origin = replace(origin, wrapup_s=_wrapup_s(wrapup, chosen))
    tally = Tally()
    intake = Intake(chosen, origin, tally, topic=settings.topic)
    started = time.monotonic()

    async def run() -> bool:
        stop = asyncio.Event()
        with _told_to_stop(stop):
            if connect:
                session: Callable[[], Session] = partial(
                    _session_of(chosen), _credentials(settings)
                )
                session()  # what it lacks is said before anything is waited for
                address = Address.parse(connect)
                pieces = listen(address, session, intake, stop, notes, tls=context)
                await _send(pieces, intake, settings, rate, is_dry_run=dry_run)
                return False
            if follow_logs:
                notes(f"following {', '.join(map(str, paths or []))}; SIGINT or SIGTERM ends it")
                pieces = follow(paths or [], intake, stop, notes)
                await _send(pieces, intake, settings, rate, is_dry_run=dry_run)
                return False
            inputs = _inputs(chosen, paths or [])
            with progress_of(inputs) as report:
                pieces = read_inputs(inputs, intake, stop, report)
                await _send(pieces, intake, settings, rate, is_dry_run=dry_run)
            return stop.is_set()

    is_interrupted = asyncio.run(run())
    show(tally, time.monotonic() - started, is_dry_run=dry_run)
    if tally.unread:
        raise InputError("not read to the end:\n  " + "\n  ".join(tally.unread))
    if is_interrupted:
        typer.secho("stopped before the end; running it again is safe", fg="yellow", err=True)
        raise typer.Exit(INTERRUPTED)


async def _send(
    pieces: Pieces, intake: Intake, settings: Settings, rate: int | None, *, is_dry_run: bool
) -> None:
    if is_dry_run:
        await count(pieces)
        return
    topics, tally = intake.topics, intake.tally
    await produce(
        pieces,
        tally,
        bootstrap=settings.bootstrap,
        topics=topics,
        rate=rate,
        security=settings.security,
    )


@contextmanager
def _told_to_stop(stop: asyncio.Event) -> Iterator[None]:
    """Set the event at the first SIGINT or SIGTERM; a second one ends the process as usual."""
    loop = asyncio.get_running_loop()
    signals = (signal.SIGINT, signal.SIGTERM)

    def end() -> None:
        stop.set()
        for each in signals:
            loop.remove_signal_handler(each)

    # Only the main thread hears signals; elsewhere there is nobody to tell us.
    with suppress(RuntimeError, ValueError):
        for each in signals:
            loop.add_signal_handler(each, end)
    try:
        yield
    finally:
        for each in signals:
            loop.remove_signal_handler(each)


def _format(name: str) -> Format:
    if name not in FORMATS:
        close = difflib.get_close_matches(name, FORMATS, n=1)
        hint = f"; did you mean {close[0]}?" if close else ""
        msg = f"expected one of {known_formats()}; got {name!r}{hint}"
        raise typer.BadParameter(msg, param_hint="--format")
    return FORMATS[name]


def _check_ways(
    chosen: Format,
    paths: list[Path] | None,
    connect: str,
    rate: int | None,
    *,
    is_followed: bool,
) -> None:
    """Refuse what cannot go together, before anything is read."""
    if connect:
        if paths or is_followed or rate is not None:
            msg = "expected no PATH, --follow or --rate with it: a socket is read as it speaks"
            raise typer.BadParameter(msg, param_hint="--connect")
        _session_of(chosen)
    elif not paths:
        msg = "expected files, folders, or - for standard input; got none"
        raise typer.BadParameter(msg, param_hint="PATH...")
    elif is_followed and STDIN in paths:
        msg = "expected files or folders; standard input is read until it ends without --follow"
        raise typer.BadParameter(msg, param_hint="--follow")
    elif is_followed and chosen.is_sorted_whole:
        msg = f"expected another format: {chosen.name} is sorted when its file has ended"
        raise typer.BadParameter(msg, param_hint="--follow")
    elif is_followed and rate is not None:
        raise typer.BadParameter("expected no --rate with it", param_hint="--follow")


def _tls(connect: str, authorities: Path | None, *, is_on: bool) -> ssl.SSLContext | None:
    if is_on and not connect:
        raise typer.BadParameter("expected --connect with it", param_hint="--tls")
    if authorities is not None and not is_on:
        raise typer.BadParameter("expected --tls with it", param_hint="--tls-ca")
    return client_context(authorities) if is_on else None


def _session_of(chosen: Format) -> Callable[[Credentials], Session]:
    if chosen.session is None:
        live = sorted(name for name, form in FORMATS.items() if form.session is not None)
        msg = f"expected a format with a live socket ({', '.join(live)}), got {chosen.name}"
        raise typer.BadParameter(msg, param_hint="--connect")
    return chosen.session


def _credentials(settings: Settings) -> Credentials:
    return Credentials(
        ami_user=settings.ami_user,
        ami_secret=settings.ami_secret,
        freeswitch_password=settings.freeswitch_password,
    )


def _inputs(chosen: Format, paths: list[Path]) -> list[Input]:
    inputs: list[Input] = []
    for path in paths:
        inputs += [Input(STDIN, "stdin")] if path == STDIN else inputs_of([path], chosen.files)
    return inputs


def _origin(
    chosen: Format,
    settings: Settings,
    client: str | None,
    site: str,
    source: str,
    timezone: str,
    names: Path | None,
) -> Origin:
    if chosen.names_itself:
        if client is not None or site:
            msg = f"expected neither --client nor --site: {chosen.name} rows name them"
            raise typer.BadParameter(msg, param_hint=f"--format {chosen.name}")
    elif not client:
        msg = "expected whose calls these are, got nothing; for example: --client bank"
        raise typer.BadParameter(msg, param_hint="--client")
    if settings.customer_key == DEVELOPMENT_KEY and not chosen.names_itself:
        typer.secho(
            "warning: VANE_CUSTOMER_KEY is not set; customer_ref is keyed with a key that "
            "everybody knows, so numbers can be guessed from it",
            fg="yellow",
            err=True,
        )
    return Origin(
        client=client or "",
        source=source or f"{client}.{chosen.name}",
        customer_key=settings.customer_key,
        site=site,
        zone=_zone(timezone) if timezone else None,
        names=Names() if names is None else load_names(names),
    )


def _issued_at_ms(as_of: str, chosen: Format, zone: ZoneInfo | None) -> int:
    if chosen.name not in set(FactKind):
        msg = f"expected it with a format of facts ({', '.join(FactKind)}), got {chosen.name}"
        raise typer.BadParameter(msg, param_hint="--as-of")
    try:
        return read_instant(as_of, zone, is_day_enough=True).at_ms
    except ValueError as error:
        raise typer.BadParameter(str(error), param_hint="--as-of") from error


def _wrapup_s(wrapup: int, chosen: Format) -> int:
    if not chosen.is_told_wrapup:
        told = sorted(name for name, form in FORMATS.items() if form.is_told_wrapup)
        msg = f"expected it with {' or '.join(told)}; {chosen.name} records tell of it themselves"
        raise typer.BadParameter(msg, param_hint="--wrapup")
    return wrapup


def _zone(name: str) -> ZoneInfo:
    known = available_timezones()
    if name not in known:
        close = difflib.get_close_matches(name, sorted(known), n=3, cutoff=0.5)
        hint = f"; did you mean {' or '.join(close)}?" if close else ""
        msg = f"expected an IANA time zone such as Europe/Berlin, got {name!r}{hint}"
        raise typer.BadParameter(msg, param_hint="--timezone")
    return ZoneInfo(name)
