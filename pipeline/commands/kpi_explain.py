"""``vane kpi explain``: where a service level comes from, and what another formula would say."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated

import typer
from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.markup import escape
from rich.table import Table
from rich.text import Text

from pipeline.batch.explain import Explanation, Registry, TermFigure, explain
from pipeline.domain.business_time import parse_month
from pipeline.domain.definition_words import NAMES, Terms, in_words, sentences, terms
from pipeline.domain.kpi import ratio
from pipeline.domain.service_level import FORMULAS, Parts, Variant
from pipeline.domain.target import ServiceTarget
from pipeline.settings import load_settings

EXAMPLES = """
Examples:

  vane kpi explain service --month 2025-11

  vane kpi explain meridian/sh/orders --month 2025-11

Reads the published month. Where definitions have changed since the month was closed, the closed
figure stands and both are printed.
"""


def explain_command(
    queue: Annotated[str, typer.Argument(help="client/site/queue, or a queue's name alone.")],
    month: Annotated[str, typer.Option(help="A published month, YYYY-MM.")],
) -> None:
    """Print a queue's service level: formula, numbers, and every other formula's answer."""
    found = explain(load_settings(), queue, parse_month(month))
    show(found, Console(soft_wrap=True))


def show(found: Explanation, console: Console) -> None:
    """Print an explanation."""
    name = escape("/".join(part for part in found.queue if part))
    for registry in sorted(found.registries, key=lambda r: not r.is_in_force):
        title = "in force" if registry.is_in_force else "by the configuration now, not in force"
        total = registry.parts
        console.print(f"{name}, {found.month}: service level {_pct(total)} ({title})", style="bold")
        for term in registry.terms:
            _show_term(console, registry, term)
    _show_closing(found, console)
    for start, target in found.current:
        console.print(
            "\nconfig/queues.yaml says otherwise now: "
            f"{escape(repr(target.rules.name))} from {_day(start)}:"
        )
        for what, how in sentences(target):
            console.print(f"  {what:14}{how}", markup=False, highlight=False)
        _show_guess(console, found, target)


def _show_term(console: Console, registry: Registry, term: TermFigure) -> None:
    rules = term.target.rules
    since = f", term from {_day(term.from_ms)}" if len(registry.terms) > 1 else ""
    console.print(f"  definition {escape(repr(rules.name))} {rules.content_hash[:12]}{since}")
    for what, how in sentences(term.target):
        console.print(f"  {what:14}{how}", markup=False, highlight=False)
    numerator, denominator = terms(rules.service_level, rules.inclusions)
    line = f"  {'numbers':14}{_sum(numerator, term)} / ({_sum(denominator, term)})"
    parts = term.parts
    console.print(
        f"{line} = {parts.numerator:,} / {parts.denominator:,} = {_pct(parts)}",
        markup=False,
        highlight=False,
    )
    console.print(_variants(term))


def _sum(sum_of: Terms, term: TermFigure) -> str:
    text = " ".join(f"{sign} {term.counts[name]:,} {NAMES[name]}" for sign, name in sum_of)
    return text.removeprefix("+ ")


def _variants(term: TermFigure) -> Table:
    rules = term.target.rules
    table = Table(box=SIMPLE_HEAD, padding=(0, 1, 0, 0))
    for heading in ("", "what the other formulas say of the same calls", "level", "goal"):
        table.add_column(heading, justify="right" if heading in {"level", "goal"} else "left")
    for variant, formula in FORMULAS.items():
        parts = formula(term.counts, rules.inclusions)
        over, under = map(in_words, terms(variant, rules.inclusions))
        met = parts.numerator * 1000 >= term.target.goal_permille * parts.denominator
        verdict = "" if parts.denominator == 0 else "met" if met else "missed"
        mark = ">" if variant is rules.service_level else " "
        table.add_row(f"{mark} {variant}", Text(f"{over} / ({under})"), _pct(parts), verdict)
    table.add_row(f"  {Variant.SL8}", "waiting in time / waiting: live only", "-", "")
    return table


def _show_closing(found: Explanation, console: Console) -> None:
    if found.closing_run is None or found.closing_parts is None:
        console.print("The month is not closed yet: no run read what was landed after its end.")
        return
    console.print(f"Closed by run {found.closing_run}: {_pct(found.closing_parts)}")
    now = next(registry for registry in found.registries if registry.is_in_force)
    if now.parts != found.closing_parts:
        was = f"{found.closing_parts.numerator:,} / {found.closing_parts.denominator:,}"
        console.print(
            f"  Events have come since: {was} then, "
            f"{now.parts.numerator:,} / {now.parts.denominator:,} now, by the same definition."
        )


def _show_guess(console: Console, found: Explanation, target: ServiceTarget) -> None:
    """Say what a definition not computed yet gives, where the published counts can tell."""
    now = next(registry for registry in found.registries if registry.is_in_force)
    if len(now.terms) == 1 and len(found.current) == 1 and _same_counts(now.terms[0], target):
        parts = target.rules.service_level_parts(now.terms[0].counts)
        console.print(f"  of the same counts: {_pct(parts)}")
    else:
        console.print(f"  to compute it, run: vane month run --month {found.month}")


def _same_counts(term: TermFigure, target: ServiceTarget) -> bool:
    """Say whether another definition divides the same counts: only formulas differ."""
    one, other = term.target, target
    return (
        one.threshold_ms == other.threshold_ms
        and one.zone == other.zone
        and all(
            getattr(one.rules, choice) == getattr(other.rules, choice)
            for choice in (
                *("inclusive", "clock_start", "clock_stop", "announcement_ms", "view", "calls"),
                *("short_abandon_ms", "attribution", "opening_hours"),
            )
        )
    )


def _day(at_ms: int) -> str:
    return (
        f"{datetime.fromtimestamp(at_ms / 1000, UTC):%Y-%m-%d %H:%M} UTC" if at_ms > 0 else "ever"
    )


def _pct(parts: Parts) -> str:
    level = ratio(*parts)
    return "-" if level is None else f"{100 * level:.2f} %"
