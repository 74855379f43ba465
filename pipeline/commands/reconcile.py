"""``vane reconcile``: a month against the live numbers, or against the client's figures.

A group whose first word may be left out: ``vane reconcile --month`` compares the live numbers. Each
command is loaded when it is called.
"""

from __future__ import annotations

import importlib
from typing import Any, Final

import typer
from typer.core import TyperGroup

COMMANDS: Final = {
    "live": "The live numbers and the month, row by row (the word may be left out)",
    "client": "The client's figures and the month, call by call, with classes and money",
}
EXAMPLES: Final = """
Examples:

  vane land && vane reconcile --month 2025-11

  vane reconcile client november.csv --mapping harbour.yaml --month 2025-11

All options: vane reconcile live --help, vane reconcile client --help.
"""
_HELP: Final = frozenset({"--help", "-h"})


class _LiveFirst(TyperGroup):
    """Takes whatever is not the name of a command for an option of ``live``."""

    def list_commands(self, ctx: Any) -> list[str]:  # noqa: ANN401, ARG002 - typer's own context
        return list(COMMANDS)

    def get_command(self, ctx: Any, cmd_name: str) -> Any:  # noqa: ANN401, ARG002
        if cmd_name not in COMMANDS:
            return None
        module = importlib.import_module(f"pipeline.commands.reconcile_{cmd_name}")
        one = typer.Typer(add_completion=False, rich_markup_mode=None)
        one.command(cmd_name, epilog=module.EXAMPLES)(getattr(module, f"{cmd_name}_command"))
        return typer.main.get_command(one)

    def format_commands(self, ctx: Any, formatter: Any) -> None:  # noqa: ANN401, ARG002
        with formatter.section("Commands"):
            formatter.write_dl(list(COMMANDS.items()))

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:  # noqa: ANN401
        if not args or (args[0] not in COMMANDS and args[0] not in _HELP):
            args = ["live", *args]
        found: list[str] = super().parse_args(ctx, args)
        return found


app = typer.Typer(
    cls=_LiveFirst,
    add_completion=False,
    rich_markup_mode=None,
    epilog=EXAMPLES,
    context_settings={"help_option_names": ["-h", "--help"]},
    subcommand_metavar="--month YYYY-MM | COMMAND",
)


@app.callback()
def reconcile_group() -> None:
    """Compare a month with the live numbers, or with the client's figures."""
