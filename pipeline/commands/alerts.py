"""``vane alerts``: what fires, who has it, and what it came to."""

from __future__ import annotations

from typing import Annotated, Final

import typer

from pipeline.commands import desk_report
from pipeline.commands.desk_options import (
    AsOption,
    CommentOption,
    CursorOption,
    IdArgument,
    IdsArgument,
    JsonOption,
    KeyOption,
    LimitOption,
    VersionOption,
    move,
    now_ms,
    print_json,
    store,
)
from pipeline.desk.alert import ALERT, AlertOutcome, AlertState
from pipeline.desk.listing import page, whole_id
from pipeline.desk.perform import find
from pipeline.desk.store import reading
from pipeline.desk.trail import entries
from pipeline.desk.view import record_view, whole_view

LIST_EXAMPLES: Final = """
Examples:

  vane alerts list

  vane alerts list --client meridian --state open

  vane alerts list --state closed --json | jq '.records[].outcome'

Newest first; closed ones only when asked for. vane desk follow brings them from the log.
"""
MOVE_EXAMPLES: Final = """
Examples:

  vane alerts ack 395cd76f -m "calling in two from cards"

  vane alerts assign 395cd76f --to li --version 3

  vane alerts close 395cd76f --outcome true_alarm

Several ids are moved all or none. What is not possible is refused and changes nothing, and so is a
record that somebody else moved first: the error names who, when, and what is possible.
"""

app = typer.Typer(
    add_completion=False,
    rich_markup_mode=None,
    no_args_is_help=True,
    help="Alerts at the desk: list, show, acknowledge, assign, comment, close with an outcome.",
    epilog="Examples: vane alerts list | vane alerts ack 395cd76f | vane alerts show 395cd76f",
)

OutcomeOption = Annotated[AlertOutcome, typer.Option(help="What it turned out to be.")]
OwnerOption = Annotated[str, typer.Option("--to", metavar="NAME", help="Who has it from now on.")]


@app.command("list", epilog=LIST_EXAMPLES)
def list_command(  # noqa: PLR0913 - one option each
    *,
    state: Annotated[
        list[AlertState] | None, typer.Option(help="Only this one; may be given repeatedly.")
    ] = None,
    client: Annotated[str | None, typer.Option(help="Only this client.")] = None,
    programme: Annotated[str | None, typer.Option(help="Only this programme.")] = None,
    queue: Annotated[str | None, typer.Option(help="Only this queue.")] = None,
    owner: Annotated[str | None, typer.Option(help="Only what this one has.")] = None,
    limit: LimitOption = 50,
    cursor: CursorOption = None,
    as_json: JsonOption = False,
) -> None:
    """List alerts: what fires or fired, where, in which state, who has it."""
    states = state or [found for found in AlertState if found is not AlertState.CLOSED]
    named = {"client": client, "programme": programme, "queue": queue, "owner": owner}
    where = {name: [value] for name, value in named.items() if value is not None}
    with store() as engine, reading(engine) as con:
        found = page(
            con, ALERT.kind, where | {"state": list(map(str, states))}, limit=limit, cursor=cursor
        )
    views = [record_view(ALERT.kind, row) for row in found.records]
    if as_json:
        print_json({"records": views, "next": found.next})
        return
    now = now_ms()
    rows = [
        (
            view["id"][:8],
            desk_report.ago(view["fired_at_ms"], now),
            view["severity"],
            view["state"] if view["told"] == "firing" else f"{view['state']}, over",
            view["owner"] or view["acknowledged_by"],
            view["summary"],
        )
        for view in views
    ]
    columns = ("id", "fired", "severity", "state", "who", "what")
    desk_report.show_table(columns, rows, more=found.next is not None)


@app.command(epilog="Example: vane alerts show 395cd76f")
def show(alert_id: IdArgument, *, as_json: JsonOption = False) -> None:
    """Show an alert with all that was done about it."""
    with store() as engine, reading(engine) as con:
        whole = whole_id(con, ALERT.kind, alert_id)
        row, done = find(con, ALERT.kind, whole), entries(con, ALERT.kind, whole)
    view = whole_view(ALERT.kind, row, done)
    if as_json:
        print_json(view)
    else:
        desk_report.show_whole(view)


@app.command(epilog=MOVE_EXAMPLES)
def ack(
    ids: IdsArgument,
    *,
    comment: CommentOption = None,
    name: AsOption = None,
    key: KeyOption = None,
    as_json: JsonOption = False,
) -> None:
    """Acknowledge: somebody looks after it."""
    move(ALERT.kind, ids, "acknowledge", {}, comment=comment, name=name, key=key, as_json=as_json)


@app.command(epilog=MOVE_EXAMPLES)
def assign(
    ids: IdsArgument,
    *,
    to: OwnerOption,
    comment: CommentOption = None,
    name: AsOption = None,
    key: KeyOption = None,
    version: VersionOption = None,
    as_json: JsonOption = False,
) -> None:
    """Give it to somebody."""
    move(
        ALERT.kind,
        ids,
        "assign",
        {"owner": to},
        comment=comment,
        name=name,
        key=key,
        version=version,
        as_json=as_json,
    )


@app.command(epilog=MOVE_EXAMPLES)
def comment(
    ids: IdsArgument,
    *,
    text: Annotated[str, typer.Option("--comment", "-m", help="What to say.")],
    name: AsOption = None,
    key: KeyOption = None,
    as_json: JsonOption = False,
) -> None:
    """Say something about it; it stays in the trail for good."""
    move(ALERT.kind, ids, "comment", {}, comment=text, name=name, key=key, as_json=as_json)


@app.command(epilog=MOVE_EXAMPLES)
def close(
    ids: IdsArgument,
    *,
    outcome: OutcomeOption,
    comment: CommentOption = None,
    name: AsOption = None,
    key: KeyOption = None,
    as_json: JsonOption = False,
) -> None:
    """Close it and say what it turned out to be."""
    move(
        ALERT.kind,
        ids,
        "close",
        {"outcome": str(outcome)},
        comment=comment,
        name=name,
        key=key,
        as_json=as_json,
    )


@app.command(epilog=MOVE_EXAMPLES)
def reopen(
    ids: IdsArgument,
    *,
    comment: CommentOption = None,
    name: AsOption = None,
    key: KeyOption = None,
    as_json: JsonOption = False,
) -> None:
    """Open it again: it is not over, or not as it was closed."""
    move(ALERT.kind, ids, "reopen", {}, comment=comment, name=name, key=key, as_json=as_json)
