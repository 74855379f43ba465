"""``vane desk token``: who may use the API, as what."""

from __future__ import annotations

from typing import Annotated, Final

import typer

from pipeline.commands import desk_report
from pipeline.commands.desk_options import (
    VIA,
    AsOption,
    JsonOption,
    LimitOption,
    now_ms,
    print_json,
    span_ms,
    store,
    who,
)
from pipeline.desk.access import TOKEN, Role
from pipeline.desk.listing import page
from pipeline.desk.perform import Command, instant, perform
from pipeline.desk.store import reading
from pipeline.desk.token import create
from pipeline.desk.view import record_view

EXAMPLES: Final = """
Examples:

  vane desk token create li --role leader

  vane desk token create wallboard --role viewer --expires-in 365d

  vane desk token list

  vane desk token revoke li

The secret is printed once and kept as a hash. Its name is who did it in the audit trail, so give
each person and each program one of their own. viewer reads; leader handles alerts and cases too;
finance reads, and is for statements; admin may do all.
"""

subcommands = typer.Typer(
    add_completion=False,
    rich_markup_mode=None,
    no_args_is_help=True,
    help="Tokens of the API: create, list, revoke.",
    epilog=EXAMPLES,
)


@subcommands.command("create", epilog=EXAMPLES)
def create_command(
    token: Annotated[str, typer.Argument(metavar="NAME", help="Whose it is.")],
    *,
    role: Annotated[Role, typer.Option(help="What the holder is.")],
    expires_in: Annotated[
        str, typer.Option("--expires-in", help="From now: 90m, 24h, 7d.")
    ] = "90d",
    name: AsOption = None,
    as_json: JsonOption = False,
) -> None:
    """Make a token and print its secret, this once."""
    at_ms = now_ms()
    expires_at_ms = at_ms + span_ms(expires_in, "--expires-in")
    with store() as engine:
        secret = create(
            engine,
            token,
            role,
            actor=who(name),
            via=VIA,
            at_ms=at_ms,
            expires_at_ms=expires_at_ms,
        )
    if as_json:
        told = {"name": token, "role": str(role), "expires_at_ms": expires_at_ms}
        print_json(told | {"secret": secret})
        return
    typer.echo(f"{token}: {role} until {instant(expires_at_ms)}; the secret is:", err=True)
    typer.echo(secret)


@subcommands.command("list", epilog=EXAMPLES)
def list_command(*, limit: LimitOption = 500, as_json: JsonOption = False) -> None:
    """List tokens, newest first."""
    with store() as engine, reading(engine) as con:
        found = page(con, TOKEN.kind, {}, limit=limit)
    views = [record_view(TOKEN.kind, row) for row in found.records]
    if as_json:
        print_json({"records": views, "next": found.next})
        return
    rows = [
        (view["id"], view["role"], view["state"], *map(instant, (created, expires)))
        for view in views
        for created, expires in [(view["created_at_ms"], view["expires_at_ms"])]
    ]
    columns = ("name", "role", "state", "created", "expires")
    desk_report.show_table(columns, rows, more=found.next is not None)


@subcommands.command("revoke", epilog=EXAMPLES)
def revoke_command(
    token: Annotated[str, typer.Argument(metavar="NAME", help="Whose it is.")],
    *,
    name: AsOption = None,
) -> None:
    """Close the door to a token, from now on and for good."""
    command = Command(
        kind=TOKEN.kind,
        record_id=token,
        action="revoke",
        actor=who(name),
        via=VIA,
        key=f"revoke/{token}",
        at_ms=now_ms(),
    )
    with store() as engine:
        done = perform(engine, command)
    again = ", as it was before" if done.is_repeated else ""
    typer.echo(f"{token}: revoked by {done.entry.actor}{again}")
