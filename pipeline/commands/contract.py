"""``vane contract``: check contracts, say in words what they say, and what changes."""

from __future__ import annotations

from datetime import UTC, date, datetime
from pathlib import Path
from typing import Annotated, Final

import typer
from rich.console import Console

from pipeline.config_calendars import load_calendars, load_figures
from pipeline.config_contracts import load_contract
from pipeline.errors import ConfigError, InputError
from pipeline.settings import load_settings
from pipeline.settlement.calendar import Calendar
from pipeline.settlement.contract import Contract
from pipeline.settlement.contract_changes import contract_changes
from pipeline.settlement.words import said_on

CHECK_EXAMPLES: Final = """
Examples:

  vane contract check

  vane contract check config/contracts/meridian.yaml draft.yaml

Prints every problem of every file with its line. Exit code 1 if there is one.
"""
EXPLAIN_EXAMPLES: Final = """
Examples:

  vane contract explain meridian

  vane contract explain meridian --on 2025-11-11

  vane contract explain draft/meridian.yaml --on 2026-01-01
"""
DIFF_EXAMPLES: Final = """
Examples:

  vane contract diff meridian draft/meridian.yaml --on 2026-01-01

  vane contract diff meridian --on 2025-11-01 --and-on 2025-11-11

Exit code 1 if something changes.
"""
FOLDER: Final = "contracts"

app = typer.Typer(add_completion=False, rich_markup_mode=None, no_args_is_help=True)


@app.callback()
def contract_group() -> None:
    """Check contracts, say in words what they say, and what changes."""


@app.command(epilog=CHECK_EXAMPLES)
def check(
    paths: Annotated[
        list[Path] | None, typer.Argument(help="Files; by default all of config/contracts.")
    ] = None,
) -> None:
    """Say all that is wrong in contracts, and in the calendars and figures they use."""
    config = load_settings().config_dir
    console = Console(soft_wrap=True, highlight=False)
    failed = False
    calendars: dict[str, Calendar] = {}
    try:
        calendars = load_calendars(config / "calendars.yaml")
        load_figures(config / "figures")
    except ConfigError as error:
        console.print(str(error), markup=False)
        failed = True
    for path in paths or sorted((config / FOLDER).glob("*.yaml")):
        try:
            contract = load_contract(path, calendars)
        except ConfigError as error:
            console.print(str(error), markup=False)
            failed = True
        else:
            console.print(f"{path}: {len(contract.clauses)} clauses, no problem", markup=False)
    if failed:
        raise typer.Exit(1)


@app.command(epilog=EXPLAIN_EXAMPLES)
def explain(
    contract: Annotated[str, typer.Argument(help="A client, or a file.")],
    on: Annotated[str, typer.Option(help="Day, YYYY-MM-DD; by default today (UTC).")] = "",
) -> None:
    """Print what a contract says on a day, in sentences."""
    found = _load(contract)
    day = _day(on)
    console = Console(soft_wrap=True, highlight=False)
    title = f", {found.title}" if found.title else ""
    console.print(f"{found.client}{title}: on {day}, in {found.currency}", markup=False)
    clauses = said_on(found, day)
    for clause_id, (_, said) in clauses.items():
        console.print(f"\n{clause_id}  {said['title']} ({said['kind']})", markup=False)
        for subject, sentence in said.items():
            if subject not in {"title", "kind"}:
                console.print(f"    {sentence}", markup=False)
    if not clauses:
        console.print("no clause is in force")


@app.command(epilog=DIFF_EXAMPLES)
def diff(
    before: Annotated[str, typer.Argument(help="A client, or a file.")],
    after: Annotated[str, typer.Argument(help="Another; by default the same.")] = "",
    on: Annotated[str, typer.Option(help="Day, YYYY-MM-DD; by default today (UTC).")] = "",
    and_on: Annotated[str, typer.Option(help="Day of the second; by default the same.")] = "",
) -> None:
    """Print what changes, clause by clause, from one contract or day to another."""
    if not after and not and_on:
        raise InputError("expected two contracts, or --on and --and-on of one")
    console = Console(soft_wrap=True, highlight=False)
    old, new = _load(before), _load(after or before)
    day = _day(on)
    changes = list(contract_changes(old, day, new, _day(and_on or on)))
    for change in changes:
        console.print(f"{change.clause_id}  {change.title}: {change.change}", markup=False)
        for subject, was, now in change.subjects:
            if was:
                console.print(f"    - {subject}: {was}", markup=False)
            if now:
                console.print(f"    + {subject}: {now}", markup=False)
    if not changes:
        console.print("nothing changes")
        return
    raise typer.Exit(1)


def _load(name: str) -> Contract:
    config = load_settings().config_dir
    path = Path(name)
    if path.suffix != ".yaml":
        path = config / FOLDER / f"{name}.yaml"
    if not path.is_file():
        known = ", ".join(p.stem for p in sorted((config / FOLDER).glob("*.yaml")))
        msg = f"expected a client with a contract ({known}) or a file, got {name!r}"
        raise InputError(msg)
    return load_contract(path, load_calendars(config / "calendars.yaml"))


def _day(text: str) -> date:
    if not text:
        return datetime.now(UTC).date()  # noqa: TID251 - today is what is asked
    try:
        return date.fromisoformat(text)
    except ValueError as error:
        msg = f"expected a day as YYYY-MM-DD, got {text!r}"
        raise InputError(msg) from error
