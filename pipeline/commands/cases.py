"""``vane cases``: complaint cases, who has them, by when, and what they came to."""

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
    span_ms,
    store,
)
from pipeline.desk.case import CASE, CaseOutcome, CaseState
from pipeline.desk.listing import page, whole_id
from pipeline.desk.perform import find
from pipeline.desk.store import reading
from pipeline.desk.trail import entries
from pipeline.desk.view import record_view, whole_view

LIST_EXAMPLES: Final = """
Examples:

  vane cases list

  vane cases list --overdue --client meridian

  vane cases list --state closed --json | jq '.records[].outcome'

What is due next comes first; closed ones only when asked for. vane wind-vane open-cases opens them.
"""
MOVE_EXAMPLES: Final = """
Examples:

  vane cases take 9f2c11ab

  vane cases postpone 9f2c11ab --by 24h -m "asked to be called tomorrow"

  vane cases close 9f2c11ab --outcome averted -m "refund sent"

Several ids are moved all or none. What is not possible is refused and changes nothing, and so is a
record that somebody else moved first: the error names who, when, and what is possible.
"""

app = typer.Typer(
    add_completion=False,
    rich_markup_mode=None,
    no_args_is_help=True,
    help="Complaint cases: list, show, take, assign, postpone, comment, close with an outcome.",
    epilog="Examples: vane cases list | vane cases take 9f2c11ab | vane cases show 9f2c11ab",
)


@app.command("list", epilog=LIST_EXAMPLES)
def list_command(
    *,
    state: Annotated[
        list[CaseState] | None, typer.Option(help="Only this one; may be given repeatedly.")
    ] = None,
    client: Annotated[str | None, typer.Option(help="Only this client.")] = None,
    owner: Annotated[str | None, typer.Option(help="Only what this one has.")] = None,
    overdue: Annotated[bool, typer.Option("--overdue", help="Only what is late.")] = False,
    limit: LimitOption = 50,
    cursor: CursorOption = None,
    as_json: JsonOption = False,
) -> None:
    """List cases: which customer, why, by when, who has it."""
    states = state or [found for found in CaseState if found is not CaseState.CLOSED]
    named = {"client": client, "owner": owner}
    where = {name: [value] for name, value in named.items() if value is not None}
    now = now_ms()
    with store() as engine, reading(engine) as con:
        found = page(
            con,
            CASE.kind,
            where | {"state": list(map(str, states))},
            due_before_ms=now if overdue else None,
            limit=limit,
            cursor=cursor,
        )
    views = [record_view(CASE.kind, row) for row in found.records]
    if as_json:
        print_json({"records": views, "next": found.next})
        return
    rows = [
        (
            view["id"][:8],
            desk_report.ago(view["due_at_ms"], now),
            view["state"],
            view["owner"],
            desk_report.place_of(view),
            view["customer_ref"],
            view["outcome"] or view["reason"],
        )
        for view in views
    ]
    columns = ("id", "due", "state", "who", "where", "customer", "what")
    desk_report.show_table(columns, rows, more=found.next is not None)


@app.command(epilog="Example: vane cases show 9f2c11ab")
def show(case_id: IdArgument, *, as_json: JsonOption = False) -> None:
    """Show a case with all that was done about it."""
    with store() as engine, reading(engine) as con:
        whole = whole_id(con, CASE.kind, case_id)
        row, done = find(con, CASE.kind, whole), entries(con, CASE.kind, whole)
    view = whole_view(CASE.kind, row, done)
    if as_json:
        print_json(view)
    else:
        desk_report.show_whole(view)


@app.command(epilog=MOVE_EXAMPLES)
def take(
    ids: IdsArgument,
    *,
    comment: CommentOption = None,
    name: AsOption = None,
    key: KeyOption = None,
    as_json: JsonOption = False,
) -> None:
    """Take it: whoever does is its owner."""
    move(CASE.kind, ids, "take", {}, comment=comment, name=name, key=key, as_json=as_json)


@app.command(epilog=MOVE_EXAMPLES)
def assign(
    ids: IdsArgument,
    *,
    to: Annotated[str, typer.Option("--to", metavar="NAME", help="Who has it from now on.")],
    comment: CommentOption = None,
    name: AsOption = None,
    key: KeyOption = None,
    version: VersionOption = None,
    as_json: JsonOption = False,
) -> None:
    """Give it to somebody."""
    move(
        CASE.kind,
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
def postpone(
    ids: IdsArgument,
    *,
    by: Annotated[str, typer.Option("--by", help="From now: 90m, 24h, 7d.")],
    why: Annotated[str, typer.Option("--comment", "-m", help="Why.")],
    name: AsOption = None,
    key: KeyOption = None,
    version: VersionOption = None,
    as_json: JsonOption = False,
) -> None:
    """Give it another due time, and say why."""
    move(
        CASE.kind,
        ids,
        "postpone",
        {"due_at_ms": now_ms() + span_ms(by, "--by")},
        comment=why,
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
    move(CASE.kind, ids, "comment", {}, comment=text, name=name, key=key, as_json=as_json)


@app.command(epilog=MOVE_EXAMPLES)
def close(
    ids: IdsArgument,
    *,
    outcome: Annotated[CaseOutcome, typer.Option(help="What it turned out to be.")],
    comment: CommentOption = None,
    name: AsOption = None,
    key: KeyOption = None,
    as_json: JsonOption = False,
) -> None:
    """Close it and say what it came to."""
    move(
        CASE.kind,
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
    """Open it again, if the customer has no other case."""
    move(CASE.kind, ids, "reopen", {}, comment=comment, name=name, key=key, as_json=as_json)
