"""Performs what people and the log decide: one command, one transaction, one entry of the trail.

A kind of record is a table of moves and a table of rows. Whatever kind it is, a command is done
whole with its entry or not at all; one that was done already, by its key, is not done again.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy.exc import IntegrityError

from pipeline.desk import tables, trail
from pipeline.desk.access import TOKEN
from pipeline.desk.alert import ALERT
from pipeline.desk.case import CASE
from pipeline.desk.store import writing
from pipeline.desk.trail import Entry, Trail
from pipeline.desk.transition import By, Given, Table, changed, is_text
from pipeline.errors import InputError, KeyReused, MoveRefused, RecordUnknown, StaleVersion

OPEN: Final = "open"
"""The action that every record begins with."""


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of record: its moves, and where its rows are."""

    moves: Table
    rows: sa.Table


KINDS: Final = {
    kind.moves.kind: kind
    for kind in (Kind(ALERT, tables.alerts), Kind(CASE, tables.cases), Kind(TOKEN, tables.tokens))
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Command:
    """Who wants what done to which record.

    ``key`` is the idempotency key, one per command of an actor. ``version``: done only if the
    record still has it; None: whatever it has.
    """

    kind: str
    record_id: str
    action: str
    actor: str
    via: str
    key: str
    at_ms: int
    given: Given = field(default_factory=dict)
    version: int | None = None


@dataclass(frozen=True, slots=True)
class Done:
    """A command that was done: the record as it is now, and whether it was done before."""

    record: Mapping[str, Any]
    entry: Entry
    is_repeated: bool


def perform(engine: sa.Engine, command: Command) -> Done:
    """Do one command in a transaction of its own.

    Raises:
        MoveRefused: the table has no such move; names what is allowed, and who was faster when.
        StaleVersion: the record has another version by now; names who changed it when.
        KeyReused: the key was another command's.
        RecordUnknown: there is no such record.
        InputError: actor or key is not a text.
        StoreUnavailable: the database does not answer.
    """
    with writing(engine) as open_trail:
        return make(open_trail, command)


def make(open_trail: Trail, command: Command, also: Mapping[str, Any] | None = None) -> Done:
    """Do one command within a transaction; raises as ``perform``, and the caller must roll back.

    ``also``: columns that change besides those of the move, such as what the log says.
    """
    kind = KINDS[command.kind]
    done = _done_before(open_trail, command)
    record = find(open_trail.con, command.kind, command.record_id)
    if done is not None:
        return Done(record, done, is_repeated=True)
    if command.version not in {None, record["version"]}:
        msg = f"expected version {command.version}, it is {record['version']} by now"
        raise _refused(StaleVersion, open_trail, command, record, msg)
    try:
        by = By(command.actor, command.via, command.at_ms)
        new = changed(kind.moves, record, command.action, command.given, by)
    except MoveRefused as error:
        raise _refused(MoveRefused, open_trail, command, record, str(error)) from error
    new = {**new, **(also or {})}
    row = new | {"version": record["version"] + 1}
    try:
        with open_trail.con.begin_nested():  # who is refused may still ask by whom
            open_trail.con.execute(
                sa.update(kind.rows).where(kind.rows.c.id == command.record_id).values(row)
            )
    except IntegrityError as error:
        msg = f"{command.action} of {command.kind}: another {command.kind} stands in its place"
        raise _refused(MoveRefused, open_trail, command, record, msg) from error
    entry = _append(open_trail, command, record["version"] + 1, trail.changes(record, new))
    return Done({**record, **row}, entry, is_repeated=False)


def enter(open_trail: Trail, command: Command, row: Mapping[str, Any]) -> Done:
    """Enter a new record within a transaction; ``row`` is what its kind has besides the state.

    Raises:
        KeyReused, InputError: as ``perform``.
    """
    kind = KINDS[command.kind]
    done = _done_before(open_trail, command)
    if done is not None:
        record = find(open_trail.con, command.kind, command.record_id)
        return Done(record, done, is_repeated=True)
    stated = {**row, "state": str(kind.moves.initial)}
    record = dict.fromkeys(kind.rows.c.keys()) | {"id": command.record_id, "version": 1} | stated
    open_trail.con.execute(kind.rows.insert(), record)
    entry = _append(open_trail, command, 1, trail.changes({}, stated))
    return Done(record, entry, is_repeated=False)


def find(con: sa.Connection, kind: str, record_id: str) -> Mapping[str, Any]:
    """Return a record.

    Raises:
        RecordUnknown: there is none.
    """
    rows = KINDS[kind].rows
    found = con.execute(sa.select(rows).where(rows.c.id == record_id)).mappings().first()
    if found is None:
        raise RecordUnknown(f"{kind} {record_id!r:.80}: there is no such {kind}")
    return dict(found)


def _done_before(open_trail: Trail, command: Command) -> Entry | None:
    for name in ("actor", "key"):
        if not is_text(getattr(command, name)):
            msg = f"{name}: expected a text, got {getattr(command, name)!r:.80}"
            raise InputError(msg)
    done = trail.said_by(open_trail.con, command.actor, command.via, command.key)
    if done is None:
        return None
    asked = (command.kind, command.record_id, command.action, trail.canonical(dict(command.given)))
    if asked != (done.kind, done.record_id, done.action, done.given):
        msg = (
            f"key {command.key!r:.80}: {command.actor} used it already, for another command: "
            f"{done.action} of {done.kind} {done.record_id}, {instant(done.at_ms)}"
        )
        raise KeyReused(msg)
    return done


def _append(open_trail: Trail, command: Command, version: int, what: str) -> Entry:
    return open_trail.append(
        at_ms=command.at_ms,
        actor=command.actor,
        via=command.via,
        key=command.key,
        kind=command.kind,
        record_id=command.record_id,
        version=version,
        action=command.action,
        given=trail.canonical(dict(command.given)),
        changes=what,
    )


def _refused(
    how: type[MoveRefused], open_trail: Trail, command: Command, record: Mapping[str, Any], why: str
) -> MoveRefused:
    """Return the refusal, with who brought the record where it is, and when."""
    last = trail.entries(open_trail.con, command.kind, command.record_id)[-1]
    msg = (
        f"{command.kind} {command.record_id}: {why}; version {record['version']}: "
        f"{last.action} by {last.actor}, {instant(last.at_ms)}"
    )
    return how(
        msg,
        by=last.actor,
        at_ms=last.at_ms,
        state=record["state"],
        version=record["version"],
        allowed=KINDS[command.kind].moves.allowed(record["state"]),
    )


def instant(at_ms: int) -> str:
    """Return an instant as people read it, in UTC."""
    return datetime.fromtimestamp(at_ms / 1000, UTC).strftime("%Y-%m-%d %H:%M:%SZ")
