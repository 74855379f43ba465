"""``vane month docs``: a page on the models and where their rows come from."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Final

import typer

from pipeline.batch.docs import write_docs
from pipeline.commands.progress import reporting
from pipeline.settings import load_settings

DOCS_EXAMPLES: Final = """
Example:

  vane month docs --out docs-of-models

The page needs no network and no server: every model with its columns, tests and SQL, and a graph of
which model reads which (the round button at the lower right).
"""

subcommands = typer.Typer(add_completion=False, rich_markup_mode=None)


@subcommands.command("docs", epilog=DOCS_EXAMPLES)
def docs(
    out: Annotated[Path, typer.Option(help="Folder to write models.html into.")],
) -> None:
    """Write a page that describes every model, with lineage."""
    settings = load_settings()
    with reporting("describing the models") as report:
        page = write_docs(settings, out, report)
    typer.echo(page)
