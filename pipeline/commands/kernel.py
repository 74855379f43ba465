"""``vane kernel``."""

from __future__ import annotations

from typing import Annotated

import typer

from pipeline import kernel
from pipeline.errors import ConfigError

app = typer.Typer(
    add_completion=False,
    rich_markup_mode=None,
    epilog="Examples: vane kernel build | vane kernel status",
)


@app.command()
def build(
    *,
    optional: Annotated[
        bool, typer.Option("--optional", help="A compiler that is missing is no failure.")
    ] = False,
) -> None:
    """Compile the modules that every event goes through; nothing is done if they are current.

    The live side runs without, more slowly. VANE_KERNEL=python leaves them aside.
    """
    try:
        for line in kernel.build():
            typer.echo(line)
    except ConfigError as error:
        if not optional:
            raise
        typer.echo(f"the fold stays plain Python: {error}", err=True)


@app.command()
def status() -> None:
    """Say whether compiled modules of this source are there and load; exit code 1 if not."""
    place = kernel.folder()
    if not kernel.is_current():
        typer.echo(f"python: nothing built of this source in {place}")
        raise typer.Exit(1)
    if (problem := kernel.load_problem()) is not None:
        typer.echo(f"python: what is built in {place} does not load: {problem}")
        raise typer.Exit(1)
    typer.echo(f"compiled: {place}")
