"""Options that the commands of the desk share, and how a move of some records is made by them."""

from __future__ import annotations

import getpass
import json
import re
import time
import uuid
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Annotated, Any, Final

import typer
from sqlalchemy import Engine

from pipeline.desk.listing import whole_id
from pipeline.desk.perform import Command, Done, make
from pipeline.desk.store import open_store, reading, writing
from pipeline.desk.transition import Given
from pipeline.desk.view import record_view
from pipeline.errors import InputError
from pipeline.settings import load_settings

VIA: Final = "cli"

IdsArgument = Annotated[
    list[str], typer.Argument(metavar="ID...", help="As listed, or the beginning of it.")
]
IdArgument = Annotated[str, typer.Argument(metavar="ID", help="As listed, or the beginning of it.")]
CommentOption = Annotated[
    str | None, typer.Option("--comment", "-m", help="What to say; stays in the trail.")
]
AsOption = Annotated[
    str | None, typer.Option("--as", metavar="NAME", help="Who; default: the user logged in.")
]
KeyOption = Annotated[
    str | None,
    typer.Option(help="Idempotency key: the same command with the same key is done once."),
]
VersionOption = Annotated[
    int | None, typer.Option(min=1, help="Only if it still has the version that was listed.")
]
JsonOption = Annotated[bool, typer.Option("--json", help="Print JSON.")]
LimitOption = Annotated[int, typer.Option(min=1, max=500, help="So many at most.")]
CursorOption = Annotated[
    str | None, typer.Option(help="Where the page before ended, as --json said.")
]

_HOURS: Final = {"m": 60_000, "h": 3_600_000, "d": 86_400_000}


@contextmanager
def store() -> Iterator[Engine]:
    """Open the store that the environment names, as long as the block lasts."""
    settings = load_settings()
    engine = open_store(settings.desk_address, settings.desk_password)
    try:
        yield engine
    finally:
        engine.dispose()


def now_ms() -> int:
    """Return the time, epoch ms."""
    return time.time_ns() // 1_000_000


def who(name: str | None) -> str:
    """Return who does it.

    Raises:
        InputError: nobody is named, and the system knows no name of the user.
    """
    if name is not None:
        return name
    try:
        return getpass.getuser()
    except (OSError, KeyError) as error:
        raise InputError("--as: expected a name; the system knows none of this user") from error


def span_ms(text: str, option: str) -> int:
    """Return the milliseconds of ``90m``, ``24h`` or ``7d``."""
    found = re.fullmatch(r"([0-9]{1,5})([mhd])", text, re.ASCII)
    if found is None:
        raise InputError(f"{option}: expected a time such as 90m, 24h or 7d, got {text!r}")
    return int(found[1]) * _HOURS[found[2]]


def move(  # noqa: PLR0913 - the options of a command
    kind: str,
    ids: Sequence[str],
    action: str,
    given: Given,
    *,
    comment: str | None,
    name: str | None,
    key: str | None,
    version: int | None = None,
    as_json: bool,
) -> None:
    """Make one move of each record, all or none, and print what they are now."""
    actor = who(name)
    said = given if comment is None else {**given, "comment": comment}
    root = uuid.uuid4().hex if key is None else key
    with store() as engine:
        with reading(engine) as con:
            whole = list(dict.fromkeys(whole_id(con, kind, beginning) for beginning in ids))
        with writing(engine) as trail:
            done = [
                make(
                    trail,
                    Command(
                        kind=kind,
                        record_id=record_id,
                        action=action,
                        actor=actor,
                        via=VIA,
                        # Of one record the key is as it was given, so that it may be looked up.
                        key=root if len(whole) == 1 else f"{root}/{record_id}",
                        at_ms=now_ms(),
                        given=said,
                        version=version,
                    ),
                )
                for record_id in whole
            ]
    _print(kind, action, done, as_json=as_json)


def _print(kind: str, action: str, done: Sequence[Done], *, as_json: bool) -> None:
    if as_json:
        print_json([record_view(kind, found.record) for found in done])
        return
    for found in done:
        again = ", as it was before" if found.is_repeated else ""
        typer.echo(f"{found.record['id']}  {action} by {found.entry.actor}{again}: {_now(found)}")


def _now(done: Done) -> str:
    said = [str(done.record["state"])]
    said += [f"{n} {done.record[n]}" for n in ("owner", "outcome") if done.record[n] is not None]
    return f"{', '.join(said)} (version {done.record['version']})"


def print_json(value: Any) -> None:  # noqa: ANN401 - what JSON can say
    """Print JSON for programs."""
    typer.echo(json.dumps(value, ensure_ascii=False, indent=2))
