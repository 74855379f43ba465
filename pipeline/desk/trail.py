"""The audit trail: append-only entries, each with the hash of the one before it.

An entry says who did what, when, to which record, and from what to what. Whoever changes one later
has to compute every hash after it anew, and the head; a head that was noted elsewhere
(``vane desk verify`` prints it) then no longer fits.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, astuple, dataclass
from typing import Any, Final, Self

from sqlalchemy import Connection, select, update

from pipeline.desk.tables import audit, audit_head

BEGINNING: Final = "0" * 64
"""What the first entry follows."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One row of the trail, without its hashes; the order of the fields is that of the hash."""

    seq: int
    at_ms: int
    actor: str
    via: str
    key: str
    kind: str
    record_id: str
    version: int
    action: str
    given: str
    changes: str

    def hash(self, previous: str) -> str:
        """Return the SHA-256 of the entry and of what it follows, in hex."""
        return hashlib.sha256(canonical([*astuple(self), previous]).encode()).hexdigest()

    def to(self) -> dict[str, Any]:
        """Return the columns that the entry changed, with their new values."""
        return {name: new for name, (_, new) in json.loads(self.changes).items()}


def canonical(value: object) -> str:
    """Return JSON that is the same text for the same value."""
    return json.dumps(value, ensure_ascii=False, sort_keys=True, separators=(",", ":"))


def changes(before: Mapping[str, Any], after: Mapping[str, Any]) -> str:
    """Return from and to of each column as the trail has them."""
    return canonical({name: [before.get(name), value] for name, value in after.items()})


@dataclass(slots=True)
class Trail:
    """The trail while one writes; whoever holds it is the only writer."""

    con: Connection
    seq: int
    hash: str

    @classmethod
    def begin(cls, con: Connection) -> Self:
        """Wait for the writer before us, and go on where it ended."""
        head = con.execute(select(audit_head).with_for_update()).one()
        return cls(con, head.seq, head.hash)

    def append(self, **said: Any) -> Entry:  # noqa: ANN401 - the fields of an Entry but its seq
        """Append an entry."""
        entry = Entry(seq=self.seq + 1, **said)
        found = entry.hash(self.hash)
        row = asdict(entry) | {"previous_hash": self.hash, "hash": found}
        self.con.execute(audit.insert(), row)
        self.seq, self.hash = entry.seq, found
        return entry

    def end(self) -> None:
        """Note where the trail ends."""
        self.con.execute(update(audit_head).values(seq=self.seq, hash=self.hash))


def entries(con: Connection, kind: str, record_id: str) -> list[Entry]:
    """Return all that was done to a record, oldest first."""
    asked = (
        select(*(audit.c[name] for name in Entry.__dataclass_fields__))
        .where(audit.c.kind == kind, audit.c.record_id == record_id)
        .order_by(audit.c.version)
    )
    return [Entry(**row) for row in con.execute(asked).mappings()]


def said_by(con: Connection, actor: str, via: str, key: str) -> Entry | None:
    """Return the entry of a command that was done already."""
    asked = select(*(audit.c[name] for name in Entry.__dataclass_fields__)).where(
        audit.c.actor == actor, audit.c.via == via, audit.c.key == key
    )
    row = con.execute(asked).mappings().first()
    return None if row is None else Entry(**row)
