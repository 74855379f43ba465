"""``vane kpi``: figures from log files, figures of a month explained, statistics from rows.

A group whose first word need not be a command: ``vane kpi PATH…`` reads log files. Each command is
loaded when it is called, so that reading a log does without the batch packages.
"""

from __future__ import annotations

import importlib
from typing import Any, Final

import typer
from typer.core import TyperGroup

COMMANDS: Final = {
    "files": "Service level, waits and agents' time from log files (the word may be left out)",
    "explain": "A queue's service level: formula, numbers, and every other formula's answer",
    "statistics": "Interval statistics of queues, waits or agents from rows, as JSON",
}
EXAMPLES: Final = """
Examples:

  vane kpi /var/log/asterisk/queue_log

  vane kpi logs/ --interval 1h --timezone Europe/Warsaw --by agent

  vane kpi queue_log* --profile wazo --threshold 20 --threshold 30 --json

  vane kpi explain meridian/sh/orders --month 2025-11

  vane kpi statistics rows.json --of waits --id 1 --qos-thresholds 10,20,30

All options for log files: vane kpi files --help.
"""
_HELP: Final = frozenset({"--help", "-h"})


class _FilesFirst(TyperGroup):
    """Takes whatever is not the name of a command for a path, or an option of ``files``."""

    def list_commands(self, ctx: Any) -> list[str]:  # noqa: ANN401, ARG002 - typer's own context
        return list(COMMANDS)

    def get_command(self, ctx: Any, cmd_name: str) -> Any:  # noqa: ANN401, ARG002
        if cmd_name not in COMMANDS:
            return None
        module = importlib.import_module(f"pipeline.commands.kpi_{cmd_name}")
        one = typer.Typer(add_completion=False, rich_markup_mode=None)
        one.command(cmd_name, epilog=module.EXAMPLES)(getattr(module, f"{cmd_name}_command"))
        return typer.main.get_command(one)

    def format_commands(self, ctx: Any, formatter: Any) -> None:  # noqa: ANN401, ARG002
        with formatter.section("Commands"):
            formatter.write_dl(list(COMMANDS.items()))

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:  # noqa: ANN401
        if args and args[0] not in COMMANDS and args[0] not in _HELP:
            args = ["files", *args]
        found: list[str] = super().parse_args(ctx, args)
        return found


app = typer.Typer(
    cls=_FilesFirst,
    add_completion=False,
    rich_markup_mode=None,
    no_args_is_help=True,
    epilog=EXAMPLES,
    context_settings={"help_option_names": ["-h", "--help"]},
    subcommand_metavar="PATH... | COMMAND",
)


@app.callback()
def kpi_group() -> None:
    """Figures of log files (vane kpi PATH...), of a month, or of rows."""
