"""``vane month runs | bill | diff | gc``: what was published, billed, changed, is removable."""

from __future__ import annotations

import getpass
import json
import tempfile
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any, Final

import typer
from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table

from pipeline.batch import differences, publish, push
from pipeline.batch.collect import collect
from pipeline.commands.month_push import push_if_asked
from pipeline.domain.business_time import parse_month
from pipeline.errors import InputError
from pipeline.lake import catalog
from pipeline.lake.billing import Billed, read_billed
from pipeline.lake.warehouse import literal
from pipeline.settings import load_settings

RUNS_EXAMPLES: Final = """
Examples:

  vane month runs

  vane month runs --month 2025-11 --json
"""
BILL_EXAMPLES: Final = """
Examples:

  vane month bill --month 2025-11

  vane month bill --month 2025-11 --run 2025-11-20251203T090000Z-1a2b3c --by "Li Na"

From then on bi_* and fct_* show the month as billed. Later runs of it are in the schema known, and
what they would have billed otherwise in settlement_adjustments. Cannot be taken back.
"""
DIFF_EXAMPLES: Final = """
Examples:

  vane month diff --month 2025-11              (its first run and its newest)

  vane month diff --run RUN_A --run RUN_B --json

  vane month diff --month 2025-11 --out changed.parquet

Exit code 1 where something differs.
"""
GC_EXAMPLES: Final = """
Examples:

  vane month gc --dry-run

  vane month gc --keep-days 90

Manifests, reports, and all that a view shows are kept.
"""

subcommands = typer.Typer(add_completion=False, rich_markup_mode=None)


@subcommands.command(epilog=RUNS_EXAMPLES)
def runs(
    *,
    month: Annotated[str | None, typer.Option(help="Only this month, YYYY-MM.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="As JSON.")] = False,
) -> None:
    """List the published runs."""
    published = load_settings().published
    runs = catalog.read_runs(published)
    listed = [r for r in runs if month in {None, r.month}]
    billed = read_billed(published)
    shown, known = catalog.run_ids(runs, billed), catalog.run_ids(runs)
    rows = [
        {
            "run": r.run_id,
            "month": r.month,
            "client": r.client,
            "published": _utc(r.published_at_ms),
            "shown": r.run_id in shown,
            "known": r.run_id in known,
            "billed": r.month in billed and billed[r.month].run_id == r.run_id,
            "warnings": len(r.warnings),
            "kept": all((published / d.path).is_file() for d in r.datasets),
        }
        for r in listed
    ]
    if as_json:
        typer.echo(json.dumps(rows, ensure_ascii=False, indent=2))
        return
    _table("Published runs (times in UTC)", rows)


def _utc(at_ms: int) -> str:
    return f"{datetime.fromtimestamp(at_ms / 1000, UTC):%Y-%m-%d %H:%M:%S}"


@subcommands.command(epilog=BILL_EXAMPLES)
def bill(
    *,
    month: Annotated[str, typer.Option(help="YYYY-MM.")],
    run: Annotated[str | None, typer.Option(help="Its run; the newest if not given.")] = None,
    by: Annotated[str | None, typer.Option(help="Who says so; your login if not given.")] = None,
) -> None:
    """Say which run a month is billed by, once and for good."""
    settings = load_settings()
    published = settings.published
    wanted = str(parse_month(month))
    ids = [r.run_id for r in catalog.read_runs(published) if r.month == wanted]
    if not ids:
        msg = f"{wanted}: expected a published run; publish it: vane month run --month {wanted}"
        raise InputError(msg)
    billed = Billed(
        month=wanted,
        run_id=run or ids[-1],
        at_ms=int(time.time() * 1000),
        by=by or getpass.getuser(),
    )
    publish.bill(published, billed)
    stands = read_billed(published)[wanted]
    typer.echo(f"{wanted} is billed by run {stands.run_id} ({stands.by})")
    push_if_asked(settings)


@subcommands.command(epilog=DIFF_EXAMPLES)
def diff(
    *,
    month: Annotated[str | None, typer.Option(help="YYYY-MM: its first run and newest.")] = None,
    run: Annotated[list[str] | None, typer.Option(help="A run; give two, earlier first.")] = None,
    out: Annotated[Path | None, typer.Option(help="Write every changed cell as Parquet.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="All of it as JSON.")] = False,
    limit: Annotated[int, typer.Option(min=1, help="Cells and events shown at most.")] = 20,
) -> None:
    """Show what changed between two runs of a month, and the events that changed it."""
    settings = load_settings()
    named = run or []
    if (month is None) == (not named):
        msg = "expected --month, or --run twice"
        raise InputError(msg)
    wanted = str(parse_month(month)) if month else None
    before, after = differences.choose(catalog.read_runs(settings.published), wanted, named)
    with tempfile.TemporaryDirectory() as spill:
        found = differences.compare(settings, before, after, spill=Path(spill))
        if out is not None:
            found.con.execute(f"copy cells to {literal(str(out))} (format parquet)")
        if as_json:
            _print_json(found)
        else:
            _print(found, limit)
        found.con.close()
    if any(rows.added or rows.removed or rows.changed for rows in found.rows):
        raise typer.Exit(1)


def _ask(found: differences.Differences, sql: str) -> list[dict[str, Any]]:
    cursor = found.con.execute(sql)
    names = [column[0] for column in cursor.description or ()]
    return [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]


_CELLS: Final = "select * from cells order by dataset, key, column_name"


def _print_json(found: differences.Differences) -> None:
    cells = _ask(found, _CELLS)
    for cell in cells:
        cell["key"] = json.loads(cell["key"])
    rows = [
        {"dataset": r.dataset, "added": r.added, "removed": r.removed, "changed": r.changed}
        for r in found.rows
    ]
    causes = _ask(found, "from causes order by all")
    whole = {
        "before": found.before.run_id,
        "after": found.after.run_id,
        "is_config_changed": found.is_config_changed,
        "rows": rows,
        "cells": cells,
        "causes": causes,
    }
    typer.echo(json.dumps(whole, ensure_ascii=False, indent=2))


def _print(found: differences.Differences, limit: int) -> None:
    changed = [r for r in found.rows if r.added or r.removed or r.changed]
    if not changed:
        typer.echo(f"{found.before.run_id} and {found.after.run_id}: 0 differences")
        return
    if found.is_config_changed:
        typer.echo("the runs were made by different configurations")
    _table(
        f"From {found.before.run_id} to {found.after.run_id}",
        [
            {
                "dataset": r.dataset,
                "added": f"{r.added:,}",
                "removed": f"{r.removed:,}",
                "changed": f"{r.changed:,}",
                "cells": f"{r.cells:,}",
            }
            for r in changed
        ],
    )
    money = "dataset in ('fct_settlement_lines', 'fct_queue_months', 'fct_kpi_months')"
    cells = _ask(found, f"select * from cells where {money} order by all limit {limit}")
    _table("Months and money", [_shown(cell) for cell in cells])
    causes = _ask(
        found,
        "select contact_id, leg, coalesce(type, 'no event of its own') as event, "
        "strftime(make_timestamp_ms(occurred_at_ms), '%Y-%m-%d %H:%M:%S') as occurred, "
        "strftime(make_timestamp_ms(_appended_at_ms), '%Y-%m-%d %H:%M:%S') as known_at, "
        f"_partition || ':' || _offset as record from causes order by all limit {limit}",
    )
    total = found.con.execute("select count(*) from causes").fetchall()[0][0]
    _table(f"Events behind changed legs ({len(causes)} of {total:,}, UTC)", causes)


def _shown(cell: dict[str, Any]) -> dict[str, Any]:
    key = "/".join(str(part) for part in json.loads(cell["key"]).values() if part != "")
    return {
        "dataset": cell["dataset"],
        "row": key,
        "column": cell["column_name"],
        "before": cell["before"],
        "after": cell["after"],
    }


@subcommands.command(epilog=GC_EXAMPLES)
def gc(
    *,
    keep_days: Annotated[float, typer.Option(help="Time of grace.")] = 30,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only tell.")] = False,
) -> None:
    """Remove files of replaced and failed runs."""
    settings = load_settings()
    found = collect(
        settings.published, settings.home / "build", keep_days=keep_days, dry_run=dry_run
    )
    for one in found:
        typer.echo(f"{one.path}: {one.why}, {one.bytes / 1e6:,.1f} MB")
    verb = "would be removed" if dry_run else "removed"
    total = sum(one.bytes for one in found) / 1e6
    typer.echo(f"{len(found):,} folders {verb}, {total:,.1f} MB")
    if settings.publish_url:
        objects = push.collect(
            settings.published, settings.publish_url, keep_days=keep_days, dry_run=dry_run
        )
        typer.echo(f"{len(objects):,} objects {verb} from {settings.publish_url}")


def _table(title: str, rows: list[dict[str, Any]]) -> None:
    table = Table(title=title, box=SIMPLE_HEAD, padding=(0, 1, 0, 0))
    for name in rows[0] if rows else ("nothing",):
        table.add_column(name, overflow="fold")
    for row in rows:
        table.add_row(*("-" if value is None else _text(value) for value in row.values()))
    Console().print(table)


def _text(value: object) -> str:
    return ("yes" if value else "no") if isinstance(value, bool) else str(value)
