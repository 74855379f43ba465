"""Is the audit trail whole, and do the records say what it says?

Every entry has to have the hash of its content and to follow the one before it; the trail has to
end where its head says; and each record has to be what its entries, one after the other, made it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy import Connection, Engine, func, select

from pipeline.desk.perform import KINDS, instant
from pipeline.desk.store import reading
from pipeline.desk.tables import audit, audit_head
from pipeline.desk.trail import BEGINNING, Entry
from pipeline.errors import InputError

_FIELDS: Final = tuple(Entry.__dataclass_fields__)
_BATCH: Final = 1_000

Report = Callable[[int, int], None]
"""Told how many entries were read, of how many."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """What was found: the trail's end, and everything that is wrong."""

    seq: int
    hash: str
    problems: list[str]

    @property
    def head(self) -> str:
        """Return the trail's end as ``SEQ:HASH``, to be noted elsewhere."""
        return f"{self.seq}:{self.hash}"


def verify(store: Engine, noted: str | None, report: Report) -> Verdict:
    """Check the trail and the records.

    Args:
        store: of this release's schema.
        noted: an end of the trail that was noted earlier, ``SEQ:HASH``: it has to be in it.
        report: progress.

    Raises:
        InputError: what was noted is not such an end.
        StoreUnavailable: the database does not answer.
    """
    expected = None if noted is None else _noted(noted)
    with reading(store) as con:
        head = con.execute(select(audit_head)).one()
        facts = _Facts({})
        problems = list(_trail(con, head.seq, head.hash, expected, facts, report))
        problems += _records(con, facts)
    return Verdict(head.seq, head.hash, problems)


def _noted(noted: str) -> tuple[int, str]:
    seq, _, found = noted.partition(":")
    if not (seq.isdecimal() and len(found) == len(BEGINNING)):
        msg = f"--head: expected SEQ:HASH as vane desk verify printed it, got {noted!r:.100}"
        raise InputError(msg)
    return int(seq), found


@dataclass(frozen=True, slots=True)
class _Facts:
    """What the entries say of each record: version and columns, by kind and id."""

    records: dict[tuple[str, str], dict[str, Any]]

    def take(self, entry: Entry) -> None:
        known = self.records.setdefault((entry.kind, entry.record_id), {})
        known["version"] = entry.version
        with suppress(
            ValueError, TypeError, AttributeError
        ):  # no longer what we wrote: told already
            known |= entry.to()


def _trail(
    con: Connection,
    head_seq: int,
    head_hash: str,
    noted: tuple[int, str] | None,
    facts: _Facts,
    report: Report,
) -> Iterator[str]:
    total = con.execute(select(func.count()).select_from(audit)).scalar_one()
    previous, last_seq = BEGINNING, 0
    unseen = noted if noted != (0, BEGINNING) else None
    for row in _rows(con):
        entry = Entry(**{name: row[name] for name in _FIELDS})
        if entry.seq != last_seq + 1:
            yield f"entries {last_seq + 1} to {entry.seq - 1} are missing"
        elif row["previous_hash"] != previous:
            yield f"{_named(entry)}: does not follow entry {last_seq}: one of the two was changed"
        if entry.hash(row["previous_hash"]) != row["hash"]:
            yield f"{_named(entry)}: was changed: its content has not its hash"
        if unseen is not None and unseen[0] == entry.seq:
            if unseen[1] != row["hash"]:
                yield f"{_named(entry)}: has not the hash that was noted: the trail was rewritten"
            unseen = None
        previous, last_seq = row["hash"], entry.seq
        facts.take(entry)
        report(entry.seq, total)
    if unseen is not None:
        yield f"entry {unseen[0]} was noted and is not in the trail: its end was cut off"
    if (last_seq, previous) != (head_seq, head_hash):
        yield f"the trail ends at entry {last_seq}, and its head says {head_seq}, or another hash"


def _rows(con: Connection) -> Iterator[Any]:
    """Yield the rows in their order, some at a time."""
    last = -1
    while (
        rows := con.execute(
            select(audit).where(audit.c.seq > last).order_by(audit.c.seq).limit(_BATCH)
        )
        .mappings()
        .all()
    ):
        yield from rows
        last = rows[-1]["seq"]


def _records(con: Connection, facts: _Facts) -> Iterator[str]:
    for kind, known in KINDS.items():
        seen = set()
        for row in con.execute(select(known.rows).order_by(known.rows.c.id)).mappings():
            seen.add(row["id"])
            said = facts.records.get((kind, row["id"]))
            if said is None:
                yield f"{kind} {row['id']}: the trail says nothing of it"
                continue
            for name, value in row.items():
                if name != "id" and said.get(name) != value:
                    yield (
                        f"{kind} {row['id']}: {name} is {value!r:.80}, "
                        f"and the trail says {said.get(name)!r:.80}"
                    )
        for of, record_id in facts.records:
            if of == kind and record_id not in seen:
                yield f"{kind} {record_id}: is gone, and the trail knows it"


def _named(entry: Entry) -> str:
    return (
        f"entry {entry.seq} ({entry.action} of {entry.kind} {entry.record_id} by {entry.actor}, "
        f"{instant(entry.at_ms)})"
    )
