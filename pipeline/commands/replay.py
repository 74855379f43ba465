"""``vane replay``: fold again by another configuration, compare with the live one, then switch."""

from __future__ import annotations

import asyncio
import csv
import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, fields
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from rich.table import Table

from pipeline import kernel
from pipeline.errors import InputError
from pipeline.settings import load_settings

if TYPE_CHECKING:
    from pipeline.replay.comparison import Changed, QueueChange
    from pipeline.replay.plan import Plan
    from pipeline.replay.replay import Replayed

EXAMPLES = """
Examples:

  vane replay --config config-2026        what would change, cell by cell; publishes nothing

  vane replay --config config-2026 --from-landing --changes changes.csv

  vane replay --config config-2026 --switch        then restart the workers with VANE_CONFIG

  vane replay --from-landing --switch        rebuild the live state after StateLost

The log is folded by the live configuration and by the new one, beside the workers, up to where it
ends now. --switch publishes the new numbers and the snapshots that workers under the new
configuration go on from; until those start, the old ones stay as they are. Running it again, also
after it was cut short, does no harm.
"""

app = typer.Typer(add_completion=False, rich_markup_mode=None)


@app.command(epilog=EXAMPLES)
def replay_command(
    config: Annotated[
        Path | None,
        typer.Option(help="Folder with the new queues.yaml, kpis.yaml and alerts.yaml."),
    ] = None,
    from_offset: Annotated[
        list[str] | None,
        typer.Option(
            metavar="PARTITION:OFFSET",
            help="Begin a partition here, may be given repeatedly; default: the first there is.",
        ),
    ] = None,
    *,
    from_landing: Annotated[
        bool,
        typer.Option("--from-landing", help="Read landed files first, then on from the log."),
    ] = False,
    switch: Annotated[
        bool, typer.Option("--switch", help="Publish the result and snapshots to go on from.")
    ] = False,
    changes: Annotated[
        Path | None, typer.Option(help="Write every count that differs to this CSV file.")
    ] = None,
    as_json: Annotated[
        bool, typer.Option("--json", help="Print a line of JSON per queue instead of tables.")
    ] = False,
) -> None:
    """Fold the log again by another configuration, compare with the live one, then switch."""
    settings = load_settings()
    kernel.use(settings.kernel)  # before anything imports the domain
    from pipeline.commands.dlq_options import places_of
    from pipeline.config_files import load_config
    from pipeline.config_forecasts import load_forecasts
    from pipeline.replay.plan import Plan
    from pipeline.replay.replay import replay
    from pipeline.streams.recovery import Basis

    problems: dict[str, None] = {}

    def basis(folder: Path) -> Basis:
        targets, rules = load_config(folder)
        forecasts = load_forecasts(settings.forecast_dir, targets)
        problems.update(dict.fromkeys(forecasts.problems))
        return Basis(targets, rules, forecasts.queues)

    before = basis(settings.config_dir)
    plan = Plan(
        before=before,
        after=before if config is None else basis(config),
        from_landing=from_landing,
        begin=dict(places_of(from_offset or ())),
        switch=switch,
    )
    for problem in problems:
        typer.echo(f"forecast left out: {problem}", err=True)
    if not plan.compares and not switch:
        same = "no --config" if config is None else f"{config}, which gives the same numbers"
        msg = (
            "nothing to do: expected --config with another configuration to compare "
            f"{settings.config_dir} with, or --switch to rebuild the live state; got {same}"
        )
        raise InputError(msg)
    with _changes(changes) as note, _progress() as report:
        done = asyncio.run(replay(settings, plan, report=report, on_changed=note))
    _warn(done, plan, settings.config_dir)
    if as_json:
        _print_json(done)
    else:
        _show(done, plan, config or settings.config_dir)


@contextmanager
def _changes(path: Path | None) -> Iterator[Callable[[Changed], None]]:
    if path is None:
        yield lambda _changed: None
        return
    from pipeline.replay.comparison import Changed

    try:
        with path.open("w", encoding="utf-8", newline="") as file:
            writer = csv.DictWriter(file, [field.name for field in fields(Changed)])
            writer.writeheader()
            yield lambda changed: writer.writerow(asdict(changed))
    except OSError as error:
        msg = f"--changes {path}: {error.strerror or error}"
        raise InputError(msg) from error


@contextmanager
def _progress() -> Iterator[Callable[[int, int], None]]:
    console = Console(stderr=True)
    with Progress(
        TextColumn("folding"),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("records"),
        TimeRemainingColumn(),
        console=console,
        disable=not console.is_terminal,
        transient=True,
    ) as progress:
        task = progress.add_task("", total=None)
        yield lambda folded, total: progress.update(task, advance=folded, total=total)


def _warn(done: Replayed, plan: Plan, config_dir: Path) -> None:
    others = done.live - {plan.before.config_hash, plan.after.config_hash}
    if others and plan.compares:
        typer.echo(
            f"vane: the live state is by configuration {', '.join(sorted(others))}, while "
            f"{config_dir} is {plan.before.config_hash}: compared is with the latter",
            err=True,
        )


def _print_json(done: Replayed) -> None:
    for (client, site, queue), change in sorted(done.comparison.queues.items()):
        row = {"client": client, "site": site, "queue": queue, **asdict(change)}
        print(json.dumps(row, ensure_ascii=False))


def _show(done: Replayed, plan: Plan, config: Path) -> None:
    console = Console(highlight=False)
    folded = sum(fold.next_offset - fold.first_offset for fold in done.folds.values())
    if plan.compares:
        _show_queues(console, done)
        before, after = done.comparison.fired
        for rule in sorted(before | after):
            console.print(
                f"alert {rule}: fired {before[rule]} times before, {after[rule]} after",
                markup=False,
            )
    console.print(f"{folded:,} records of {len(done.folds)} partitions folded again")
    if plan.switch:
        console.print(
            f"handed over: workers started with VANE_CONFIG={config} go on from here",
            markup=False,
            soft_wrap=True,
        )
    elif plan.compares:
        console.print("nothing was published; --switch does")


def _show_queues(console: Console, done: Replayed) -> None:
    changes = done.comparison.queues
    table = Table()
    table.add_column("queue")
    for heading in ("counts", "differ", "offered", "service level"):
        table.add_column(heading, justify="right")
    for key, change in sorted(changes.items()):
        if change.changed:
            offered = " → ".join(f"{n:,}" for n in dict.fromkeys(change.offered))
            table.add_row(
                "/".join(key), f"{change.cells:,}", f"{change.changed:,}", offered, _levels(change)
            )
    if table.row_count:
        console.print(table)
    differ = sum(change.changed for change in changes.values())
    cells = sum(change.cells for change in changes.values())
    console.print(f"{differ:,} of {cells:,} counts differ")


def _levels(change: QueueChange) -> str:
    parts = zip(change.numerator, change.denominator, strict=True)
    levels = [f"{n / d:.1%}" if d else "–" for n, d in parts]
    return " → ".join(dict.fromkeys(levels))
