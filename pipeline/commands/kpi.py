"""``vane kpi``: what a KPI is made of."""

from __future__ import annotations

import typer

from pipeline.commands.kpi_explain import EXAMPLES, explain_command
from pipeline.commands.kpi_statistics import EXAMPLES as STATISTICS_EXAMPLES
from pipeline.commands.kpi_statistics import statistics_command

app = typer.Typer(add_completion=False, rich_markup_mode=None, no_args_is_help=True)


@app.callback()
def kpi_group() -> None:
    """Explain the figures of a month; figures from files alone."""


app.command("explain", epilog=EXAMPLES)(explain_command)
app.command("statistics", epilog=STATISTICS_EXAMPLES)(statistics_command)
