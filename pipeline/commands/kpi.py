"""``vane kpi``: what a KPI is made of."""

from __future__ import annotations

import typer

from pipeline.commands.kpi_explain import EXAMPLES, explain_command

app = typer.Typer(add_completion=False, rich_markup_mode=None, no_args_is_help=True)


@app.callback()
def kpi_group() -> None:
    """Explain the figures of a month."""


app.command("explain", epilog=EXAMPLES)(explain_command)
