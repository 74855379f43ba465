"""``vane simulate``: invent a month, or a 双11, of two contact centres."""

from __future__ import annotations

import re
import time
from collections import Counter
from collections.abc import Mapping
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from rich.table import Table

from pipeline.simulator.plan import Order, Scenario
from pipeline.simulator.run import write_canonical, write_queue_log
from pipeline.simulator.truth import Truth

EXAMPLES = """
Examples:

  vane simulate --scenario normal-month --seed 1 --out sim/month

  vane simulate --scenario double11 --seed 1 --out sim/double11

  vane simulate --scenario normal-month --days 3 --scale 0.2 --out sim/small

  vane simulate --scenario normal-month --complaints --out sim/complaints

  vane simulate --scenario double11 --format queue_log --out sim/asterisk

The folder receives acd.events.ndjson and acd.agent-states.ndjson in order of delivery (or
queue_log/*.log), truth.json with the expected counts, and forecast.csv. The same options give the
same bytes. Scale 17 makes a month of a million calls.
"""


class Format(StrEnum):
    """How a simulation is written."""

    CANONICAL = "canonical"
    QUEUE_LOG = "queue_log"


app = typer.Typer(add_completion=False, rich_markup_mode=None)


@app.command(epilog=EXAMPLES)
def simulate(  # noqa: PLR0913, PLR0917 - one parameter per option
    out: Annotated[Path, typer.Option(help="Folder to write to; its files are overwritten.")],
    scenario: Annotated[
        Scenario, typer.Option(help="A whole normal month, or the one day of double11 (the 11th).")
    ] = Scenario.NORMAL_MONTH,
    seed: Annotated[int, typer.Option(help="The same seed gives the same bytes.")] = 1,
    form: Annotated[Format, typer.Option("--format", help="What to write.")] = Format.CANONICAL,
    month: Annotated[
        str, typer.Option(help="YYYY-MM, as the clients' calendars have it.")
    ] = "2025-11",
    scale: Annotated[float, typer.Option(help="Multiplies calls and agents.", min=0.01)] = 1.0,
    first_day: Annotated[
        int, typer.Option(help="Day of the month to begin with.", min=1, max=31)
    ] = 1,
    days: Annotated[int | None, typer.Option(help="Only so many days.", min=1)] = None,
    late_rate: Annotated[
        float, typer.Option(help="Share of events delivered over 2 h late.", min=0.0, max=1.0)
    ] = 0.0001,
    *,
    complaints: Annotated[
        bool, typer.Option("--complaints", help="Write the complaint cases that calls lead to.")
    ] = False,
) -> None:
    """Simulate two outsourced contact centres: every call, agent and shift.

    meridian, a retailer with sites sh and cd, and harbour, a bank.
    """
    if complaints and form is Format.QUEUE_LOG:
        msg = "expected --format canonical: a queue_log does not say who called as cases do"
        raise typer.BadParameter(msg, param_hint="--complaints")
    year, month_number = _month(month)
    order = Order(
        scenario=scenario,
        seed=seed,
        year=year,
        month=month_number,
        scale=scale,
        first_day=first_day,
        days=days,
        late_rate=late_rate,
        complaints=complaints,
    )
    console = Console(stderr=True)
    started = time.monotonic()
    calls = 0
    with Progress(
        TextColumn("simulating"),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("floor days, {task.fields[calls]:,} calls"),
        TimeRemainingColumn(),
        console=console,
        disable=not console.is_terminal,
    ) as progress:
        task = progress.add_task("", total=order.floors(), calls=0)

        def report(more: int) -> None:
            nonlocal calls
            calls += more
            progress.update(task, advance=1, calls=calls)

        write = write_canonical if form is Format.CANONICAL else write_queue_log
        truth = write(order, out, report)
    _show(truth, order, out, time.monotonic() - started)


def _month(text: str) -> tuple[int, int]:
    found = re.fullmatch(r"(\d{4})-(0[1-9]|1[0-2])", text)
    if found is None or not 1971 <= int(found[1]) <= 2100:  # noqa: PLR2004 - as the message says
        msg = f"expected YYYY-MM from 1971-01 to 2100-12, got {text!r}"
        raise typer.BadParameter(msg, param_hint="--month")
    return int(found[1]), int(found[2])


def _show(truth: Truth, order: Order, out: Path, elapsed_s: float) -> None:
    table = Table(title=f"{order.scenario}, seed {order.seed}")
    table.add_column("queue", no_wrap=True)
    for heading in ("offered", "answered", "in time", "abandoned", "level"):
        table.add_column(heading, justify="right", no_wrap=True)
    for row in truth.rows():
        place = "/".join(str(row[part]) for part in ("client", "site", "queue") if row[part])
        table.add_row(place, *_figures(row))
    console = Console()
    console.print(table)
    totals: dict[str, Counter[str]] = {}
    for row in truth.day_rows():
        total = totals.setdefault(str(row["client"]), Counter())
        total.update({name: n for name, n in row.items() if isinstance(n, int)})
    for client, total in totals.items():
        console.print(
            f"{client}: {total['forecast_calls']:,} calls forecast, {total['contacts']:,} came, "
            f"service level {_figures(total)[-1]}"
        )
    console.print(f"wrote {out} in {elapsed_s:.1f} s")


def _figures(counts: Mapping[str, str | int]) -> tuple[str, ...]:
    names = ("offered", "answered", "answered_within", "abandoned")
    offered, answered, within, abandoned = (int(counts[name]) for name in names)
    level = f"{100 * within / offered:.1f} %" if offered else "-"
    return f"{offered:,}", f"{answered:,}", f"{within:,}", f"{abandoned:,}", level
