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

    The live side runs without, at two thirds of the speed. VANE_KERNEL=python leaves them aside.
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
    """Say whether compiled modules of this source are there; exit code 1 if they are not."""
    if not kernel.is_current():
        typer.echo(f"python: nothing built of this source in {kernel.folder()}")
        raise typer.Exit(1)
    typer.echo(f"compiled: {kernel.folder()}")
