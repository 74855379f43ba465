"""Tokens of the API: a secret that is shown once and kept as a hash.

The secret is 32 random bytes, so a plain SHA-256 of it cannot be guessed back, unlike a password's.
"""

from __future__ import annotations

import hashlib
import secrets
from dataclasses import dataclass
from typing import Final

from sqlalchemy import Connection, Engine, select

from pipeline.desk.access import TOKEN, Role, TokenState
from pipeline.desk.perform import OPEN, Command, enter
from pipeline.desk.store import writing
from pipeline.desk.tables import tokens
from pipeline.desk.transition import is_text
from pipeline.errors import InputError

PREFIX: Final = "vane_"
"""By which people and scanners of leaked secrets know one."""
MOST_NAME: Final = 64


@dataclass(frozen=True, slots=True)
class Holder:
    """Whose token it is."""

    name: str
    role: Role


def create(
    store: Engine, name: str, role: Role, *, actor: str, via: str, at_ms: int, expires_at_ms: int
) -> str:
    """Make a token; return its secret, which nobody can find out afterwards.

    Raises:
        InputError: the name is not one, or is taken, be it by a token that was revoked.
    """
    if not is_text(name) or len(name) > MOST_NAME or name != name.strip():
        msg = f"name: expected a text of 1 to {MOST_NAME} characters, got {name!r:.80}"
        raise InputError(msg)
    secret = f"{PREFIX}{secrets.token_urlsafe(32)}"
    command = Command(
        kind=TOKEN.kind,
        record_id=name,
        action=OPEN,
        actor=actor,
        via=via,
        key=f"token/{name}",
        at_ms=at_ms,
    )
    row = {
        "role": str(role),
        "secret_hash": hash_of(secret),
        "created_at_ms": at_ms,
        "expires_at_ms": expires_at_ms,
    }
    with writing(store) as trail:
        if trail.con.execute(select(tokens.c.id).where(tokens.c.id == name)).first() is not None:
            msg = f"token {name!r}: there was one of this name; the trail knows it by its name"
            raise InputError(msg)
        enter(trail, command, row)
    return secret


def holder_of(con: Connection, secret: str, *, now_ms: int) -> Holder | None:
    """Return whose secret it is; None: nobody's, or a token that was revoked or is over."""
    asked = select(tokens.c.id, tokens.c.role).where(
        tokens.c.secret_hash == hash_of(secret),
        tokens.c.state == TokenState.ACTIVE,
        tokens.c.expires_at_ms > now_ms,
    )
    row = con.execute(asked).first()
    return None if row is None else Holder(row.id, Role(row.role))


def hash_of(secret: str) -> str:
    """Return what is kept of a secret."""
    return hashlib.sha256(secret.encode()).hexdigest()
