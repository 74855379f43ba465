"""``vane kpi PATH…``: KPIs of raw log files, no broker and no set-up needed."""

from __future__ import annotations

import csv
import gc
import sys
from collections.abc import Iterator
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Final
from zoneinfo import ZoneInfo

import msgspec
import typer
from rich.console import Console
from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeRemainingColumn
from rich.table import Table

from pipeline.codec.local_time import parse_instant
from pipeline.config_files import load_targets
from pipeline.config_kpis import load_definitions
from pipeline.domain.definition import KpiDefinition
from pipeline.domain.intervals import Grain, Grid, known_zone, parse_grain
from pipeline.domain.service_level import Variant
from pipeline.errors import InputError
from pipeline.offline.log_files import STDIN, Chunk, Found, find_pieces, read_chunks, read_stdin
from pipeline.offline.log_tally import Tally
from pipeline.offline.queue_log_kpis import Counted, TermsFinder, count_log
from pipeline.offline.queue_log_reader import first_time
from pipeline.offline.queue_log_rows import Range, Row, agent_rows, flat, queue_rows
from pipeline.settings import Settings, load_settings

EXAMPLES: Final = """
Examples:

  vane kpi /var/log/asterisk/queue_log

  vane kpi logs/ --interval 1h --timezone Europe/Warsaw --by agent

  vane kpi queue_log* --profile wazo --threshold 20 --threshold 30 --json

  zcat queue_log.*.gz | vane kpi - --interval 1d --csv

  vane kpi queue_log.csv --source-timezone America/Montreal --timezone UTC

  vane kpi explain meridian/sh/orders --month 2025-11

Paths are files, folders, gzip, rotated pieces in any order, or - for standard input. What the
figures mean, and what became of every line, is told in docs/vane-kpi.md.
"""
_GRAINS: Final = {15: Grain.QUARTER_HOUR, 30: Grain.HALF_HOUR, 60: Grain.HOUR}
_MOST_THRESHOLD_S: Final = 3600
_WIDTH: Final = 400
"""Of a table that no terminal bounds."""
_SHOWN: Final = 8
"""Reasons told one by one; the rest are summed up."""


class Format(StrEnum):
    """What a log is of."""

    QUEUE_LOG = "queue_log"


class Subject(StrEnum):
    """What a row is of."""

    QUEUE = "queue"
    AGENT = "agent"


def files_command(  # noqa: PLR0913 - one option per choice
    paths: Annotated[list[Path], typer.Argument(help="Files, folders, gzip; - is standard input.")],
    *,
    form: Annotated[
        Format, typer.Option("--format", help="An Asterisk queue_log, or its table as CSV.")
    ] = Format.QUEUE_LOG,
    interval: Annotated[
        str | None, typer.Option(help="15min, 30min, 1h, 1d, 1w, 1mo; else the profile's, or 1h.")
    ] = None,
    timezone: Annotated[
        str | None, typer.Option(help="IANA zone whose clock cuts the intervals; else UTC.")
    ] = None,
    by: Annotated[Subject, typer.Option(help="What a row is of.")] = Subject.QUEUE,
    profile: Annotated[
        str | None,
        typer.Option(help="A definition of config/kpis.yaml for all queues (wazo, asterisk …)."),
    ] = None,
    threshold: Annotated[
        list[int] | None,
        typer.Option(help="Seconds; repeatable. Else as the queue's terms have it."),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print an array of rows.")] = False,
    as_csv: Annotated[bool, typer.Option("--csv", help="Print CSV with a header.")] = False,
    from_: Annotated[
        str | None, typer.Option("--from", help="First interval wanted: 2025-11-11, with time.")
    ] = None,
    until: Annotated[str | None, typer.Option(help="First interval not wanted any more.")] = None,
    totals: Annotated[
        bool, typer.Option("--totals", help="Add a row over all intervals of each subject.")
    ] = False,
    source_timezone: Annotated[
        str | None,
        typer.Option(help="Zone of times without one in a table's export; else --timezone."),
    ] = None,
    client: Annotated[str, typer.Option(help="Whose terms of config/queues.yaml hold.")] = "",
    site: Annotated[str, typer.Option(help="Of which site.")] = "",
) -> None:
    """Print service level, waits and agents' time from log files alone."""
    del form  # one format so far; the option says which
    if as_json and as_csv:
        msg = "expected --json or --csv, got both"
        raise InputError(msg)
    settings = load_settings()
    rules = _profile(settings, profile)
    grid = Grid(timezone or "UTC", _grain(interval, rules))
    wanted = _range(grid, from_, until)
    named = source_timezone or timezone
    zone = None if named is None else known_zone(named)
    terms = TermsFinder(
        load_targets(settings.config_dir / "queues.yaml"),
        client,
        site,
        rules,
        _thresholds(threshold),
    )
    # A batch process that makes no cycles: looking for them in millions of lists costs a half.
    gc.set_threshold(500_000, 50, 1000)
    stderr = Console(stderr=True, highlight=False, soft_wrap=True)
    broken: list[str] = []
    counted = _read(paths, grid, terms, zone, wanted, stderr, broken)
    rows = (queue_rows if by is Subject.QUEUE else agent_rows)(counted.book, wanted, totals=totals)
    if as_json:
        _print_json(rows)
    elif as_csv:
        _print_csv(rows)
    else:
        _print_table(rows, by)
    _report(counted, stderr)
    for problem in broken:
        stderr.print(problem, markup=False)
    if broken:
        raise typer.Exit(1)


def _profile(settings: Settings, name: str | None) -> KpiDefinition | None:
    if name is None:
        return None
    known = load_definitions(settings.config_dir / "kpis.yaml").by_name
    if name not in known:
        msg = f"--profile: expected one of {', '.join(sorted(known))}, got {name!r}"
        raise InputError(msg)
    if known[name].service_level is Variant.SL8:
        msg = f"--profile: {name!r} is of calls waiting now; expected one with SL1 to SL7"
        raise InputError(msg)
    return known[name]


def _grain(text: str | None, rules: KpiDefinition | None) -> Grain:
    if text is not None:
        return parse_grain(text)
    return Grain.HOUR if rules is None else _GRAINS[rules.interval_minutes]


def _thresholds(given: list[int] | None) -> tuple[int, ...]:
    for seconds in given or ():
        if not 1 <= seconds <= _MOST_THRESHOLD_S:
            msg = f"--threshold: expected 1 to {_MOST_THRESHOLD_S} seconds, got {seconds}"
            raise InputError(msg)
    return tuple(dict.fromkeys(given or ()))


def _range(grid: Grid, from_: str | None, until: str | None) -> Range:
    first, after = (_instant(grid, text) for text in (from_, until))
    if first is not None and after is not None and first >= after:
        msg = f"--until: expected an instant after --from {from_}, got {until}"
        raise InputError(msg)
    return Range(from_ms=None if first is None else grid.at(first).start_ms, until_ms=after)


def _instant(grid: Grid, text: str | None) -> int | None:
    if text is None:
        return None
    given = text if ":" in text else f"{text} 00:00"
    try:
        return parse_instant(given, ZoneInfo(grid.zone))
    except ValueError as error:
        msg = f"--from, --until: {error}"
        raise InputError(msg) from error


def _read(
    paths: list[Path],
    grid: Grid,
    terms: TermsFinder,
    zone: ZoneInfo | None,
    wanted: Range,
    stderr: Console,
    broken: list[str],
) -> Counted:
    if [str(path) for path in paths] == [STDIN]:
        return count_log(read_stdin(), grid, terms, zone=zone, wanted=wanted)
    if any(str(path) == STDIN for path in paths):
        msg = "expected - (standard input) alone, got files beside it"
        raise InputError(msg)
    found = find_pieces(paths, first_time(zone))
    for copy, original in found.copies:
        stderr.print(f"{copy.name}: begins as {original.name} does, left out as a copy of it")
    with Progress(
        TextColumn("reading {task.description}"),
        BarColumn(),
        DownloadColumn(),
        TimeRemainingColumn(),
        console=stderr,
        disable=not stderr.is_terminal,
        transient=True,
    ) as progress:
        chunks = _chunks(found, progress, broken)
        return count_log(chunks, grid, terms, zone=zone, wanted=wanted)


def _chunks(found: Found, progress: Progress, broken: list[str]) -> Iterator[Chunk]:
    """Yield the chunks of all pieces; one that breaks off is noted, and the next one read."""
    task = progress.add_task("", total=found.size)
    for piece in found.pieces:
        progress.update(task, description=piece.path.name)
        try:
            yield from read_chunks(piece, lambda more: progress.update(task, advance=more))
        except InputError as error:
            broken.append(str(error))


# --- what is printed ---------------------------------------------------------------------------


def _print_json(rows: Iterator[Row]) -> None:
    write, encode = sys.stdout.write, msgspec.json.Encoder().encode
    write("[")
    before = "\n"
    for row in rows:
        write(f"{before}{encode(row).decode()}")
        before = ",\n"
    write("\n]\n")


def _print_csv(rows: Iterator[Row]) -> None:
    writer: csv.DictWriter[str] | None = None
    for row in map(flat, rows):
        if writer is None:
            writer = csv.DictWriter(sys.stdout, list(row), lineterminator="\n", restval="")
            writer.writeheader()
        if unknown := [name for name in row if name not in writer.fieldnames]:
            msg = f"--csv: thresholds differ between queues ({', '.join(unknown)}); say --threshold"
            raise InputError(msg)
        writer.writerow(row)


def _print_table(rows: Iterator[Row], by: Subject) -> None:
    table = Table(box=None, padding=(0, 1), header_style="bold")
    columns = _QUEUE_COLUMNS if by is Subject.QUEUE else _AGENT_COLUMNS
    for heading in ("interval", by.value, *columns):
        is_name = heading in {"interval", by.value}
        table.add_column(heading, justify="left" if is_name else "right", no_wrap=True)
    levels: list[str] = []
    count = 0
    for row in rows:
        if not count and by is Subject.QUEUE:
            levels = list(row["contract_service_level"])
            for seconds in levels:
                table.add_column(f"in {seconds} s", justify="right", no_wrap=True)
        count += 1
        cells = [_shown(row[name]) for name in columns.values()]
        reached = row.get("contract_service_level", {}).values()
        start = (row["interval_start"] or "total").replace("T", " ")
        table.add_row(start, row[by.value], *cells, *(_percent(level) for level in reached))
    console = Console(highlight=False)
    if not console.is_terminal:
        console = Console(highlight=False, width=_WIDTH)
    if count:
        console.print(table)
    else:
        console.print("no figures: see the counts of lines on standard error")


_QUEUE_COLUMNS: Final = {
    "received": "received",
    "offered": "offered",
    "answered": "answered",
    "abandoned": "abandoned",
    "timeout": "timeout",
    "empty": "left_empty",
    "closed": "closed",
    "full": "saturated",
    "wait s": "average_wait_s",
    "talk s": "average_talk_s",
}
_AGENT_COLUMNS: Final = {
    "answered": "answered",
    "talk s": "conversation_s",
    "login s": "login_s",
    "pause s": "pause_s",
    "wrap-up s": "wrapup_s",
}


def _shown(value: float | None) -> str:
    if value is None:
        return "-"
    return f"{value:,}" if isinstance(value, int) else f"{value:,.1f}"


def _percent(level: float | None) -> str:
    return "-" if level is None else f"{100 * level:.1f} %"


def _report(counted: Counted, stderr: Console) -> None:
    """Tell what became of every line, and what a reader of the figures has to know."""
    tally = counted.tally
    stderr.print(
        f"{tally.lines:,} lines: {tally.taken:,} taken, {tally.skipped.total():,} skipped, "
        f"{tally.rejected.total():,} rejected"
    )
    for reason, count in _most(tally.skipped):
        stderr.print(f"  skipped  {count:>9,}  {reason}")
    for reason, count in _most(tally.rejected):
        stderr.print(f"  rejected {count:>9,}  {reason}")
        _tell_places(tally, reason, stderr)
    for reason, count in _most(tally.anomalies):
        stderr.print(f"  odd      {count:>9,}  {reason}")
        _tell_places(tally, reason, stderr)
    if counted.open_spells:
        at = counted.book.grid.label_at(counted.until_ms)
        stderr.print(f"{counted.open_spells} login(s) or pause(s) nobody ended: counted until {at}")
    without = counted.terms.without_terms
    if without and counted.terms.profile is None:
        names = ", ".join(sorted(without)[:_SHOWN]) + (" …" if len(without) > _SHOWN else "")
        target = next(iter(without.values()))
        stderr.print(
            f"{len(without)} queue(s) without terms of their own in queues.yaml ({names}): "
            f"taken are the default ones, definition {target.rules.name!r}"
        )


def _most(counts: dict[str, int]) -> list[tuple[str, int]]:
    ordered = sorted(counts.items(), key=lambda pair: (-pair[1], pair[0]))
    rest = sum(count for _, count in ordered[_SHOWN:])
    return ordered[:_SHOWN] + ([("other reasons", rest)] if rest else [])


def _tell_places(tally: Tally, reason: str, stderr: Console) -> None:
    for place in tally.places.get(reason, ()):
        stderr.print(f"    {place}", markup=False)
