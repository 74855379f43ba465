"""The ``vane`` command: a table of commands, each in its own module, loaded when called.

Loading on demand keeps ``vane --help`` quick and lets a worker image do without the batch
packages.
"""

from __future__ import annotations

import importlib
import sys
from typing import Annotated, Any, Final

import typer
from typer.core import TyperGroup

from pipeline import __version__
from pipeline.errors import PipelineError

COMMANDS: Final = {
    "demo": "The whole path on this machine: broker, worker, 双11 day, alert, month, settlement",
    "kafka": "Start, stop or look at the local Kafka broker",
    "topics": "Create and check the topics",
    "simulate": "Write the events of a simulated contact centre",
    "ingest": "Send calls from files to Kafka",
    "worker": "Run the live side: fold call events into KPIs and alerts",
    "replay": "Fold again by another configuration: compare with the live one, then switch",
    "dlq": "Dead letters: list them, show one, send back what can be taken",
    "land": "Bring Kafka topics to Parquet, exactly once",
    "live": "Show the live numbers in the published catalog, at most a minute late",
    "month": "Close a month: gates, models, settlement, publishing",
    "contract": "Check contracts, say in words what they say, and what changes",
    "kpi": "KPIs of raw log files, no broker needed; explain a month's service level",
    "recover": "Can the day be won, until when, and whom to call in for it",
    "cause": "Why a service level fell: points by volume, agents, handle time, rework, faults",
    "wind-vane": "Customers likely to complain: the list of a day, the report of a month",
    "alerts": "Alerts at the desk: acknowledge, assign, comment, close with an outcome",
    "cases": "Complaint cases: take, assign, postpone, comment, close with an outcome",
    "desk": "The operational store: make it, check it, read alerts into it",
    "serve": "Serve alerts and cases by HTTP",
    "reconcile": "Compare a month with the live numbers, or with the client's figures",
    "kernel": "Compile the live side's fold, or say whether it is",
    "query": "Ask the published catalog in SQL",
    "bi": "Serve Superset with Vane's dashboards on the published catalog",
}


def module_of(command: str) -> str:
    """Return the name of a command's module: hyphens are underscores in it."""
    return f"pipeline.commands.{command.replace('-', '_')}"


class _Lazy(TyperGroup):
    """A group that imports a command's module when it is first needed."""

    def list_commands(self, ctx: Any) -> list[str]:  # noqa: ANN401, ARG002 - typer's own context
        return list(COMMANDS)

    def get_command(self, ctx: Any, cmd_name: str) -> Any:  # noqa: ANN401, ARG002
        if cmd_name not in COMMANDS:
            return None
        module = importlib.import_module(module_of(cmd_name))
        return typer.main.get_command(module.app)

    def format_commands(self, ctx: Any, formatter: Any) -> None:  # noqa: ANN401, ARG002
        with formatter.section("Commands"):
            formatter.write_dl(list(COMMANDS.items()))


app = typer.Typer(
    cls=_Lazy,
    add_completion=False,
    rich_markup_mode=None,
    context_settings={"help_option_names": ["-h", "--help"]},
    epilog="Start with: vane demo. Help on a command: vane COMMAND --help.",
)


def _show_version(wanted: bool) -> None:  # noqa: FBT001 - typer calls it so
    if wanted:
        typer.echo(f"vane {__version__}")
        raise typer.Exit


@app.callback()
def vane(
    *,
    version: Annotated[
        bool, typer.Option("--version", callback=_show_version, is_eager=True, help="Show version.")
    ] = False,
) -> None:
    """Live KPIs and a month-end close for outsourced contact centres."""


def main(arguments: list[str] | None = None) -> Any:  # noqa: ANN401 - typer exits the process
    """Run the command line; errors raised on purpose are printed without a traceback."""
    try:
        return app(args=arguments, prog_name="vane")
    except PipelineError as error:
        typer.secho(f"vane: {error}", fg="red", err=True)
        sys.exit(1)
