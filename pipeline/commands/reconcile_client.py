"""``vane reconcile client``: compare a client's figures with a published month."""

from __future__ import annotations

import json
import time
from collections.abc import Iterable
from dataclasses import asdict
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Annotated, Final

import typer
from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table

from pipeline.commands.progress import reporting
from pipeline.domain.business_time import parse_month
from pipeline.errors import InputError
from pipeline.lake.catalog import CATALOG
from pipeline.reconcile.bridge import LineResult, Status
from pipeline.reconcile.client import Comparison, compared
from pipeline.reconcile.evidence import MOST, write_evidence
from pipeline.reconcile.kept import Import
from pipeline.reconcile.mapping import load_mapping
from pipeline.reconcile.variances import write_variances
from pipeline.settings import load_settings

EXAMPLES: Final = """
Examples:

  vane reconcile client november.csv --mapping harbour.yaml --month 2025-11

  vane reconcile client 对账.xlsx --mapping harbour.yaml --month 2025-11 --json

  vane reconcile client november.csv --mapping harbour.yaml --month 2025-11 --evidence disputes/

  vane reconcile client november.csv --mapping harbour.yaml --month 2025-11 -o variances.parquet

Reads the published month (vane month run) and the client's calls, matches them one to one, and
puts each variance into one class with its money by the contract. Numbers are hashed with
VANE_CUSTOMER_KEY before they are kept. How a mapping is written: docs/reconciliation.md.

Exit code 0: every line agrees, or differs within its tolerance. 1: a line is disputed, or the file
cannot be taken; then nothing of it was kept.
"""


def client_command(
    file: Annotated[Path, typer.Argument(help="The client's calls: .csv, .xlsx or .parquet.")],
    *,
    mapping: Annotated[Path, typer.Option(help="YAML that says what its columns mean.")],
    month: Annotated[str, typer.Option(help="A published month, YYYY-MM.")],
    as_json: Annotated[bool, typer.Option("--json", help="Write the result as JSON.")] = False,
    out: Annotated[
        Path | None,
        typer.Option("--out", "-o", help="Write every variance: .parquet, .xlsx, .csv, .json."),
    ] = None,
    evidence: Annotated[
        Path | None, typer.Option(help="Write a workbook per dispute into this folder.")
    ] = None,
    most: Annotated[
        int, typer.Option(min=1, max=50_000, help="Variances in a workbook, most money first.")
    ] = MOST,
) -> None:
    """Compare a client's calls with a published month, call by call."""
    settings = load_settings()
    how = load_mapping(mapping, settings.schemas_dir)
    if how.grain == "day_queue" and (out or evidence):
        msg = f"--out and --evidence: expected calls, and a row of {mapping} is sums (grain)"
        raise InputError(msg)
    with (
        reporting(f"comparing {month}") as report,
        compared(settings, parse_month(month), file, how, report=report) as (found, con),
    ):
        if out is not None:
            at = datetime.fromtimestamp(time.time(), UTC)
            catalog = settings.published / CATALOG
            count = write_variances(con, out, catalog=catalog, runs=found.runs, at=at)
            report(f"{out}: {count:,} variances")
        if evidence is not None:
            write_evidence(con, found, evidence, landing=settings.landing, most=most, report=report)
    if as_json:
        typer.echo(json.dumps(asdict_of(found), ensure_ascii=False, indent=2, default=str))
    else:
        show(found, Console(highlight=False))
    if any(line.status is Status.DISPUTED for line in found.lines):
        raise typer.Exit(1)


def asdict_of(found: Comparison) -> dict[str, object]:
    """Return the result as JSON writes it; amounts are texts, so that no digit is lost."""
    lines = [asdict(line) | {"difference": line.difference} for line in found.lines]
    return {**asdict(found), "imported": to_builtins(found.imported), "lines": lines}


def to_builtins(imported: Import) -> object:
    """Return an import's record as JSON writes it."""
    import msgspec

    return msgspec.to_builtins(imported)


def show(found: Comparison, console: Console) -> None:
    """Print lines, classes and totals."""
    console.print(_lines(found))
    if found.classes:
        console.print(_classes(found))
    pairs = ", ".join(f"{count:,} by {how}" for how, count in found.matched.items()) or "none"
    console.print(
        f"{found.our_calls:,} calls here, {found.their_calls:,} rows there; matched: {pairs}; "
        f"durations compared: {found.basis}",
        soft_wrap=True,
    )
    for status, text in (
        (Status.AGREED, "agreed"),
        (Status.WITHIN_TOLERANCE, "within tolerance"),
        (Status.DISPUTED, "disputed"),
    ):
        of = [line for line in found.lines if line.status is status]
        if of:
            count = _counted(len(of), "line")
            console.print(f"{text}: {count}, {_total(line.ours for line in of)} here")
    undisputed = _total(line.undisputed for line in found.lines)
    console.print(f"undisputed in all: {undisputed} {_currency(found.lines)}")
    for line in found.uncompared:
        console.print(
            f"not priced by calls, as published: {line.clause_id} {line.title} "
            f"{line.ours:,} {line.currency}",
            soft_wrap=True,
        )
    for hint in found.hints:
        console.print(hint, style="yellow", soft_wrap=True)
    for flag in found.imported.flags:
        listed = ", ".join(map(str, flag.lines)) + (" …" if flag.count > len(flag.lines) else "")
        count = _counted(flag.count, "row")
        console.print(f"{flag.kind}: {count} (line {listed})", soft_wrap=True)


def _lines(found: Comparison) -> Table:
    table = Table(title=f"{found.client}, {found.month}", box=SIMPLE_HEAD, padding=(0, 1, 0, 0))
    for heading in ("line", "ours", "theirs", "difference", "tolerance", "status"):
        is_text = heading in {"line", "status"}
        table.add_column(heading, justify="left" if is_text else "right", overflow="fold")
    for line in found.lines:
        amounts = (f"{x:,}" for x in (line.ours, line.theirs, line.difference, line.tolerance))
        table.add_row(line.line, *amounts, line.status.replace("_", " "))
    sums = (line.ours for line in found.lines), (line.theirs for line in found.lines)
    total = [_total(part) for part in (*sums, (line.difference for line in found.lines))]
    table.add_row("total", *total, "", _currency(found.lines))
    return table


def _classes(found: Comparison) -> Table:
    table = Table(title="Ours less theirs", box=SIMPLE_HEAD, padding=(0, 1, 0, 0))
    for heading in ("class", "variances", "calls", "minutes", "amount"):
        table.add_column(heading, justify="left" if heading == "class" else "right")
    for one in found.classes:
        minutes = Decimal(one.difference_ms) / 60_000
        counts = (f"{one.count:,}", f"{one.calls:+,}", f"{minutes:+,.1f}", f"{one.amount:+,}")
        table.add_row(one.name.replace("_", " "), *counts)
    total = _total(one.amount for one in found.classes)
    table.add_row("total", f"{sum(one.count for one in found.classes):,}", "", "", total)
    return table


def _counted(count: int, what: str) -> str:
    return f"{count:,} {what}" + "s" * (count != 1)


def _total(amounts: Iterable[Decimal]) -> str:
    return f"{sum(amounts, Decimal('0.00')):,}"


def _currency(lines: Iterable[LineResult]) -> str:
    return ", ".join(sorted({line.currency for line in lines}))
