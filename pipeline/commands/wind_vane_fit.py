"""``vane wind-vane fit``: weights for the complaint wind vane, and how far they can be believed."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Annotated, Final

import typer
from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table

from pipeline.batch.risk_fit import Day, Fit, Judgement, fit, judge
from pipeline.batch.risk_published import published_days
from pipeline.config_files import ANY, Targets, load_targets
from pipeline.config_wind_vane import WindVane, load_wind_vane
from pipeline.domain.business_time import parse_month
from pipeline.domain.risk import TIMES, Feature, RiskTerms
from pipeline.errors import InputError
from pipeline.lake.catalog import open_catalog
from pipeline.settings import load_settings
from pipeline.simulator.plan import Order, Scenario
from pipeline.simulator.risk_days import risk_days

EXAMPLES: Final = """
Examples:

  vane wind-vane fit --train 2025-08 --train 2025-09 --held-out 2025-10

  vane wind-vane fit --train 1 --train 2 --train 3 --held-out 4

A month is a published one; a number is the seed of a normal November that is simulated with
complaints (docs/simulator.md). Never held out: what was trained on. The weights are printed as
config/wind_vane.yaml has them; nothing is changed. Units and most levels are those of the terms
in force, and so are the weights of signals that never came.
"""
_SEED: Final = re.compile(r"\d{1,9}")

subcommands = typer.Typer(add_completion=False, rich_markup_mode=None)


@subcommands.command("fit", epilog=EXAMPLES)
def fit_command(
    *,
    train: Annotated[list[str], typer.Option(help="Month or seed to fit to; give several.")],
    held_out: Annotated[list[str], typer.Option(help="Month or seed to judge by; not trained on.")],
    client: Annotated[str | None, typer.Option(help="Only this client, by its own terms.")] = None,
    scale: Annotated[float, typer.Option(help="Size of what is simulated.", min=0.01)] = 1.0,
) -> None:
    """Fit weights to what happened, and judge them by what they have not seen."""
    if twice := sorted(set(train) & set(held_out)):
        msg = f"--held-out: expected what is not trained on, got {twice}"
        raise InputError(msg)
    settings = load_settings()
    vane = load_wind_vane(settings.config_dir / "wind_vane.yaml")
    terms = vane.history(client or ANY).terms[-1]
    targets = load_targets(settings.config_dir / "queues.yaml")

    def days(named: list[str]) -> Iterator[Day]:
        for name in named:
            if _SEED.fullmatch(name):
                yield from _simulated(int(name), scale, targets, vane, client)
            else:
                with open_catalog(settings.published) as con:
                    yield from published_days(con, parse_month(name), client, terms)

    found = fit(days(train), terms)
    show(found, judge(days(held_out), found.terms), Console(soft_wrap=True))


def _simulated(
    seed: int, scale: float, targets: Targets, vane: WindVane, client: str | None
) -> Iterator[Day]:
    order = Order(scenario=Scenario.NORMAL_MONTH, seed=seed, year=2025, month=11, scale=scale)
    return risk_days(order, targets.history, vane.history, client)


def show(found: Fit, judged: Judgement, console: Console) -> None:
    """Print weights as the configuration has them, and the judgement."""
    console.print(f"fitted to {found.days:,} customer days, {found.cases:,} with a case after:\n")
    for line in as_yaml(found.terms, found.errors):
        console.print(line, markup=False, highlight=False)
    console.print(
        f"\njudged by {judged.days:,} other days, {judged.cases:,} with a case: "
        f"Brier score {judged.brier:.6f} ({judged.brier_of_rate:.6f} of who always says the mean), "
        f"AUC {judged.auc:.3f}",
        highlight=False,
    )
    table = Table(title="Reliability", box=SIMPLE_HEAD, padding=(0, 1, 0, 0))
    for heading in ("probability", "days", "cases foretold", "cases came"):
        table.add_column(heading, justify="right")
    for one in judged.bins:
        span = f"{100 * one.low:g} to {100 * one.high:g} %"
        table.add_row(span, f"{one.days:,}", f"{one.foretold:,.1f}", f"{one.came:,}")
    console.print(table)
    table = Table(title="A list from this score on", box=SIMPLE_HEAD, padding=(0, 1, 0, 0))
    for heading in ("listed_from", "days listed", "case after", "precision", "recall"):
        table.add_column(heading, justify="right")
    for cut in judged.cuts:
        precision = f"{100 * cut.with_case / cut.listed:.1f} %" if cut.listed else "-"
        recall = f"{100 * cut.with_case / judged.cases:.1f} %"
        row = (f"{cut.listed_from}", f"{cut.listed:,}", f"{cut.with_case:,}", precision, recall)
        table.add_row(*row)
    console.print(table)


def as_yaml(terms: RiskTerms, errors: dict[Feature, int | None]) -> Iterator[str]:
    """Yield the lines of a term, each weight with its standard error beside it."""
    yield f"        intercept: {terms.intercept}"
    yield "        features:"
    for feature in Feature:
        scale = terms.scales[feature]
        unit = f", per_s: {scale.unit // 1000}" if feature in TIMES else ""
        error = errors[feature]
        said = "never came: as it was" if error is None else f"standard error {error}"
        yield f"          {feature}: {{weight: {scale.weight}, most: {scale.most}{unit}}}  # {said}"
